// Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.

import { describe, expect, test } from "@odoo/hoot";
import { click, edit, queryAllTexts, queryOne } from "@odoo/hoot-dom";
import { advanceTime, animationFrame } from "@odoo/hoot-mock";
import {
    defineCallcenterModels,
    makeCall,
    makeEnd,
    makeMatch,
    makeTalk,
    mockTelephony,
    moment,
    stopClock,
} from "@callcenter_core/../tests/callcenter_test_helpers";
import { PRECEDENCE } from "@callcenter_core/screen_pop/attention";
import { startBusService } from "@bus/../tests/bus_test_helpers";
import { Component, xml } from "@odoo/owl";
import {
    asyncStep,
    contains,
    mockService,
    mountWithCleanup,
    onRpc,
    patchWithCleanup,
    waitForSteps,
} from "@web/../tests/web_test_helpers";
import { browser } from "@web/core/browser/browser";
import { registry } from "@web/core/registry";
import { WebClient } from "@web/webclient/webclient";

describe.current.tags("desktop");
defineCallcenterModels();

const EVIL = `<img src="x" onerror="alert(1)">`;
const ANNA = makeMatch();
const BERT = makeMatch({ res_id: 12, name: "Bert Berg", company: "", city: "Bern", tags: [] });

async function start({ focused = true, main = true } = {}) {
    const tab = { focused };
    patchWithCleanup(document, { hasFocus: () => tab.focused });
    mockService("multi_tab", { isOnMainTab: async () => main });
    mockService("mail.sound_effects", {
        play: (name) => asyncStep(`sound ${name}`),
        stop: () => {},
    });
    await mountWithCleanup(WebClient);
    await startBusService();
    await waitForSteps(["desktop"]);
    return tab;
}

test("ringing: who it is, and what is open, before the call is answered", async () => {
    const telephony = mockTelephony();
    await start();
    stopClock("2026-01-31 10:00:00");
    expect(".o_callcenter_pop").toHaveCount(0);
    const match = makeMatch({
        last_call: {
            date: moment(86400),
            direction: "inbound",
            result: "no_answer",
            agent: "Marc",
        },
        open: [{ res_model: "crm.lead", res_id: 5, name: "Forty chairs" }],
    });
    const queued_since = "2026-01-31 09:59:48";
    await telephony.tell("call", makeCall({ matches: [match], queued_since }));
    await waitForSteps(["sound call-invitation"]);
    expect(".o_callcenter_phase").toHaveText("Incoming call");
    expect(".o_callcenter_pop_head .o_callcenter_timer").toHaveText("0:12");
    expect(".o_callcenter_caller_name").toHaveText("Anna Berg");
    expect(".o_callcenter_caller_subtitle").toHaveText("Berg AG · Basel");
    expect(".o_callcenter_caller_number").toHaveText("+41611234567");
    expect(".o_callcenter_tag").toHaveText("VIP");
    expect(queryAllTexts(".o_callcenter_facts > *")).toEqual([
        "Queue",
        "Sales",
        "Number called",
        "+49301234500",
    ]);
    expect(".o_callcenter_panel").toHaveText(/No answer · Marc/);
    expect(".o_callcenter_open").toHaveText("Forty chairs");
    expect(queryAllTexts(".o_callcenter_actions button")).toEqual([
        "Open record",
        "Create lead",
        "Hang up",
    ]);
    expect(".visually-hidden[aria-live=polite]").toHaveText("Incoming call: Anna Berg");
    // One message is enough: nothing was asked for.
    await waitForSteps([]);
});

