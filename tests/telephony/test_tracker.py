# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""What no recording has: other ways a call can go, and what the tracker promises."""

import pytest
from pbx import Pbx
from pytest import approx

from telephony import facts
from telephony.tracker import Tracker


@pytest.fixture
def pbx():
    return Pbx()


# ------------------------------------------------------------
# DIALLING
# ------------------------------------------------------------


@pytest.mark.parametrize(
    "status, cause, sip, leg, call",
    [
        ("NOANSWER", "0", "", "no_answer", "no_answer"),
        ("NOANSWER", "17", "486", "rejected", "busy"),
        ("BUSY", "21", "603", "rejected", "busy"),
        ("CHANUNAVAIL", "20", "", "failed", "failed"),
        ("CONGESTION", "34", "503", "congestion", "congestion"),
        ("NOANSWER", "0", "487", "no_answer", "no_answer"),
        ("NOANSWER", "16", "404", "invalid", "invalid"),
        ("NOANSWER", "21", "403", "failed", "failed"),
        ("CANCEL", "0", "", "cancelled", "no_answer"),
    ],
)
def test_direct_call_that_is_not_answered(pbx, status, cause, sip, leg, call):
    """A DID that rings one phone: what the phone did decides, causes first."""
    pbx.new("c", "PJSIP/carrier", "4", number="+491", exten="1001")
    pbx.new("a", "PJSIP/1001", linkedid="c")
    pbx.dial("c", "a")
    pbx.ring("a")
    pbx.wait(20)
    pbx.dialled("c", "a", status)
    pbx.end("a", cause=cause, sip=sip)
    pbx.end("c")
    assert pbx.leg("a")["result"] == leg
    assert pbx.call()["result"] == call
    assert pbx.call()["ended_by"] == "system"
    assert pbx.call()["wait"] == approx(20, abs=0.1)


def test_busy_phone_did_not_ring(pbx):
    """Without ringing a 486 is the phone's answer, not its owner's."""
    pbx.inbound()
    pbx.new("a", "PJSIP/1001", linkedid="c")
    pbx.dial("c", "a")
    pbx.dialled("c", "a", "BUSY")
    pbx.end("a", cause="17", sip="486")
    pbx.end("c")
    assert pbx.leg("a")["result"] == "busy"
    assert pbx.call()["result"] == "busy"


def test_caller_gives_up_while_it_rings(pbx):
    pbx.new("c", "PJSIP/carrier", "4", number="+491", exten="1001")
    pbx.new("a", "PJSIP/1001", linkedid="c")
    pbx.dial("c", "a")
    pbx.ring("a")
    pbx.wait(3)
    pbx.hang_up("c")
    pbx.dialled("c", "a", "CANCEL")
    pbx.end("a", "c", cause="0")
    assert pbx.leg("a")["result"] == "cancelled"
    assert pbx.call()["result"] == "abandoned"
    assert pbx.call()["ended_by"] == "customer"


def test_caller_gives_up_in_the_menu(pbx):
    pbx.inbound()
    pbx.wait(3)
    pbx.hang_up("c")
    pbx.end("c")
    assert pbx.call()["result"] == "self_service"
    assert pbx.call()["wait"] == 0


def test_caller_gives_up_before_the_pbx_answered(pbx):
    pbx.new("c", "PJSIP/carrier", "4", number="+491", exten="800")
    pbx.wait(2)
    pbx.hang_up("c")
    pbx.end("c", cause="0")
    assert pbx.call()["result"] == "abandoned"
    assert pbx.leg("c")["result"] == "cancelled"


def test_number_that_nobody_has(pbx):
    """The PBX itself turns the caller away."""
    pbx.new("c", "PJSIP/carrier", "4", number="+491", exten="999")
    pbx.end("c", cause="1")
    assert pbx.call()["result"] == "invalid"
    assert pbx.call()["ended_by"] == "system"


def test_picked_up_when_the_caller_had_gone(pbx):
    """Answered, but nobody spoke."""
    pbx.inbound()
    pbx.new("a", "PJSIP/1001", linkedid="c")
    pbx.dial("c", "a")
    pbx.answer("a")
    pbx.end("c", "a")
    assert pbx.leg("a")["result"] == "answered"
    assert pbx.call()["result"] == "abandoned"


