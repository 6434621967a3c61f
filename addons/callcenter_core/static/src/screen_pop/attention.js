// Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.

import { browser } from "@web/core/browser/browser";
import { delay } from "@web/core/utils/concurrency";

const KEY = "callcenter_core.attention";
/** How long the tab in front may take to speak up, in ms. */
export const PRECEDENCE = 200;

const isClaimed = (callId) => browser.localStorage.getItem(KEY) === String(callId);
const claim = (callId) => browser.localStorage.setItem(KEY, callId);

/**
 * Decide which of the agent's tabs opens and sounds for a call: exactly one of them.
 *
 * Every tab gets the message, and none knows of the others. The one that has the focus is where
 * the agent looks: it takes the call at once, without asking, so that the pop is never late. The
 * others give it a moment; if none has spoken up (Odoo is behind another program), the main tab
 * that Odoo elects among them does. The local storage is used because it is shared by the tabs and
 * read without waiting. Should a browser refuse it, each tab is on its own, which errs on the side
 * of showing the call.
 *
 * @param {number} callId
 * @param {{ isOnMainTab: () => Promise<boolean> }} multiTab
 * @returns {Promise<boolean>} whether it is this tab
 */
export async function claimAttention(callId, multiTab) {
    if (document.hasFocus()) {
        claim(callId);
        return true;
    }
    await delay(PRECEDENCE);
    if (isClaimed(callId) || !(await multiTab.isOnMainTab()) || isClaimed(callId)) {
        return false;
    }
    claim(callId);
    return true;
}
