# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""One real call of each kind, from SIP to the screen to the log."""

import re
import time

import pytest
from sip.phone import answer, reject, ring
from sip.sipp import Customers

SALES = "+49301234500"
WEBER = ("+49301234567", "Customer")
WEBER_NAME = "Weber Haustechnik GmbH"
STRANGER = ("+4930998877", "<b>Nobody</b>")

POP = ".o_callcenter_pop"

pytestmark = pytest.mark.timeout(120)


def test_inbound(site, chromium, phone, signed_in):
    """The agent sees who it is while the phone rings; the log holds the true call."""
    desk = phone("1001", on_call=ring)
    signed_in("anna", "1001", ["sales"])
    _context, page = chromium.person("anna")
    customers = Customers(site.instance, [WEBER], SALES, stay=11)

    call = desk.wait_call()
    page.wait_for_selector(f"{POP}:has-text('{WEBER_NAME}')", timeout=3000)
    assert call.state == "ringing", "the name was on the screen only after the answer"
    assert page.evaluate("document.activeElement.closest('.o_callcenter_pop')") is None
    call.answer()
    page.wait_for_selector(f"{POP} [data-state=talking]", timeout=3000)
    [witness] = customers.wait()
    assert call.wait("ended"), "the caller hung up, the agent's phone did not notice"

    logged = site.ended_call(WEBER[0])
    talk = call.times["ended"] - call.times["answered"]
    wait = call.times["answered"] - witness.answered
    assert logged["partner"] == WEBER_NAME
    assert (logged["direction"], logged["queue"], logged["agent"]) == (
        "inbound",
        "sales",
        "anna",
    )
    assert (logged["result"], logged["ended_by"]) == ("answered", "customer")
    assert logged["started"] == pytest.approx(witness.started, abs=1)
    assert logged["stopped"] == pytest.approx(witness.stopped, abs=1)
    assert logged["talk"] == pytest.approx(talk, abs=1)
    assert logged["wait"] == pytest.approx(wait, abs=1)
    assert logged["duration"] == pytest.approx(witness.stopped - witness.started, abs=1)
    legs = site.legs(logged)
    assert [(leg["party"], leg["agent"], leg["result"]) for leg in legs] == [
        ("customer", None, "answered"),
        ("agent", "anna", "answered"),
    ]
    assert legs[1]["ring"] == pytest.approx(
        call.times["answered"] - call.times["ringing"], abs=1
    )


def test_abandoned(site, phone, signed_in):
    """A caller who gives up while the phone rings is logged as abandoned."""
    desk = phone("1002", on_call=ring)
    signed_in("ben", "1002", ["sales"])
    [witness] = Customers(site.instance, [WEBER], SALES, stay=4).wait()
    assert desk.wait_call().wait("ended")

    logged = site.ended_call(WEBER[0])
    assert (logged["result"], logged["ended_by"]) == ("abandoned", "customer")
    assert logged["talk"] == 0
    assert logged["wait"] == pytest.approx(witness.stopped - witness.answered, abs=1)
    assert [leg["result"] for leg in site.legs(logged)] == ["answered", "cancelled"]


def test_unknown_caller(site, chromium, phone, signed_in):
    """A stranger's pop offers to create a contact with the number filled in.

    The name that the caller sent is hostile: it is shown as text.
    """
    phone("1001", on_call=answer(after=3))
    signed_in("anna", "1001", ["sales"])
    _context, page = chromium.person("anna")
    customers = Customers(site.instance, [STRANGER], SALES, stay=12)

    page.wait_for_selector(f"{POP}:has-text('<b>Nobody</b>')", timeout=5000)
    assert page.locator(f"{POP} b", has_text="Nobody").count() == 0
    page.click(f"{POP} button:has-text('Create contact')")
    field = page.wait_for_selector(".o_form_view [name=phone] input", timeout=5000)
    assert re.sub(r"\D", "", field.input_value()).endswith("30998877")
    [_witness] = customers.wait()
    logged = site.ended_call(STRANGER[0])
    assert logged["partner"] is None
    assert logged["result"] == "answered"


def test_click_to_dial(site, chromium, phone, signed_in):
    """A click on a contact's number rings the agent first, then the customer."""
    desk = phone("1001", on_call=answer(after=0.5))
    session = signed_in("anna", "1001", ["sales"])
    [weber] = session.call(
        "res.partner", "search_read", [["name", "=", WEBER_NAME]], ["phone"]
    )
    _context, page = chromium.person("anna")
    began = time.time()
    with carrier(site, answer(after=1)) as trunk:
        page.goto(f"/odoo/contacts/{weber['id']}")
        page.click(".o_form_view .o_field_phone .o_callcenter_dial")
        outgoing = trunk.wait_call()
        assert outgoing.wait("answered")
        time.sleep(3)
        desk.wait_call().hang_up()
        assert outgoing.wait("ended")

    logged = site.ended_call(WEBER[0], since=began)
    assert logged["direction"] == "outbound"
    assert (logged["partner"], logged["agent"]) == (WEBER_NAME, "anna")
    assert (logged["res_model"], logged["res_id"]) == ("res.partner", weber["id"])
    assert (logged["result"], logged["ended_by"]) == ("answered", "agent")
    assert logged["talk"] == pytest.approx(
        outgoing.times["ended"] - outgoing.times["answered"], abs=1
    )
    assert [leg["party"] for leg in site.legs(logged)] == ["agent", "customer"]


def test_click_to_dial_busy(site, phone, signed_in):
    """The customer's line is busy: the log says busy, not "no answer"."""
    phone("1001", on_call=answer(after=0.2))
    session = signed_in("anna", "1001", ["sales"])
    number = "+4930445566"
    with carrier(site, reject(486)):
        session.call("callcenter.agent", "dial", number)
        logged = site.ended_call(number, timeout=10)
    assert logged["result"] == "busy"
    assert logged["talk"] == 0


def test_dial_a_colleague(site, phone, signed_in):
    """A colleague's extension is called without leaving the PBX."""
    desk = phone("1001", on_call=answer(after=0.2))
    colleague = phone("1002", on_call=answer(after=1))
    session = signed_in("anna", "1001", ["sales"])
    session.call("callcenter.agent", "dial", "1002")
    assert colleague.wait_call().wait("answered")
    desk.wait_call().hang_up()
    logged = site.ended_call("1002")
    assert (logged["direction"], logged["result"]) == ("internal", "answered")
    assert logged["agent"] == "anna"


def carrier(site, behaviour):
    """Return the far end of the trunk, to be used in a ``with`` block."""
    from sip.phone import Phone

    class Trunk(Phone):
        def __enter__(self):
            return self

        def __exit__(self, *_error):
            self.close(unregister=False)

    instance = site.instance
    return Trunk(
        "carrier",
        host=instance.carrier_host,
        port=instance.sip_port,
        local_port=instance.carrier_port,
        on_call=behaviour,
    )
