# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
from odoo import models
from odoo.fields import Domain


class CrmLead(models.Model):
    _name = "crm.lead"
    _inherit = ["crm.lead", "callcenter.number.mixin"]

    _callcenter_number_fields = ("phone",)
    _callcenter_call_field = "lead_id"
    _callcenter_match_fields = (
        "name",
        "partner_name",
        "contact_name",
        "city",
        "stage_id",
        "tag_ids",
    )

    def _compute_phone(self):
        """Have the index follow: a computed number is written by no ``write``."""
        result = super()._compute_phone()
        self._callcenter_schedule_index()
        return result

    def _get_callcenter_call_domain(self):
        """Show the calls with the lead's contact as the lead's, too."""
        domain = Domain(super()._get_callcenter_call_domain())
        if self.partner_id:
            domain |= Domain("partner_id", "in", self.partner_id.ids)
        return list(domain)

    def _callcenter_match_values(self):
        """Add company, city and tags; a lead that is not won is open business."""
        matches = super()._callcenter_match_values()
        for lead, match in zip(self, matches, strict=True):
            match.update(
                company=lead.partner_name or lead.contact_name or "",
                city=lead.city or "",
                tags=[{"name": tag.name, "color": tag.color} for tag in lead.tag_ids],
            )
            if not lead.stage_id.is_won:
                match["open"] = [
                    {"res_model": lead._name, "res_id": lead.id, "name": lead.name}
                ]
        return matches

    # ------------------------------------------------------------
    # MERGE
    # ------------------------------------------------------------

    def _merge_dependences(self, opportunities):
        """Move calls, and what was said of their numbers, to the lead that is kept."""
        result = super()._merge_dependences(opportunities)
        # sudo: callcenter.call, callcenter.number.choice - all of them, whoever merges
        self.env["callcenter.call"].sudo().search(
            [("lead_id", "in", opportunities.ids)]
        ).lead_id = self
        for model in ("callcenter.call", "callcenter.number.choice"):
            self.env[model].sudo().search(
                [("res_model", "=", self._name), ("res_id", "in", opportunities.ids)]
            ).res_id = self.id
        return result
