// Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.

import { Component } from "@odoo/owl";
import { formatElapsed } from "@callcenter_core/core/timer/timer";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

/**
 * @param {number | false} seconds
 * @returns {string} `0:07`, `1:03:07`
 */
export function formatDuration(seconds) {
    return seconds === false ? "" : formatElapsed(Math.round(seconds));
}

/** Seconds, shown as people read a duration. What the PBX measured is never edited. */
export class DurationField extends Component {
    static template = "callcenter_core.DurationField";
    static props = { ...standardFieldProps };

    get text() {
        return formatDuration(this.props.record.data[this.props.name]);
    }
}

export const durationField = {
    component: DurationField,
    displayName: _t("Duration in Seconds"),
    supportedTypes: ["float", "integer"],
    isEmpty: () => false,
};

registry.category("fields").add("callcenter_duration", durationField);
registry.category("formatters").add("callcenter_duration", formatDuration);
