# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
from . import (
    test_access,
    test_agent,
    test_call,
    test_command,
    test_company,
    test_fact_failure,
    test_number_block,
    test_number_index,
    test_number_lookup,
    test_pbx,
    test_service_recorder,
    test_service_spool,
    test_service_states,
    test_ui,
    test_views,
)
