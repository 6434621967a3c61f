# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
from collections import defaultdict

from odoo import api, fields, models
from odoo.tools import SQL

#: Calls that a form shows; its button leads to all of them.
LATEST_CALLS = 40


class CallcenterNumberMixin(models.AbstractModel):
    """Records that telephone numbers belong to, found by number when one calls.

    Inherit it and name the fields::

        _inherit = ["my.model", "callcenter.number.mixin"]
        _callcenter_number_fields = ("phone",)

    The index is brought up to date once a transaction, just before its commit, whatever
    number of records and writes it has. A model whose numbers are computed calls
    :meth:`_callcenter_schedule_index` in its compute method.
    """

    _name = "callcenter.number.mixin"
    _description = "Record With Telephone Numbers"

    #: Stored fields with a number each.
    _callcenter_number_fields = ()

    #: Fields that ``_callcenter_match_values`` reads.
    _callcenter_match_fields = ("name",)

    #: Field of ``callcenter.call`` that links a call with a record of this model.
    _callcenter_call_field = None

    callcenter_call_ids = fields.Many2many(
        comodel_name="callcenter.call",
        string="Latest Calls",
        compute="_compute_callcenter_call_ids",
        groups="callcenter_core.group_agent",
    )
    callcenter_call_count = fields.Integer(
        string="Number of Calls",
        compute="_compute_callcenter_call_count",
        groups="callcenter_core.group_agent",
    )

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_callcenter_call_ids(self):
        for record in self:
            record.callcenter_call_ids = self.env["callcenter.call"].search(
                record._get_callcenter_call_domain(), limit=LATEST_CALLS
            )

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_callcenter_call_count(self):
        for record in self:
            record.callcenter_call_count = self.env["callcenter.call"].search_count(
                record._get_callcenter_call_domain()
            )

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        records = super().create(vals_list)
        names = self._callcenter_number_fields
        records.filtered(
            lambda record: any(record[name] for name in names)
        )._callcenter_schedule_index()
        return records

    def write(self, vals):
        result = super().write(vals)
        if not self._get_callcenter_number_triggers().isdisjoint(vals):
            self._callcenter_schedule_index()
        return result

    def unlink(self):
        name, ids = self._name, self.ids
        result = super().unlink()
        if ids:
            # sudo: callcenter.number - kept for all users
            self.env["callcenter.number"].sudo()._remove(name, ids)
        return result

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_view_callcenter_calls(self):
        """Open the calls with this record."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "callcenter_core.callcenter_call_action"
        )
        action.update(domain=self._get_callcenter_call_domain(), context={})
        return action

    # ------------------------------------------------------------
    # INDEX
    # ------------------------------------------------------------

    @api.model
    def _get_callcenter_number_triggers(self):
        """Return the fields whose change changes the index."""
        names = {*self._callcenter_number_fields, "company_id"}
        names.update(filter(None, [self._phone_get_country_field()]))
        names.update(self._mail_get_partner_fields())
        return names

    def _callcenter_schedule_index(self):
        """Have the numbers of these records indexed before the transaction commits."""
        ids = [res_id for res_id in self._ids if res_id]
        if not ids:
            return
        precommit = self.env.cr.precommit
        if "callcenter_core.numbers" not in precommit.data:
            # sudo: callcenter.number - kept for all users
            precommit.add(self.env["callcenter.number"].sudo()._index_scheduled)
        scheduled = precommit.data.setdefault(
            "callcenter_core.numbers", defaultdict(set)
        )
        scheduled[self._name].update(ids)

    def _callcenter_index_numbers(self):
        """Bring the index up to date with the numbers of these records."""
        if not self:
            return
        numbers = self.env["callcenter.number"]
        countries = self._phone_get_country()
        has_company = "company_id" in self._fields
        rows, empty = [], []
        for record in self:
            company = record.company_id if has_company else self.env["res.company"]
            country = countries.get(record.id) or company.country_id
            plan = None
            for name in self._callcenter_number_fields:
                value = record[name]
                if not value:
                    empty.append((self._name, record.id, name))
                    continue
                plan = plan or numbers._get_plan(country=country)
                e164, backwards = numbers._get_keys(plan, value)
                rows.append(
                    (
                        e164 or None,
                        backwards or None,
                        self._name,
                        record.id,
                        name,
                        company.id or None,
                    )
                )
        numbers._store(rows, empty)

    # ------------------------------------------------------------
    # MATCHES
    # ------------------------------------------------------------

    def _get_callcenter_call_domain(self):
        """Return the domain of the calls with these records."""
        return [(self._callcenter_call_field, "in", self.ids)]

    def _callcenter_match_values(self):
        """Return what an agent is shown of these records when they call.

        :return: list of dicts with ``res_model``, ``res_id``, ``name``, ``company``,
            ``city``, ``tags`` [{name, color}], ``last_call`` {date, direction, result,
            agent} or False, ``open`` [{res_model, res_id, name}] and the number of
            ``activities`` that are to be done
        """
        last_calls = self._callcenter_last_calls()
        activities = {}
        if "activity_ids" in self._fields:
            activities = dict(
                self.env["mail.activity"]._read_group(
                    [("res_model", "=", self._name), ("res_id", "in", self.ids)],
                    ["res_id"],
                    ["__count"],
                )
            )
        return [
            {
                "res_model": record._name,
                "res_id": record.id,
                "name": record[self._rec_name] or "",
                "company": "",
                "city": "",
                "tags": [],
                "last_call": last_calls.get(record.id, False),
                "open": [],
                "activities": activities.get(record.id, 0),
            }
            for record in self
        ]

    def _callcenter_last_calls(self):
        """Return the last ended call with each of these records, by id."""
        field = self._callcenter_call_field
        if not field:
            return {}
        calls, agents = self.env["callcenter.call"], self.env["callcenter.agent"]
        calls.flush_model([field, "start", "stop", "direction", "result", "agent_id"])
        agents.flush_model(["name"])
        # Without regard to rules: when and how somebody last spoke with a customer is
        # told to whoever they call now, even if it was a colleague. The newest row is
        # the latest call, and is cheaper to find.
        rows = self.env.execute_query(
            SQL(
                """SELECT DISTINCT ON (c.%(field)s) c.%(field)s, c.start, c.direction,
                          c.result, a.name
                     FROM callcenter_call c
                          LEFT JOIN callcenter_agent a ON a.id = c.agent_id
                    WHERE c.%(field)s = ANY(%(ids)s) AND c.stop IS NOT NULL
                    ORDER BY c.%(field)s, c.id DESC""",
                field=SQL.identifier(field),
                ids=self.ids,
            )
        )
        return {
            record_id: {
                "date": fields.Datetime.to_string(start),
                "direction": direction,
                "result": result or False,
                "agent": agent or "",
            }
            for record_id, start, direction, result, agent in rows
        }
