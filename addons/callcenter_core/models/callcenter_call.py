# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
import re

from odoo import api, fields, models
from odoo.fields import Domain

#: Fewest digits for which a search for a number's fragment is of use.
FRAGMENT_LENGTH = 3


class CallcenterCall(models.Model):
    """One call, from its first channel to its last.

    Written by the connector alone, many at a time: no tracking, no computed columns,
    and no company check on what no person enters. What people add to a call lives in
    tables of its own. Who may see a call is decided by columns stored on it.
    """

    _name = "callcenter.call"
    _description = "Call"
    _order = "start desc, id desc"

    pbx_id = fields.Many2one(
        comodel_name="callcenter.pbx", required=True, readonly=True, ondelete="restrict"
    )
    company_id = fields.Many2one(
        comodel_name="res.company", required=True, readonly=True
    )
    uniqueid = fields.Char(
        string="Unique ID",
        required=True,
        readonly=True,
        help="Uniqueid that Asterisk gave to the first channel.",
    )
    direction = fields.Selection(
        selection=[
            ("inbound", "Inbound"),
            ("outbound", "Outbound"),
            ("internal", "Internal"),
        ],
        required=True,
        readonly=True,
    )
    number = fields.Char(
        readonly=True, index="trigram", help="The customer's number as the PBX has it."
    )
    number_e164 = fields.Char(
        string="International Number", readonly=True, index="trigram"
    )
    number_search = fields.Char(
        string="Number Contains", store=False, search="_search_number_search"
    )
    caller_name = fields.Char(
        readonly=True, help="The name that the telephone network sent."
    )
    did = fields.Char(
        string="Number Called",
        readonly=True,
        help="The number that the customer dialled.",
    )
    partner_id = fields.Many2one(
        comodel_name="res.partner",
        string="Contact",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    lead_id = fields.Many2one(
        comodel_name="crm.lead",
        string="Lead",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    queue_id = fields.Many2one(
        comodel_name="callcenter.queue", readonly=True, index="btree_not_null"
    )
    agent_id = fields.Many2one(
        comodel_name="callcenter.agent",
        readonly=True,
        help="Who spoke with the customer last, or whose phone rang last.",
    )
    agent_ids = fields.Many2many(
        comodel_name="callcenter.agent",
        relation="callcenter_call_agent_rel",
        column1="call_id",
        column2="agent_id",
        string="Agents",
        readonly=True,
    )
    user_ids = fields.Many2many(
        comodel_name="res.users",
        relation="callcenter_call_user_rel",
        column1="call_id",
        column2="user_id",
        string="Users",
        readonly=True,
        help="Users who may see this call because they took part in it.",
    )
    team_id = fields.Many2one(
        comodel_name="callcenter.team",
        readonly=True,
        index="btree_not_null",
        bypass_search_access=True,
    )
    start = fields.Datetime(required=True, readonly=True)
    queue_start = fields.Datetime(string="Queued Since", readonly=True)
    answer = fields.Datetime(string="Answered", readonly=True)
    stop = fields.Datetime(string="Ended", readonly=True)
    state = fields.Selection(
        selection=[
            ("ringing", "Ringing"),
            ("queued", "Queued"),
            ("talking", "Talking"),
            ("held", "On Hold"),
            ("ended", "Ended"),
        ],
        required=True,
        readonly=True,
        default="ringing",
    )
    result = fields.Selection(
        selection=[
            ("answered", "Answered"),
            ("abandoned", "Abandoned"),
            ("no_answer", "No Answer"),
            ("busy", "Busy"),
            ("congestion", "Congestion"),
            ("invalid", "Invalid Number"),
            ("cancelled", "Cancelled"),
            ("failed", "Failed"),
            ("self_service", "Self Service"),
        ],
        readonly=True,
    )
    ended_by = fields.Selection(
        selection=[("customer", "Customer"), ("agent", "Agent"), ("system", "System")],
        readonly=True,
    )
    wait = fields.Float(string="Waiting Time", readonly=True)
    ring = fields.Float(string="Ringing Time", readonly=True)
    talk = fields.Float(string="Talk Time", readonly=True)
    hold = fields.Float(string="Hold Time", readonly=True)
    duration = fields.Float(readonly=True)
    merged_into_id = fields.Many2one(
        comodel_name="callcenter.call",
        string="Merged Into",
        readonly=True,
        index="btree_not_null",
        help="The call that this one became a part of: its legs are there.",
    )
    reconstructed = fields.Boolean(
        readonly=True,
        help="Told by the PBX's journal afterwards, at least in part: the connector "
        "was not listening.",
    )
    res_model = fields.Char(string="Dialled From (Model)", readonly=True)
    res_id = fields.Many2oneReference(
        string="Dialled From", model_field="res_model", readonly=True
    )
    leg_ids = fields.One2many(
        comodel_name="callcenter.call.leg", inverse_name="call_id", string="Legs"
    )

    _uniqueid_unique = models.UniqueIndex(
        "(pbx_id, uniqueid)", "This call is known already."
    )
    _company_start_index = models.Index("(company_id, start)")
    _agent_start_index = models.Index("(agent_id, start) WHERE agent_id IS NOT NULL")
    _open_index = models.Index("(pbx_id) WHERE stop IS NULL")

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    @api.depends("number", "partner_id", "lead_id", "caller_name")
    def _compute_display_name(self):
        for call in self:
            # sudo: res.partner, crm.lead - who may see a call may see whose it is
            sudo = call.sudo()
            name = (
                sudo.partner_id.display_name
                or sudo.lead_id.display_name
                or call.caller_name
            )
            number = call.number or self.env._("Withheld number")
            call.display_name = f"{name} · {number}" if name else number

    def _search_number_search(self, operator, value):
        if operator in ("in", "not in") or not isinstance(value, str):
            return NotImplemented
        fragment = self._get_number_fragment(value)
        if not fragment:
            domain = Domain.FALSE
        elif len(fragment) < FRAGMENT_LENGTH:
            domain = Domain("number", "=like", f"{fragment}%")
        else:
            domain = Domain("number", "like", fragment) | Domain(
                "number_e164", "like", fragment
            )
        return ~domain if operator in Domain.NEGATIVE_OPERATORS else domain

    @api.model
    def _get_number_fragment(self, value):
        """Return the digits by which a piece of a number is found, however written.

        The zeros before a national or international number are left out: the same
        number may be stored with or without them.
        """
        digits = re.sub(r"\D", "", value.replace("(0)", ""))
        return digits.lstrip("0") or digits

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_open_record(self):
        """Open the record that the call was dialled from."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": self.res_model,
            "res_id": self.res_id,
            "views": [(False, "form")],
        }

    def action_view_number(self):
        """Open all calls from or to this call's number."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "callcenter_core.callcenter_call_action"
        )
        field = "number_e164" if self.number_e164 else "number"
        action.update(
            name=self[field] or self.env._("Withheld number"),
            domain=[(field, "=", self[field])],
            context={},
        )
        return action

    # ------------------------------------------------------------
    # BUSINESS
    # ------------------------------------------------------------

    @api.model
    @api.readonly
    def get_screen(self, call_id):
        """Return what an agent's screen shows of a call, as its messages do.

        :param call_id: id of a call that the user may read
        :return: the payload of ``callcenter_core/call``, without ``seq``
        """
        call = self.browse(call_id).exists()
        call.check_access("read")
        agent = self.env["callcenter.agent"]._get_own()
        return call._screen_payload(agent).get(call.id, False)

    def _screen_payload(self, agent):
        """Return what an agent's screen shows of these calls.

        The look-up runs as the agent's user: matches that he may not read are left out.

        :param agent: the one whose screen it is
        :return: dict of payloads by call id; the sender adds ``seq`` and ``event``
        """
        user = agent.user_id or self.env.user
        to_text = fields.Datetime.to_string
        # sudo: callcenter.call.leg, callcenter.queue - shown to who is in the call
        calls = self.sudo()
        own_legs = {}
        if agent:
            own_legs = {
                leg.call_id.id: leg
                for leg in calls.env["callcenter.call.leg"].search(
                    [("call_id", "in", self.ids), ("agent_id", "=", agent.id)],
                    order="start, id",
                )
            }
        payloads = {}
        for call in calls:
            own_leg = own_legs.get(call.id)
            payloads[call.id] = {
                "call_id": call.id,
                "event": "changed",
                "state": call.state,
                "direction": call.direction,
                "number": call.number or "",
                "number_e164": call.number_e164 or "",
                "name": call.caller_name or "",
                "did": call.did or "",
                "queue": call.queue_id.name or "",
                "queued_since": to_text(call.queue_start),
                "start": to_text(call.start),
                "answer": to_text(call.answer),
                "stop": to_text(call.stop),
                "result": call.result,
                "hold": call.hold,
                "own_leg": own_leg._screen_payload() if own_leg else False,
                "partner_id": call.partner_id.id,
                "lead_id": call.lead_id.id,
                "res_model": call.res_model,
                "res_id": call.res_id,
                "matches": call._get_matches(user),
            }
        return payloads

    def _get_matches(self, user):
        """Return who the other side may be, best first, as far as a user may know.

        A record that the call belongs to already comes first.
        """
        self.ensure_one()
        if self.direction == "internal":
            return []
        companies = user.company_ids
        if self.company_id in companies:
            companies = self.company_id
        numbers = (
            self.env["callcenter.number"]
            .with_user(user)
            .with_context(allowed_company_ids=companies.ids)
        )
        known = [record for record in (self.partner_id, self.lead_id) if record]
        return numbers._lookup(self.number, self.pbx_id, known=known)
