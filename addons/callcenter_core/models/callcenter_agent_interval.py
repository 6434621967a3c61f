# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
from odoo import fields, models

#: What an agent may be doing. An agent without an open interval is ``offline``.
AGENT_STATES = [
    ("offline", "Offline"),
    ("signed_out", "Signed Out"),
    ("ready", "Ready"),
    ("ringing", "Ringing"),
    ("dialling", "Dialling"),
    ("talking", "Talking"),
    ("holding", "Holding"),
    ("consulting", "Consulting"),
    ("conference", "Conference"),
    ("wrap_up", "After-Call Work"),
    ("paused", "Paused"),
]


class CallcenterAgentInterval(models.Model):
    """Who was in what state, from when to when.

    Written by the connector alone: reports add these up and never guess.
    """

    _name = "callcenter.agent.interval"
    _description = "Agent State"
    _order = "start desc, id desc"
    _rec_name = "state"

    agent_id = fields.Many2one(
        comodel_name="callcenter.agent",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    user_id = fields.Many2one(
        comodel_name="res.users", readonly=True, index="btree_not_null"
    )
    team_id = fields.Many2one(
        comodel_name="callcenter.team",
        readonly=True,
        index="btree_not_null",
        bypass_search_access=True,
    )
    company_id = fields.Many2one(
        comodel_name="res.company", required=True, readonly=True
    )
    state = fields.Selection(selection=AGENT_STATES, required=True, readonly=True)
    reason = fields.Char(readonly=True)
    start = fields.Datetime(required=True, readonly=True)
    stop = fields.Datetime(readonly=True)
    duration = fields.Float(
        readonly=True, help="Length in seconds, once the state has ended."
    )
    extension_id = fields.Many2one(comodel_name="callcenter.extension", readonly=True)
    call_id = fields.Many2one(
        comodel_name="callcenter.call", readonly=True, index="btree_not_null"
    )

    _open_unique = models.UniqueIndex(
        "(agent_id) WHERE stop IS NULL", "An agent is in one state at a time."
    )
    _agent_start_index = models.Index("(agent_id, start)")
    _company_start_index = models.Index("(company_id, start)")
    _check_duration = models.Constraint(
        "CHECK (duration >= 0)", "A state cannot last less than no time."
    )