@pytest.mark.parametrize(
    "requested, result", [(True, "abandoned"), (False, "no_answer")]
)
def test_dialled_customer_for_whom_nobody_is_free(pbx, requested, result):
    """A dialler's customer gives up in the queue, or the queue does."""
    pbx.new("t", "PJSIP/carrier")
    pbx.dial("", "t", "030555@carrier")
    pbx.ring("t")
    pbx.wait(6)
    pbx.answer("t")
    pbx.on("QueueCallerJoin", "t", Queue="sales")
    pbx.wait(2)
    if requested:
        pbx.hang_up("t")
    pbx.on("QueueCallerAbandon", "t")
    pbx.end("t")
    assert pbx.call("t")["result"] == result
    assert pbx.call("t")["wait"] == approx(6, abs=0.1)


def test_customer_picked_up_when_the_agent_had_gone(pbx):
    pbx.new("a", "PJSIP/1001")
    pbx.answer("a")
    pbx.new("t", "PJSIP/carrier", linkedid="a")
    pbx.dial("a", "t", "030555@carrier")
    pbx.hang_up("a")
    pbx.answer("t")
    pbx.end("a", "t")
    assert pbx.call("a")["result"] == "cancelled"
    assert pbx.call("a")["ended_by"] == "agent"


def test_states_of_both_sides(pbx):
    """From dialling to the end, for the one who calls and the one who is called."""
    pbx.new("a", "PJSIP/1001", "4", number="1001", exten="1002")
    pbx.wait(1)
    pbx.new("x", "PJSIP/1002", linkedid="a")
    pbx.dial("a", "x")
    pbx.wait(1)
    pbx.ring("x")
    pbx.wait(1)
    pbx.answer("x")
    pbx.answer("a")
    pbx.wait(1)
    pbx.dialled("a", "x", "ANSWER")
    pbx.wait(1)
    pbx.bridge("b", "x", "a")
    pbx.wait(1)
    pbx.unbridge("b", "x", "a")
    pbx.end("x", "a")
    states = {
        fact.leg: [(state, round(stop - start)) for state, start, stop in fact.segments]
        for fact in pbx.of(facts.LegEnded)
    }
    # A caller hears that it rings, so it dials until the other one has answered.
    assert states["a"] == [("dial", 4), ("idle", 1), ("talk", 1)]
    assert states["x"] == [("dial", 1), ("ring", 1), ("idle", 2), ("talk", 1)]


def test_customer_waits_while_a_phone_rings(pbx):
    pbx.inbound()
    pbx.wait(1)
    pbx.new("a", "PJSIP/1001", linkedid="c")
    pbx.dial("c", "a")
    pbx.wait(2)
    pbx.dialled("c", "a", "NOANSWER")
    pbx.end("a", cause="0")
    pbx.wait(3)
    pbx.end("c")
    segments = pbx.of(facts.LegEnded)[-1].segments
    assert [(state, round(stop - start)) for state, start, stop in segments] == [
        ("idle", 1),
        ("wait", 2),
        ("idle", 3),
    ]


def test_second_outside_party(pbx):
    """Once the customer has answered, any further trunk channel is somebody else's."""
    pbx.new("a", "PJSIP/1001", "4", exten="9030555")
    pbx.talk("a", "t", "PJSIP/carrier")
    pbx.unbridge("b", "a", "t")
    pbx.end("t")
    pbx.talk("a", "x", "PJSIP/carrier")
    assert pbx.leg("t")["party"] == "customer"
    assert pbx.leg("x")["party"] == "external"


def test_outside_parties_called_at_once(pbx):
    pbx.new("a", "PJSIP/1001", "4", exten="9030555")
    for uid in "t", "x":
        pbx.new(uid, "PJSIP/carrier", linkedid="a")
        pbx.dial("a", uid, f"{uid}@carrier")
    assert pbx.leg("t")["party"] == "customer"
    assert pbx.leg("x")["party"] == "external"


