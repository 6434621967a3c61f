# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
from odoo import api, models


class CallcenterCall(models.Model):
    """Whose a call is: what the connector fills in by the number."""

    _inherit = "callcenter.call"

    @api.model
    def _get_identity_columns(self):
        """Return the column of a call that holds a record, by the record's model."""
        return {"res.partner": "partner_id", "crm.lead": "lead_id"}

    @api.model
    def _identify(self, callers, pbx):
        """Return what numbers tell of their calls, where there is no doubt.

        Of several records with the same number none is taken, unless somebody chose.

        :param callers: numbers as the PBX sent them
        :param pbx: the PBX that sent them
        :return: by number, a dict of the columns of a call; empty ones are left out
        """
        numbers = self.env["callcenter.number"]
        plan = numbers._get_plan(pbx)
        result = {}
        for number, found in numbers._find_all(callers, pbx).items():
            e164, _backwards = numbers._get_keys(plan, number)
            values = result[number] = {"number_e164": e164} if e164 else {}
            for res_model, column in self._get_identity_columns().items():
                ids = [res_id for model, res_id in found if model == res_model]
                if len(ids) > 1:
                    weights = numbers._get_choices(number, pbx)
                    chosen = [i for i in ids if (res_model, i) in weights]
                    chosen.sort(key=lambda i: weights[res_model, i])  # noqa: B023
                    ids = chosen[-1:]
                if ids:
                    values[column] = ids[0]
        return result

    @api.model
    def _get_identity(self, record):
        """Return the columns of a call that say that it is this record's.

        :param record: a record of a model with numbers
        """
        column = self._get_identity_columns().get(record._name)
        values = {column: record.id} if column else {}
        if record._name == "crm.lead" and record.partner_id:
            values["partner_id"] = record.partner_id.id
        return values
