// Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.

import { _t } from "@web/core/l10n/translation";

import { callPhase, ENDED } from "../core/call_phase";
import { isAmbiguous, whoCalls } from "../core/call_match";
import { callActions } from "./call_registries";

function openForm(env, action, options) {
    return env.services.action.doAction(
        { type: "ir.actions.act_window", views: [[false, "form"]], target: "current", ...action },
        options
    );
}

/**
 * Open an empty form with all that is known of the caller. Once it is saved, the call belongs to
 * the new record, and so does the number from now on.
 */
function createRecord(env, call, resModel, context) {
    return openForm(
        env,
        { res_model: resModel, context: { default_phone: call.number, ...context } },
        {
            props: {
                onSave: ({ resId }) =>
                    env.services.callcenter.identify(call.call_id, {
                        res_model: resModel,
                        res_id: resId,
                    }),
            },
        }
    );
}

callActions
    .add(
        "open_record",
        {
            label: _t("Open record"),
            icon: "fa fa-external-link",
            isAvailable: (call) => Boolean(whoCalls(call)),
            run: (call, env) => {
                const { res_model, res_id } = whoCalls(call);
                return openForm(env, { res_model, res_id });
            },
        },
        { sequence: 50 }
    )
    .add(
        "create_contact",
        {
            label: _t("Create contact"),
            icon: "fa fa-user-plus",
            isAvailable: (call) => Boolean(call.number) && !whoCalls(call) && !isAmbiguous(call),
            run: (call, env) =>
                createRecord(env, call, "res.partner", { default_name: call.name || "" }),
        },
        { sequence: 60 }
    )
    .add(
        "create_lead",
        {
            label: _t("Create lead"),
            icon: "fa fa-star-o",
            isAvailable: (call) =>
                Boolean(call.number) &&
                !isAmbiguous(call) &&
                whoCalls(call)?.res_model !== "crm.lead",
            run: (call, env) => {
                const who = whoCalls(call);
                if (who?.res_model === "res.partner") {
                    return openForm(env, {
                        res_model: "crm.lead",
                        context: { default_partner_id: who.res_id, default_phone: call.number },
                    });
                }
                return createRecord(env, call, "crm.lead", {
                    default_contact_name: call.name || "",
                });
            },
        },
        { sequence: 70 }
    )
    .add(
        "hang_up",
        {
            label: _t("Hang up"),
            icon: "fa fa-phone o_callcenter_hang_up_icon",
            class: "btn-danger ms-auto", // at the end: the others stay put when it goes
            isAvailable: (call) => callPhase(call) !== ENDED,
            run: (call, env) => env.services.callcenter.act("hang_up", call.call_id),
        },
        { sequence: 100 }
    );
