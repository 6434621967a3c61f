// Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.

import { EventBus, reactive } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { deserializeDateTime, serializeDateTime } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { ConnectionLostError, RPCError } from "@web/core/network/rpc";
import { registry } from "@web/core/registry";
import { session } from "@web/session";

import { matchKey } from "./call_match";
import { callPhase, ENDED } from "./call_phase";

/** How long the telephone system may take to answer a command, in ms. */
export const COMMAND_TIMEOUT = 3000;
/** A tab hidden for less than this (ms) has kept up with the bus: nothing is asked on its return. */
export const WAKE_UP_AFTER = 15000;
const RETRY_DELAYS = [1000, 2000, 5000, 10000, 30000];
/** Answers that came before the RPC returned their uuid; more than this many are forgotten. */
const MAX_EARLY_ANSWERS = 20;
/** Clocks that differ by less than this (ms) are taken for equal. */
const CLOCK_TOLERANCE = 2000;
/** Errors that are a sentence for the user, not a defect. */
const USER_ERRORS = [
    "odoo.exceptions.AccessError",
    "odoo.exceptions.MissingError",
    "odoo.exceptions.UserError",
    "odoo.exceptions.ValidationError",
];

/**
 * A command that the telephone system refused, or did not answer. Its message is a sentence that
 * can be shown.
 */
export class CommandError extends Error {
    /**
     * @param {string} message
     * @param {{ timeout?: boolean }} [options]
     */
    constructor(message, { timeout = false } = {}) {
        super(message);
        this.name = "CommandError";
        this.timeout = timeout;
    }
}

/**
 * @typedef {Object} Extension
 * @property {number} id
 * @property {string} number
 * @property {string} name
 * @property {boolean} reachable whether the phone is registered
 * @property {number | false} latency round trip to the phone in ms
 *
 * @typedef {Object} Agent
 * @property {number} agent_id
 * @property {string} state see `agent_states.js`
 * @property {string} since UTC
 * @property {string | false} reason of a pause
 * @property {Extension | false} extension where the agent is signed in
 * @property {{ id: number, name: string }[]} queues that the agent is signed in to
 *
 * @typedef {Object} Match a record that has the caller's number
 * @property {string} res_model
 * @property {number} res_id
 * @property {string} name
 * @property {string | false} company
 * @property {string | false} city
 * @property {{ name: string, color: number }[]} tags
 * @property {{ date: string, direction: string, result: string, agent: string } | false} last_call
 * @property {{ res_model: string, res_id: number, name: string }[]} open business
 *
 * @typedef {Object} Call
 * @property {number} call_id
 * @property {string} state
 * @property {"inbound" | "outbound" | "internal"} direction
 * @property {string} number
 * @property {string} name as the caller's line gave it: hostile text, never HTML
 * @property {string} did
 * @property {string | false} queue
 * @property {string | false} queued_since
 * @property {string} start
 * @property {string | false} answer
 * @property {string | false} [stop] when it was over, for this agent if it goes on elsewhere
 * @property {{ id: number, state: string }} own_leg
 * @property {Match[]} matches
 * @property {number | false} partner_id
 */

/**
 * What the call centre knows of this user, kept the same in every tab.
 *
 * The server is the one that knows; messages of the bus keep `state` up to date between two
 * answers of `desktop()`. They may come twice, late, or not at all, so each carries a number that
 * grows by one per user: older ones are dropped, and a gap makes us ask again. We also ask after
 * the websocket was away and when the tab wakes up.
 *
 * Components read `useState(callcenter.state)`; what only happens once (a call begins to ring) is
 * an event of `callcenter.bus`.
 *
 * @emits CALL `{ call, phase, isNew, live }`: a call changed its phase. `isNew`: it comes to this
 *  agent now; `live` is false when that was learnt by asking instead of as it happened.
 */
export class Callcenter {
    /**
     * @param {import("@web/env").OdooEnv} env
     * @param {Partial<import("services").Services>} services
     */
    constructor(env, { bus_service, notification, orm }) {
        this.env = env;
        this.busService = bus_service;
        this.notification = notification;
        this.orm = orm.silent;
        this.bus = new EventBus();
        this.state = reactive({
            isAgent: false,
            /** @type {Agent | null} */
            agent: null,
            /** @type {Call[]} mine, the newest first; one that ended stays until it is dismissed */
            calls: [],
            /** @type {(Extension & { agent: string | false })[]} where I may sign in */
            extensions: [],
            /** @type {{ id: number, name: string }[]} that I may sign in to */
            queues: [],
            /** @type {string[]} */
            pauseReasons: [],
            /** @type {number | false} */
            defaultExtensionId: false,
        });
        this.clockOffset = 0;
        this.seq = 0;
        this.busId = null;
        this.held = null; // messages that wait for the answer of desktop()
        this.failures = 0;
        this.pending = new Map(); // uuid => { resolve, reject, timeout }
        this.early = new Map(); // uuid => answer
    }

