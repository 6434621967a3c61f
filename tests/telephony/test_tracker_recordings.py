# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""What the tracker makes of a real PBX's events, against what really happened."""

from pathlib import Path

import pytest
import recordings
import replay

from telephony import facts
from telephony.tracker import Tracker

TABLE = (Path(__file__).parent / "expected.txt").read_text().splitlines()


def expected():
    """Return ``{recording: lines}`` of the table."""
    found, lines = {}, []
    for line in TABLE:
        if line.startswith(" "):
            lines.append(line.strip())
        elif line and not line.startswith("#"):
            lines = found.setdefault(line, [])
    return found


EXPECTED = expected()


def without_digits(facts_):
    """A slim user gets no digits."""
    return [fact for fact in facts_ if not isinstance(fact, facts.DigitKeyed)]


def of_calls(facts_):
    return [fact for fact in facts_ if isinstance(fact, facts.CallFact)]


@pytest.mark.parametrize("name", recordings.names())
def test_table(name):
    """Calls, legs, queues, holds and transfers are as in the table, ± 0.05 s."""
    found = replay.ledger(replay.facts(replay.events(name)))
    lines = list(replay.describe(found, replay.start(name))) if found.calls else []
    assert replay.differences(lines, EXPECTED.get(name, [])) == ""


def test_table_is_complete():
    """No line of the table is left over, and most recordings are in it."""
    assert set(EXPECTED) <= set(recordings.names())
    assert len(EXPECTED) > 50


@pytest.mark.parametrize("name", recordings.names())
def test_slim_user(name):
    """The facts do not depend on the events that a slim AMI user does not get."""
    full = replay.facts(replay.events(name))
    slim = replay.facts(replay.slim(replay.events(name)))
    assert slim == without_digits(full)


def test_slim_user_gets_less():
    events = replay.events("a_queue_answered")
    assert len(replay.slim(events)) < len(events) / 3


@pytest.mark.parametrize("name", recordings.names())
def test_wanted_events_suffice(name):
    """A client may drop the events that are not in ``EVENTS``."""
    events = replay.events(name)
    assert replay.facts(replay.wanted(events)) == replay.facts(events)


@pytest.mark.parametrize("name", recordings.names())
def test_each_event_twice(name):
    """A repeated event changes nothing."""
    events = replay.events(name)
    twice = [event for event in events for _ in range(2)]
    assert replay.facts(twice) == replay.facts(events)


@pytest.mark.parametrize("name", recordings.names())
def test_stream_twice(name):
    """All events again, after the calls have ended, make no fact about calls."""
    tracker = Tracker(replay.EXTENSIONS)
    replay.facts(replay.events(name), tracker)
    assert of_calls(replay.facts(replay.events(name), tracker)) == []


@pytest.mark.parametrize("name", recordings.names())
def test_without_timestamps(name):
    """With ``timestampevents = no`` the facts are the same, all at time 0."""
    events = [
        {key: value for key, value in event.items() if key != "Timestamp"}
        for event in replay.events(name)
    ]
    timeless = of_calls(replay.facts(events))
    timed = of_calls(replay.facts(replay.events(name)))
    assert {fact.time for fact in timeless} <= {0.0}
    # Moments and durations tell apart nothing but who hung up and who waited.
    assert [type(fact) for fact in timeless] == [type(fact) for fact in timed]


def test_nothing_is_left():
    """A tracker that saw every recording remembers no call that is over."""
    tracker = Tracker(replay.EXTENSIONS)
    for name in recordings.names():
        replay.facts(replay.events(name), tracker)
        for leg in tracker.live():
            tracker.finish(leg, replay.start(name))
    assert tracker.live() == {}
    assert not tracker._calls and not tracker._bridges and not tracker._halves


# ------------------------------------------------------------
# WHAT THE TABLE DOES NOT SHOW
# ------------------------------------------------------------


def legs(name):
    """Return the ledger's legs of a recording by the name of their channel."""
    found = replay.ledger(replay.facts(replay.events(name)))
    return {leg["channel"]: leg for leg in found.legs.values()}, found


def names(found, uids):
    return [found.legs[uid]["channel"] for uid in uids]


