# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
from odoo import models


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    _inherit = "base.partner.merge.automatic.wizard"

    def _update_reference_fields_generic(
        self, referenced_model, src_records, dst_record, additional_update_records=None
    ):
        """Let what was said of a number, and dialled from a contact, go along.

        Calls are linked with contacts by a foreign key, which moves by itself.
        """
        ours = [
            {"model": model, "field_model": "res_model"}
            for model in ("callcenter.number.choice", "callcenter.call")
        ]
        return super()._update_reference_fields_generic(
            referenced_model,
            src_records,
            dst_record,
            [*(additional_update_records or []), *ours],
        )
