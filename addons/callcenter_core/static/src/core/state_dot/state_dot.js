// Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.

import { Component } from "@odoo/owl";

/**
 * A coloured dot. The state is always named beside it: a colour alone says nothing to many.
 */
export class StateDot extends Component {
    static template = "callcenter_core.StateDot";
    static props = {
        color: String,
        hollow: { type: Boolean, optional: true },
        pulse: { type: Boolean, optional: true },
    };
}