def test_ring_group(pbx):
    """One answers, the others are told to stop."""
    pbx.inbound()
    for uid, number in ("a1", 1001), ("a2", 1002), ("a3", 1003):
        pbx.new(uid, f"PJSIP/{number}", linkedid="c")
        pbx.dial("c", uid)
        pbx.ring(uid)
    pbx.wait(4)
    pbx.answer("a2")
    pbx.dialled("c", "a1", "CANCEL")
    pbx.dialled("c", "a3", "CANCEL")
    pbx.dialled("c", "a2", "ANSWER")
    pbx.end("a1", cause="26")
    pbx.end("a3", cause="0")
    pbx.bridge("b", "a2", "c")
    pbx.wait(10)
    pbx.hang_up("a2")
    pbx.unbridge("b", "a2", "c")
    pbx.end("a2", "c")
    results = [pbx.leg(uid)["result"] for uid in ("a1", "a2", "a3")]
    assert results == ["cancelled", "answered", "cancelled"]
    assert pbx.call()["result"] == "answered"
    assert pbx.call()["ended_by"] == "agent"
    assert pbx.call()["talk"] == approx(10, abs=0.1)


def test_second_carrier(pbx):
    """After a congested trunk the next one leads to the same customer."""
    pbx.new("a", "PJSIP/1001", "4", number="1001", exten="9030555")
    pbx.new("t1", "PJSIP/carrier", linkedid="a")
    pbx.dial("a", "t1", "030555@carrier")
    pbx.dialled("a", "t1", "CONGESTION")
    pbx.end("t1", cause="34", sip="503")
    pbx.talk("a", "t2", "PJSIP/other")
    pbx.unbridge("b", "a", "t2")
    pbx.end("t2", "a")
    assert pbx.leg("t1")["party"] == pbx.leg("t2")["party"] == "customer"
    assert pbx.call("a")["direction"] == "outbound"
    assert pbx.call("a")["number"] == "030555"
    assert pbx.call("a")["result"] == "answered"
    assert pbx.call("a")["wait"] == approx(1, abs=0.1)


@pytest.mark.parametrize(
    "string, number",
    [
        ("PJSIP/4930555@carrier", "4930555"),
        ("4930555@carrier", "4930555"),
        ("carrier/4930555", "4930555"),
        ("carrier/sip:4930555@10.0.0.1", "4930555"),
        ("sip:+4930555@10.0.0.1:5060", "+4930555"),
        ("", ""),
    ],
)
def test_dialled_number(pbx, string, number):
    pbx.new("t", "PJSIP/carrier")
    pbx.dial("", "t", string)
    assert pbx.call("t")["number"] == number
    assert pbx.call("t")["direction"] == "outbound"
    assert pbx.leg("t")["number"] == number


def test_early_media_is_ringing(pbx):
    """Many networks send their ringing as sound (183), not as 180."""
    pbx.new("t", "PJSIP/carrier")
    pbx.dial("", "t", "030555@carrier")
    pbx.send("DialState", **pbx.about("t", "Dest"), DialStatus="PROCEEDING")
    assert pbx.leg("t")["rang"] is None
    pbx.send("DialState", **pbx.about("t", "Dest"), DialStatus="PROGRESS")
    assert pbx.leg("t")["rang"] == pbx.time


# ------------------------------------------------------------
# QUEUES
# ------------------------------------------------------------


def queued(pbx, seconds=5.0):
    pbx.inbound()
    pbx.on("QueueCallerJoin", "c", Queue="sales", Position="2")
    pbx.wait(seconds)


@pytest.mark.parametrize("leave", [True, False])
def test_maximum_wait_then_hang_up_by_the_dialplan(pbx, leave):
    """``QueueCallerAbandon`` comes as well, but it was not the caller's will."""
    queued(pbx)
    pbx.on("QueueCallerAbandon", "c", Queue="sales")
    if leave:
        pbx.on("QueueCallerLeave", "c", Queue="sales")
    pbx.on("SoftHangupRequest", "c", Cause="16")
    pbx.end("c")
    ((_queue, outcome, joined, left),) = pbx.call()["queues"]
    assert outcome == "timeout"
    assert left - joined == approx(5, abs=0.1)
    assert pbx.call()["result"] == "no_answer"


