// Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.

import { describe, expect, test } from "@odoo/hoot";
import { queryAll } from "@odoo/hoot-dom";
import { animationFrame } from "@odoo/hoot-mock";
import {
    defineCallcenterModels,
    mockTelephony,
} from "@callcenter_core/../tests/callcenter_test_helpers";
import { startBusService } from "@bus/../tests/bus_test_helpers";
import {
    asyncStep,
    contains,
    defineModels,
    fields,
    getService,
    models,
    mountView,
    waitForSteps,
} from "@web/../tests/web_test_helpers";

describe.current.tags("desktop");
defineCallcenterModels();

class Customer extends models.Model {
    _name = "customer";
    name = fields.Char();
    phone = fields.Char();
    _records = [
        { id: 1, name: "Anna", phone: "061 123 45 67" },
        { id: 2, name: "Bert", phone: false },
    ];
}
defineModels([Customer]);

async function mount(params) {
    await mountView({ resModel: "customer", ...params });
    await startBusService();
    await animationFrame();
}

const FORM = `<form><field name="phone" widget="phone"/></form>`;
const LIST = `<list><field name="name"/><field name="phone" widget="phone"/></list>`;
const KANBAN = `
    <kanban>
        <templates>
            <t t-name="card"><field name="name"/><field name="phone" widget="phone"/></t>
        </templates>
    </kanban>`;

test("form: the agent's phone dials, with the record it was taken from", async () => {
    const telephony = mockTelephony();
    await mount({ type: "form", resId: 1, arch: FORM });
    await waitForSteps(["desktop"]);
    expect(".o_phone_form_link").toHaveCount(0);
    expect(".o_callcenter_dial").toHaveCount(1);
    expect(".o_callcenter_dial").toHaveAttribute("aria-label", "Dial 061 123 45 67");
    await contains(".o_callcenter_dial").click();
    await waitForSteps(['dial ["061 123 45 67","customer",1]']);
    await telephony.answer({ ok: false, error: "Your phone is not registered." });
    expect(".o_notification_content").toHaveText("Your phone is not registered.");
    expect(".o_field_phone input").toHaveValue("061 123 45 67");
});

test("form: no number, no button", async () => {
    mockTelephony();
    await mount({ type: "form", resId: 2, arch: FORM });
    await waitForSteps(["desktop"]);
    expect(".o_callcenter_dial").toHaveCount(0);
});

test("form: a read-only number has one button", async () => {
    mockTelephony();
    await mount({ type: "form", resId: 1, arch: FORM, readonly: true });
    await waitForSteps(["desktop"]);
    expect(".o_callcenter_dial").toHaveCount(1);
});

test("list: dialling does not open the record", async () => {
    mockTelephony();
    await mount({ type: "list", arch: LIST, selectRecord: () => asyncStep("opened") });
    await waitForSteps(["desktop"]);
    expect(".o_callcenter_dial").toHaveCount(1);
    await contains(".o_callcenter_dial", { visible: false }).click();
    await waitForSteps(['dial ["061 123 45 67","customer",1]']);
});

test("kanban: dialling does not open the record", async () => {
    mockTelephony();
    await mount({ type: "kanban", arch: KANBAN, selectRecord: () => asyncStep("opened") });
    await waitForSteps(["desktop"]);
    await contains(".o_callcenter_dial").click();
    await waitForSteps(['dial ["061 123 45 67","customer",1]']);
});

test("who is no agent keeps the computer's own telephone link", async () => {
    mockTelephony({ agent: false });
    await mount({ type: "form", resId: 1, arch: FORM });
    await waitForSteps(["desktop"]);
    expect(".o_callcenter_dial").toHaveCount(0);
    expect(".o_phone_form_link").toHaveAttribute("href", "tel:0611234567");
});

test("a view may do without", async () => {
    mockTelephony();
    await mount({
        type: "form",
        resId: 1,
        arch: `<form><field name="phone" widget="phone" options="{'enable_dial': False}"/></form>`,
    });
    await waitForSteps(["desktop"]);
    expect(".o_callcenter_dial").toHaveCount(0);
    expect(".o_phone_form_link").toHaveCount(1);
});

test("who becomes an agent sees the buttons without a reload", async () => {
    const telephony = mockTelephony();
    const { desktop } = telephony;
    telephony.desktop = { agent: false };
    await mount({ type: "list", arch: LIST });
    await waitForSteps(["desktop"]);
    telephony.desktop = desktop;
    await getService("callcenter").refresh();
    await animationFrame();
    await waitForSteps(["desktop"]);
    expect(queryAll(".o_callcenter_dial")).toHaveLength(1);
});
