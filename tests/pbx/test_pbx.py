# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""What the files in ``addons/callcenter_core/asterisk`` do on a real Asterisk."""

import socket
import time

import pytest

from sandbox.console import Problem
from telephony.ami import ActionRefused
from tests.sip.phone import answer, reject

SALES, SUPPORT_SIX_SECONDS = "+49301234500", "+49301234502"
CUSTOMER = "+491701234567"


def wait_for(condition, timeout=10):
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.1)
    raise AssertionError("not in time")


# ------------------------------------------------------------
# MANAGER USER
# ------------------------------------------------------------


def test_the_connector_hears_of_a_call_but_not_of_its_variables(manager, phone):
    phone("1002", on_call=answer(0.2))
    call = phone("1001").call("1002")
    assert call.wait("answered")
    call.hang_up()
    manager.wait_event("Hangup")
    names = {event.name for event in manager.events}
    assert {"Newchannel", "DialBegin", "DialEnd", "BridgeEnter", "Hangup"} <= names
    assert not names & {"CEL", "VarSet", "Newexten", "RTCPSent", "DeviceStateChange"}
    timeless = {event.name for event in manager.events if not event.get("Timestamp")}
    assert timeless <= {"FullyBooted"}


def test_the_connector_may_not_run_commands(manager):
    with pytest.raises(ActionRefused):
        manager.command("core show uptime")


def test_the_connector_may_ask_what_goes_on(manager, phone):
    phone("1001")
    for name in ("CoreShowChannels", "Status", "QueueStatus", "PJSIPShowContacts"):
        told, _items = manager.list_action(name)
        assert told["Response"] == "Success"


# ------------------------------------------------------------
# QUEUES
# ------------------------------------------------------------


def test_an_agent_sees_the_customers_number(manager, phone, carrier, member):
    agent = phone("1001")
    member("sales", "1001")
    call = carrier.call(SALES)
    ringing = agent.wait_call()
    assert ringing.caller == CUSTOMER
    ringing.answer()
    assert call.audio.hears(agent.frequency) and ringing.audio.hears(carrier.frequency)
    call.hang_up()
    assert ringing.wait("ended")
    assert manager.wait_event("AgentComplete")["Queue"] == "sales"


def test_one_who_waited_too_long_is_told_from_one_who_hung_up(manager, carrier):
    call = carrier.call(SUPPORT_SIX_SECONDS)
    end = manager.wait_event("UserEvent", UserEvent="QueueEnd")
    assert (end["Queue"], end["Status"]) == ("support", "TIMEOUT")
    assert end["Linkedid"] == manager.wait_event("QueueCallerJoin")["Linkedid"]
    assert call.wait("ended")
    manager.wait_event("Hangup")

    manager.events.clear()
    call = carrier.call(SUPPORT_SIX_SECONDS)
    manager.wait_event("QueueCallerJoin")
    # The manager may hear of it before the telephone has read the answer.
    assert call.wait("answered")
    call.hang_up()
    manager.wait_event("Hangup")
    assert "UserEvent" not in {event.name for event in manager.events}


def test_agents_stay_signed_in_over_a_restart(instance, manager, member):
    member("support", "1005")
    instance.asterisk.restart()
    wait_for(lambda: "PJSIP/1005" in instance.asterisk.cli("queue show support"))
    assert manager.wait_connected(30)


# ------------------------------------------------------------
# TRANSFER AND HOLD, BY THE MANAGER
# ------------------------------------------------------------


@pytest.fixture
def talk(manager, phone, carrier, member):
    """(customer's call, agent's call, the agent's channel) of an answered call."""
    agent = phone("1001", on_call=answer(0.2))
    member("sales", "1001")
    customer = carrier.call(SALES)
    connected = manager.wait_event("AgentConnect")
    mine = agent.wait_call()
    assert customer.audio.hears(agent.frequency)
    yield customer, mine, connected["DestChannel"]
    customer.hang_up()


def test_a_blind_transfer(manager, phone, talk):
    colleague = phone("1002", on_call=answer(0.2))
    customer, mine, channel = talk
    target = {"Channel": channel, "Exten": "1002", "Context": "callcenter-transfer"}
    manager.action("BlindTransfer", target)
    assert customer.audio.hears(colleague.frequency)
    assert mine.wait("ended")
    assert manager.wait_event("AgentComplete")["Reason"] == "transfer"


def test_an_attended_transfer(manager, phone, talk):
    colleague = phone("1002", on_call=answer(0.2))
    customer, mine, channel = talk
    target = {"Channel": channel, "Exten": "1002", "Context": "callcenter-transfer"}
    manager.action("Atxfer", target)
    assert mine.audio.hears(colleague.frequency)
    mine.hang_up()
    assert customer.audio.hears(colleague.frequency)


def test_a_transfer_to_an_outside_number(manager, carrier, talk):
    customer, mine, channel = talk
    carrier.on_call = answer(0.2)
    target = {"Channel": channel, "Exten": "01709", "Context": "callcenter-transfer"}
    manager.action("BlindTransfer", target)
    other = carrier.wait_call()
    assert other.wait("answered")
    other.audio.muted = True
    assert other.audio.hears(carrier.frequency)
    other.hang_up()