    start() {
        // Who administers a PBX sends commands, too, without being an agent.
        this.busService.subscribe("callcenter_core/command", (payload) => this.answer(payload));
        if (session.callcenter_agent === false) {
            return;
        }
        this.busService.subscribe("callcenter_core/agent", (payload, { id }) =>
            this.receive("agent", payload, id)
        );
        this.busService.subscribe("callcenter_core/call", (payload, { id }) =>
            this.receive("call", payload, id)
        );
        this.busService.addEventListener("BUS:RECONNECT", () => this.refresh());
        browser.addEventListener("online", () => this.refresh()); // the websocket takes longer
        let hiddenSince = 0;
        browser.addEventListener("visibilitychange", () => {
            if (document.visibilityState === "hidden") {
                hiddenSince = Date.now();
            } else if (hiddenSince && Date.now() - hiddenSince >= WAKE_UP_AFTER) {
                this.refresh();
            }
        });
        browser.addEventListener("pageshow", ({ persisted }) => persisted && this.refresh());
        this.refresh();
    }

    // -------------------------------------------------------------------------
    // Time
    // -------------------------------------------------------------------------

    /** @returns {number} the server's time in ms, whatever this computer's clock says */
    now() {
        return Date.now() + this.clockOffset;
    }

    /**
     * @param {string} since UTC, as the server writes it
     * @returns {number} ms that have passed, never negative
     */
    elapsed(since) {
        return Math.max(0, this.now() - deserializeDateTime(since).toMillis());
    }

    // -------------------------------------------------------------------------
    // What is: desktop() and the bus
    // -------------------------------------------------------------------------

    /**
     * Ask the server how things are. Calls while a question is under way are answered by one more.
     *
     * @returns {Promise<void>}
     */
    refresh() {
        if (this.loading) {
            this.askAgain = true;
            return this.loading;
        }
        browser.clearTimeout(this.retryTimeout);
        this.loading = this.load().finally(() => (this.loading = null));
        return this.loading;
    }

    async load() {
        do {
            this.askAgain = false;
            this.held = [];
            let desktop;
            try {
                desktop = await this.orm.call("callcenter.agent", "desktop", []);
            } catch (error) {
                this.releaseHeld();
                if (error.exceptionName === "odoo.exceptions.AccessError") {
                    return this.adopt({ agent: false });
                }
                // The server restarts, or the network is away: what we know stays on the screen.
                const delay = RETRY_DELAYS[Math.min(this.failures++, RETRY_DELAYS.length - 1)];
                this.retryTimeout = browser.setTimeout(() => this.refresh(), delay);
                return;
            }
            this.failures = 0;
            this.adopt(desktop);
            this.releaseHeld();
        } while (this.askAgain);
    }

    /** Apply what came in while `desktop()` was asked: it knows some of it already. */
    releaseHeld() {
        const held = this.held;
        this.held = null;
        for (const args of held.sort((a, b) => a[1].seq - b[1].seq)) {
            this.receive(...args);
        }
    }

    adopt(desktop) {
        const { state } = this;
        if (!desktop.agent) {
            Object.assign(state, { isAgent: false, calls: [] });
            return;
        }
        if (desktop.now) {
            const offset = deserializeDateTime(desktop.now).toMillis() - Date.now();
            this.clockOffset = Math.abs(offset) > CLOCK_TOLERANCE ? offset : 0;
        }
        this.seq = desktop.seq ?? this.seq;
        this.busId = desktop.bus_id ?? this.busId;
        Object.assign(state, {
            agent: desktop.agent,
            extensions: desktop.extensions || [],
            queues: desktop.queues || [],
            pauseReasons: desktop.pause_reasons || [],
            defaultExtensionId: desktop.default_extension_id || false,
        });
        if (!state.isAgent) {
            state.isAgent = true;
            this.busService.start();
        }
        const calls = desktop.calls || [];
        const present = new Set(calls.map((call) => call.call_id));
        for (const call of [...state.calls]) {
            if (!present.has(call.call_id) && callPhase(call) !== ENDED) {
                this.applyCall({ ...call, event: "ended", state: "ended" }, { live: false });
            }
        }
        for (const call of calls) {
            this.applyCall(call, { live: false });
        }
    }

    /**
     * @param {"agent" | "call"} kind
     * @param {{ seq: number }} payload
     * @param {number} id of the notification
     */
    receive(kind, payload, id) {
        if (this.held) {
            this.held.push([kind, payload, id]);
            return;
        }
        if (!this.state.isAgent) {
            this.refresh(); // somebody made us an agent
            return;
        }
        if (payload.seq <= this.seq) {
            // Seen before: a fresh websocket is given the last minute again. But when the number is
            // old and the notification new, numbering began anew, and so must we.
            if (this.busId !== null && id > this.busId) {
                this.busId = id;
                this.refresh();
            }
            return;
        }
        const gap = payload.seq > this.seq + 1;
        this.seq = payload.seq;
        this.busId = id;
        if (kind === "agent") {
            this.applyAgent(payload);
        } else {
            this.applyCall(payload, { live: true });
        }
        if (gap) {
            this.refresh();
        }
    }

    applyAgent(payload) {
        Object.assign(this.state.agent, payload);
    }

