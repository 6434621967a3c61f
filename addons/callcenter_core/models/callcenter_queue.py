# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
from odoo import api, fields, models


class CallcenterQueue(models.Model):
    """A queue of the PBX."""

    _name = "callcenter.queue"
    _description = "Queue"
    _order = "sequence, name, id"
    _check_company_auto = True
    _rec_names_search = ["name", "code"]

    pbx_id = fields.Many2one(
        comodel_name="callcenter.pbx",
        string="PBX",
        required=True,
        index=True,
        ondelete="cascade",
        default=lambda self: self.env["callcenter.pbx"].search([], limit=1),
    )
    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        index=True,
        compute="_compute_company_id",
        store=True,
        readonly=False,
        precompute=True,
        help="Company that the queue's calls belong to.",
    )
    name = fields.Char(required=True, translate=True)
    code = fields.Char(
        required=True,
        help="Name of the queue in Asterisk: its section in /etc/asterisk/queues.conf.",
    )
    active = fields.Boolean(default=True)
    sequence = fields.Integer(default=10)
    color = fields.Integer()
    service_level = fields.Integer(
        string="Service Level (s)",
        default=20,
        help="Seconds within which a call should be answered.",
    )
    wrap_up = fields.Integer(
        string="After-Call Work (s)",
        default=15,
        help="Seconds that an agent has for the work after a call before the next one: "
        "wrapuptime in /etc/asterisk/queues.conf should be the same.",
    )
    team_ids = fields.Many2many(
        comodel_name="callcenter.team",
        relation="callcenter_queue_team_rel",
        column1="queue_id",
        column2="team_id",
        string="Teams",
        check_company=True,
        help="Teams whose leaders answer for this queue.",
    )
    member_ids = fields.One2many(
        comodel_name="callcenter.queue.member",
        inverse_name="queue_id",
        string="Members",
    )
    member_count = fields.Integer(compute="_compute_member_count")

    _code_unique = models.UniqueIndex(
        "(pbx_id, code)", "This PBX has a queue with this code already."
    )
    _check_wrap_up = models.Constraint(
        "CHECK (wrap_up >= 0)", "The time after a call cannot be negative."
    )
    _check_service_level = models.Constraint(
        "CHECK (service_level >= 0)", "The service level cannot be negative."
    )

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    @api.depends("pbx_id")
    def _compute_company_id(self):
        for queue in self:
            queue.company_id = (
                queue.company_id or queue.pbx_id.company_id or self.env.company
            )

    @api.depends("member_ids")
    def _compute_member_count(self):
        counts = dict(
            self.env["callcenter.queue.member"]._read_group(
                [("queue_id", "in", self.ids)], ["queue_id"], ["__count"]
            )
        )
        for queue in self:
            queue.member_count = counts.get(queue, 0)


class CallcenterQueueMember(models.Model):
    """An agent who may sign in to a queue."""

    _name = "callcenter.queue.member"
    _description = "Queue Member"
    _order = "queue_id, penalty, id"
    _rec_name = "agent_id"
    _check_company_auto = True

    queue_id = fields.Many2one(
        comodel_name="callcenter.queue", required=True, index=True, ondelete="cascade"
    )
    agent_id = fields.Many2one(
        comodel_name="callcenter.agent",
        required=True,
        index=True,
        ondelete="cascade",
        check_company=True,
    )
    company_id = fields.Many2one(related="queue_id.company_id", store=True, index=True)
    penalty = fields.Integer(
        help="Agents with a lower penalty are offered calls first: member in "
        "/etc/asterisk/queues.conf."
    )

    # told by the connector
    signed_in = fields.Boolean(readonly=True, copy=False)

    _member_unique = models.UniqueIndex(
        "(queue_id, agent_id)", "This agent is a member of the queue already."
    )
    _check_penalty = models.Constraint(
        "CHECK (penalty >= 0)", "The penalty cannot be negative."
    )
