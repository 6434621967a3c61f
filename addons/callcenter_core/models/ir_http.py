# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
from odoo import models


class IrHttp(models.AbstractModel):
    _inherit = "ir.http"

    def session_info(self):
        """Tell the web client whether it works for an agent."""
        info = super().session_info()
        info["callcenter_agent"] = bool(self.env["callcenter.agent"]._get_own())
        return info
