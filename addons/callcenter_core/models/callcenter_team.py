# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
from odoo import fields, models


class CallcenterTeam(models.Model):
    """Agents with one or more leaders, who see the team's calls."""

    _name = "callcenter.team"
    _description = "Call Center Team"
    _order = "sequence, name, id"
    _check_company_auto = True

    name = fields.Char(required=True, translate=True)
    active = fields.Boolean(default=True)
    sequence = fields.Integer(default=10)
    color = fields.Integer()
    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        index=True,
        default=lambda self: self.env.company,
    )
    leader_ids = fields.Many2many(
        comodel_name="res.users",
        relation="callcenter_team_leader_rel",
        column1="team_id",
        column2="user_id",
        string="Leaders",
        domain="[('share', '=', False), ('company_ids', 'in', company_id)]",
        help="Users who see the calls and states of this team's agents.",
    )
    agent_ids = fields.One2many(
        comodel_name="callcenter.agent", inverse_name="team_id", check_company=True
    )
