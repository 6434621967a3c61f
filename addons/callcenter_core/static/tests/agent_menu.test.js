// Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.

import { describe, expect, test } from "@odoo/hoot";
import { click, edit, press, queryAllTexts, queryOne } from "@odoo/hoot-dom";
import { animationFrame } from "@odoo/hoot-mock";
import {
    defineCallcenterModels,
    makeAgent,
    makeExtension,
    mockTelephony,
    stopClock,
} from "@callcenter_core/../tests/callcenter_test_helpers";
import { startBusService } from "@bus/../tests/bus_test_helpers";
import { contains, mountWithCleanup, waitForSteps } from "@web/../tests/web_test_helpers";
import { WebClient } from "@web/webclient/webclient";

describe.current.tags("desktop");
defineCallcenterModels();

const signedOut = () => makeAgent({ state: "signed_out", extension: false, queues: [] });

async function start() {
    await mountWithCleanup(WebClient);
    await startBusService();
    await waitForSteps(["desktop"]);
    await animationFrame();
}

async function open() {
    await click(".o_callcenter_agent_menu");
    await animationFrame();
}

test("who is no agent sees nothing", async () => {
    mockTelephony({ agent: false });
    await start();
    expect(".o_menu_systray").toHaveCount(1);
    expect(".o_callcenter_agent_menu").toHaveCount(0);
    expect(".o_callcenter_pop").toHaveCount(0);
});

test("state, its name and how long it has lasted", async () => {
    const telephony = mockTelephony();
    await start();
    const advance = stopClock("2026-01-31 10:00:00");
    const show = (values) => telephony.tell("agent", makeAgent(values));

    await show({ state: "ready", since: "2026-01-31 09:58:30" });
    expect(".o_callcenter_state_label").toHaveText("Ready");
    expect(".o_callcenter_agent_menu .o_callcenter_timer").toHaveText("1:30");
    expect(".o_callcenter_agent_menu .o_callcenter_dot").toHaveClass("text-bg-success");
    await advance(2000);
    expect(".o_callcenter_agent_menu .o_callcenter_timer").toHaveText("1:32");

    await show({ state: "ringing" });
    expect(".o_callcenter_state_label").toHaveText("Ringing");
    expect(".o_callcenter_agent_menu .o_callcenter_dot").toHaveClass(["text-bg-danger", "o_pulse"]);

    await show({ state: "paused", reason: "Lunch", since: "2026-01-31 08:00:00" });
    expect(".o_callcenter_state_label").toHaveText("Lunch");
    expect(".o_callcenter_agent_menu .o_callcenter_timer").toHaveText("2:00:02");

    await show({ state: "signed_out", extension: false, since: "2026-01-28 08:00:00" });
    expect(".o_callcenter_state_label").toHaveText("Signed out");
    expect(".o_callcenter_agent_menu .o_callcenter_timer").toHaveCount(0);
    expect(".o_callcenter_agent_menu .o_callcenter_dot").toHaveClass("o_hollow");
});

test("the systray is as wide in each state", async () => {
    const telephony = mockTelephony();
    await start();
    const widths = new Set();
    for (const values of [
        { state: "ready" },
        { state: "wrap_up" },
        { state: "paused", reason: "A very long reason that somebody typed on a Friday" },
        { state: "signed_out", extension: false, since: "2020-01-01 00:00:00" },
        { state: "talking", since: "2000-01-01 00:00:00" },
    ]) {
        await telephony.tell("agent", makeAgent(values));
        widths.add(queryOne(".o_callcenter_agent_menu").getBoundingClientRect().width);
    }
    expect([...widths]).toHaveLength(1);
});

test("a phone that is not registered is seen at once", async () => {
    const telephony = mockTelephony();
    await start();
    const extension = makeExtension({ reachable: false, latency: false });
    await telephony.tell("agent", makeAgent({ state: "offline", extension }));
    expect(".o_callcenter_agent_menu .fa-exclamation-triangle").toHaveCount(1);
    await open();
    expect(".o_callcenter_sign_in").toHaveCount(0);
    expect(".o_callcenter_sign_out").toHaveCount(1);
    expect(".o_callcenter_phone").toHaveText("1001Desk 1\nNot registered");
    await telephony.tell("agent", makeAgent());
    expect(".o_callcenter_agent_menu .fa-exclamation-triangle").toHaveCount(0);
    expect(".o_callcenter_phone").toHaveText("1001Desk 1\nRegistered · 23 ms");
    await click(".o_callcenter_refresh");
    await waitForSteps(["desktop"]);
});

