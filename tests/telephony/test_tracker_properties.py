# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""Whatever becomes of the events on their way, the facts make sense.

:class:`~ledger.Ledger` checks each fact: no fact about a call that is over, no leg in
two calls, no negative duration, talk + hold within the call.
"""

import recordings
import replay
import test_facts
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ledger import Ledger

from telephony.tracker import Tracker

RECORDINGS = [name for name in recordings.names() if not name.startswith("m_rebuild")]

damage = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@st.composite
def streams(draw):
    """Draw a recording's events with some lost, some repeated and some moved."""
    events = replay.wanted(replay.events(draw(st.sampled_from(RECORDINGS))))
    places = st.integers(0, max(len(events) - 1, 0))
    for place in draw(st.lists(places, max_size=12)):
        if place < len(events):
            how = draw(st.sampled_from(["lose", "repeat", "move"]))
            event = events[place]
            if how != "repeat":
                del events[place]
            if how != "lose":
                distance = draw(st.integers(-8, 8) | st.integers(-99, 99))
                events.insert(max(place + distance, 0), event)
    return events


@st.composite
def shuffled(draw):
    """Draw all events of two recordings, each neighbour in any order."""
    first, second = draw(st.lists(st.sampled_from(RECORDINGS), min_size=2, max_size=2))
    events = replay.wanted(replay.events(first)) + replay.wanted(replay.events(second))
    keys = draw(st.lists(st.integers(0, 9), min_size=len(events), max_size=len(events)))
    order = sorted(range(len(events)), key=lambda place: place + keys[place])
    return [events[place] for place in order]


def finished(tracker, ledger):
    """End what the PBX no longer has, and check that nothing remains."""
    for uid, call in sorted(tracker.live().items()):
        if call in ledger.calls:
            assert not ledger.calls[call]["over"]
        ledger.apply(tracker.finish(uid, 0.0))
    assert tracker.live() == {}
    assert all(call["over"] for call in ledger.calls.values())
    assert all(leg["over"] for leg in ledger.legs.values())
    assert not tracker._calls and not tracker._bridges and not tracker._halves


def check(events):
    tracker, ledger = Tracker(replay.EXTENSIONS), Ledger()
    found = replay.facts(events, tracker)
    ledger.apply(found)
    live = tracker.live()
    for uid, leg in ledger.legs.items():
        assert (uid in live) != leg["over"]
        assert leg["over"] or live[uid] == leg["call"]
    finished(tracker, ledger)
    return found


@damage
@given(streams())
def test_damaged(events):
    check(events)


@damage
@given(shuffled())
def test_shuffled(events):
    check(events)


@damage
@given(streams())
def test_replayed(events):
    """The same events give the same facts."""
    assert replay.facts(events) == replay.facts(events)


@damage
@given(streams())
def test_doubled(events):
    """Each event twice, at once or all of them again, makes no further fact."""
    once = replay.facts(events)
    assert replay.facts([event for event in events for _ in range(2)]) == once
    tracker = Tracker(replay.EXTENSIONS)
    replay.facts(events, tracker)
    ledger = Ledger().apply(once)
    started = set(ledger.calls)
    again = ledger.apply(replay.facts(events, tracker))
    assert set(again.calls) == started


headers = sorted(
    {key for name in RECORDINGS for event in replay.events(name) for key in event}
)
values = st.text(max_size=8) | st.sampled_from(
    ["1795394752.0", "1795394752.1", "PJSIP/1001-00000001", "Local/1@x-1;1", "6", "5"]
)


@damage
@given(
    st.lists(
        st.builds(
            lambda name, rest: {"Event": name, **rest},
            st.sampled_from(sorted(Tracker.EVENTS)),
            st.dictionaries(st.sampled_from(headers), values, max_size=12),
        ),
        max_size=30,
    )
)
def test_nonsense(events):
    """Any mapping is taken, whatever is in it."""
    check(events)


@damage
@given(streams(), st.data())
def test_header_missing_or_mad(events, data):
    """A header that is missing, empty or nonsense ends nobody's world."""
    if not events:
        return
    for _ in range(data.draw(st.integers(1, 6))):
        event = data.draw(st.sampled_from(events))
        key = data.draw(st.sampled_from(sorted(event)))
        event[key] = data.draw(st.sampled_from(["", "<unknown>", "nan", "1e999", "-1"]))
    check(events)


@given(st.sampled_from(RECORDINGS), st.integers(0, 200))
def test_cut_off(name, place):
    """Whatever the events began with, calls end with their channels."""
    check(replay.wanted(replay.events(name))[place:])


def test_every_fact_is_made():
    """The recordings make each kind of fact there is, so that all of it is tested."""
    made = {
        type(fact).__name__
        for name in recordings.names()
        for fact in replay.facts(replay.events(name))
    }
    assert made == {kind.__name__ for kind in test_facts.KINDS}
