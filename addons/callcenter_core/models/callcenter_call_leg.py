# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
from odoo import api, fields, models


class CallcenterCallLeg(models.Model):
    """One channel of a call: a party, from its first ring to its end.

    Written by the connector alone, many at a time: no computed fields, no tracking,
    and no company check on what no person enters.
    """

    _name = "callcenter.call.leg"
    _description = "Call Leg"
    _order = "start, id"

    call_id = fields.Many2one(
        comodel_name="callcenter.call",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
        bypass_search_access=True,
    )
    pbx_id = fields.Many2one(
        comodel_name="callcenter.pbx",
        string="PBX",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(
        comodel_name="res.company", required=True, readonly=True
    )
    uniqueid = fields.Char(string="Unique ID", required=True, readonly=True)
    channel = fields.Char(readonly=True)
    interface = fields.Char(string="Device", readonly=True)
    party = fields.Selection(
        selection=[
            ("customer", "Customer"),
            ("agent", "Agent"),
            ("external", "External Party"),
        ],
        required=True,
        readonly=True,
    )
    extension_id = fields.Many2one(comodel_name="callcenter.extension", readonly=True)
    agent_id = fields.Many2one(
        comodel_name="callcenter.agent", readonly=True, index="btree_not_null"
    )
    number = fields.Char(readonly=True)
    name = fields.Char(string="Name Sent", readonly=True)
    queue_id = fields.Many2one(comodel_name="callcenter.queue", readonly=True)
    start = fields.Datetime(required=True, readonly=True)
    ring_start = fields.Datetime(string="Rang", readonly=True)
    answer = fields.Datetime(string="Answered", readonly=True)
    stop = fields.Datetime(string="Ended", readonly=True)
    result = fields.Selection(
        selection=[
            ("answered", "Answered"),
            ("no_answer", "No Answer"),
            ("busy", "Busy"),
            ("cancelled", "Cancelled"),
            ("congestion", "Congestion"),
            ("invalid", "Invalid Number"),
            ("rejected", "Rejected"),
            ("failed", "Failed"),
        ],
        readonly=True,
    )
    cause = fields.Integer(readonly=True, help="Hang-up cause (ITU-T Q.850).")
    tech_cause = fields.Integer(
        string="SIP Status", readonly=True, help="SIP status code of the far end."
    )
    ring = fields.Float(string="Ringing Time", readonly=True)
    talk = fields.Float(string="Talk Time", readonly=True)
    hold = fields.Float(string="Hold Time", readonly=True)
    segments = fields.Json(
        string="Timeline",
        readonly=True,
        help="The leg's life without a gap: state, start and stop of each part.",
    )

    _uniqueid_unique = models.UniqueIndex(
        "(pbx_id, uniqueid)", "A channel is one leg of one call."
    )

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    @api.depends("agent_id", "call_id.partner_id", "extension_id", "number", "name")
    def _compute_display_name(self):
        for leg in self:
            # sudo: res.partner - who may see a call may see whose it is
            customer = leg.party == "customer" and leg.call_id.sudo().partner_id
            leg.display_name = (
                leg.agent_id.display_name
                or (customer and customer.display_name)
                or leg.name
                or leg.number
                or leg.extension_id.display_name
                or leg.channel
                or self.env._("Leg %s", leg.id)
            )

    # ------------------------------------------------------------
    # BUSINESS
    # ------------------------------------------------------------

    def _screen_payload(self):
        """Return what the screen of the leg's own agent shows of it."""
        self.ensure_one()
        if self.stop:
            state = "ended"
        elif self.answer:
            state = "held" if self.call_id.state == "held" else "talking"
        else:
            state = "ringing"
        return {"id": self.id, "state": state, "channel": self.channel or ""}
