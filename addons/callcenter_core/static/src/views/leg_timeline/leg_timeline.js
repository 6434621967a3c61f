// Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.

import { Component } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { X2ManyField, x2ManyField } from "@web/views/fields/x2many/x2many_field";
import { formatDuration } from "../duration/duration_field";

const { DateTime } = luxon;

/** What a leg may be doing, in the order of the legend. */
export const SEGMENT_STATES = {
    dial: _t("Dialling"),
    ring: _t("Ringing"),
    wait: _t("Waiting"),
    talk: _t("Talking"),
    hold: _t("Holding"),
    idle: _t("Not connected"),
};

const PARTY_ICONS = {
    customer: "fa-user",
    agent: "fa-headphones",
    external: "fa-phone",
};

/** Seconds between two marks of the axis. */
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400];
const MOST_MARKS = 8;

/**
 * The parts of a leg's life. A leg that goes on has none stored yet: they are told by its times.
 *
 * @param {Object} leg data of a `callcenter.call.leg`
 * @param {number} now seconds since the epoch
 * @returns {[string, number, number][]} state, start and stop
 */
export function getSegments(leg, now) {
    if (leg.segments?.length) {
        return leg.segments;
    }
    const seconds = (time) => (time ? time.toSeconds() : undefined);
    const stop = seconds(leg.stop) ?? now;
    const answer = seconds(leg.answer);
    const ring = seconds(leg.ring_start);
    const marks = [
        ["dial", seconds(leg.start)],
        ["ring", ring],
        ["talk", answer],
    ].filter(([, start]) => start !== undefined);
    return marks
        .map(([state, start], index) => [state, start, marks[index + 1]?.[1] ?? stop])
        .filter(([, start, end]) => end > start);
}

/** Who did what when in a call: a line for each leg, on one axis of time. */
export class LegTimeline extends Component {
    static template = "callcenter_core.LegTimeline";
    static props = { legs: Array };

    get chart() {
        const now = DateTime.now().toSeconds();
        const rows = this.props.legs.map(({ resId, data }) => ({
            id: resId,
            icon: PARTY_ICONS[data.party],
            name: data.display_name,
            segments: getSegments(data, now),
        }));
        const times = rows.flatMap((row) => row.segments.flatMap(([, ...times]) => times));
        if (!times.length) {
            return null;
        }
        const first = Math.min(...times);
        const length = Math.max(Math.max(...times) - first, 1);
        const percent = (time) => `${((100 * (time - first)) / length).toFixed(3)}%`;
        const used = new Set();
        for (const row of rows) {
            row.bars = row.segments.map(([state, start, stop]) => {
                used.add(state);
                return {
                    state,
                    tooltip: this.describe(state, start, stop),
                    style: `left: ${percent(start)}; width: ${percent(first + stop - start)}`,
                };
            });
        }
        const step =
            STEPS.find((candidate) => length / candidate <= MOST_MARKS) ?? length / MOST_MARKS;
        const marks = [];
        for (let at = 0; at <= length; at += step) {
            // the last label would leave the chart
            marks.push({
                at,
                label: length - at < step / 2 && at ? "" : formatDuration(at),
                style: `left: ${percent(first + at)}`,
            });
        }
        const legend = Object.entries(SEGMENT_STATES).filter(([state]) => used.has(state));
        return { rows, marks, legend };
    }

    /** "Talking 1:03 (14:03:12 – 14:04:15)" */
    describe(state, start, stop) {
        const clock = (time) => DateTime.fromSeconds(time).toFormat("HH:mm:ss");
        const label = String(SEGMENT_STATES[state] ?? state);
        return `${label} ${formatDuration(stop - start)} (${clock(start)} – ${clock(stop)})`;
    }
}

/** The legs of a call, drawn and listed. */
export class LegTimelineField extends X2ManyField {
    static template = "callcenter_core.LegTimelineField";
    static components = { ...X2ManyField.components, LegTimeline };
}

export const legTimelineField = {
    ...x2ManyField,
    component: LegTimelineField,
    displayName: _t("Timeline of a Call"),
    supportedTypes: ["one2many"],
};

registry.category("fields").add("callcenter_leg_timeline", legTimelineField);
