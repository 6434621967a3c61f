// Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.

import { _t } from "@web/core/l10n/translation";

/** How calls ended, as in the field `result` of `callcenter.call`. */
const RESULTS = {
    answered: _t("Answered"),
    abandoned: _t("Abandoned"),
    no_answer: _t("No answer"),
    busy: _t("Busy"),
    congestion: _t("Congestion"),
    invalid: _t("Invalid number"),
    cancelled: _t("Cancelled"),
    failed: _t("Failed"),
    self_service: _t("Self service"),
};

export const DIRECTIONS = {
    inbound: { label: _t("Inbound"), icon: "fa-arrow-down" },
    outbound: { label: _t("Outbound"), icon: "fa-arrow-up" },
    internal: { label: _t("Internal"), icon: "fa-exchange" },
};

/**
 * @param {string | false} result
 * @returns {string}
 */
export function describeResult(result) {
    return String(RESULTS[result] || result || "");
}
