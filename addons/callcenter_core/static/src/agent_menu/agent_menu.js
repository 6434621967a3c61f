// Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.

import { Component, useRef, useState } from "@odoo/owl";
import { usePopover } from "@web/core/popover/popover_hook";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";

import { AGENT_STATES, describeState, isSignedIn } from "../core/agent_states";
import { StateDot } from "../core/state_dot/state_dot";
import { Timer } from "../core/timer/timer";
import { AgentPanel } from "./agent_panel";

const DAY = 24 * 3600 * 1000;

/** The agent's state in the systray, and behind it all that changes it. */
export class AgentMenu extends Component {
    static template = "callcenter_core.AgentMenu";
    static components = { StateDot, Timer };
    static props = {};

    setup() {
        this.callcenter = useService("callcenter");
        this.state = useState(this.callcenter.state);
        this.ui = useState({ open: false });
        this.toggler = useRef("toggler");
        this.popover = usePopover(AgentPanel, {
            animation: false,
            arrow: false,
            onClose: () => (this.ui.open = false),
            popoverClass: "o_callcenter_agent_popover",
            position: "bottom-end",
            role: "dialog",
        });
        // Every name takes its place, though one is seen: the systray never moves with the state.
        this.labels = Object.entries(AGENT_STATES).map(([key, { label }]) => ({ key, label }));
    }

    get view() {
        return describeState(this.state.agent.state);
    }

    get label() {
        return this.state.agent.reason || this.view.label;
    }

    /** What began days ago (signed out, mostly) needs no seconds. */
    get since() {
        const { since } = this.state.agent;
        return since && this.callcenter.elapsed(since) < DAY ? since : false;
    }

    get phoneLost() {
        const { agent } = this.state;
        return isSignedIn(agent) && !agent.extension.reachable;
    }

    toggle() {
        if (this.ui.open) {
            this.popover.close();
        } else {
            this.ui.open = true;
            this.popover.open(this.toggler.el, {});
        }
    }
}

registry
    .category("systray")
    .add("callcenter_core.agent_menu", { Component: AgentMenu }, { sequence: 30 });