def test_conference_of_four():
    """Each party hears all the others, none of the conference's own channels."""
    name = "f1_conference_redirect_both_then_originate_third_fourth"
    found, ledger = legs(name)
    heard = found["PJSIP/1001-0000004a"]["connections"]
    assert [names(ledger, peers) for peers in heard] == [
        ["PJSIP/carrier-00000049"],
        ["PJSIP/carrier-00000049"],
        ["PJSIP/carrier-00000049", "PJSIP/1002-0000004b"],
        ["PJSIP/carrier-00000049", "PJSIP/1002-0000004b", "PJSIP/carrier-0000004c"],
        ["PJSIP/carrier-00000049", "PJSIP/carrier-0000004c"],
        ["PJSIP/carrier-0000004c"],
    ]


def test_consultation_through_local_channel():
    """The agent hears the colleague behind a Local channel, while holding."""
    found, ledger = legs("d3_AMI_Atxfer_then_CancelAtxfer")
    heard = found["PJSIP/1001-00000034"]["connections"]
    assert [names(ledger, peers) for peers in heard] == [
        ["PJSIP/carrier-00000033"],
        ["PJSIP/1002-00000035"],
        ["PJSIP/carrier-00000033"],
    ]


def test_local_channels_are_no_legs():
    for name in recordings.names():
        found, _ledger = legs(name)
        assert not [channel for channel in found if not channel.startswith("PJSIP/")]


def test_segments():
    """The timeline of a leg that waited, talked, was on hold and talked again."""
    events = replay.facts(replay.events("g1_hold_unhold_by_phone"))
    start = replay.start("g1_hold_unhold_by_phone")
    customer, agent = [
        [
            (state, round(begin - start, 1), round(end - start, 1))
            for state, begin, end in fact.segments
        ]
        for fact in sorted(
            (fact for fact in events if isinstance(fact, facts.LegEnded)),
            key=lambda fact: fact.leg,
        )
    ]
    talk = [("talk", 0.3, 0.8), ("hold", 0.8, 2.8), ("talk", 2.8, 4.0)]
    assert customer == [("wait", 0.0, 0.3), *talk]
    assert agent == [("ring", 0.0, 0.3), *talk]


def test_recording_is_muted_for_a_payment():
    found, _ledger = legs("n2_mixmonitor_start_mute_stop")
    states = found["PJSIP/carrier-00000065"]["recordings"]
    assert states == ["started", "muted", "unmuted", "stopped"]


def test_user_events():
    """An addon gets what the dialplan told, without the channel's own headers."""
    found, _ledger = legs("e5_rating_by_BlindTransfer_of_agent_leg")
    assert found["PJSIP/carrier-00000009"]["reports"] == [
        ("Rating", (("Step", "ask"),)),
        ("Rating", (("Step", "given"), ("Rate", "5"))),
    ]


def test_digits_of_a_feature_code_are_not_the_partys():
    """AMI's ``Atxfer`` plays ``*2`` and the number on the agent's channel."""
    found, _ledger = legs("d2_attended_transfer_AMI_Atxfer")
    assert {leg["digits"] for leg in found.values()} == {""}


def test_phone_that_is_not_registered():
    """A failed click to dial has no channel, so there is nothing to tell."""
    assert replay.facts(replay.events("h3_click_to_dial_agent_unregistered")) == []


def test_originates_own_channel_is_no_call():
    """``OutgoingSpoolFailed`` comes where a failed dial has an extension for it."""
    found, ledger = legs("i_direct_busy")
    assert list(found) == ["PJSIP/carrier-0000006c"]
    assert list(ledger.calls) == ["dial-busy"]


def test_supervisor():
    """One who listens is in nobody's ear, and in no call once that is known."""
    found, ledger = legs("n1_chanspy_listen_whisper_barge")
    assert found["PJSIP/1001-00000060"]["connections"] == [
        (found["PJSIP/carrier-0000005f"]["call"],)
    ]
    assert [call["over"] for call in ledger.calls.values()] == [
        "ended",
        *["discarded"] * 4,
    ]


def test_fax_between_two_halves_of_a_local_channel():
    """The PBX talking with itself is nobody's call."""
    assert of_calls(replay.facts(replay.events("u_fax_local_to_local"))) == []
