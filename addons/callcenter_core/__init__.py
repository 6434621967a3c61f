# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
from . import models  # isort: skip
from . import demo, wizards
from .hooks import post_init_hook, uninstall_hook
