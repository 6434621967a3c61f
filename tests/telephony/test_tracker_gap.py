# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""The connection was lost in the middle of a call and came back."""

import pytest
import replay
from pytest import approx

from telephony import facts
from telephony.snapshot import snapshot_event
from telephony.tracker import Tracker

CALLER, AGENT = "1795395346.316", "1795395346.317"
#: When the lists were asked for: the caller had talked for about 3 seconds.
ASKED = 1795395349.327


def listed(*names):
    """Return the items of the PBX's lists, as events."""
    return [
        snapshot_event(event, ASKED)
        for event in replay.events("m_rebuild_actions")
        if event["Event"] in names
    ]


def after():
    return replay.slim(replay.events("m_after_reconnect_rebuild"))


@pytest.fixture
def old():
    """A tracker that saw the call begin."""
    tracker = Tracker(replay.EXTENSIONS)
    replay.facts(replay.slim(replay.events("m_before_disconnect")), tracker)
    return tracker


@pytest.fixture(params=["Status", "CoreShowChannel"])
def snapshots(request):
    return listed(request.param)


def test_tracker_that_lived_on(old, snapshots):
    """What is known is not told again, and the call ends with its true times."""
    before = replay.facts(replay.events("m_before_disconnect"))
    between = replay.facts(snapshots, old)
    assert between == []
    rest = replay.facts(after(), old)
    ledger = replay.ledger([*before, *rest])
    call = ledger.calls[CALLER]
    assert call["over"] == "ended"
    talked = call["end"] - 1795395346.83
    assert call["talk"] == approx(talked, abs=0.1)


def test_new_tracker(snapshots):
    """Told in any order, the call is the same one."""
    for order in (1, -1):
        tracker = Tracker(replay.EXTENSIONS)
        found = replay.facts([*snapshots[::order], *after()], tracker)
        ledger = replay.ledger(found)
        assert list(ledger.calls) == [CALLER]
        call = ledger.calls[CALLER]
        assert (call["direction"], call["number"]) == ("inbound", "+49301234567")
        assert call["did"] == "800"
        assert call["start"] == approx(ASKED - 3, abs=1)
        assert (call["result"], call["ended_by"]) == ("answered", "customer")
        assert call["talk"] <= call["end"] - ASKED
        assert ledger.legs[CALLER]["party"] == "customer"
        assert ledger.legs[AGENT]["party"] == "agent"
        assert ledger.legs[AGENT]["start"] == approx(ASKED - 3, abs=1)
        assert ledger.legs[AGENT]["connections"] == [(CALLER,)]
        assert tracker.live() == {}


def test_snapshot_twice(old, snapshots):
    tracker = Tracker(replay.EXTENSIONS)
    first = replay.facts(snapshots, tracker)
    assert first
    assert replay.facts(snapshots, tracker) == []


def test_call_that_ended_unseen(old):
    """The PBX no longer has its channels."""
    ledger = replay.ledger(replay.facts(replay.events("m_before_disconnect")))
    for uid in old.live():
        ledger.apply(old.finish(uid, ASKED))
    assert ledger.calls[CALLER]["end"] == ASKED
    assert ledger.calls[CALLER]["talk"] == approx(ASKED - 1795395346.83, abs=0.1)


def test_left_the_talk_unseen(old):
    """A channel that is in no bridge any more talks with nobody."""
    (caller, agent) = listed("Status")
    for event in (caller, agent):
        event["BridgeUniqueid"] = ""
    found = replay.facts([caller, agent], old)
    assert [type(fact) for fact in found] == [facts.LegDisconnected] * 2


def snapshot(uid, name, **headers):
    return snapshot_event(
        {
            "Event": "Status",
            "Channel": name,
            "ChannelState": "6",
            "Uniqueid": uid,
            "Linkedid": uid,
            "CallerIDNum": "4711",
            "Exten": "s",
            "DNID": "",
            "Seconds": "60",
            **headers,
        },
        1000.0,
    )


def test_outbound():
    """A channel without a dialled number did not call us: we called it."""
    found = replay.facts([snapshot("t", "PJSIP/carrier-00000001")])
    assert found[0] == facts.CallStarted(time=940.0, call="t", direction="outbound")


def test_inbound_keeps_its_did():
    """The extension may long be another, the dialled number is not."""
    found = replay.facts([snapshot("c", "PJSIP/carrier-00000001", DNID="800")])
    assert found[0].did == "800"
    assert found[0].direction == "inbound"


def test_ringing():
    channel = snapshot("a", "PJSIP/1001-00000001", ChannelState="5", Linkedid="c")
    found = replay.facts([channel])
    assert [type(fact) for fact in found] == [
        facts.CallStarted,
        facts.LegStarted,
        facts.LegRang,
    ]
    assert found[0].call == "c"
    assert found[2].time == 1000.0


def test_bridge_of_unknown_kind():
    """A parking lot looks like a talk until ``BridgeList`` tells what it is."""
    tracker = Tracker(replay.EXTENSIONS)
    one = snapshot("c", "PJSIP/carrier-00000001", DNID="800", BridgeID="lot")
    two = snapshot("d", "PJSIP/carrier-00000002", DNID="800", BridgeID="lot")
    ledger = replay.ledger(replay.facts([one, two], tracker))
    assert set(ledger.calls) == {"c", "d"}
    assert ledger.legs["d"]["peers"] == ()
    item = {"Event": "BridgeListItem", "BridgeUniqueid": "lot"}
    lot = {**item, "BridgeTechnology": "holding_bridge"}
    assert replay.facts([snapshot_event(lot, 1000.0)], tracker) == []
    conference = {**item, "BridgeTechnology": "softmix"}
    tracker = Tracker(replay.EXTENSIONS)
    replay.facts([one, two], tracker)
    found = replay.facts([snapshot_event(conference, 1000.0)], tracker)
    assert isinstance(found[0], facts.CallMerged)


def test_waiting_in_a_queue():
    """``QueueStatus`` tells for how many seconds."""
    tracker = Tracker(replay.EXTENSIONS)
    replay.facts([snapshot("c", "PJSIP/carrier-00000001", DNID="800")], tracker)
    entry = {
        "Event": "QueueEntry",
        "Queue": "sales",
        "Position": "3",
        "Channel": "PJSIP/carrier-00000001",
        "Uniqueid": "c",
        "Wait": "45",
    }
    (queued,) = tracker.feed(snapshot_event(entry, 1000.0))
    assert queued.queue == "sales" and queued.position == 3
    leave = {"Event": "QueueCallerLeave", "Uniqueid": "c", "Timestamp": "1005.0"}
    (left,) = tracker.feed(leave)
    assert left.waited == approx(50)


def test_queue_entry_of_an_unknown_channel():
    """It has too little to know a call by."""
    entry = {"Event": "QueueEntry", "Queue": "sales", "Uniqueid": "c", "Wait": "45"}
    assert Tracker(set()).feed(snapshot_event(entry, 1000.0)) == []


@pytest.mark.parametrize(
    "age, seconds", [("75", 75), ("00:01:15", 75), ("", 0), ("soon", 0)]
)
def test_age(age, seconds):
    found = replay.facts([snapshot("c", "PJSIP/carrier-00000001", Seconds=age)])
    assert found[0].time == 1000.0 - seconds


def test_other_items_get_the_time():
    """Lists have no times; what is listed is true when it was asked."""
    member = {"Event": "QueueMember", "Queue": "sales", "Location": "PJSIP/1001"}
    (fact,) = Tracker(set()).feed(snapshot_event(member, 1000.0))
    assert fact.time == 1000.0
