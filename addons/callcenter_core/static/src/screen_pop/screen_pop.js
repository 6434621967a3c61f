// Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.

import { Component, onWillDestroy, useState } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useBus, useService } from "@web/core/utils/hooks";

import { whoCalls } from "../core/call_match";
import { callPhase, describePhase, DIALLING, ENDED, RINGING, TALKING } from "../core/call_phase";
import { StateDot } from "../core/state_dot/state_dot";
import { Timer } from "../core/timer/timer";
import { claimAttention } from "./attention";
import { availableFor, callActions, callPanels } from "./call_registries";

const DOCKED_KEY = "callcenter_core.pop_docked";
const DISMISSED_KEY = "callcenter_core.pop_dismissed";

/**
 * Who is calling, at the right of whatever the agent works on.
 *
 * It comes by itself, so it must not take anything away: no dialog, no focus, no keyboard. Each
 * tab has it, as every tab is told of the call; it opens by itself in the one where the agent is
 * (see `claimAttention`) and waits folded at the edge in the others, where it opens when the agent
 * goes there.
 */
export class ScreenPop extends Component {
    static template = "callcenter_core.ScreenPop";
    static components = { StateDot, Timer };
    static props = {};

    setup() {
        this.callcenter = useService("callcenter");
        this.multiTab = useService("multi_tab");
        this.sounds = useService("mail.sound_effects");
        this.state = useState(this.callcenter.state);
        this.ui = useState({
            folded: false,
            foldedByAgent: false,
            docked: browser.localStorage.getItem(DOCKED_KEY) === "true",
            /** @type {number | null} the call on top, where there are several */
            callId: null,
            panelId: null,
            running: "",
            announcement: "",
        });
        useBus(this.callcenter.bus, "CALL", ({ detail }) => this.onCall(detail));
        const onFocus = () => this.onTabFocus();
        const onStorage = (ev) => this.onStorage(ev);
        browser.addEventListener("focus", onFocus);
        browser.addEventListener("storage", onStorage);
        onWillDestroy(() => {
            browser.removeEventListener("focus", onFocus);
            browser.removeEventListener("storage", onStorage);
        });
    }

    // -------------------------------------------------------------------------
    // What is shown
    // -------------------------------------------------------------------------

    get call() {
        const { calls } = this.state;
        return calls.find(({ call_id }) => call_id === this.ui.callId) || calls[0];
    }

    get otherCalls() {
        return this.state.calls.filter((call) => call !== this.call);
    }

    get phase() {
        return describePhase(this.call);
    }

    describe(call) {
        return describePhase(call);
    }

    get who() {
        return whoCalls(this.call);
    }

    get isOver() {
        return callPhase(this.call) === ENDED;
    }

    /** @param {import("../core/callcenter_service").Call} call */
    titleOf(call) {
        return whoCalls(call)?.name || call.name || call.number || _t("Number withheld");
    }

    get subtitle() {
        const { company, city } = this.who || {};
        return [company, city].filter(Boolean).join(" · ");
    }

    /** Since when the timer runs: the waiting, then the talk. */
    get since() {
        const { answer, queued_since, start } = this.call;
        return answer || queued_since || start;
    }

    get facts() {
        const { call } = this;
        return [
            { id: "queue", label: _t("Queue"), value: call.queue },
            { id: "did", label: _t("Number called"), value: call.did },
        ].filter(({ value }) => value);
    }

    /** How long the caller waited, once that is over. */
    get waited() {
        const { call } = this;
        return call.direction === "inbound" && call.answer
            ? { since: call.queued_since || call.start, until: call.answer }
            : null;
    }

    get actions() {
        return availableFor(callActions, this.call, this.state.agent);
    }

    get panels() {
        return availableFor(callPanels, this.call, this.state.agent);
    }

    get panel() {
        return this.panels.find(({ id }) => id === this.ui.panelId) || this.panels[0];
    }

    // -------------------------------------------------------------------------
    // What happens
    // -------------------------------------------------------------------------

    onCall({ call, phase, isNew, live }) {
        const other = this.callcenter.state.calls.find(
            (c) => c.call_id !== call.call_id && callPhase(c) !== ENDED
        );
        if (phase === ENDED) {
            if (other && this.ui.callId === call.call_id) {
                this.ui.callId = other.call_id;
            }
        } else if (isNew ? !other : phase === TALKING) {
            // A second call that rings does not push the present one aside.
            this.ui.callId = call.call_id;
            this.ui.panelId = isNew ? null : this.ui.panelId;
        }
        this.announce(call, phase);
        if (isNew && (phase === RINGING || phase === DIALLING)) {
            this.attract(call, phase, live);
        }
    }

    /**
     * Open in the tab where the agent is; ring there, too.
     *
     * @param {import("../core/callcenter_service").Call} call
     * @param {string} phase
     * @param {boolean} live false after a reload: the call was shown before, and rang before
     */
    async attract(call, phase, live) {
        this.ui.foldedByAgent = false;
        this.ui.folded = !document.hasFocus();
        if (live && (await claimAttention(call.call_id, this.multiTab))) {
            this.ui.folded = false;
            if (phase === RINGING) {
                this.sounds.play("call-invitation");
            }
        }
    }

    announce(call, phase) {
        const name = this.titleOf(call);
        switch (phase) {
            case RINGING:
                this.ui.announcement = _t("Incoming call: %s", name);
                break;
            case ENDED:
                this.ui.announcement = _t("Call ended: %s", name);
                break;
        }
    }

    onTabFocus() {
        if (!this.ui.foldedByAgent) {
            this.ui.folded = false;
        }
    }

    /** What was closed in one tab is closed in all. */
    onStorage({ key, newValue }) {
        if (key === DISMISSED_KEY) {
            this.callcenter.dismiss(Number(newValue));
        }
    }

    // -------------------------------------------------------------------------
    // What the agent does
    // -------------------------------------------------------------------------

    async run(action) {
        if (this.ui.running) {
            return;
        }
        this.ui.running = action.id;
        try {
            await action.run(this.call, this.env);
        } finally {
            this.ui.running = "";
        }
    }

    fold() {
        this.ui.folded = true;
        this.ui.foldedByAgent = true;
    }

    unfold() {
        this.ui.folded = false;
        this.ui.foldedByAgent = false;
    }

    toggleDock() {
        this.ui.docked = !this.ui.docked;
        browser.localStorage.setItem(DOCKED_KEY, this.ui.docked);
    }

    close() {
        const { call_id } = this.call;
        this.callcenter.dismiss(call_id);
        browser.localStorage.setItem(DISMISSED_KEY, call_id);
    }
}

registry
    .category("main_components")
    .add("callcenter_core.ScreenPop", { Component: ScreenPop, props: {} });