test("ringing, talking, over, closed", async () => {
    const telephony = mockTelephony();
    await start();
    await telephony.tell("call", makeCall());
    expect(".o_callcenter_close").toHaveCount(0);
    await telephony.tell("call", makeTalk());
    expect(".o_callcenter_phase").toHaveText("Talking");
    expect(".o_callcenter_facts").toHaveText(/Waited\n0:1/);
    await telephony.tell("call", makeTalk({ state: "held", own_leg: { id: 5, state: "held" } }));
    expect(".o_callcenter_phase").toHaveText("On hold");
    await telephony.tell("call", makeTalk());
    await advanceTime(3000);
    await telephony.tell("call", makeEnd());
    expect(".o_callcenter_phase").toHaveText("Call ended");
    expect(".o_callcenter_pop_head .o_callcenter_timer").toHaveText(/0:0/);
    expect(".o_callcenter_actions button[name=hang_up]").toHaveCount(0);
    const before = queryOne(".o_callcenter_pop_head .o_callcenter_timer").textContent;
    await advanceTime(60000);
    expect(".o_callcenter_pop_head .o_callcenter_timer").toHaveText(before);
    await contains(".o_callcenter_close").click();
    expect(".o_callcenter_pop").toHaveCount(0);
    await waitForSteps(["sound call-invitation"]);
});

test("a call that rings on at a colleague's is missed here", async () => {
    const telephony = mockTelephony();
    await start();
    await telephony.tell("call", makeCall());
    await telephony.tell("call", makeCall({ own_leg: { id: 5, state: "ended" } }));
    expect(".o_callcenter_phase").toHaveText("Missed call");
    await telephony.tell("call", makeCall({ call_id: 101, matches: [BERT] }));
    expect(".o_callcenter_caller_name").toHaveText("Bert Berg");
    expect(".o_callcenter_other_calls").toHaveCount(0);
    await waitForSteps(["sound call-invitation", "sound call-invitation"]);
});

test("the same call rings here again", async () => {
    const telephony = mockTelephony();
    await start();
    const times = { start: moment(15), queued_since: moment(12) };
    const elsewhere = { ...times, own_leg: { id: 5, state: "ended" } };
    await telephony.tell("call", makeCall(times));
    await telephony.tell("call", makeCall(elsewhere));
    const before = queryOne(".o_callcenter_pop_head .o_callcenter_timer").textContent;
    await advanceTime(5000);
    await telephony.tell("call", makeCall({ ...elsewhere, event: "changed" }));
    expect(".o_callcenter_pop_head .o_callcenter_timer").toHaveText(before);
    await contains(".o_callcenter_fold").click();
    await telephony.tell("call", makeCall({ own_leg: { id: 6, state: "ringing" } }));
    expect(".o_callcenter_phase").toHaveText("Incoming call");
    await waitForSteps(["sound call-invitation", "sound call-invitation"]);
});

test("a hostile name is text", async () => {
    const telephony = mockTelephony();
    await start();
    await telephony.tell("call", makeCall({ name: EVIL, did: EVIL, queue: EVIL, matches: [] }));
    expect(".o_callcenter_caller_name").toHaveText(EVIL);
    expect(".o_callcenter_pop img").toHaveCount(0);
    const match = makeMatch({ name: EVIL, company: EVIL, tags: [{ name: EVIL, color: 1 }] });
    await telephony.tell("call", makeCall({ matches: [match, { ...match, res_id: 12 }] }));
    expect(".o_callcenter_matches").toHaveText(/<img src/);
    await telephony.tell("call", makeCall({ matches: [match] }));
    expect(".o_callcenter_tag").toHaveText(EVIL);
    expect(".o_callcenter_pop img").toHaveCount(0);
    await contains(".o_callcenter_fold").click();
    expect(".o_callcenter_handle_name").toHaveText(EVIL);
    expect(".o_callcenter_pop_handle img").toHaveCount(0);
    await waitForSteps(["sound call-invitation"]);
});

