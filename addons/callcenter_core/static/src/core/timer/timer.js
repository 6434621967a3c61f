// Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.

import { Component, onWillDestroy, onWillRender } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { deserializeDateTime } from "@web/core/l10n/dates";
import { useService } from "@web/core/utils/hooks";

const HOUR = 3600;

/**
 * @param {number} seconds
 * @returns {string} `3:07`, `1:03:07`
 */
export function formatElapsed(seconds) {
    seconds = Math.max(0, Math.floor(seconds));
    const pad = (number) => String(number).padStart(2, "0");
    const minutes = Math.floor(seconds / 60);
    if (seconds < HOUR) {
        return `${minutes}:${pad(seconds % 60)}`;
    }
    return `${Math.floor(seconds / HOUR)}:${pad(minutes % 60)}:${pad(seconds % 60)}`;
}

/**
 * Time that passes since a moment, by the server's clock. Renders itself only, once a second, at
 * the second; stands still at `until`. Both are UTC, as the server writes them.
 */
export class Timer extends Component {
    static template = "callcenter_core.Timer";
    static props = {
        since: { type: [String, Boolean] },
        until: { type: String, optional: true },
    };

    setup() {
        this.callcenter = useService("callcenter");
        onWillRender(() => this.schedule());
        onWillDestroy(() => browser.clearTimeout(this.timeout));
    }

    get elapsed() {
        const { since, until } = this.props;
        return until
            ? Math.max(0, deserializeDateTime(until) - deserializeDateTime(since))
            : this.callcenter.elapsed(since);
    }

    get text() {
        return this.props.since ? formatElapsed(this.elapsed / 1000) : "";
    }

    schedule() {
        browser.clearTimeout(this.timeout);
        if (this.props.since && !this.props.until) {
            const rest = 1000 - (this.elapsed % 1000);
            this.timeout = browser.setTimeout(() => this.render(), rest);
        }
    }
}
