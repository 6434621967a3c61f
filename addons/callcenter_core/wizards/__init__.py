# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
from . import base_partner_merge
