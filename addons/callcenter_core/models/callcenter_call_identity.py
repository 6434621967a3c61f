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
    def _identify(self, number, pbx):
        """Return what a number tells of its call, where there is no doubt.

        Of several records with the same number none is taken, unless somebody chose.

        :param number: as the PBX sent it
        :param pbx: the PBX that sent it
        :return: dict of the columns of a call; empty ones are left out
        """
        numbers = self.env["callcenter.number"]
        e164, _backwards = numbers._get_plan(pbx).search_keys(number)
        values = {"number_e164": e164} if e164 else {}
        found = numbers._find(number, pbx)
        chosen = numbers._get_choices(number, pbx) if found else {}
        for res_model, column in self._get_identity_columns().items():
            ids = [res_id for model, res_id in found if model == res_model]
            if len(ids) > 1:
                ranks = {
                    i: chosen[res_model, i] for i in ids if (res_model, i) in chosen
                }
                ids = [max(ranks, key=ranks.get)] if ranks else []
            if ids:
                values[column] = ids[0]
        return values

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