test("it takes neither the focus nor the keyboard", async () => {
    class Editor extends Component {
        static template = xml`<input class="my_editor"/>`;
        static props = ["*"];
    }
    registry.category("main_components").add("editor", { Component: Editor });
    const telephony = mockTelephony();
    await start();
    await click(".my_editor");
    await edit("half a w");
    await telephony.tell("call", makeCall());
    expect(".my_editor").toBeFocused();
    await telephony.tell("call", makeTalk());
    await telephony.tell("call", makeEnd());
    expect(".my_editor").toBeFocused();
    await edit("half a word");
    expect(".my_editor").toHaveValue("half a word");
    expect(".modal").toHaveCount(0);
    await waitForSteps(["sound call-invitation"]);
});

test("several have the number: the agent chooses, and may change his mind", async () => {
    const telephony = mockTelephony();
    await start();
    await telephony.tell("call", makeCall({ matches: [ANNA, BERT], name: "BERG" }));
    expect(".o_callcenter_caller_name").toHaveText("BERG");
    expect(queryAllTexts(".o_callcenter_matches .fw-bold")).toEqual(["Anna Berg", "Bert Berg"]);
    expect(".o_callcenter_actions button[name=create_contact]").toHaveCount(0);
    await contains(".o_callcenter_matches button:contains(Bert)").click();
    await waitForSteps(["sound call-invitation", 'identify [100,"res.partner",12]']);
    expect(".o_callcenter_caller_name").toHaveText("Bert Berg");
    await telephony.answer({ ok: true });
    await contains(".o_callcenter_change").click();
    await contains(".o_callcenter_matches button:contains(Anna)").click();
    await waitForSteps(['identify [100,"res.partner",11]']);
    expect(".o_callcenter_caller_name").toHaveText("Anna Berg");
    await telephony.answer({ ok: true });
});

test("whom a colleague chose is known at once", async () => {
    const telephony = mockTelephony();
    await start();
    await telephony.tell("call", makeCall({ matches: [ANNA, BERT], partner_id: 12 }));
    expect(".o_callcenter_caller_name").toHaveText("Bert Berg");
    await waitForSteps(["sound call-invitation"]);
});

test("nobody has the number: contact and lead in one click, filled in", async () => {
    mockService("action", {
        doAction: ({ res_model, context }, { props }) => {
            asyncStep(`${res_model} ${JSON.stringify(context)}`);
            props.onSave({ resId: 99 });
        },
    });
    const telephony = mockTelephony();
    await start();
    await telephony.tell("call", makeCall({ matches: [], name: "ANNA B" }));
    expect(".o_callcenter_caller_name").toHaveText("ANNA B");
    expect(".o_callcenter_unknown").toHaveText("Nobody has this number yet.");
    await contains(".o_callcenter_actions button[name=create_contact]").click();
    await waitForSteps([
        "sound call-invitation",
        'res.partner {"default_phone":"+41611234567","default_name":"ANNA B"}',
        'identify [100,"res.partner",99]',
    ]);
    await telephony.answer({ ok: true });
    await contains(".o_callcenter_actions button[name=create_lead]").click();
    await waitForSteps([
        'crm.lead {"default_phone":"+41611234567","default_contact_name":"ANNA B"}',
        'identify [100,"crm.lead",99]',
    ]);
    await telephony.answer({ ok: true });
});

test("a withheld number", async () => {
    const telephony = mockTelephony();
    await start();
    await telephony.tell("call", makeCall({ number: "", name: "", matches: [] }));
    expect(".o_callcenter_caller_name").toHaveText("Number withheld");
    expect(queryAllTexts(".o_callcenter_actions button")).toEqual(["Hang up"]);
    await contains(".o_callcenter_pop .nav-link[name=history]").click();
    expect(".o_callcenter_panel").toHaveText("No earlier call.");
    await waitForSteps(["sound call-invitation"]);
});

test("hang up", async () => {
    const telephony = mockTelephony();
    await start();
    await telephony.tell("call", makeTalk());
    await contains(".o_callcenter_actions button[name=hang_up]").click();
    await waitForSteps(["hang_up [100]"]);
    await telephony.answer({ ok: false, error: "This call has ended already." });
    expect(".o_notification_content").toHaveText("This call has ended already.");
});

