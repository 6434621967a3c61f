# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
from .models.callcenter_number import BATCH, REBUILD_PARAMETER

#: Records that are indexed while the addon is installed; more are left to the cron.
INSTALL_LIMIT = 10 * BATCH


def post_init_hook(env):
    """Index the numbers that are there; of a large database in the background."""
    numbers = env["callcenter.number"].with_context(callcenter_no_commit=True)
    if not numbers._index_missing(limit=INSTALL_LIMIT):
        env.ref("callcenter_core.ir_cron_number_index")._trigger()


def uninstall_hook(env):
    """Remove what is no record of the addon's own."""
    env["ir.config_parameter"].set_param(REBUILD_PARAMETER, False)
