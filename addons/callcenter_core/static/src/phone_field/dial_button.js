// Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.

import { Component, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { useService } from "@web/core/utils/hooks";

/** Calls a number of a record with the agent's own phone. Others do not see it. */
export class DialButton extends Component {
    static template = "callcenter_core.DialButton";
    static props = {
        labelled: { type: Boolean, optional: true },
        number: String,
        resModel: String,
        resId: { type: [Number, Boolean], optional: true },
    };

    setup() {
        this.callcenter = useService("callcenter");
        this.state = useState(this.callcenter.state);
        this.ui = useState({ busy: false });
    }

    get label() {
        return _t("Dial %s", this.props.number);
    }

    async dial() {
        if (this.ui.busy) {
            return;
        }
        this.ui.busy = true;
        const { number, resModel, resId } = this.props;
        await this.callcenter.act("dial", number, resModel, resId || false);
        this.ui.busy = false;
    }
}