test("earlier calls, by contact or number", async () => {
    onRpc("callcenter.call", "search_read", ({ kwargs }) => {
        asyncStep(JSON.stringify(kwargs.domain));
        return [
            {
                id: 4,
                start: "2026-01-30 09:00:00",
                direction: "inbound",
                result: "abandoned",
                queue_id: [1, "Sales"],
                agent_id: false,
                talk: 0,
            },
            {
                id: 3,
                start: "2026-01-29 09:00:00",
                direction: "outbound",
                result: "answered",
                queue_id: false,
                agent_id: [3, "Marc"],
                talk: 65,
            },
        ];
    });
    const telephony = mockTelephony();
    await start();
    await telephony.tell("call", makeTalk());
    await contains(".o_callcenter_pop .nav-link[name=history]").click();
    await waitForSteps([
        '[["id","!=",100],"|",["partner_id","=",11],["number","=","+41611234567"]]',
    ]);
    const [missed, talked] = queryAllTexts(".o_callcenter_history button");
    expect(missed).toMatch(/Sales\s+Abandoned$/);
    expect(talked).toMatch(/1:05\s+Marc\s+Answered$/);
});

test("a second call that rings does not push the present one aside", async () => {
    const telephony = mockTelephony();
    await start();
    await telephony.tell("call", makeTalk());
    await telephony.tell("call", makeCall({ call_id: 101, matches: [BERT] }));
    expect(".o_callcenter_caller_name").toHaveText("Anna Berg");
    expect(queryAllTexts(".o_callcenter_other_calls button")).toEqual(["Bert Berg\nIncoming call"]);
    await contains(".o_callcenter_other_calls button").click();
    expect(".o_callcenter_caller_name").toHaveText("Bert Berg");
    await telephony.tell("call", makeEnd({ call_id: 101, answer: false, matches: [BERT] }));
    expect(".o_callcenter_caller_name").toHaveText("Anna Berg");
    await waitForSteps(["sound call-invitation"]);
});

test("we call: our phone first, then theirs", async () => {
    const telephony = mockTelephony();
    await start();
    const outbound = { direction: "outbound", queue: "", queued_since: false };
    await telephony.tell("call", makeCall(outbound));
    expect(".o_callcenter_phase").toHaveText("Pick up your phone");
    await telephony.tell("call", makeCall({ ...outbound, own_leg: { id: 5, state: "talking" } }));
    expect(".o_callcenter_phase").toHaveText("Calling");
    await telephony.tell("call", makeTalk(outbound));
    expect(".o_callcenter_phase").toHaveText("Talking");
    expect(".o_callcenter_facts").not.toHaveText(/Waited/);
    await waitForSteps([]);
});

test("a colleague calls, or is called", async () => {
    const telephony = mockTelephony();
    await start();
    const internal = { direction: "internal", queue: "", queued_since: false, matches: [] };
    await telephony.tell("call", makeCall({ ...internal, number: "1002" }));
    expect(".o_callcenter_phase").toHaveText("Incoming call");
    await telephony.tell("call", makeEnd({ ...internal, number: "1002" }));
    const dialled = { ...internal, call_id: 101, number: "1003" };
    await telephony.tell("call", makeCall({ ...dialled, own_leg: { id: 6, state: "dialling" } }));
    expect(".o_callcenter_phase").toHaveText("Calling");
    await telephony.tell("call", makeTalk(dialled));
    expect(".o_callcenter_phase").toHaveText("Talking");
    await waitForSteps(["sound call-invitation"]);
});

