// Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.

import { describe, expect, test } from "@odoo/hoot";
import { queryAll, queryAllTexts, queryFirst, queryText } from "@odoo/hoot-dom";
import { mockDate, mockTimeZone } from "@odoo/hoot-mock";
import { mailModels } from "@mail/../tests/mail_test_helpers";
import { formatDuration } from "@callcenter_core/views/duration/duration_field";
import { getSegments } from "@callcenter_core/views/leg_timeline/leg_timeline";
import { defineModels, fields, models, mountView } from "@web/../tests/web_test_helpers";

const { DateTime } = luxon;

describe.current.tags("desktop");

/** 2026-01-31 09:00:00 UTC */
const START = 1769850000;

class Call extends models.Model {
    _name = "callcenter.call";
    direction = fields.Selection({
        selection: [
            ["inbound", "Inbound"],
            ["outbound", "Outbound"],
        ],
    });
    talk = fields.Float();
    leg_ids = fields.One2many({ relation: "callcenter.call.leg" });
    _records = [
        { id: 1, direction: "inbound", talk: 127.4, leg_ids: [1, 2, 3] },
        { id: 2, direction: "outbound", talk: 3600, leg_ids: [] },
        { id: 3, direction: "inbound", talk: 10, leg_ids: [4] },
    ];
}

class Leg extends models.Model {
    _name = "callcenter.call.leg";
    display_name = fields.Char();
    party = fields.Selection({
        selection: [
            ["customer", "Customer"],
            ["agent", "Agent"],
        ],
    });
    start = fields.Datetime();
    ring_start = fields.Datetime();
    answer = fields.Datetime();
    stop = fields.Datetime();
    segments = fields.Json();
    _records = [
        {
            id: 1,
            display_name: "Weber",
            party: "customer",
            start: "2026-01-31 09:00:00",
            segments: [
                ["wait", START, START + 20],
                ["talk", START + 20, START + 100],
            ],
        },
        {
            id: 2,
            display_name: "Anna",
            party: "agent",
            start: "2026-01-31 09:00:05",
            segments: [
                ["ring", START + 5, START + 20],
                ["talk", START + 20, START + 60],
                ["hold", START + 60, START + 80],
                ["talk", START + 80, START + 100],
            ],
        },
        {
            id: 3,
            display_name: "<b>Ben</b>",
            party: "agent",
            start: "2026-01-31 09:00:05",
            segments: [["ring", START + 5, START + 15]],
        },
        {
            id: 4,
            display_name: "Anna",
            party: "agent",
            start: "2026-01-31 09:00:00",
            ring_start: "2026-01-31 09:02:00",
            answer: "2026-01-31 09:10:00",
        },
    ];
}

defineModels({ ...mailModels, Call, Leg });

async function mountCall(resId) {
    await mountView({
        type: "form",
        resModel: "callcenter.call",
        resId,
        arch: `
            <form edit="0">
                <field name="direction" widget="callcenter_direction"
                    options="{'with_label': true}"/>
                <field name="talk" widget="callcenter_duration"/>
                <field name="leg_ids" widget="callcenter_leg_timeline" mode="list">
                    <list>
                        <field name="display_name"/>
                        <field name="party" column_invisible="1"/>
                        <field name="start" column_invisible="1"/>
                        <field name="ring_start" column_invisible="1"/>
                        <field name="answer" column_invisible="1"/>
                        <field name="stop" column_invisible="1"/>
                        <field name="segments" column_invisible="1"/>
                    </list>
                </field>
            </form>`,
    });
}

test("a duration is read as on a telephone", () => {
    expect(formatDuration(false)).toBe("");
    expect(formatDuration(0)).toBe("0:00");
    expect(formatDuration(7.4)).toBe("0:07");
    expect(formatDuration(59.6)).toBe("1:00");
    expect(formatDuration(3787)).toBe("1:03:07");
});

test("durations and directions in a list, with totals", async () => {
    await mountView({
        type: "list",
        resModel: "callcenter.call",
        arch: `
            <list>
                <field name="direction" widget="callcenter_direction"/>
                <field name="talk" widget="callcenter_duration" sum="Total"/>
            </list>`,
    });
    expect(queryAllTexts("tbody .o_callcenter_duration")).toEqual(["2:07", "1:00:00", "0:10"]);
    expect(queryText("tfoot .o_list_number")).toBe("1:02:17");
    expect(queryAll("tbody td[name=direction] i").map((icon) => icon.title)).toEqual([
        "Inbound",
        "Outbound",
        "Inbound",
    ]);
});

test("each leg is a line on one axis", async () => {
    await mountCall(1);
    expect(".o_field_widget[name=direction]").toHaveText("Inbound");
    expect(queryAllTexts(".o_callcenter_timeline_name")).toEqual(["Weber", "Anna", "<b>Ben</b>"]);
    const bars = queryAll(".o_callcenter_timeline_bar");
    expect(bars.map((bar) => [bar.style.left, bar.style.width])).toEqual([
        ["0%", "20%"],
        ["20%", "80%"],
        ["5%", "15%"],
        ["20%", "40%"],
        ["60%", "20%"],
        ["80%", "20%"],
        ["5%", "10%"],
    ]);
    expect(bars[4]).toHaveClass("o_callcenter_segment_hold");
    // only what there is, in an order that does not change
    expect(queryAllTexts(".o_callcenter_timeline > .d-flex > span")).toEqual([
        "Ringing",
        "Waiting",
        "Talking",
        "Holding",
    ]);
    expect(queryAllTexts(".o_callcenter_timeline_axis span").filter(Boolean)).toEqual([
        "0:00",
        "0:15",
        "0:30",
        "0:45",
        "1:00",
        "1:15",
        "1:30",
    ]);
    expect(".o_list_renderer .o_data_row").toHaveCount(3);
});

test("a part of a leg tells its state, length and times", async () => {
    mockTimeZone(+1);
    await mountCall(1);
    expect(queryAll(".o_callcenter_timeline_bar")[1]).toHaveAttribute(
        "data-tooltip",
        "Talking 1:20 (10:00:20 – 10:01:40)"
    );
});

test("a leg that goes on is drawn until now", async () => {
    mockDate("2026-01-31 09:20:00", 0);
    await mountCall(3);
    // the clock goes on a little while the form is drawn
    const percent = (length) => Math.round(parseFloat(length));
    const bars = queryAll(".o_callcenter_timeline_bar");
    expect(bars.map(({ style }) => [percent(style.left), percent(style.width)])).toEqual([
        [0, 10],
        [10, 40],
        [50, 50],
    ]);
});

test("a call without legs has no timeline", async () => {
    await mountCall(2);
    expect(".o_callcenter_timeline").toHaveCount(0);
    expect(queryFirst(".o_form_view")).toBeVisible();
});

test("a leg that was never answered ends ringing", () => {
    const moment = (seconds) => DateTime.fromSeconds(START + seconds);
    const leg = { start: moment(0), ring_start: moment(0), answer: false, stop: moment(15) };
    expect(getSegments(leg, START + 99)).toEqual([["ring", START, START + 15]]);
});