def test_gives_up_in_the_queue(pbx):
    queued(pbx)
    pbx.hang_up("c")
    pbx.on("QueueCallerAbandon", "c", Queue="sales")
    pbx.on("QueueCallerLeave", "c", Queue="sales")
    pbx.end("c", cause="0")
    assert [queue[1] for queue in pbx.call()["queues"]] == ["abandoned"]
    assert pbx.call()["result"] == "abandoned"


def test_leaves_by_pressing_a_key(pbx):
    """Out of the queue without an abandon, on in the dialplan."""
    queued(pbx)
    pbx.on("QueueCallerLeave", "c", Queue="sales")
    pbx.wait(60)
    pbx.hang_up("c")
    pbx.end("c")
    assert [queue[1] for queue in pbx.call()["queues"]] == ["left"]
    assert pbx.call()["result"] == "no_answer"
    assert pbx.call()["wait"] == approx(5, abs=0.1)


def test_hung_up_while_everything_else_was_lost(pbx):
    queued(pbx)
    pbx.hang_up("c")
    pbx.end("c")
    assert [queue[1] for queue in pbx.call()["queues"]] == ["abandoned"]


def test_leave_was_lost(pbx):
    """Who talks does not wait."""
    queued(pbx)
    pbx.talk("c", "a")
    assert [queue[1] for queue in pbx.call()["queues"]] == ["connected"]
    assert pbx.leg("a")["queue"] == "sales"


def test_leave_is_late(pbx):
    """``AgentConnect`` says as much."""
    queued(pbx)
    pbx.on("AgentConnect", "c", Queue="sales")
    assert [queue[1] for queue in pbx.call()["queues"]] == ["connected"]
    pbx.on("QueueCallerLeave", "c", Queue="sales")
    assert len(pbx.call()["queues"]) == 1


def test_member_by_local_channel(pbx):
    """A queue's member may be ``Local/1001@agents/n``; its phone is the leg."""
    queued(pbx, seconds=1)
    one, two = "Local/1001@agents-00000001;1", "Local/1001@agents-00000001;2"
    pbx.new("l1", one, linkedid="c")
    pbx.new("l2", two, "4", linkedid="c")
    pbx.send("AgentCalled", **pbx.about("c"), **pbx.about("l1", "Dest"), Queue="sales")
    pbx.dial("c", "l1")
    pbx.new("a", "PJSIP/1001", linkedid="c")
    pbx.dial("l2", "a")
    pbx.ring("a")
    pbx.wait(2)
    pbx.answer("a")
    pbx.answer("l2")
    pbx.answer("l1")
    pbx.on("QueueCallerLeave", "c", Queue="sales")
    pbx.send("AgentConnect", **pbx.about("c"), **pbx.about("l1", "Dest"), Queue="sales")
    pbx.bridge("b2", "a", "l2")
    assert pbx.leg("a")["peers"] == ()
    pbx.bridge("b1", "l1", "c")
    assert pbx.leg("a")["peers"] == ("c",)
    assert pbx.leg("c")["peers"] == ("a",)
    pbx.wait(7)
    pbx.hang_up("c")
    pbx.unbridge("b1", "c", "l1")
    assert pbx.leg("a")["peers"] == ()
    pbx.unbridge("b2", "l2", "a")
    pbx.end("l1", "l2", "a", "c")
    assert set(pbx.ledger.legs) == {"c", "a"}
    assert pbx.leg("a")["queue"] == "sales"
    assert [queue[1] for queue in pbx.call()["queues"]] == ["connected"]
    assert pbx.call()["talk"] == approx(7, abs=0.1)


