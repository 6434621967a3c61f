// Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.

import { describe, expect, test } from "@odoo/hoot";
import { advanceTime, animationFrame, Deferred, mockDate } from "@odoo/hoot-mock";
import {
    defineCallcenterModels,
    makeAgent,
    makeCall,
    makeDesktop,
    makeEnd,
    makeTalk,
    mockTelephony,
    startCallcenter,
} from "@callcenter_core/../tests/callcenter_test_helpers";
import { COMMAND_TIMEOUT, WAKE_UP_AFTER } from "@callcenter_core/core/callcenter_service";
import {
    makeServerError,
    mockService,
    onRpc,
    patchWithCleanup,
    waitForSteps,
    asyncStep,
    getService,
} from "@web/../tests/web_test_helpers";
import { browser } from "@web/core/browser/browser";
import { session } from "@web/session";

describe.current.tags("headless");
defineCallcenterModels();

test("a user who is no agent is asked once and told nothing", async () => {
    const telephony = mockTelephony();
    telephony.desktop = { agent: false };
    const callcenter = await startCallcenter();
    await waitForSteps(["desktop"]);
    expect(callcenter.state.isAgent).toBe(false);
    expect(callcenter.state.calls).toEqual([]);
    // A message is for agents: so the user has become one.
    telephony.desktop = makeDesktop();
    await telephony.tell("agent", makeAgent());
    await waitForSteps(["desktop"]);
    expect(callcenter.state.isAgent).toBe(true);
});

test("a user whom the session knows as no agent costs no request", async () => {
    patchWithCleanup(session, { callcenter_agent: false });
    mockTelephony();
    await startCallcenter();
    await animationFrame();
    await waitForSteps([]);
});

test("messages keep the state up to date without a request", async () => {
    const telephony = mockTelephony();
    const callcenter = await startCallcenter();
    await waitForSteps(["desktop"]);
    expect(callcenter.state.agent.state).toBe("ready");
    await telephony.tell("agent", makeAgent({ state: "ringing" }));
    await telephony.tell("call", makeCall());
    await telephony.tell("call", makeTalk());
    expect(callcenter.state.agent.state).toBe("ringing");
    expect(callcenter.state.calls.map((call) => call.state)).toEqual(["talking"]);
    await waitForSteps([]);
});

test("a message that comes again, or late, changes nothing", async () => {
    const telephony = mockTelephony();
    const callcenter = await startCallcenter();
    await waitForSteps(["desktop"]);
    await telephony.tell("agent", makeAgent({ state: "talking" }));
    callcenter.receive("agent", makeAgent({ seq: 11, state: "ready" }), callcenter.busId);
    callcenter.receive("agent", makeAgent({ seq: 4, state: "paused" }), callcenter.busId - 1);
    expect(callcenter.state.agent.state).toBe("talking");
    await waitForSteps([]);
});

test("a gap in the numbers: the message counts, and the server is asked", async () => {
    const telephony = mockTelephony();
    const callcenter = await startCallcenter();
    await waitForSteps(["desktop"]);
    telephony.desktop = makeDesktop({ seq: 15, agent: makeAgent({ state: "paused" }) });
    await telephony.send("call", { seq: 13, ...makeCall() });
    await waitForSteps(["desktop"]);
    expect(callcenter.state.agent.state).toBe("paused");
    expect(callcenter.seq).toBe(15);
});

test("numbers that begin anew make us begin anew", async () => {
    const telephony = mockTelephony();
    const callcenter = await startCallcenter();
    await waitForSteps(["desktop"]);
    await telephony.tell("agent", makeAgent({ state: "talking" }));
    telephony.desktop = makeDesktop({ seq: 1, agent: makeAgent({ state: "ready" }) });
    await telephony.send("agent", { seq: 1, ...makeAgent({ state: "ready" }) });
    await waitForSteps(["desktop"]);
    expect(callcenter.state.agent.state).toBe("ready");
    expect(callcenter.seq).toBe(1);
});

test("what comes in while the server is asked is kept until it has answered", async () => {
    const telephony = mockTelephony();
    const callcenter = await startCallcenter();
    await waitForSteps(["desktop"]);
    const deferred = new Deferred();
    onRpc("callcenter.agent", "desktop", () => deferred);
    const refreshed = callcenter.refresh();
    await telephony.send("agent", { seq: 11, ...makeAgent({ state: "talking" }) });
    await telephony.send("agent", { seq: 12, ...makeAgent({ state: "wrap_up" }) });
    expect(callcenter.state.agent.state).toBe("ready");
    deferred.resolve(makeDesktop({ seq: 11, bus_id: 1e6, agent: makeAgent({ state: "talking" }) }));
    await refreshed;
    expect(callcenter.state.agent.state).toBe("wrap_up");
    expect(callcenter.seq).toBe(12);
});

test("the server is asked when the websocket is back", async () => {
    mockTelephony({ calls: [makeCall()] });
    const callcenter = await startCallcenter();
    await waitForSteps(["desktop"]);
    getService("bus_service").trigger("BUS:RECONNECT");
    await waitForSteps(["desktop"]);
    browser.dispatchEvent(new Event("online"));
    await waitForSteps(["desktop"]);
    expect(callcenter.state.calls).toHaveLength(1);
});

test("a call that ended unheard is over after the next question", async () => {
    const telephony = mockTelephony({ calls: [makeTalk()] });
    const callcenter = await startCallcenter();
    await waitForSteps(["desktop"]);
    telephony.desktop = makeDesktop();
    await callcenter.refresh();
    await waitForSteps(["desktop"]);
    expect(callcenter.state.calls.map((call) => call.state)).toEqual(["ended"]);
});

