# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools.constants import GC_UNLINK_LIMIT

#: Days for which settled failures are kept.
RETENTION = 30


class CallcenterFactFailure(models.Model):
    """A fact that could not be applied, kept for an administrator.

    Written by the connector, which went on with the facts after it.
    """

    _name = "callcenter.fact.failure"
    _description = "Fact Set Aside"
    _order = "date desc, id desc"
    _rec_name = "name"

    pbx_id = fields.Many2one(
        comodel_name="callcenter.pbx",
        string="PBX",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(related="pbx_id.company_id", store=True, index=True)
    name = fields.Char(string="Fact Name", compute="_compute_name", store=True)
    fact = fields.Json(string="Fact (JSON)", required=True, readonly=True)
    fact_text = fields.Text(string="Fact", compute="_compute_fact_text")
    error = fields.Char(readonly=True)
    traceback = fields.Text(readonly=True)
    date = fields.Datetime(
        required=True, readonly=True, default=fields.Datetime.now, index=True
    )
    state = fields.Selection(
        selection=[("open", "Open"), ("done", "Done")],
        required=True,
        readonly=True,
        default="open",
    )
    resolution = fields.Selection(
        selection=[("applied", "Applied"), ("discarded", "Discarded")], readonly=True
    )

    _open_index = models.Index("(pbx_id) WHERE state = 'open'")

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    @api.depends("fact")
    def _compute_name(self):
        for failure in self:
            failure.name = (failure.fact or {}).get("fact")

    @api.depends("fact")
    def _compute_fact_text(self):
        for failure in self:
            failure.fact_text = "\n".join(
                f"{key}: {value}"
                for key, value in (failure.fact or {}).items()
                if value not in ("", None)
            )

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_apply(self):
        """Have the connector apply these facts again."""
        failures = self.filtered(lambda failure: failure.state == "open")
        if not failures:
            raise UserError(self.env._("These facts are settled already."))
        for pbx, of_pbx in failures.grouped("pbx_id").items():
            self.env["callcenter.command"]._send(
                pbx, "apply_failures", {"failure_ids": of_pbx.ids}
            )
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "info",
                "message": self.env._("The connector applies the facts again."),
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    def action_discard(self):
        """Settle these failures without applying them."""
        self.filtered(lambda failure: failure.state == "open").write(
            {"state": "done", "resolution": "discarded"}
        )

    # ------------------------------------------------------------
    # BUSINESS
    # ------------------------------------------------------------

    @api.autovacuum
    def _gc_done(self):
        limit = fields.Datetime.now() - timedelta(days=RETENTION)
        settled = self.search(
            [("state", "=", "done"), ("date", "<", limit)], limit=GC_UNLINK_LIMIT
        )
        settled.unlink()
        return len(settled), len(settled) == GC_UNLINK_LIMIT