def test_local_channel_waits_for_the_customer_behind_it(pbx):
    """A dialler calls by one half of a ``Local`` channel and queues the other."""
    pbx.new("l1", "Local/030555@dialler-00000001;1")
    pbx.new("l2", "Local/030555@dialler-00000001;2", "4", linkedid="l1")
    assert pbx.facts == []
    pbx.new("t", "PJSIP/carrier", linkedid="l1")
    pbx.dial("l2", "t", "030555@carrier")
    pbx.answer("t")
    pbx.bridge("b1", "t", "l2")
    pbx.answer("l1")
    pbx.on("QueueCallerJoin", "l1", Queue="sales", Position="1")
    assert pbx.of(facts.CallQueued)[0].leg == "t"
    pbx.wait(3)
    pbx.talk("l1", "a")
    assert pbx.leg("t")["peers"] == ("a",)
    assert pbx.call("l1")["queues"][0][1] == "connected"
    assert pbx.call("l1")["direction"] == "outbound"
    pbx.hang_up("a")
    pbx.unbridge("b", "a", "l1")
    pbx.unbridge("b1", "l2", "t")
    pbx.end("a", "l1", "l2")
    assert pbx.call("l1")["over"] == ""
    pbx.end("t")
    assert pbx.call("l1")["result"] == "answered"
    assert pbx.call("l1")["ended_by"] == "agent"


# ------------------------------------------------------------
# HOLD
# ------------------------------------------------------------


def test_both_hold(pbx):
    """Each is on hold; neither talks."""
    pbx.inbound()
    pbx.talk("c", "a")
    pbx.on("Hold", "a")
    pbx.wait(2)
    pbx.on("Hold", "c")
    pbx.wait(2)
    pbx.on("Unhold", "a")
    pbx.wait(2)
    pbx.on("Unhold", "c")
    pbx.wait(1)
    pbx.unbridge("b", "c", "a")
    pbx.end("c", "a")
    assert pbx.leg("a")["hold"] == approx(4, abs=0.1)
    assert pbx.leg("c")["hold"] == approx(4, abs=0.1)
    assert pbx.leg("a")["talk"] == approx(6, abs=0.1)
    # On hold alone until the customer held too; what it does itself is no hold.
    assert pbx.call()["hold"] == approx(2, abs=0.1)


def test_on_hold_for_one_of_three(pbx):
    """In a conference the others go on talking."""
    pbx.inbound()
    pbx.talk("c", "a")
    pbx.talk("c", "x", "PJSIP/1002")
    pbx.on("Hold", "a")
    pbx.wait(4)
    pbx.unbridge("b", "x", "a", "c")
    pbx.end("x", "a", "c")
    assert pbx.call()["hold"] == approx(0, abs=0.01)
    assert pbx.call()["talk"] == approx(15, abs=0.1)


def test_music_while_the_next_phone_is_called(pbx):
    """``Dial(…,m)`` after a blind transfer: that is waiting, not hold."""
    pbx.inbound()
    pbx.talk("c", "a")
    pbx.send(
        "BlindTransfer",
        **pbx.about("a", "Transferer"),
        Result="Success",
        Extension="1002",
    )
    pbx.unbridge("b", "a", "c")
    pbx.on("MusicOnHoldStart", "c")
    pbx.new("x", "PJSIP/1002", linkedid="c")
    pbx.dial("c", "x")
    pbx.end("a")
    pbx.wait(4)
    pbx.end("x", "c", cause="0")
    assert pbx.call()["hold"] == approx(0, abs=0.01)
    assert pbx.leg("a")["holds"] == []


def test_music_in_the_menu(pbx):
    """Who has not talked yet is not on hold."""
    pbx.inbound()
    pbx.on("MusicOnHoldStart", "c")
    pbx.wait(4)
    pbx.end("c")
    assert pbx.call()["hold"] == 0


def test_music_in_a_waiting_room(pbx):
    """``BridgeWait`` is a bridge, but nobody is heard in it."""
    pbx.inbound()
    pbx.talk("c", "a")
    pbx.unbridge("b", "c", "a")
    pbx.bridge("room", "c", technology="holding_bridge")
    pbx.on("MusicOnHoldStart", "c")
    pbx.wait(4)
    pbx.on("MusicOnHoldStop", "c")
    pbx.unbridge("room", "c")
    pbx.end("c", "a")
    assert pbx.call()["hold"] == approx(4, abs=0.1)


