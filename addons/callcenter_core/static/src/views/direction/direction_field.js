// Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.

import { Component } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

const ICONS = {
    inbound: "fa-arrow-down o_callcenter_slanted text-info",
    outbound: "fa-arrow-up o_callcenter_slanted text-primary",
    internal: "fa-exchange text-muted",
};

/** Where a call came from or went to, as telephones show it: an arrow. */
export class DirectionField extends Component {
    static template = "callcenter_core.DirectionField";
    static props = { ...standardFieldProps, withLabel: { type: Boolean, optional: true } };

    get icon() {
        return ICONS[this.props.record.data[this.props.name]];
    }

    get label() {
        const { data, fields } = this.props.record;
        const value = data[this.props.name];
        const option = fields[this.props.name].selection.find(([key]) => key === value);
        return option ? option[1] : "";
    }
}

export const directionField = {
    component: DirectionField,
    displayName: _t("Direction of a Call"),
    supportedOptions: [{ label: _t("With label"), name: "with_label", type: "boolean" }],
    supportedTypes: ["selection"],
    extractProps: ({ options }) => ({ withLabel: Boolean(options.with_label) }),
};

registry.category("fields").add("callcenter_direction", directionField);
registry.category("fields").add("list.callcenter_direction", {
    ...directionField,
    listViewWidth: 36,
});