describe("several tabs", () => {
    test("the tab in front opens and rings at once", async () => {
        const telephony = mockTelephony();
        await start({ focused: true, main: false });
        await telephony.tell("call", makeCall());
        expect(".o_callcenter_pop").toHaveCount(1);
        await waitForSteps(["sound call-invitation"]);
    });

    test("another tab waits folded, and opens when the agent goes there", async () => {
        const telephony = mockTelephony();
        const tab = await start({ focused: false, main: true });
        await telephony.tell("call", makeCall());
        browser.localStorage.setItem("callcenter_core.attention", "100"); // the one in front
        await advanceTime(PRECEDENCE);
        await animationFrame();
        expect(".o_callcenter_pop").toHaveCount(0);
        expect(".o_callcenter_pop_handle").toHaveText(/^Anna Berg/);
        tab.focused = true;
        browser.dispatchEvent(new Event("focus"));
        await animationFrame();
        expect(".o_callcenter_pop").toHaveCount(1);
        await waitForSteps([]);
    });

    test("none is in front: the main tab opens and rings", async () => {
        const telephony = mockTelephony();
        await start({ focused: false, main: true });
        await telephony.tell("call", makeCall());
        await advanceTime(PRECEDENCE);
        await waitForSteps(["sound call-invitation"]);
        await animationFrame();
        expect(".o_callcenter_pop").toHaveCount(1);
    });

    test("none is in front: the others keep still", async () => {
        const telephony = mockTelephony();
        await start({ focused: false, main: false });
        await telephony.tell("call", makeCall());
        await advanceTime(PRECEDENCE);
        await animationFrame();
        expect(".o_callcenter_pop").toHaveCount(0);
        expect(".o_callcenter_pop_handle").toHaveCount(1);
        await waitForSteps([]);
    });

    test("after a reload the call is there, in silence", async () => {
        mockTelephony({ calls: [makeTalk()] });
        await start();
        await animationFrame();
        expect(".o_callcenter_caller_name").toHaveText("Anna Berg");
        await waitForSteps([]);
    });

    test("closed in one tab, closed in all", async () => {
        const telephony = mockTelephony();
        await start();
        await telephony.tell("call", makeTalk());
        await telephony.tell("call", makeEnd());
        const key = "callcenter_core.pop_dismissed";
        browser.dispatchEvent(new StorageEvent("storage", { key, newValue: "100" }));
        await animationFrame();
        expect(".o_callcenter_pop").toHaveCount(0);
    });

    test("folded by the agent, it stays so", async () => {
        const telephony = mockTelephony();
        await start();
        await telephony.tell("call", makeTalk());
        await contains(".o_callcenter_fold").click();
        expect(".o_callcenter_pop_handle").toHaveCount(1);
        browser.dispatchEvent(new Event("focus"));
        await telephony.tell("call", makeTalk({ event: "changed" }));
        expect(".o_callcenter_pop").toHaveCount(0);
        await contains(".o_callcenter_pop_handle").click();
        expect(".o_callcenter_pop").toHaveCount(1);
    });
});

test("other addons bring buttons and tabs", async () => {
    class Notes extends Component {
        static template = xml`<div class="my_notes">of call <t t-esc="props.call.call_id"/></div>`;
        static props = { call: Object };
    }
    registry
        .category("callcenter.call_panels")
        .add("notes", { label: "Notes", Component: Notes }, { sequence: 5 });
    registry.category("callcenter.call_actions").add("wave", {
        label: "Wave",
        icon: "fa fa-hand-paper-o",
        isAvailable: (call, agent) => call.state === "talking" && agent.state === "ready",
        run: (call) => asyncStep(`wave to ${call.number}`),
    });
    const telephony = mockTelephony();
    await start();
    await telephony.tell("call", makeCall());
    expect(queryAllTexts(".o_callcenter_pop .nav-link")).toEqual(["Notes", "Customer", "Calls"]);
    expect(".my_notes").toHaveText("of call 100");
    expect("button[name=wave]").toHaveCount(0);
    await telephony.tell("call", makeTalk());
    await contains("button[name=wave]").click();
    await waitForSteps(["sound call-invitation", "wave to +41611234567"]);
});