test("the server is asked when a tab wakes up, not at each glance", async () => {
    let visibility = "visible";
    patchWithCleanup(document, {
        get visibilityState() {
            return visibility;
        },
    });
    mockTelephony();
    await startCallcenter();
    await waitForSteps(["desktop"]);
    const turn = (state) => {
        visibility = state;
        browser.dispatchEvent(new Event("visibilitychange"));
    };
    turn("hidden");
    await advanceTime(WAKE_UP_AFTER / 2);
    turn("visible");
    await waitForSteps([]);
    turn("hidden");
    await advanceTime(WAKE_UP_AFTER);
    turn("visible");
    await waitForSteps(["desktop"]);
});

test("while the server is away the state stays, and it is asked again", async () => {
    const telephony = mockTelephony();
    const callcenter = await startCallcenter();
    await waitForSteps(["desktop"]);
    let away = true;
    onRpc("callcenter.agent", "desktop", () => {
        asyncStep(away ? "away" : "back");
        if (away) {
            throw makeServerError({ message: "restarting" });
        }
        return telephony.desktop;
    });
    telephony.desktop = makeDesktop({ agent: makeAgent({ state: "paused" }) });
    await callcenter.refresh();
    await waitForSteps(["away"]);
    expect(callcenter.state.agent.state).toBe("ready");
    away = false;
    await advanceTime(1000);
    await waitForSteps(["back"]);
    expect(callcenter.state.agent.state).toBe("paused");
});

test("a call that is over gives way to the next one, and only to a new one", async () => {
    const telephony = mockTelephony();
    const callcenter = await startCallcenter();
    await telephony.tell("call", makeCall());
    await telephony.tell("call", makeEnd());
    expect(callcenter.state.calls.map((call) => call.call_id)).toEqual([100]);
    await telephony.tell("call", makeCall({ call_id: 101 }));
    expect(callcenter.state.calls.map((call) => call.call_id)).toEqual([101]);
    await telephony.tell("call", makeEnd({ event: "changed" }));
    expect(callcenter.state.calls.map((call) => call.call_id)).toEqual([101]);
    callcenter.dismiss(101);
    expect(callcenter.state.calls).toHaveLength(1, { message: "it still rings" });
    await waitForSteps(["desktop"]);
});

test("timers follow the server's clock", async () => {
    const telephony = mockTelephony();
    const callcenter = await startCallcenter();
    mockDate("2026-01-31 10:00:00", 0);
    telephony.desktop = makeDesktop({ now: "2026-01-31 10:10:00" });
    await callcenter.refresh();
    await waitForSteps(["desktop", "desktop"]);
    expect(Math.round(callcenter.elapsed("2026-01-31 10:09:00") / 1000)).toBe(60);
    expect(callcenter.elapsed("2026-01-31 11:00:00")).toBe(0);
});

test("a command is done when its answer comes, also when it comes first", async () => {
    const telephony = mockTelephony();
    const callcenter = await startCallcenter();
    await waitForSteps(["desktop"]);

    const later = callcenter.run("dial", "123");
    await waitForSteps(['dial ["123"]']);
    await telephony.answer({ ok: true, result: { call: 5 } });
    expect(await later).toEqual({ call: 5 });

    await telephony.send("command", { uuid: "uuid-2", ok: true, result: "early" });
    expect(await callcenter.run("sign_out")).toBe("early");
    await waitForSteps(["sign_out []"]);
});

test("a command that is not answered in time fails with a sentence", async () => {
    mockTelephony();
    const callcenter = await startCallcenter();
    await waitForSteps(["desktop"]);
    const command = callcenter.run("set_ready").catch((error) => error);
    await waitForSteps(["set_ready []"]);
    await advanceTime(COMMAND_TIMEOUT - 1);
    await waitForSteps([]);
    await advanceTime(1);
    const error = await command;
    expect(error.timeout).toBe(true);
    expect(error.message).toBe(
        "The telephone system did not answer within 3 seconds. Look at your phone before you try again."
    );
    // it may have been done all the same
    await waitForSteps(["desktop"]);
});

test("a refusal is shown with the telephone system's reason", async () => {
    mockService("notification", {
        add: (message, { type }) => asyncStep(`${type}: ${message}`),
    });
    const telephony = mockTelephony();
    const callcenter = await startCallcenter();
    const done = callcenter.act("dial", "123");
    await waitForSteps(["desktop", 'dial ["123"]']);
    await telephony.answer({ ok: false, error: "Extension 1001 is busy." });
    expect(await done).toBe(false);
    await waitForSteps(["danger: Extension 1001 is busy."]);

    onRpc("callcenter.agent", "dial", () => {
        throw makeServerError({ type: "UserError", message: "Please sign in first." });
    });
    expect(await callcenter.act("dial", "123")).toBe(false);
    await waitForSteps(["danger: Please sign in first."]);
});

test("whom the caller is said to be is shown at once, and taken back if refused", async () => {
    const matches = [
        { res_model: "res.partner", res_id: 1, name: "A" },
        { res_model: "res.partner", res_id: 2, name: "B" },
    ];
    mockService("notification", { add: () => asyncStep("notified") });
    const telephony = mockTelephony();
    const callcenter = await startCallcenter();
    await telephony.tell("call", makeCall({ matches }));
    const done = callcenter.identify(100, matches[1]);
    expect(callcenter.state.calls[0].chosen).toBe("res.partner,2");
    await waitForSteps(["desktop", 'identify [100,"res.partner",2]']);
    await telephony.answer({ ok: false, error: "no" });
    expect(await done).toBe(false);
    expect(callcenter.state.calls[0].chosen).toBe(undefined);
    await waitForSteps(["notified"]);
});
