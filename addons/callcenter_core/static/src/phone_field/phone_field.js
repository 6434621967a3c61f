// Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.

import { useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { useService } from "@web/core/utils/hooks";
import { patch } from "@web/core/utils/patch";
import { formPhoneField, PhoneField, phoneField } from "@web/views/fields/phone/phone_field";

import { DialButton } from "./dial_button";

patch(PhoneField, {
    components: {
        ...PhoneField.components,
        DialButton,
    },
    defaultProps: {
        ...PhoneField.defaultProps,
        enableDial: true,
    },
    props: {
        ...PhoneField.props,
        enableDial: { type: Boolean, optional: true },
    },
});

patch(PhoneField.prototype, {
    setup() {
        super.setup(...arguments);
        this.callcenter = useState(useService("callcenter").state);
    },

    get canDial() {
        return (
            this.callcenter.isAgent &&
            this.props.enableDial &&
            Boolean(this.props.record.data[this.props.name])
        );
    },
});

const patchDescription = () => ({
    extractProps({ options }) {
        const props = super.extractProps(...arguments);
        props.enableDial = options.enable_dial;
        return props;
    },
    supportedOptions: [
        ...(phoneField.supportedOptions || []),
        {
            label: _t("Call with the agent's phone"),
            name: "enable_dial",
            type: "boolean",
            default: true,
        },
    ],
});

patch(phoneField, patchDescription());
patch(formPhoneField, patchDescription());