test("sign in: the last phone and all queues are a click away", async () => {
    const telephony = mockTelephony({ agent: signedOut() });
    await start();
    await open();
    expect(".o_callcenter_extension_search").toHaveCount(0);
    expect(".o_callcenter_extension input:checked").toHaveCount(1);
    expect(".o_callcenter_queue input:checked").toHaveCount(2);
    await click(".o_callcenter_sign_in");
    await waitForSteps(["sign_in [7,[1,2]]"]);
    await animationFrame();
    expect(".o_callcenter_sign_in").not.toBeEnabled();
    await telephony.answer({ ok: true });
    expect(".o_callcenter_agent_panel").toHaveCount(0);
});

test("sign in elsewhere, and queue by queue", async () => {
    const names = ["Anna", "Boris", "Carla", "Doris", "Émile", "Frank"];
    const extensions = names.map((name, index) =>
        makeExtension({ id: index + 1, number: `20${index}`, name })
    );
    extensions[1].agent = "Boris Blank";
    mockTelephony({ agent: signedOut(), extensions, default_extension_id: false });
    await start();
    await open();
    expect(".o_callcenter_sign_in").not.toBeEnabled();
    await contains(".o_callcenter_extension_search").edit("emi", { confirm: false });
    expect(queryAllTexts(".o_callcenter_extension")).toEqual(["204\nÉmile"]);
    await contains(".o_callcenter_extension_search").edit("201", { confirm: false });
    expect(queryAllTexts(".o_callcenter_extension")).toEqual(["201\nBoris\nBoris Blank"]);
    await contains(".o_callcenter_extension_search").edit("999", { confirm: false });
    expect(".o_callcenter_agent_panel").toHaveText(/No phone has this number or name/);
    await contains(".o_callcenter_extension_search").clear({ confirm: false });
    await contains(".o_callcenter_extension:contains(Carla) input").click();
    await contains(".o_callcenter_queue:contains(Sales) input").click();
    await contains(".o_callcenter_sign_in").click();
    await waitForSteps(["sign_in [3,[2]]"]);
});

test("ready, pause with a reason of the list or of one's own, sign out", async () => {
    const telephony = mockTelephony();
    await start();
    await open();
    expect(".o_callcenter_ready").toHaveCount(0);
    await contains(".o_callcenter_pause:contains(Lunch)").click();
    await waitForSteps(['set_pause ["Lunch"]']);
    await telephony.answer({ ok: true });
    expect(".o_callcenter_agent_panel").toHaveCount(0);

    await telephony.tell("agent", makeAgent({ state: "paused", reason: "Lunch" }));
    await open();
    expect(".o_callcenter_pause.active").toHaveText("Lunch");
    await contains(".o_callcenter_pause_reason").click();
    await edit("Dentist");
    await press("Enter");
    await waitForSteps(['set_pause ["Dentist"]']);
    await telephony.answer({ ok: true });

    await open();
    await contains(".o_callcenter_ready").click();
    await waitForSteps(["set_ready []"]);
    await telephony.answer({ ok: true });

    await open();
    await contains(".o_callcenter_sign_out").click();
    await waitForSteps(["sign_out []"]);
    await telephony.answer({ ok: true });
});

test("leave and join queues while signed in", async () => {
    const telephony = mockTelephony();
    await start();
    await open();
    expect(".o_callcenter_queue:contains(Sales) input").toBeChecked();
    expect(".o_callcenter_queue:contains(Support) input").not.toBeChecked();
    await contains(".o_callcenter_queue:contains(Support) input").click();
    await waitForSteps(["sign_in [7,[1,2]]"]);
    await telephony.answer({ ok: false, error: "There is no queue “support”." });
    expect(".o_notification").toHaveText("There is no queue “support”.");
    expect(".o_callcenter_queue:contains(Support) input").not.toBeChecked();
});

test("dial a number; a refusal is said and the number stays", async () => {
    const telephony = mockTelephony();
    await start();
    await open();
    await contains(".o_callcenter_dial_box input").click();
    await edit("061 123");
    await press("Enter");
    await waitForSteps(['dial ["061 123"]']);
    await telephony.answer({ ok: false, error: "<b>486</b> Busy here" });
    expect(".o_notification_content").toHaveText("<b>486</b> Busy here");
    expect(".o_callcenter_dial_box input").toHaveValue("061 123");
    await contains(".o_callcenter_dial_box button").click();
    await waitForSteps(['dial ["061 123"]']);
    await telephony.answer({ ok: true });
    expect(".o_callcenter_agent_panel").toHaveCount(0);
});

test("all of it by the keyboard", async () => {
    mockTelephony();
    await start();
    queryOne(".o_callcenter_agent_menu").focus();
    await press("Enter");
    await animationFrame();
    expect(".o_callcenter_agent_panel").toHaveCount(1);
    expect(".o_callcenter_agent_menu").toHaveAttribute("aria-expanded", "true");
    expect(queryOne(".o_callcenter_agent_panel").contains(document.activeElement)).toBe(true);
    await press("Escape");
    await animationFrame();
    expect(".o_callcenter_agent_panel").toHaveCount(0);
    expect(".o_callcenter_agent_menu").toBeFocused();
});
