// Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.

import { Component, useState } from "@odoo/owl";
import { deserializeDateTime, toLocaleDateTimeString } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { useService } from "@web/core/utils/hooks";

import { isAmbiguous, matchKey, whoCalls } from "../../core/call_match";
import { describeResult } from "../../core/call_results";
import { callPanels } from "../call_registries";

/** Who the caller is, or who it may be. */
export class CustomerPanel extends Component {
    static template = "callcenter_core.CustomerPanel";
    static props = { call: Object };

    setup() {
        this.callcenter = useService("callcenter");
        this.action = useService("action");
        this.ui = useState({ changing: false });
    }

    get who() {
        return whoCalls(this.props.call);
    }

    get choosing() {
        return this.ui.changing || isAmbiguous(this.props.call);
    }

    get matches() {
        return this.props.call.matches.map((match) => ({ ...match, key: matchKey(match) }));
    }

    get lastCall() {
        const { last_call } = this.who;
        if (!last_call) {
            return null;
        }
        const { date, result, agent } = last_call;
        return {
            when: toLocaleDateTimeString(deserializeDateTime(date)),
            what: [this.describeDate(date), describeResult(result), agent]
                .filter(Boolean)
                .join(" · "),
        };
    }

    describeMatch({ res_model, company, city, last_call }) {
        const kind = res_model === "crm.lead" ? _t("Lead") : "";
        const last = last_call ? _t("last call %s", this.describeDate(last_call.date)) : "";
        return [kind, company, city, last].filter(Boolean).join(" · ");
    }

    describeDate(date) {
        return deserializeDateTime(date).toRelative();
    }

    choose(match) {
        this.ui.changing = false;
        return this.callcenter.identify(this.props.call.call_id, match);
    }

    open({ res_model, res_id }) {
        return this.action.doAction({
            type: "ir.actions.act_window",
            res_model,
            res_id,
            views: [[false, "form"]],
        });
    }
}

callPanels.add("customer", { label: _t("Customer"), Component: CustomerPanel }, { sequence: 10 });
