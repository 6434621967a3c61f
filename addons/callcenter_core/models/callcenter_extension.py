# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
from odoo import api, fields, models


class CallcenterExtension(models.Model):
    """A phone's place: whoever signs in there takes calls there."""

    _name = "callcenter.extension"
    _description = "Extension"
    _order = "pbx_id, number, id"
    _rec_names_search = ["number", "name"]

    pbx_id = fields.Many2one(
        comodel_name="callcenter.pbx",
        string="PBX",
        required=True,
        index=True,
        ondelete="cascade",
        default=lambda self: self.env["callcenter.pbx"].search([], limit=1),
    )
    company_id = fields.Many2one(related="pbx_id.company_id", store=True, index=True)
    number = fields.Char(required=True, help="Number that others dial to reach it.")
    interface = fields.Char(
        required=True,
        help="Device as Asterisk names it: PJSIP/ and the endpoint's section in "
        "/etc/asterisk/pjsip.conf, for example PJSIP/1001.",
    )
    name = fields.Char(string="Description")
    kind = fields.Selection(
        selection=[
            ("sip", "SIP Phone"),
            ("webrtc", "Browser"),
            ("external", "External Phone"),
        ],
        required=True,
        default="sip",
    )
    active = fields.Boolean(default=True)
    agent_ids = fields.One2many(
        comodel_name="callcenter.agent", inverse_name="extension_id"
    )
    agent_id = fields.Many2one(
        comodel_name="callcenter.agent",
        string="Signed In",
        compute="_compute_agent_id",
        help="Agent who is signed in at this extension.",
    )

    # told by the connector
    reachable = fields.Boolean(readonly=True)
    latency = fields.Float(string="Latency (ms)", digits=(12, 1), readonly=True)
    contact_uri = fields.Char(string="Contact URI", readonly=True)
    user_agent = fields.Char(string="Phone Model", readonly=True)

    _number_unique = models.UniqueIndex(
        "(pbx_id, number)", "This PBX has an extension with this number already."
    )
    _interface_unique = models.UniqueIndex(
        "(pbx_id, interface)", "This PBX has an extension with this device already."
    )

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    @api.depends("number", "name")
    def _compute_display_name(self):
        for extension in self:
            extension.display_name = " · ".join(
                filter(None, (extension.number, extension.name))
            )

    @api.depends("agent_ids")
    def _compute_agent_id(self):
        for extension in self:
            extension.agent_id = extension.agent_ids[:1]

    # ------------------------------------------------------------
    # ONCHANGE
    # ------------------------------------------------------------

    @api.onchange("number")
    def _onchange_number(self):
        if self.number and not self.interface:
            self.interface = f"PJSIP/{self.number}"

    # ------------------------------------------------------------
    # BUSINESS
    # ------------------------------------------------------------

    def _desktop_payload(self):
        """Return what the web client shows of an extension."""
        self.ensure_one()
        return {
            "id": self.id,
            "number": self.number,
            "name": self.name or "",
            "reachable": self.reachable,
            "latency": self.latency or False,
        }
