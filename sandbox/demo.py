# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""``make call``: a customer of the demo data calls."""

import time

from .console import Problem


def customer(instance):
    """(number, name) of somebody whom Odoo knows, another one each time."""
    sql = (
        "SELECT phone_sanitized || '|' || name FROM res_partner "
        "WHERE phone_sanitized IS NOT NULL AND active ORDER BY random() LIMIT 1"
    )
    if not instance.postgres.pid:
        raise Problem("The call centre is not running: make run")
    found = instance.postgres.query(sql, instance.database)
    if not found:
        raise Problem("No contact with a telephone number; give one: FROM=+49…")
    number, _, name = found.partition("|")
    return number, name


def place_call(instance, number, name, did, stay):
    """Let SIPp call; yield what happens, as SIPp sees it."""
    from tests.sip.sipp import Customers

    customers = Customers(instance, [(number, name)], did, stay)
    try:
        (witness,) = customers.wait(stay + 90) or [None]
    except KeyboardInterrupt:
        customers.stop()
        raise
    if not witness or not witness.answered:
        raise Problem("The call was not answered by the PBX.")
    yield f"started {time.ctime(witness.started)}"
    seconds = (witness.stopped or time.time()) - witness.started
    who = "the customer" if witness.ours else "the call centre"
    yield f"ended after {seconds:.1f} s by {who}"
