// Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.

import { Component, onWillStart, useState } from "@odoo/owl";
import { deserializeDateTime, toLocaleDateTimeString } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { useService } from "@web/core/utils/hooks";

import { whoCalls } from "../../core/call_match";
import { describeResult, DIRECTIONS } from "../../core/call_results";
import { formatElapsed } from "../../core/timer/timer";
import { callPanels } from "../call_registries";

const LIMIT = 10;
const FIELDS = ["start", "direction", "result", "queue_id", "agent_id", "talk"];

/** The calls of this customer, or of this number, before the present one. */
export class HistoryPanel extends Component {
    static template = "callcenter_core.HistoryPanel";
    static props = { call: Object };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.list = useState({ calls: [] });
        onWillStart(() => this.load());
    }

    get domain() {
        const { call } = this.props;
        const who = whoCalls(call);
        const byNumber = ["number", "=", call.number];
        let domain = [byNumber];
        if (who?.res_model === "res.partner") {
            domain = ["|", ["partner_id", "=", who.res_id], byNumber];
        } else if (who?.res_model === "crm.lead") {
            domain = ["|", ["lead_id", "=", who.res_id], byNumber];
        }
        return [["id", "!=", call.call_id], ...domain];
    }

    async load() {
        if (!this.props.call.number) {
            return;
        }
        const calls = await this.orm.searchRead("callcenter.call", this.domain, FIELDS, {
            limit: LIMIT,
            order: "start desc",
        });
        this.list.calls = calls.map((call) => ({
            id: call.id,
            when: toLocaleDateTimeString(deserializeDateTime(call.start)),
            ...DIRECTIONS[call.direction],
            result: describeResult(call.result),
            talk: call.talk ? formatElapsed(call.talk) : "",
            missed: Boolean(call.result && call.result !== "answered"),
            place: [call.queue_id?.[1], call.agent_id?.[1]].filter(Boolean).join(" · "),
        }));
    }

    open(callId) {
        return this.action.doAction({
            type: "ir.actions.act_window",
            res_model: "callcenter.call",
            res_id: callId,
            views: [[false, "form"]],
        });
    }
}

callPanels.add("history", { label: _t("Calls"), Component: HistoryPanel }, { sequence: 20 });