    /**
     * @param {Call} payload
     * @param {{ live: boolean }} options
     */
    applyCall(payload, { live }) {
        const { calls } = this.state;
        const phase = callPhase(payload);
        let call = calls.find((c) => c.call_id === payload.call_id);
        const previous = call && callPhase(call);
        const isNew = previous === undefined || previous === ENDED; // it may ring here again
        if (!call) {
            if (phase === ENDED) {
                return; // dismissed, or over before this tab heard of it
            }
            // The next call takes the place of the ones that are over.
            this.state.calls = [payload, ...calls.filter((c) => callPhase(c) !== ENDED)];
            call = this.state.calls[0];
        } else {
            const { stop } = call;
            Object.assign(call, payload);
            if (phase === ENDED) {
                call.stop ||= stop || serializeDateTime(luxon.DateTime.fromMillis(this.now()));
            }
        }
        if (phase !== previous) {
            this.bus.trigger("CALL", { call, phase, isNew, live });
        }
    }

    /**
     * Take a call that is over off the screen.
     *
     * @param {number} callId
     */
    dismiss(callId) {
        this.state.calls = this.state.calls.filter(
            (call) => call.call_id !== callId || callPhase(call) !== ENDED
        );
    }

    // -------------------------------------------------------------------------
    // Commands
    // -------------------------------------------------------------------------

    /**
     * Send a command to the telephone system and wait for its answer.
     *
     * @param {string} method of `callcenter.agent` that sends it
     * @param {...any} args of this method
     * @returns {Promise<any>} the command's result
     * @throws {CommandError} when it is refused, or not answered in time
     */
    async run(method, ...args) {
        const { uuid } = await this.orm.call("callcenter.agent", method, args);
        return this.answerTo(uuid);
    }

    /**
     * Wait for the answer to a command that was sent.
     *
     * @param {string} uuid of the command
     * @param {number} [patience] in ms
     * @returns {Promise<any>} the command's result
     * @throws {CommandError} when it is refused, or not answered in time
     */
    answerTo(uuid, patience = COMMAND_TIMEOUT) {
        return new Promise((resolve, reject) => {
            const timeout = browser.setTimeout(() => {
                this.pending.delete(uuid);
                this.refresh();
                reject(
                    new CommandError(
                        _t(
                            "The telephone system did not answer within %s seconds. Look at your phone before you try again.",
                            patience / 1000
                        ),
                        { timeout: true }
                    )
                );
            }, patience);
            this.pending.set(uuid, { resolve, reject, timeout });
            if (this.early.has(uuid)) {
                this.answer(this.early.get(uuid));
            }
        });
    }

    /**
     * As `run`, but a failure is shown as a notification.
     *
     * @param {string} method
     * @param {...any} args
     * @returns {Promise<boolean>} whether it was done
     */
    async act(method, ...args) {
        try {
            await this.run(method, ...args);
            return true;
        } catch (error) {
            this.notification.add(this.reasonOf(error), { type: "danger" });
            return false;
        }
    }

    /**
     * Say whose call it is. Shown at once, taken back if it is refused.
     *
     * @param {number} callId
     * @param {{ res_model: string, res_id: number }} match
     * @returns {Promise<boolean>}
     */
    async identify(callId, { res_model, res_id }) {
        const call = this.state.calls.find(({ call_id }) => call_id === callId);
        const before = call?.chosen;
        if (call) {
            call.chosen = matchKey({ res_model, res_id });
        }
        const done = await this.act("identify", callId, res_model, res_id);
        if (call && !done) {
            call.chosen = before;
        }
        return done;
    }

    /**
     * @param {Error} error
     * @returns {string} a sentence for the user
     * @throws {Error} when it is a defect, for which Odoo has its own dialog
     */
    reasonOf(error) {
        if (error instanceof CommandError) {
            return error.message;
        }
        if (error instanceof ConnectionLostError) {
            return _t("Odoo cannot be reached. Nothing was done.");
        }
        if (error instanceof RPCError && USER_ERRORS.includes(error.exceptionName)) {
            return error.data.message;
        }
        throw error;
    }

    /** @param {{ uuid: string, ok: boolean, error?: string, result?: any }} payload */
    answer(payload) {
        const waiting = this.pending.get(payload.uuid);
        if (!waiting) {
            // The answer may overtake the RPC; or another tab asked.
            this.early.set(payload.uuid, payload);
            if (this.early.size > MAX_EARLY_ANSWERS) {
                this.early.delete(this.early.keys().next().value);
            }
            return;
        }
        this.pending.delete(payload.uuid);
        this.early.delete(payload.uuid);
        browser.clearTimeout(waiting.timeout);
        if (payload.ok) {
            waiting.resolve(payload.result);
        } else {
            waiting.reject(
                new CommandError(
                    payload.error || _t("The telephone system refused, without a reason.")
                )
            );
        }
    }
}

export const callcenterService = {
    dependencies: ["bus_service", "localization", "notification", "orm"],
    start(env, services) {
        const callcenter = new Callcenter(env, services);
        callcenter.start(); // not awaited: the web client does not wait for the telephone
        return callcenter;
    },
};

registry.category("services").add("callcenter", callcenterService);
