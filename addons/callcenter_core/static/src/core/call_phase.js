// Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.

import { _t } from "@web/core/l10n/translation";

export const RINGING = "ringing";
export const DIALLING = "dialling";
export const TALKING = "talking";
export const HELD = "held";
export const ENDED = "ended";

/**
 * Where a call stands for this agent, which is not where it stands for the caller: a call that
 * goes on ringing at a colleague's phone is over here.
 *
 * @param {import("./callcenter_service").Call} call
 * @returns {"ringing" | "dialling" | "talking" | "held" | "ended"}
 */
export function callPhase(call) {
    const own = call.own_leg?.state;
    if (call.state === "ended" || own === "ended") {
        return ENDED;
    }
    const answered = call.answer || ["talking", "held"].includes(call.state);
    if (call.direction === "outbound" && !answered) {
        return DIALLING; // first our own phone rings, then theirs
    }
    if (call.direction === "internal" && !answered) {
        return own === "ringing" && !call.res_model ? RINGING : DIALLING;
    }
    if (own ? own === "ringing" : !answered) {
        return RINGING;
    }
    return own === "held" || call.state === "held" ? HELD : TALKING;
}

/**
 * @param {import("./callcenter_service").Call} call
 * @returns {{ name: string, label: string, color: string, pulse?: boolean }} `color` is a
 *  contextual colour of Bootstrap
 */
export function describePhase(call) {
    const name = callPhase(call);
    switch (name) {
        case RINGING:
            return { name, label: _t("Incoming call"), color: "danger", pulse: true };
        case DIALLING: {
            const ours = call.own_leg?.state === "ringing";
            const label = ours ? _t("Pick up your phone") : _t("Calling");
            return { name, label, color: "info", pulse: true };
        }
        case TALKING:
            return { name, label: _t("Talking"), color: "success" };
        case HELD:
            return { name, label: _t("On hold"), color: "warning" };
    }
    if (call.answer) {
        return { name, label: _t("Call ended"), color: "secondary" };
    }
    const missed = call.direction !== "outbound";
    return { name, label: missed ? _t("Missed call") : _t("Not reached"), color: "secondary" };
}