def test_only_our_people_hold(pbx):
    """A further outside party cannot be the one who redirected the customer."""
    pbx.inbound()
    pbx.talk("c", "a")
    pbx.talk("c", "x", "PJSIP/carrier")
    pbx.unbridge("b", "c", "x", "a")
    pbx.on("MusicOnHoldStart", "c")
    pbx.wait(4)
    assert len(pbx.leg("a")["holds"]) == 1
    assert pbx.leg("x")["holds"] == []


def test_transfer_that_nobody_takes(pbx):
    """It was the customer who hung up at last, not the one who transferred."""
    pbx.inbound()
    pbx.talk("c", "a")
    pbx.send("BlindTransfer", **pbx.about("a", "Transferer"), Result="Success")
    pbx.unbridge("b", "a", "c")
    pbx.end("a")
    pbx.wait(4)
    pbx.hang_up("c")
    pbx.end("c")
    assert pbx.call()["ended_by"] == "customer"


def test_two_parked_calls_stay_two(pbx):
    """All parked calls share one bridge, in which nobody hears anybody."""
    for key in "c", "d":
        pbx.inbound(key)
        pbx.talk(key, key + "a", f"PJSIP/100{1 if key == 'c' else 2}", bridge=key)
        pbx.send("ParkedCall", **pbx.about(key, "Parkee"))
        pbx.unbridge(key, key)
        pbx.bridge("lot", key, technology="holding_bridge")
    pbx.wait(3)
    assert pbx.leg("c")["peers"] == pbx.leg("d")["peers"] == ()
    assert [call["over"] for call in pbx.ledger.calls.values()] == ["", ""]
    pbx.end("c", "d", "ca", "da")
    assert pbx.call("d")["hold"] == approx(3, abs=0.1)


# ------------------------------------------------------------
# MERGES
# ------------------------------------------------------------


def test_customers_call_remains(pbx):
    """Two colleagues were talking before the customer called; his call counts."""
    pbx.new("i", "PJSIP/1002", "4", number="1002", exten="1001")
    pbx.talk("i", "a")
    pbx.inbound()
    pbx.talk("c", "x", "PJSIP/1003", bridge="b2")
    pbx.bridge("b2", "a")
    assert pbx.call("i")["into"] == "c"
    assert pbx.leg("a")["call"] == "c"
    assert pbx.leg("c")["peers"] == ("a", "x")


def test_two_customers(pbx):
    """The older call remains, with one customer; the other is external."""
    pbx.inbound("c")
    pbx.talk("c", "a", bridge="b1")
    pbx.inbound("d")
    pbx.bridge("b1", "d")
    assert pbx.call("d")["into"] == "c"
    assert (pbx.leg("c")["party"], pbx.leg("d")["party"]) == ("customer", "external")
    pbx.unbridge("b1", "c")
    pbx.end("c", "a", "d")
    assert pbx.call("c")["over"] == "ended"


def test_silent_change_of_linkedid(pbx):
    """No event announces it; the next one shows it, and the calls are one."""
    pbx.inbound()
    pbx.new("i", "PJSIP/1002", "4", number="1002", exten="1001")
    pbx.channels["i"]["Linkedid"] = "c"
    pbx.answer("i")
    assert pbx.call("i")["into"] == "c"


def test_next_bridge_before_the_last_was_left(pbx):
    """A channel is in one bridge at a time, whatever event was lost or late."""
    pbx.inbound()
    pbx.talk("c", "a")
    pbx.new("x", "PJSIP/1002", linkedid="c")
    pbx.answer("x")
    pbx.bridge("b2", "x", "a")
    assert pbx.leg("c")["peers"] == ()
    assert pbx.leg("a")["peers"] == ("x",)
    pbx.unbridge("b", "a")
    assert pbx.leg("a")["peers"] == ("x",)


# ------------------------------------------------------------
# WHO HUNG UP
# ------------------------------------------------------------


def test_hang_up_by_click(pbx):
    """AMI's ``Hangup`` sends no ``HangupRequest``: who left first, hung up."""
    pbx.inbound()
    pbx.talk("c", "a")
    pbx.unbridge("b", "a", "c")
    pbx.end("a", "c")
    assert pbx.call()["ended_by"] == "agent"


