# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ..telephony.numbers import NotDialable
from .callcenter_agent_interval import AGENT_STATES


class CallcenterAgent(models.Model):
    """A user who takes calls."""

    _name = "callcenter.agent"
    _description = "Agent"
    _order = "name, id"
    _check_company_auto = True
    _rec_names_search = ["name", "code"]

    user_id = fields.Many2one(
        comodel_name="res.users",
        required=True,
        ondelete="cascade",
        domain="[('share', '=', False), ('company_ids', 'in', company_id)]",
    )
    name = fields.Char(related="user_id.name", store=True)
    active = fields.Boolean(default=True)
    code = fields.Char(
        string="Agent Code",
        help="Number by which the agent is known on the telephone.",
    )
    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        index=True,
        default=lambda self: self.env.company,
    )
    team_id = fields.Many2one(
        comodel_name="callcenter.team",
        index="btree_not_null",
        check_company=True,
        bypass_search_access=True,
    )
    default_extension_id = fields.Many2one(
        comodel_name="callcenter.extension",
        string="Usual Extension",
        check_company=True,
        help="Extension that is proposed when the agent signs in.",
    )
    queue_member_ids = fields.One2many(
        comodel_name="callcenter.queue.member",
        inverse_name="agent_id",
        string="Queues",
    )
    image_128 = fields.Image(related="user_id.image_128")

    # told by the connector
    extension_id = fields.Many2one(
        comodel_name="callcenter.extension",
        string="Signed In At",
        readonly=True,
        copy=False,
        index="btree_not_null",
    )
    bus_seq = fields.Integer(
        readonly=True, copy=False, help="Number of the last message to the agent."
    )
    interval_ids = fields.One2many(
        comodel_name="callcenter.agent.interval", inverse_name="agent_id"
    )

    state = fields.Selection(
        selection=AGENT_STATES, compute="_compute_state", search="_search_state"
    )
    state_since = fields.Datetime(compute="_compute_state")
    pause_reason = fields.Char(string="Reason", compute="_compute_state")

    _user_unique = models.UniqueIndex("(user_id)", "This user is an agent already.")
    _code_unique = models.UniqueIndex(
        "(company_id, code) WHERE code IS NOT NULL",
        "Another agent of the company has this code.",
    )

    # ------------------------------------------------------------
    # COMPUTE / SEARCH
    # ------------------------------------------------------------

    @api.depends("interval_ids.stop")
    def _compute_state(self):
        # sudo: callcenter.agent.interval - who sees an agent sees what they do
        intervals = self.env["callcenter.agent.interval"].sudo()
        current = {
            interval.agent_id.id: interval
            for interval in intervals.search_fetch(
                [("agent_id", "in", self.ids), ("stop", "=", False)],
                ["agent_id", "state", "start", "reason"],
            )
        }
        for agent in self:
            interval = current.get(agent.id, intervals)
            agent.state = interval.state or "offline"
            agent.state_since = interval.start
            agent.pause_reason = interval.reason

    def _search_state(self, operator, value):
        if operator != "in":
            return NotImplemented
        in_state = Domain(
            "interval_ids", "any!", [("stop", "=", False), ("state", "in", value)]
        )
        if "offline" in value:
            in_state |= ~Domain("interval_ids", "any!", [("stop", "=", False)])
        return in_state

    # ------------------------------------------------------------
    # DESKTOP
    # ------------------------------------------------------------

    @api.model
    def desktop(self):
        """Return all that the web client needs to know of the user as an agent.

        For any internal user; ``{"agent": False}`` for those who are no agents.
        """
        agent = self._get_own()
        if not agent:
            return {"agent": False}
        # sudo: callcenter.extension - an agent sees who sits where in the company
        extensions = (
            self.env["callcenter.extension"]
            .sudo()
            .search(
                [
                    ("company_id", "=", agent.company_id.id),
                    ("pbx_id.active", "=", True),
                ]
            )
        )
        calls = agent.env["callcenter.call"].search(
            [("user_ids", "in", self.env.uid), ("stop", "=", False)]
        )
        return {
            "seq": agent.bus_seq,
            # sudo: bus.bus - only its last id is told
            "bus_id": self.env["bus.bus"].sudo()._bus_last_id(),
            "now": fields.Datetime.to_string(fields.Datetime.now()),
            "agent": agent._desktop_payload()[agent.id],
            "calls": list(calls._screen_payload(agent).values()),
            "extensions": [
                {
                    **extension._desktop_payload(),
                    "kind": extension.kind,
                    "agent": extension.agent_id != agent
                    and extension.agent_id.name
                    or False,
                }
                for extension in extensions
            ],
            "queues": [
                {"id": queue.id, "name": queue.name}
                for queue in agent.queue_member_ids.queue_id.filtered("active")
            ],
            "default_extension_id": agent.default_extension_id.id,
            "pause_reasons": self._get_pause_reasons(),
        }

    @api.model
    def _get_own(self):
        """Return the agent that the user is, an empty recordset for none.

        With the rights of the user in all companies: a telephone rings whatever company
        the user has chosen to look at.
        """
        user = self.env.user
        # sudo: callcenter.agent - everybody may know whether they are an agent
        agent = self.sudo().search([("user_id", "=", user.id)]).sudo(False)
        if agent and not user.has_group("callcenter_core.group_agent"):
            return self.browse()
        return agent.with_context(allowed_company_ids=user.company_ids.ids)

    @api.model
    def _get_pause_reasons(self):
        """Return the reasons for a pause that agents choose from."""
        return [
            self.env._("Break"),
            self.env._("Lunch"),
            self.env._("Meeting"),
            self.env._("Training"),
            self.env._("Paperwork"),
        ]

    def _desktop_payload(self):
        """Return what the web client shows of these agents' states.

        :return: dict by agent id of the payload of ``callcenter_core/agent``; the
            sender adds ``seq``
        """
        # sudo: callcenter.extension, callcenter.queue - shown to the very agent
        payloads = {}
        for agent in self.sudo():
            payloads[agent.id] = {
                "agent_id": agent.id,
                "name": agent.name,
                "state": agent.state,
                "since": fields.Datetime.to_string(agent.state_since),
                "reason": agent.pause_reason or "",
                "extension": (
                    agent.extension_id._desktop_payload()
                    if agent.extension_id
                    else False
                ),
                "queues": [
                    {"id": member.queue_id.id, "name": member.queue_id.name}
                    for member in agent.queue_member_ids
                    if member.signed_in
                ],
            }
        return payloads

    def _next_seq(self, counts=None):
        """Count messages to these agents.

        :param counts: how many by agent id, one to each by default
        :return: dict by agent id of the first one's number
        """
        if not self:
            return {}
        counts = counts or dict.fromkeys(self.ids, 1)
        numbers = dict(
            self.env.execute_query(
                SQL(
                    """UPDATE callcenter_agent a
                          SET bus_seq = COALESCE(a.bus_seq, 0) + m.count
                         FROM unnest(%s, %s) AS m (id, count)
                        WHERE a.id = m.id RETURNING a.id, a.bus_seq - m.count + 1""",
                    list(counts),
                    list(counts.values()),
                )
            )
        )
        self.invalidate_recordset(["bus_seq"], flush=False)
        return numbers

    # ------------------------------------------------------------
    # COMMANDS
    # ------------------------------------------------------------

    @api.model
    def sign_in(self, extension_id, queue_ids):
        """Sign in at an extension, to these queues.

        :param extension_id: where the agent sits
        :param queue_ids: queues to take calls of; may be empty
        :return: ``{"uuid": …}``, which the answer will name
        """
        agent = self._get_own_or_raise()
        extension = agent.env["callcenter.extension"].browse(extension_id).exists()
        if not extension or not extension.active:
            raise UserError(self.env._("This extension does not exist any more."))
        extension.check_access("read")
        if extension.company_id != agent.company_id:
            raise UserError(self.env._("This extension belongs to another company."))
        # sudo: callcenter.agent - tell who sits there
        occupant = extension.sudo().agent_id
        if occupant and occupant != agent:
            raise UserError(
                self.env._(
                    "%(agent)s is signed in at extension %(extension)s.",
                    agent=occupant.name,
                    extension=extension.number,
                )
            )
        queues = agent.queue_member_ids.queue_id.filtered(
            lambda queue: queue.id in queue_ids
        )
        if len(queues) != len(set(queue_ids)):
            raise UserError(self.env._("You are not a member of one of these queues."))
        if queues.pbx_id - extension.pbx_id:
            raise UserError(
                self.env._("One of these queues is on another PBX than the extension.")
            )
        return self._command(
            extension.pbx_id,
            "sign_in",
            {"extension_id": extension.id, "queue_ids": queues.ids},
        )

    @api.model
    def sign_out(self):
        """Sign out of all queues and leave the extension."""
        return self._command(self._get_own_pbx(), "sign_out", {})

    @api.model
    def set_pause(self, reason=None):
        """Take no calls of queues for a while.

        :param reason: why, for the reports
        """
        return self._command(self._get_own_pbx(), "pause", {"reason": reason or ""})

    @api.model
    def set_ready(self):
        """Take calls of queues again."""
        return self._command(self._get_own_pbx(), "unpause", {})

    @api.model
    def dial(self, number, res_model=None, res_id=None):
        """Call a number: the agent's own phone rings first.

        :param number: in any form
        :param res_model: model of the record that the number was taken from
        :param res_id: id of that record
        """
        pbx = self._get_own_pbx()
        try:
            dialled = self.env["callcenter.number"]._get_plan(pbx).dial_string(number)
        except NotDialable:
            raise UserError(
                self.env._("“%s” is not a number that can be dialled.", number or "")
            ) from None
        params = {"number": dialled, "res_model": False, "res_id": False}
        if res_model and res_id:
            self._get_record(res_model, res_id)
            params.update(res_model=res_model, res_id=res_id)
        return self._command(pbx, "dial", params)

    @api.model
    def hang_up(self, call_id):
        """Hang up the agent's own part of a call.

        :param call_id: the call
        """
        call = self._get_own_call(call_id)
        if call.stop:
            raise UserError(self.env._("This call has ended already."))
        return self._command(call.sudo().pbx_id, "hangup", {"call_id": call.id})

    @api.model
    def identify(self, call_id, res_model, res_id):
        """Say whose call it is.

        :param call_id: the call
        :param res_model: model of the contact, lead …
        :param res_id: its id
        """
        call = self._get_own_call(call_id)
        self._get_record(res_model, res_id)
        return self._command(
            call.sudo().pbx_id,
            "identify",
            {"call_id": call.id, "res_model": res_model, "res_id": res_id},
        )

    def _command(self, pbx, name, params):
        """Send a command of the user's and return what a web method returns."""
        commands = self._get_own_or_raise().env["callcenter.command"]
        return {"uuid": commands._send(pbx, name, params)}

    @api.model
    def _get_own_or_raise(self):
        agent = self._get_own()
        if not agent:
            raise AccessError(self.env._("You are not an agent of the call center."))
        return agent

    @api.model
    def _get_own_pbx(self):
        """Return the PBX on which the user is signed in."""
        extension = self._get_own_or_raise().extension_id
        if not extension:
            raise UserError(self.env._("Please sign in at an extension first."))
        return extension.pbx_id

    @api.model
    def _get_own_call(self, call_id):
        """Return a call that the user takes part in."""
        agent = self._get_own_or_raise()
        call = agent.env["callcenter.call"].browse(call_id).exists()
        if not call:
            raise UserError(self.env._("This call is not known any more."))
        call.check_access("read")
        if self.env.user not in call.user_ids:
            raise UserError(self.env._("You take no part in this call."))
        return call

    @api.model
    def _get_record(self, res_model, res_id):
        """Return a record that numbers are indexed of and that the user may read."""
        if res_model not in self.env["callcenter.number"]._get_models():
            raise UserError(self.env._("Calls cannot be linked to this record."))
        record = self.env[res_model].browse(res_id).exists()
        if not record:
            raise UserError(self.env._("This record does not exist any more."))
        record.check_access("read")
        return record
