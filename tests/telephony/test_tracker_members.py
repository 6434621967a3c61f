# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""Queue members and phones."""

import recordings
import replay

from telephony import facts
from telephony.tracker import Tracker


def of(kind, facts_):
    return [fact for fact in facts_ if isinstance(fact, kind)]


def contact(status, time, uri="sip:1003@127.0.0.1:4001", usec=0, endpoint="1003"):
    return {
        "Event": "ContactStatus",
        "Timestamp": str(time),
        "URI": uri,
        "ContactStatus": status,
        "AOR": endpoint,
        "EndpointName": endpoint,
        "RoundtripUsec": str(usec),
    }


def test_pause_and_penalty():
    changes = of(
        facts.MemberChanged, replay.facts(replay.events("c3_pause_penalty_unpause"))
    )
    assert [
        (fact.interface, fact.paused, fact.pause_reason, fact.penalty)
        for fact in changes
    ] == [
        ("PJSIP/1001", True, "Lunch", 0),
        ("PJSIP/1001", False, "", 0),
        ("PJSIP/1001", False, "", 5),
    ]
    assert {fact.queue for fact in changes} == {"sales"}


def test_members_come_and_go():
    found = replay.facts(replay.events("p_unavailable_member_queue"))
    removed = of(facts.MemberRemoved, found)
    assert [fact.interface for fact in removed] == ["PJSIP/1001", "PJSIP/1002"]
    added = of(facts.MemberChanged, found)[:2]
    assert [(fact.interface, fact.status) for fact in added] == [
        ("PJSIP/2001", 5),
        ("PJSIP/1001", 1),
    ]


def test_status_of_a_member_in_a_call():
    """Free, ringing, in use, free."""
    found = of(facts.MemberChanged, replay.facts(replay.events("a_queue_answered")))
    agent = [fact for fact in found if fact.interface == "PJSIP/1001"]
    assert [fact.status for fact in agent] == [1, 6, 2, 1]
    assert {fact.login_time for fact in agent} == {1795394751}
    assert {fact.name for fact in agent} == {"Agent 1001"}


def test_unchanged_member_is_no_fact():
    """``QueueMemberStatus`` is sent again and again."""
    for name in recordings.names():
        last = {}
        for fact in replay.facts(replay.events(name)):
            if isinstance(fact, facts.MemberChanged):
                told = {**fact.to_dict(), "time": None}
                assert last.get((fact.queue, fact.interface)) != told
                last[fact.queue, fact.interface] = told


def test_late_status_is_ignored():
    tracker = Tracker(set())
    event = {"Event": "QueueMemberStatus", "Queue": "sales", "Interface": "PJSIP/1001"}
    assert tracker.feed({**event, "Timestamp": "20.0", "Status": "2"})
    assert not tracker.feed({**event, "Timestamp": "19.9", "Status": "6"})


def test_list_of_members():
    """``QueueStatus`` names the same things differently."""
    tracker = Tracker(set())
    found = [
        fact
        for event in replay.events("m_rebuild_actions")
        if event["Event"] == "QueueMember"
        for fact in tracker.feed(event)
    ]
    assert [(fact.queue, fact.interface, fact.status) for fact in found] == [
        ("sales", "PJSIP/1001", 2),
        ("sales", "PJSIP/1002", 1),
    ]
    assert found[0].name == "Agent 1001"


def test_phone():
    """Registered, answering, gone silent, with the latency in milliseconds."""
    name = "o_device_states_register_unreachable"
    found = of(facts.PhoneChanged, replay.facts(replay.events(name)))
    assert {fact.interface for fact in found} == {"PJSIP/1003"}
    assert [(fact.reachable, fact.latency) for fact in found] == [
        (True, 0.0),
        (True, 0.429),
        (False, 0.0),
        (True, 0.0),
        (True, 0.345),
        (False, 0.0),
    ]


def test_phone_with_two_contacts():
    """A phone is reachable until the last of its contacts is gone."""
    tracker = Tracker(set())
    uris = "sip:1003@10.0.0.1", "sip:1003@10.0.0.2"
    found = [
        *tracker.feed(contact("Reachable", 1, uris[0], 500)),
        *tracker.feed(contact("Reachable", 2, uris[1], 900)),
        *tracker.feed(contact("Removed", 3, uris[1])),
        *tracker.feed(contact("Unreachable", 4, uris[0])),
    ]
    assert [(fact.reachable, fact.latency, fact.uri) for fact in found] == [
        (True, 0.5, uris[0]),
        (True, 0.9, uris[1]),
        (True, 0.5, uris[0]),
        (False, 0.0, uris[0]),
    ]


def test_list_of_phones():
    """``PJSIPShowContacts`` also knows what program the phone runs."""
    tracker = Tracker(set())
    found = [
        fact
        for event in replay.events("m_rebuild_actions")
        if event["Event"] == "ContactList"
        for fact in tracker.feed(event)
    ]
    assert found[0] == facts.PhoneChanged(
        time=0.0,
        interface="PJSIP/1001",
        reachable=True,
        latency=0.464,
        uri="sip:1001@127.0.0.1:36851",
        user_agent="labphone",
    )
    assert len(found) == 4


def test_nobody():
    """Events without a queue, an interface or an endpoint tell nothing."""
    tracker = Tracker(set())
    for name in ("QueueMemberStatus", "QueueMemberRemoved", "ContactStatus"):
        assert tracker.feed({"Event": name, "Queue": "", "URI": "sip:x"}) == []
