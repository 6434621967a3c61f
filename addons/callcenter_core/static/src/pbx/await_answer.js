// Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.

import { registry } from "@web/core/registry";

/** How long the connector may take to try everything, in ms. */
export const PATIENCE = 10000;

/**
 * Client action of the buttons on a PBX: wait for the connector's answer and show it.
 *
 * @param {import("@web/env").OdooEnv} env
 * @param {{ params: { uuid: string, title: string, message: string } }} action `message` is shown
 *  meanwhile. The answer's `problems` and `summary` are sentences in the user's language.
 * @returns {Promise<Object>} the action that shows what the answer changed
 */
export async function awaitAnswer(env, { params: { uuid, title, message } }) {
    const { callcenter, notification } = env.services;
    const closeWaiting = notification.add(message, { title, type: "info", sticky: true });
    try {
        const { problems = [], summary = [] } = await callcenter.answerTo(uuid, PATIENCE);
        for (const text of problems) {
            notification.add(text, { title, type: "danger", sticky: true });
        }
        for (const text of summary) {
            notification.add(text, { title, type: "success", sticky: true });
        }
    } catch (error) {
        notification.add(callcenter.reasonOf(error), { title, type: "danger", sticky: true });
    } finally {
        closeWaiting();
    }
    return { type: "ir.actions.client", tag: "soft_reload" };
}

registry.category("actions").add("callcenter_core.await_answer", awaitAnswer);