def test_colleague_leaves_the_conference_first(pbx):
    """The last talk counts."""
    pbx.inbound()
    pbx.talk("c", "a")
    pbx.talk("c", "x", "PJSIP/1002")
    pbx.hang_up("x")
    pbx.unbridge("b", "x")
    pbx.end("x")
    pbx.wait(3)
    pbx.hang_up("c")
    pbx.unbridge("b", "c", "a")
    pbx.end("a", "c")
    assert pbx.call()["ended_by"] == "customer"


def test_agent_who_rejects_does_not_end_the_call(pbx):
    queued(pbx)
    pbx.new("a", "PJSIP/1001", linkedid="c")
    pbx.dial("c", "a")
    pbx.hang_up("a")
    pbx.end("a", cause="17", sip="486")
    pbx.wait(5)
    pbx.hang_up("c")
    pbx.end("c")
    assert pbx.call()["ended_by"] == "customer"
    assert pbx.call()["result"] == "abandoned"


# ------------------------------------------------------------
# WHAT THE TRACKER PROMISES
# ------------------------------------------------------------


def test_events():
    """The names of the events that are wanted, for the client's filter."""
    assert {"Newchannel", "Hangup", "QueueCallerJoin", "UserEvent"} <= Tracker.EVENTS
    assert not {"VarSet", "Newexten", "CEL", "RTCPSent"} & Tracker.EVENTS
    assert isinstance(Tracker.EVENTS, frozenset)


@pytest.mark.parametrize("event", [{}, {"Event": "VarSet"}, {"Response": "Success"}])
def test_unwanted(event):
    assert Tracker(set()).feed(event) == []


def test_live_and_finish(pbx):
    """What the PBX no longer has is ended from outside."""
    queued(pbx)
    pbx.new("a", "PJSIP/1001", linkedid="c")
    assert pbx.tracker.live() == {"c": "c", "a": "c"}
    pbx.ledger.apply(pbx.tracker.finish("a", 1010.0))
    assert pbx.leg("a")["result"] == "failed"
    assert pbx.leg("a")["end"] == 1010.0
    assert pbx.tracker.live() == {"c": "c"}
    pbx.ledger.apply(pbx.tracker.finish("c", 1012.0))
    assert pbx.call()["over"] == "ended"
    assert pbx.call()["end"] == 1012.0
    assert pbx.call()["ended_by"] == ""
    assert pbx.tracker.live() == {}
    assert pbx.tracker.finish("c", 1013.0) == []
    assert pbx.tracker.finish("never", 1013.0) == []


def test_half_of_a_local_channel_is_live(pbx):
    """It keeps its call alive, so one whose end was lost must be found as well."""
    pbx.new("l1", "Local/030555@dialler-00000001;1")
    pbx.new("t", "PJSIP/carrier", linkedid="l1")
    pbx.end("t")
    assert pbx.tracker.live() == {"l1": "l1"}
    pbx.ledger.apply(pbx.tracker.finish("l1", 1010.0))
    assert pbx.call("l1")["over"] == "ended"


def test_finish_before_the_last_event(pbx):
    """A time that cannot be is taken as the last one that was."""
    pbx.inbound()
    pbx.ledger.apply(pbx.tracker.finish("c", 0.0))
    assert pbx.call()["duration"] == approx(0.001)


def test_first_events_were_missed(pbx):
    """A channel is met when it is first told of, whatever that is."""
    pbx.inbound()
    pbx.tracker = Tracker({"PJSIP/1001"})
    pbx.facts.clear()
    pbx.ledger = type(pbx.ledger)()
    pbx.channels["a"] = {
        **pbx.channels["c"],
        "Channel": "PJSIP/1001-00000009",
        "Uniqueid": "a",
    }
    pbx.bridge("b", "a", "c")
    assert pbx.call()["direction"] == "inbound"
    assert pbx.leg("c")["party"] == "customer"
    assert pbx.leg("a")["party"] == "agent"
    assert pbx.leg("a")["peers"] == ("c",)
    assert pbx.leg("a")["answer"] is not None


