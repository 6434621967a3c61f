// Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.

import { Component } from "@odoo/owl";
import { registry } from "@web/core/registry";

/**
 * Doors for other addons. Both registries are ordered by `sequence`, read at each rendering, and
 * used by the core for what it brings itself.
 *
 * @typedef {Object} CallAction a button of the pop
 * @property {string} label
 * @property {string} icon classes of Font Awesome
 * @property {string} [class] classes of the button; `btn-secondary` if none
 * @property {(call: import("../core/callcenter_service").Call, agent: import("../core/callcenter_service").Agent) => boolean} [isAvailable]
 * @property {(call: import("../core/callcenter_service").Call, env: import("@web/env").OdooEnv) => any} run
 *
 * @typedef {Object} CallPanel a tab of the pop
 * @property {string} label
 * @property {typeof Component} Component gets the prop `call`
 * @property {(call: import("../core/callcenter_service").Call, agent: import("../core/callcenter_service").Agent) => boolean} [isAvailable]
 */

export const callActions = registry.category("callcenter.call_actions");
callActions.addValidation({
    label: { type: [String, Object] },
    icon: String,
    class: { type: String, optional: true },
    isAvailable: { type: Function, optional: true },
    run: Function,
});

export const callPanels = registry.category("callcenter.call_panels");
callPanels.addValidation({
    label: { type: [String, Object] },
    Component: { validate: (c) => c.prototype instanceof Component },
    isAvailable: { type: Function, optional: true },
});

/**
 * @param {import("@web/core/registry").Registry} category one of the above
 * @returns {(CallAction | CallPanel)[]} what fits this call, each with its `id`
 */
export function availableFor(category, call, agent) {
    return category
        .getEntries()
        .filter(([, entry]) => !entry.isAvailable || entry.isAvailable(call, agent))
        .map(([id, entry]) => ({ ...entry, id }));
}
