# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
from odoo import models


class CallcenterCommand(models.AbstractModel):
    """What the connector does when it is asked to.

    Commands that the models and views send: ``sign_in``, ``sign_out``, ``pause``,
    ``unpause``, ``dial``, ``hangup``, ``identify``, ``resync``, ``test_connection``
    and ``apply_failures`` {failure_ids}.
    """

    _inherit = "callcenter.command"
