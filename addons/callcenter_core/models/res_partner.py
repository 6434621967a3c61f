# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
from collections import defaultdict

from odoo import models


class ResPartner(models.Model):
    _name = "res.partner"
    _inherit = ["res.partner", "callcenter.number.mixin"]

    _callcenter_number_fields = ("phone",)
    _callcenter_call_field = "partner_id"
    _callcenter_match_fields = (
        "name",
        "city",
        "company_name",
        "parent_id",
        "category_id",
    )

    def _get_callcenter_call_domain(self):
        """Count the calls of a company's people with the company's."""
        return [("partner_id", "child_of", self.ids)]

    def _callcenter_match_values(self):
        """Add company, city, tags and open leads."""
        matches = super()._callcenter_match_values()
        leads_by_partner = defaultdict(list)
        if self.env["crm.lead"].has_access("read"):
            leads = self.env["crm.lead"].search_fetch(
                [
                    ("partner_id", "in", self.ids),
                    ("stage_id.is_won", "=", False),
                ],
                ["name", "partner_id"],
                order="priority desc, id desc",
                limit=5 * len(self),
            )
            for lead in leads:
                leads_by_partner[lead.partner_id.id].append(
                    {"res_model": lead._name, "res_id": lead.id, "name": lead.name}
                )
        for partner, match in zip(self, matches, strict=True):
            match.update(
                company=partner.parent_id.name or partner.company_name or "",
                city=partner.city or "",
                tags=[
                    {"name": tag.name, "color": tag.color}
                    for tag in partner.category_id
                ],
                open=leads_by_partner[partner.id],
            )
        return matches
