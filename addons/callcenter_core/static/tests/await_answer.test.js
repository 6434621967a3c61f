// Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.

import { beforeEach, expect, test } from "@odoo/hoot";
import { advanceTime } from "@odoo/hoot-mock";
import {
    defineCallcenterModels,
    mockTelephony,
    startCallcenter,
} from "@callcenter_core/../tests/callcenter_test_helpers";
import { awaitAnswer, PATIENCE } from "@callcenter_core/pbx/await_answer";
import {
    asyncStep,
    mockService,
    patchWithCleanup,
    waitForSteps,
} from "@web/../tests/web_test_helpers";
import { session } from "@web/session";

defineCallcenterModels();

const action = { params: { uuid: "uuid-9", title: "Head office", message: "Testing…" } };
let callcenter;
let telephony;

beforeEach(async () => {
    // An administrator is no agent.
    patchWithCleanup(session, { callcenter_agent: false });
    mockService("notification", {
        add: (message, { type }) => {
            asyncStep(`${type}: ${message}`);
            return () => asyncStep(`closed: ${message}`);
        },
    });
    telephony = mockTelephony();
    callcenter = await startCallcenter();
});

test("what the connector found is shown, also to who is no agent", async () => {
    const done = awaitAnswer(callcenter.env, action);
    await waitForSteps(["info: Testing…"]);
    const result = { problems: ["The journal is away."], summary: ["Calls closed: 2"] };
    await telephony.send("command", { uuid: "uuid-9", ok: true, result });
    expect((await done).tag).toBe("soft_reload");
    await waitForSteps([
        "danger: The journal is away.",
        "success: Calls closed: 2",
        "closed: Testing…",
    ]);
});

test("no answer is said, too", async () => {
    const done = awaitAnswer(callcenter.env, action);
    await waitForSteps(["info: Testing…"]);
    await advanceTime(PATIENCE);
    await done;
    await waitForSteps([
        "desktop", // what may have been done all the same
        "danger: The telephone system did not answer within 10 seconds. Look at your phone before you try again.",
        "closed: Testing…",
    ]);
});
