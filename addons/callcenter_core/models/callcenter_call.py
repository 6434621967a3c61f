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
        comodel_name="callcenter.pbx",
        string="PBX",
        required=True,
        readonly=True,
        ondelete="cascade",
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
    wait = fields.Float(string="Waiting Time", readonly=True, aggregator="avg")
    ring = fields.Float(string="Ringing Time", readonly=True, aggregator="avg")
    talk = fields.Float(string="Talk Time", readonly=True)
    hold = fields.Float(string="Hold Time", readonly=True)
    duration = fields.Float(readonly=True)
    merged_into_id = fields.Many2one(
        comodel_name="callcenter.call",
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
        agent = self.env["callcenter.agent"]._get_own()
        call = agent.env["callcenter.call"].browse(call_id).exists()
        call.check_access("read")
        return call._screen_payload(agent).get(call.id, False)

    def _screen_payload(self, agent):
        """Return what an agent's screen shows of these calls.

        :param agent: the one whose screen it is
        :return: dict of payloads by call id; the sender adds ``seq`` and ``event``
        """
        payloads = self._screen_payloads({agent: self})
        return {call_id: payload for (_agent, call_id), payload in payloads.items()}

    @api.model
    def _screen_payloads(self, screens, matches=None):
        """Return what agents' screens show of their calls, in few queries.

        The look-up runs as each agent's user: what he may not read is left out.

        :param screens: calls by agent
        :param matches: by (agent id, call id), lists that were looked up before
        :return: dict of payloads by (agent id, call id); the sender adds ``seq`` and
            ``event``
        """
        # sudo: callcenter.call, callcenter.call.leg, callcenter.queue - shown to who is
        # in the call
        calls = self.sudo().union(*(calls.sudo() for calls in screens.values()))
        values = {call.id: call._screen_values() for call in calls}
        agents = [agent.id for agent in screens if agent]
        own_legs = {
            (leg.agent_id.id, leg.call_id.id): leg
            for leg in calls.leg_ids.browse().search(
                [("call_id", "in", calls.ids), ("agent_id", "in", agents)],
                order="start, id",
            )
        }
        matches = {**self._get_matches(screens, matches or {}), **(matches or {})}
        payloads = {}
        for agent, shown in screens.items():
            for call_id in shown.ids:
                key = agent.id, call_id
                own_leg = own_legs.get(key)
                payloads[key] = {
                    **values[call_id],
                    "own_leg": own_leg._screen_payload() if own_leg else False,
                    "matches": matches[key],
                }
        return payloads

    def _screen_values(self):
        """Return what the screens of all who are in the call show of it."""
        self.ensure_one()
        to_text = fields.Datetime.to_string
        return {
            "call_id": self.id,
            "event": "changed",
            "state": self.state,
            "direction": self.direction,
            "number": self.number or "",
            "number_e164": self.number_e164 or "",
            "name": self.caller_name or "",
            "did": self.did or "",
            "queue": self.queue_id.name or "",
            "queued_since": to_text(self.queue_start),
            "start": to_text(self.start),
            "answer": to_text(self.answer),
            "stop": to_text(self.stop),
            "result": self.result,
            "hold": self.hold,
            "partner_id": self.partner_id.id,
            "lead_id": self.lead_id.id,
            "res_model": self.res_model,
            "res_id": self.res_id,
        }

    @api.model
    def _get_matches(self, screens, known):
        """Look up who the other sides may be, best first, as far as each user may know.

        A record that the call belongs to already comes first. Users who may read the
        same records are served together.

        :param screens: calls by agent
        :param known: what needs no look-up, by (agent id, call id)
        :return: dict of lists of matches by (agent id, call id)
        """
        matches, lookups, users = {}, {}, {}
        numbers = self.env["callcenter.number"]
        for agent, calls in screens.items():
            user = agent.user_id or self.env.user
            users[agent.id] = user.id
            for call in calls:
                key = agent.id, call.id
                if call.direction == "internal":
                    matches[key] = []
                elif key not in known:
                    companies = user.company_ids
                    if call.company_id in companies:
                        companies = call.company_id
                    viewer = numbers._get_viewer(user.id, companies._ids)
                    lookup = lookups.setdefault(
                        (call.pbx_id, viewer), (user, companies, {})
                    )
                    lookup[2][key] = call
        for (pbx, _viewer), (user, companies, calls) in lookups.items():
            as_user = numbers.with_user(user).with_context(
                allowed_company_ids=companies.ids
            )
            matches |= as_user._lookup_all(
                {
                    key: (call.number, (call.partner_id, call.lead_id))
                    for key, call in calls.items()
                },
                pbx,
                user_ids={key: users[key[0]] for key in calls},
            )
        return matches
