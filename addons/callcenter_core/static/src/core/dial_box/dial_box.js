// Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.

import { Component, useState } from "@odoo/owl";
import { useService } from "@web/core/utils/hooks";

/** A number to call with the agent's own phone. */
export class DialBox extends Component {
    static template = "callcenter_core.DialBox";
    static props = {
        onDialled: { type: Function, optional: true },
    };

    setup() {
        this.callcenter = useService("callcenter");
        this.ui = useState({ number: "", busy: false });
    }

    async dial() {
        const number = this.ui.number.trim();
        if (!number || this.ui.busy) {
            return;
        }
        this.ui.busy = true;
        const done = await this.callcenter.act("dial", number);
        this.ui.busy = false;
        if (done) {
            this.ui.number = "";
            this.props.onDialled?.();
        }
    }
}
