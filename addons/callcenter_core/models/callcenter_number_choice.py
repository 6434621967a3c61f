# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
from odoo import api, fields, models


class CallcenterNumberChoice(models.Model):
    """Whom an agent said a number is: proposed first the next time."""

    _name = "callcenter.number.choice"
    _description = "Number Chosen"
    _order = "date desc, id desc"
    _rec_name = "number"

    number = fields.Char(required=True, readonly=True)
    res_model = fields.Char(string="Model", required=True, readonly=True)
    res_id = fields.Many2oneReference(
        string="Record", model_field="res_model", required=True, readonly=True
    )
    user_id = fields.Many2one(
        comodel_name="res.users",
        string="Chosen By",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(
        comodel_name="res.company", required=True, readonly=True
    )
    date = fields.Datetime(required=True, readonly=True, default=fields.Datetime.now)

    _choice_unique = models.UniqueIndex(
        "(number, user_id, company_id)", "A user says once whose a number is."
    )
    _record_index = models.Index("(res_model, res_id)")

    # ------------------------------------------------------------
    # BUSINESS
    # ------------------------------------------------------------

    @api.model
    def _remember(self, number, record, company=None, pbx=None):
        """Remember that the user says that a number is a record's.

        :param number: the number as the PBX sent it
        :param record: the record that was chosen
        :param company: company of the call, the user's by default
        :param pbx: PBX that sent the number
        """
        key = self.env["callcenter.number"]._get_choice_key(number, pbx)
        if not key:
            return self.browse()
        company = company or self.env.company
        # sudo: callcenter.number.choice - users cannot write any, but make their own
        choices = self.sudo()
        values = {
            "res_model": record._name,
            "res_id": record.id,
            "date": fields.Datetime.now(),
        }
        choice = choices.search(
            [
                ("number", "=", key),
                ("user_id", "=", self.env.uid),
                ("company_id", "=", company.id),
            ]
        )
        if choice:
            choice.write(values)
            return choice
        return choices.create(
            {
                "number": key,
                "user_id": self.env.uid,
                "company_id": company.id,
                **values,
            }
        )