def test_hold_and_back(manager, phone, talk):
    customer, mine, channel = talk
    hold = {"Channel": channel, "Exten": "88", "Context": "callcenter-transfer"}
    manager.action("Atxfer", hold)
    manager.wait_event("MusicOnHoldStart", Channel=customer_channel(manager))
    wait_for(lambda: mine.audio.frequency() == 0)
    manager.action("CancelAtxfer", {"Channel": channel})
    assert mine.audio.hears(1000) and customer.audio.hears(mine.phone.frequency)
    assert "AgentComplete" not in {event.name for event in manager.events}


def customer_channel(manager):
    return manager.wait_event("QueueCallerJoin")["Channel"]


def test_a_customer_cannot_transfer_himself(manager, phone, talk):
    colleague = phone("1002", on_call=answer(0.2))
    customer, mine, _channel = talk
    customer.press("#11002")
    time.sleep(4)
    assert customer.audio.hears(mine.phone.frequency)
    assert mine.state == "answered" and not colleague.calls


# ------------------------------------------------------------
# OUTSIDE NUMBERS
# ------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "result", "cause"),
    [(486, "BUSY", "17"), (404, "CHANUNAVAIL", "1"), (503, "CONGESTION", "34")],
)
def test_why_a_number_was_not_reached(manager, phone, carrier, status, result, cause):
    carrier.on_call = reject(status)
    phone("1001").call("+491701")
    told = manager.wait_event("UserEvent", UserEvent="DialResult")
    assert (told["Status"], told["Cause"]) == (result, cause)


def test_a_number_that_nobody_answers(manager, phone, carrier):
    originate = {
        "Channel": "PJSIP/1001",
        "Context": "callcenter-out",
        "Exten": "+491701",
        "Priority": "1",
        "Async": "true",
        "Variable": "CALLCENTER_RING=2",
    }
    phone("1001", on_call=answer(0.1))
    manager.action("Originate", originate)
    told = manager.wait_event("UserEvent", UserEvent="DialResult")
    assert told["Status"] == "NOANSWER"


@pytest.mark.parametrize(
    ("variable", "shown"),
    [(None, SALES), ("CALLCENTER_NUMBER=+49301234599", "+49301234599")],
)
def test_the_number_shown_is_the_companys(manager, phone, carrier, variable, shown):
    carrier.on_call = answer(0.2)
    agent = phone("1001", on_call=answer(0.1))
    originate = {
        "Channel": "PJSIP/1001",
        "Context": "callcenter-out",
        "Exten": "+4917099",
        "Priority": "1",
        "CallerID": "Customer <+4917099>",
        "Async": "true",
    }
    if variable:
        originate["Variable"] = variable
    manager.action("Originate", originate)
    called = carrier.wait_call()
    assert called.caller == shown
    assert agent.wait_call().caller == "+4917099"
    assert called.audio.hears(agent.frequency)
    called.hang_up()


# ------------------------------------------------------------
# JOURNAL
# ------------------------------------------------------------


def test_a_call_is_journalled_with_true_times(instance, phone):
    phone("1002", on_call=answer(0.2))
    before = time.time()
    call = phone("1001").call("1002")
    assert call.wait("answered")
    call.hang_up()
    sql = (
        "SELECT extract(epoch from eventtime at time zone 'utc') FROM cel "
        "WHERE eventtype = '{}' AND cid_num = '1001' ORDER BY id DESC LIMIT 1"
    )

    def journalled(kind):
        found = instance.postgres.query(sql.format(kind), instance.journal_database)
        return found and float(found) > before and float(found)

    start = wait_for(lambda: journalled("CHAN_START"))
    hangup = wait_for(lambda: journalled("HANGUP"))
    assert start == pytest.approx(call.times["new"], abs=1)
    assert hangup == pytest.approx(call.times["ended"], abs=1)
    assert start != int(start), "no fractions of a second"


def test_the_pbx_can_only_add_to_the_journal(instance):
    def query(sql):
        return instance.postgres.query(sql, instance.journal_database, "callcenter_pbx")

    query("INSERT INTO cel (eventtype, eventtime) VALUES ('TEST', now())")
    for sql in ("SELECT 1 FROM cel", "DELETE FROM cel", "UPDATE cel SET peer = ''"):
        with pytest.raises(Problem, match="permission denied"):
            query(sql)
    with pytest.raises(Problem, match="permission denied"):
        query("CREATE TABLE mine (id int)")


# ------------------------------------------------------------
# BROWSERS
# ------------------------------------------------------------


def test_browsers_reach_the_pbx_over_a_websocket(instance):
    address = (instance.host, instance.asterisk_http_port)
    with socket.create_connection(address, 5) as connection:
        connection.sendall(
            b"GET /ws HTTP/1.1\r\nHost: pbx\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Protocol: sip\r\n"
            b"Sec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        answered = connection.recv(4096).decode()
    assert answered.startswith("HTTP/1.1 101")
    assert "Sec-WebSocket-Protocol: sip" in answered