def test_extensions_may_be_added(pbx):
    extensions = set()
    pbx = Pbx(extensions)
    pbx.new("a", "PJSIP/1001", "4", exten="1002")
    assert pbx.leg("a")["party"] == "customer"
    extensions.add("PJSIP/1001")
    pbx.new("b", "PJSIP/1001", "4", exten="1002")
    assert pbx.leg("b")["party"] == "agent"


def test_time_of_an_event_without_one(pbx):
    pbx.inbound()
    last = pbx.time
    channel = {**pbx.about("c"), "Cause": "16"}
    (leg, call) = pbx.tracker.feed({"Event": "Hangup", **channel})
    assert leg.time == call.time == last


def test_masquerade(pbx):
    """A colleague picks up: the ringing channel gets the name of hers, not its uid."""
    pbx.inbound()
    pbx.new("a", "PJSIP/1001", linkedid="c")
    pbx.new("p", "PJSIP/1002", "4", exten="*8")
    name = pbx.channels["p"]["Channel"]
    for uid, new in ("p", f"{name}<MASQ>"), ("a", name), ("p", "PJSIP/1001<ZOMBIE>"):
        pbx.on("Rename", uid, Newname=new)
    (changed,) = pbx.of(facts.LegChanged)
    assert (changed.leg, changed.channel) == ("a", name)
    assert changed.interface == "PJSIP/1002"


def test_stand_in(pbx):
    """The channel that takes a redirected one's place is a leg once it is in use."""
    pbx.inbound()
    pbx.new("s", "AsyncGoto/PJSIP/1001", linkedid="c")
    pbx.on("Rename", "s", Newname="PJSIP/1001-00000001")
    assert set(pbx.ledger.legs) == {"c"}
    pbx.channels["s"]["Channel"] = "PJSIP/1001-00000001"
    pbx.bridge("b", "s", "c")
    assert pbx.leg("s")["party"] == "agent"
    assert pbx.leg("c")["peers"] == ("s",)


def test_hostile_text(pbx):
    """Names are passed on as they came."""
    name = "<script>alert('1')</script>\u202e Ünï"
    pbx.channels["c"] = {}
    pbx.new("c", "PJSIP/carrier", "4", number="1' OR 1=1--", exten="800")
    assert pbx.call()["number"] == "1' OR 1=1--"
    pbx.on("UserEvent", "c", UserEvent=name, Key=name)
    assert pbx.leg("c")["reports"] == [(name, (("Key", name),))]


def test_late_event_of_an_ended_call(pbx):
    """Neighbours come in any order: nothing follows the end."""
    pbx.inbound()
    pbx.talk("c", "a")
    pbx.end("a", "c")
    pbx.unbridge("b", "a", "c")
    pbx.bridge("b", "a", "c")
    assert pbx.of(facts.CallEnded)[-1] is pbx.facts[-1]
    assert pbx.tracker.live() == {}


def test_stopped_before_it_started(pbx):
    """A channel whose end comes first is not begun by what comes after."""
    pbx.inbound()
    pbx.send("Hangup", Uniqueid="a", Linkedid="c", Cause="16")
    pbx.new("a", "PJSIP/1001", linkedid="c")
    assert set(pbx.ledger.legs) == {"c"}


def test_memory_is_bounded(pbx):
    """Of ten thousand calls in a day, only the last minutes' are remembered."""
    for number in range(2000):
        pbx.inbound(f"c{number}")
        pbx.new(f"a{number}", "PJSIP/1001", linkedid=f"c{number}")
        pbx.bridge(f"b{number}", f"c{number}", f"a{number}")
        pbx.end(f"a{number}", f"c{number}")
        pbx.wait(10)
        pbx.channels.clear()
    tracker = pbx.tracker
    assert len(tracker._ended) < 150
    assert not tracker._channels and not tracker._calls and not tracker._bridges
    assert not tracker._halves


def test_memory_is_bounded_without_time():
    """Also if the PBX sends no times."""
    tracker = Tracker(set())
    for number in range(60_000):
        tracker.feed({"Event": "Hangup", "Uniqueid": str(number)})
    assert len(tracker._ended) == 50_000
