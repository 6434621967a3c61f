// Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.

import { _t } from "@web/core/l10n/translation";

/**
 * States of an agent as people see them. `color` is a contextual colour of Bootstrap; states in
 * which no call can come are drawn hollow.
 */
export const AGENT_STATES = {
    offline: { label: _t("Offline"), color: "secondary", hollow: true },
    signed_out: { label: _t("Signed out"), color: "secondary", hollow: true },
    ready: { label: _t("Ready"), color: "success" },
    ringing: { label: _t("Ringing"), color: "danger", pulse: true },
    dialling: { label: _t("Dialling"), color: "info", pulse: true },
    talking: { label: _t("Talking"), color: "info" },
    holding: { label: _t("Holding"), color: "warning" },
    consulting: { label: _t("Consulting"), color: "info" },
    conference: { label: _t("Conference"), color: "info" },
    wrap_up: { label: _t("After-call work"), color: "secondary" },
    paused: { label: _t("Paused"), color: "warning" },
};

/**
 * @param {string} state
 * @returns {{ label: string, color: string, hollow?: boolean, pulse?: boolean }}
 */
export function describeState(state) {
    return AGENT_STATES[state] || { label: state, color: "secondary" };
}

/**
 * Who is signed in stays so while the phone is away (`offline`): calls wait until it is back.
 *
 * @param {import("./callcenter_service").Agent} agent
 * @returns {boolean}
 */
export function isSignedIn(agent) {
    return Boolean(agent.extension) && agent.state !== "signed_out";
}
