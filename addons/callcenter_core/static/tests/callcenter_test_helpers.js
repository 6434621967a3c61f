// Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.

import { startBusService, waitNotifications } from "@bus/../tests/bus_test_helpers";
import { mailModels } from "@mail/../tests/mail_test_helpers";
import { advanceTime, animationFrame } from "@odoo/hoot-mock";
import { Callcenter } from "@callcenter_core/core/callcenter_service";
import {
    asyncStep,
    defineModels,
    getService,
    makeMockEnv,
    MockServer,
    models,
    onRpc,
    patchWithCleanup,
    serverState,
} from "@web/../tests/web_test_helpers";

const { DateTime } = luxon;

class CallcenterAgent extends models.Model {
    _name = "callcenter.agent";
}

class CallcenterCall extends models.Model {
    _name = "callcenter.call";
}

class CrmLead extends models.Model {
    _name = "crm.lead";
}

/**
 * Let the server's clock stand still, unless it is advanced: on a busy machine a test lasts
 * seconds.
 *
 * @param {string} start UTC, as the server writes times
 * @returns {(ms: number) => Promise<void>} advances it, and the timers with it
 */
export function stopClock(start) {
    let now = DateTime.fromSQL(start, { zone: "utc" }).toMillis();
    patchWithCleanup(Callcenter.prototype, { now: () => now });
    return async (ms) => {
        now += ms;
        await advanceTime(ms);
        await animationFrame();
    };
}

export function defineCallcenterModels() {
    return defineModels({ ...mailModels, CallcenterAgent, CallcenterCall, CrmLead });
}

/**
 * @param {number} [secondsAgo]
 * @returns {string} as the server writes times
 */
export function moment(secondsAgo = 0) {
    return DateTime.utc().minus({ seconds: secondsAgo }).toFormat("yyyy-MM-dd HH:mm:ss");
}

export function makeExtension(values) {
    return { id: 7, number: "1001", name: "Desk 1", reachable: true, latency: 23, ...values };
}

export function makeAgent(values) {
    return {
        agent_id: 3,
        name: "Marc",
        state: "ready",
        since: moment(75),
        reason: "",
        extension: makeExtension(),
        queues: [{ id: 1, name: "Sales" }],
        ...values,
    };
}

export function makeMatch(values) {
    return {
        res_model: "res.partner",
        res_id: 11,
        name: "Anna Berg",
        company: "Berg AG",
        city: "Basel",
        tags: [{ name: "VIP", color: 3 }],
        last_call: false,
        open: [],
        ...values,
    };
}

export function makeCall(values) {
    return {
        call_id: 100,
        event: "ringing",
        state: "ringing",
        direction: "inbound",
        number: "+41611234567",
        name: "",
        did: "+49301234500",
        queue: "Sales",
        queued_since: moment(12),
        start: moment(15),
        answer: false,
        hold: 0,
        own_leg: { id: 5, state: "ringing" },
        matches: [makeMatch()],
        partner_id: false,
        ...values,
    };
}

/** The same call once it is answered. */
export function makeTalk(values) {
    return makeCall({
        event: "answered",
        state: "talking",
        answer: moment(0),
        own_leg: { id: 5, state: "talking" },
        ...values,
    });
}

/** The same call once it is over. */
export function makeEnd(values) {
    return makeTalk({
        event: "ended",
        state: "ended",
        stop: moment(0),
        own_leg: { id: 5, state: "ended" },
        ...values,
    });
}

export function makeDesktop(values) {
    return {
        seq: 10,
        bus_id: 0,
        now: moment(),
        agent: makeAgent(),
        calls: [],
        extensions: [makeExtension({ kind: "sip", agent: false })],
        queues: [
            { id: 1, name: "Sales" },
            { id: 2, name: "Support" },
        ],
        default_extension_id: 7,
        pause_reasons: ["Break", "Lunch"],
        ...values,
    };
}

/**
 * What the server would answer. Change `desktop` and the next question is answered by it; what is
 * asked are steps (`desktop`, `dial ["123"]`).
 *
 * @param {Object} [values] of `desktop()`
 */
export function mockTelephony(values) {
    const telephony = { desktop: makeDesktop(values), uuid: 0, seq: 10 };
    onRpc("callcenter.agent", "*", ({ method, args }) => {
        if (method === "desktop") {
            asyncStep("desktop");
            return telephony.desktop;
        }
        asyncStep(`${method} ${JSON.stringify(args)}`);
        return { uuid: `uuid-${++telephony.uuid}` };
    });
    telephony.send = async (type, payload) => {
        MockServer.env["bus.bus"]._sendone(
            serverState.partnerId,
            `callcenter_core/${type}`,
            payload
        );
        await waitNotifications([`callcenter_core/${type}`]);
        await animationFrame();
    };
    /** Send the next numbered message. */
    telephony.tell = (type, payload) => telephony.send(type, { seq: ++telephony.seq, ...payload });
    /** Answer the command that was sent last. */
    telephony.answer = (payload) =>
        telephony.send("command", { uuid: `uuid-${telephony.uuid}`, ...payload });
    return telephony;
}

/** Start the services alone, connected to the bus. */
export async function startCallcenter() {
    await makeMockEnv();
    await startBusService();
    return getService("callcenter");
}
