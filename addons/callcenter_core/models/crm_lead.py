# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
from odoo import fields, models


class CrmLead(models.Model):
    _name = "crm.lead"
    _inherit = ["crm.lead", "callcenter.number.mixin"]

    _callcenter_number_fields = ("phone",)
    _callcenter_call_field = "lead_id"

    callcenter_call_ids = fields.One2many(
        comodel_name="callcenter.call",
        inverse_name="lead_id",
        string="Calls",
        groups="callcenter_core.group_agent",
    )

    def _compute_phone(self):
        """Have the index follow: a computed number is written by no ``write``."""
        super()._compute_phone()
        self._callcenter_schedule_index()

    def _callcenter_match_values(self):
        """Add company, city and tags; a lead that is not won is open business."""
        matches = super()._callcenter_match_values()
        for lead, match in zip(self, matches, strict=True):
            match.update(
                name=lead.name,
                company=lead.partner_name or lead.contact_name or "",
                city=lead.city or "",
                tags=[{"name": tag.name, "color": tag.color} for tag in lead.tag_ids],
            )
            if not lead.stage_id.is_won:
                match["open"] = [
                    {"res_model": lead._name, "res_id": lead.id, "name": lead.name}
                ]
        return matches
