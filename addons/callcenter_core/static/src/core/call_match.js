// Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.

/** @typedef {import("./callcenter_service").Call} Call */
/** @typedef {import("./callcenter_service").Match} Match */

/**
 * @param {Match} match
 * @returns {string}
 */
export function matchKey({ res_model, res_id }) {
    return `${res_model},${res_id}`;
}

/**
 * Who it is, if that is known: the only record with this number, or the one that an agent chose.
 *
 * @param {Call} call
 * @returns {Match | undefined}
 */
export function whoCalls(call) {
    const matches = call.matches || [];
    const key =
        call.chosen ||
        (call.partner_id && `res.partner,${call.partner_id}`) ||
        (call.lead_id && `crm.lead,${call.lead_id}`);
    return (
        (key && matches.find((match) => matchKey(match) === key)) ||
        (matches.length === 1 ? matches[0] : undefined)
    );
}

/**
 * @param {Call} call
 * @returns {boolean} whether it may be several, and nobody has said yet
 */
export function isAmbiguous(call) {
    return (call.matches || []).length > 1 && !whoCalls(call);
}
