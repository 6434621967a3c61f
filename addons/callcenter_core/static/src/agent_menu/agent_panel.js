// Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.

import { Component, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { useService } from "@web/core/utils/hooks";
import { normalize } from "@web/core/l10n/utils";

import { describeState, isSignedIn } from "../core/agent_states";
import { DialBox } from "../core/dial_box/dial_box";
import { StateDot } from "../core/state_dot/state_dot";
import { Timer } from "../core/timer/timer";

/** Below this many places to sit a search field would only be in the way. */
const SEARCH_FROM = 6;

/** What an agent does about the own state: sign in and out, pause, look after the phone, dial. */
export class AgentPanel extends Component {
    static template = "callcenter_core.AgentPanel";
    static components = { DialBox, StateDot, Timer };
    static props = {
        close: { type: Function, optional: true },
    };

    setup() {
        this.callcenter = useService("callcenter");
        this.state = useState(this.callcenter.state);
        this.ui = useState({
            /** what is being asked of the telephone system; one thing at a time */
            busy: "",
            search: "",
            reason: "",
            extensionId: this.agent.extension?.id || this.state.defaultExtensionId,
            queueIds: this.state.queues.map((queue) => queue.id),
        });
    }

    get agent() {
        return this.state.agent;
    }

    get view() {
        return describeState(this.agent.state);
    }

    get signedIn() {
        return isSignedIn(this.agent);
    }

    get searchable() {
        return this.state.extensions.length >= SEARCH_FROM;
    }

    get extensions() {
        const words = normalize(this.ui.search);
        return this.state.extensions.filter(
            ({ number, name }) => !words || normalize(`${number} ${name || ""}`).includes(words)
        );
    }

    /** The queues as check boxes: those to sign in to, or those signed in to. */
    get queues() {
        const { queues } = this.state;
        if (!this.signedIn) {
            return queues.map((queue) => ({
                ...queue,
                checked: this.ui.queueIds.includes(queue.id),
            }));
        }
        const present = new Set((this.agent.queues || []).map((queue) => queue.id));
        return queues.map((queue) => ({ ...queue, checked: present.has(queue.id) }));
    }

    get health() {
        const { reachable, latency } = this.agent.extension;
        if (!reachable) {
            return { color: "danger", text: _t("Not registered") };
        }
        return {
            color: "success",
            text: latency ? _t("Registered · %s ms", Math.round(latency)) : _t("Registered"),
        };
    }

    /**
     * @param {string} name of what is done, for the button's spinner
     * @param {string} method
     * @param {...any} args
     */
    async act(name, method, ...args) {
        if (this.ui.busy) {
            return false;
        }
        this.ui.busy = name;
        const done = await this.callcenter.act(method, ...args);
        this.ui.busy = "";
        return done;
    }

    async signIn() {
        if (await this.act("sign_in", "sign_in", this.ui.extensionId, this.ui.queueIds)) {
            this.props.close?.();
        }
    }

    async signOut() {
        if (await this.act("sign_out", "sign_out")) {
            this.props.close?.();
        }
    }

    async setReady() {
        if (await this.act("ready", "set_ready")) {
            this.props.close?.();
        }
    }

    /** @param {string} reason */
    async pause(reason) {
        if (await this.act(`pause ${reason}`, "set_pause", reason)) {
            this.props.close?.();
        }
    }

    toggleQueue(queue) {
        const without = (ids) => ids.filter((id) => id !== queue.id);
        if (!this.signedIn) {
            const ids = this.ui.queueIds;
            this.ui.queueIds = queue.checked ? without(ids) : [...ids, queue.id];
            return;
        }
        const ids = this.agent.queues.map(({ id }) => id);
        const wanted = queue.checked ? without(ids) : [...ids, queue.id];
        this.act("queues", "sign_in", this.agent.extension.id, wanted);
    }

    async refresh() {
        this.ui.busy = "refresh";
        await this.callcenter.refresh();
        this.ui.busy = "";
    }
}
