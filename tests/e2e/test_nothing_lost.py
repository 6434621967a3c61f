# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""Whatever dies, every call that the customers made is in Odoo once, and ended.

SIPp is the witness. A call counts as made when the PBX had answered it; its true
start and end are the ones that SIPp saw.
"""

import time

import pytest
from e2e.site import wait_for
from sip.phone import answer
from sip.sipp import Customers

SALES = "+49301234500"

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def staff(site, phone):
    """Twelve phones that answer at once, members of the queue in the PBX itself."""
    extensions = [str(number) for number in range(1001, 1013)]
    phones = [phone(extension, on_call=answer(after=0.2)) for extension in extensions]
    for extension in extensions:
        site.instance.asterisk.cli(f"queue add member PJSIP/{extension} to sales")
    yield phones
    for extension in extensions:
        site.instance.asterisk.cli(f"queue remove member PJSIP/{extension} from sales")


def callers(prefix, count):
    return [(f"{prefix}{number:03d}", f"Caller {number}") for number in range(count)]


def assert_all_logged(site, witnesses, end_tolerance=1.0):
    """Every call of the witnesses is in Odoo once, with its true times, none open."""

    def none_open():
        return not site.rows(
            "SELECT id FROM callcenter_call WHERE stop IS NULL OR state <> 'ended'"
        )

    wait_for(none_open, 30, "no call is open in Odoo")
    assert not site.rows("SELECT id FROM callcenter_call_leg WHERE stop IS NULL")
    made = [witness for witness in witnesses if witness.answered]
    for witness in made:
        calls = site.calls(witness.number)
        assert len(calls) == 1, f"{witness.number} is in Odoo {len(calls)} times"
        [call] = calls
        assert call["started"] == pytest.approx(witness.started, abs=1)
        if witness.stopped:
            assert call["stopped"] == pytest.approx(
                witness.stopped, abs=end_tolerance
            ), witness.number
        assert call["duration"] == pytest.approx(
            call["stopped"] - call["started"], abs=0.01
        )
        if call["result"] == "answered":
            assert {leg["party"] for leg in site.legs(call)} == {"customer", "agent"}
    return made


def test_connector_killed(site, staff):
    """SIGKILL in the middle of 60 calls at 5 a second; 10 s later it starts again."""
    customers = Customers(
        site.instance, callers("+4930555001", 60), SALES, stay=4, rate=5
    )
    time.sleep(5)
    site.instance.connector.kill()
    time.sleep(10)
    site.instance.connector.start()
    made = assert_all_logged(site, customers.wait())
    assert len(made) == 60
    rebuilt = site.rows(
        "SELECT count(*) AS n FROM callcenter_call "
        "WHERE reconstructed AND number LIKE '+4930555001%%'"
    )
    assert rebuilt[0]["n"] > 0, "the connector's death was not in the middle"


def test_asterisk_restarted(site, staff):
    """The PBX dies under 20 calls: they end when it ended, and the next are logged."""
    customers = Customers(
        site.instance, callers("+4930555002", 20), SALES, stay=60, rate=10
    )
    time.sleep(5)
    before = time.time()
    site.instance.asterisk.kill()
    customers.stop()
    site.instance.asterisk.start()
    witnesses = customers.witnesses()
    assert len(witnesses) == 20
    for witness in witnesses:
        witness.stopped = before
    assert len(assert_all_logged(site, witnesses, end_tolerance=1.5)) == 20

    site.wait_connected()
    for desk in staff:
        desk.register()
        # Asterisk remembers the contact, and asks it only when its turn has come.
        site.instance.asterisk.wait_registered(desk.user, timeout=40)
    after = Customers(site.instance, callers("+4930555003", 5), SALES, stay=2, rate=5)
    assert len(assert_all_logged(site, after.wait())) == 5


def test_postgresql_restarted(site, staff):
    """Facts wait for PostgreSQL, and are written when it is back."""
    customers = Customers(
        site.instance, callers("+4930555004", 30), SALES, stay=4, rate=5
    )
    time.sleep(3)
    site.instance.postgres.stop()
    time.sleep(4)
    site.instance.postgres.start()
    assert len(assert_all_logged(site, customers.wait())) == 30
