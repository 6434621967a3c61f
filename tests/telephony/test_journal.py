# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""The journal's rows give the same calls as the events that were sent live."""

from datetime import datetime, timezone

import pytest
import recordings
import replay
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telephony import journal
from telephony.facts import CallFact

#: Recordings of which the journal knows less, and why.
SPIES = {  # no row tells of ChanSpy
    "n1_chanspy_listen_whisper_barge",
    "n3_chanspy_E_option_exits",
}
NAMES = [name for name in recordings.names() if replay.rows(name)]


def live(name):
    facts = replay.facts(replay.events(name))
    return replay.ledger([fact for fact in facts if isinstance(fact, CallFact)])


def rebuilt(name):
    return replay.ledger(replay.from_journal(name))


def comparable(line):
    """Return a line of the table without what no journal knows."""
    words = line.split()
    if words[0] == "leg":
        words[words.index("rang") + 1] = "-"
        if "/" in words[-5]:
            # The SIP code, which only AMI tells.
            words[-5] = words[-5].partition("/")[0]
            if words[-6:-4] == ["rejected", "17"]:
                # Only a phone that rang can be rejected.
                words[-6] = "busy"
    elif words[0] == "call" and words[2] == "outbound":
        # The number, unless dialled by the dialplan, and the time the phone rang.
        words[3] = "-"
        if "wait" in words:
            words[words.index("wait") + 1] = "0.000"
    return " ".join(words)


def lines(ledger, name):
    found = []
    for line in replay.describe(ledger, replay.start(name)):
        if line.startswith("holds"):
            start, stop = map(float, line.split()[2::2])
            if stop - start < 0.05:
                # ARI's music for a millisecond, of which it sends no event of a hold.
                continue
        found.append(comparable(line))
    return found


@pytest.mark.parametrize("name", [name for name in NAMES if name not in SPIES])
def test_same_as_live(name):
    """Calls, legs, keys, results, queues, holds and times ± 0.05 s."""
    found = lines(rebuilt(name), name)
    expected = lines(live(name), name)
    assert replay.differences(found, expected) == ""


@pytest.mark.parametrize("name", sorted(SPIES))
def test_supervisor_looks_like_a_call(name):
    """Known to be so: a call of its own, in which nobody else took part."""
    found, expected = rebuilt(name), live(name)
    for key, call in expected.calls.items():
        if call["over"] == "discarded":
            assert found.calls[key]["result"] == "self_service"
        else:
            assert found.calls[key]["result"] == call["result"]
            assert found.calls[key]["talk"] == pytest.approx(call["talk"], abs=0.05)


def test_supervisor_is_known_if_the_journal_names_the_application():
    row = {
        "eventtime": datetime(2026, 11, 23, 1, 2, 3),
        "channame": "PJSIP/1004-00000001",
        "uniqueid": "1.1",
        "linkedid": "1.1",
        "exten": "s",
    }
    found = replay.facts(
        journal.events(
            [
                {**row, "eventtype": "CHAN_START"},
                {**row, "eventtype": "ANSWER"},
                {**row, "eventtype": "APP_START", "appname": "ChanSpy"},
            ]
        )
    )
    assert type(found[-1]).__name__ == "CallDiscarded"


def test_after_the_events():
    """Read over what was seen live already, the journal tells nothing new."""
    for name in NAMES:
        if name in SPIES:
            continue
        tracker = journal_tracker(name)
        facts = replay.facts(journal.events(replay.rows(name)), tracker)
        assert not [fact for fact in facts if type(fact).__name__ == "CallStarted"]


def journal_tracker(name):
    tracker = replay.Tracker(replay.EXTENSIONS)
    replay.facts(replay.events(name), tracker)
    return tracker


def test_events_after_the_journal():
    """What gathered while the journal was read makes no call begin or end again."""
    for name in NAMES:
        if name in SPIES:
            continue
        tracker = replay.Tracker(replay.EXTENSIONS)
        ledger = replay.ledger(replay.facts(journal.events(replay.rows(name)), tracker))
        before = {key: call["over"] for key, call in ledger.calls.items()}
        ledger.apply(replay.facts(replay.slim(replay.events(name)), tracker))
        for key, over in before.items():
            assert ledger.calls[key]["over"] == over
        assert set(ledger.calls) == set(before)


@pytest.mark.parametrize(
    "name", ["a_queue_answered", "d2_attended_transfer_AMI_Atxfer"]
)
def test_forms_of_time(name):
    """PostgreSQL gives a datetime, a file gives text."""
    rows = replay.rows(name)
    expected = replay.facts(journal.events(rows))
    for form in (
        lambda time: time.replace(tzinfo=timezone.utc),
        lambda time: time.isoformat(),
        lambda time: f"{time:%Y-%m-%d %H:%M:%S.%f}",
        lambda time: time.isoformat() + "Z",
        lambda time: time.isoformat() + "+00:00",
    ):
        rewritten = [{**row, "eventtime": form(row["eventtime"])} for row in rows]
        assert replay.facts(journal.events(rewritten)) == expected


def test_order_of_rows():
    """Rows come as the database pleases."""
    rows = replay.rows("c_rna_then_second")
    times = {row["eventtime"] for row in rows}
    assert len(times) == len(rows)
    assert list(journal.events(rows[::-1])) == list(journal.events(rows))


def test_extra_may_be_an_object():
    """A column of type ``json`` arrives parsed."""
    rows = replay.rows("g3_server_hold_by_Park_and_retrieve")
    parsed = [{**row, "extra": journal._object(row["extra"])} for row in rows]
    assert list(journal.events(parsed)) == list(journal.events(rows))


def test_number_that_the_dialplan_dialled():
    found = rebuilt("h1_click_to_dial_agent_first")
    assert found.calls["odoo-1795-a"]["number"] == "4930555"


def test_marked_as_any_other():
    """What is fed to the tracker is wanted by it."""
    for name in NAMES:
        for event in journal.events(replay.rows(name)):
            assert event["Event"] in replay.Tracker.EVENTS


columns = [*replay.COLUMNS, "eventtime"]
kinds = sorted(
    {row["eventtype"] for name in NAMES for row in replay.rows(name)} | {"", "X"}
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(columns),
            st.none()
            | st.text(max_size=6)
            | st.sampled_from(["1.1", "1.2", "{}", "[]"]),
            max_size=9,
        ).flatmap(
            lambda row: st.sampled_from(kinds).map(
                lambda kind: {**row, "eventtype": kind}
            )
        ),
        max_size=20,
    )
)
def test_nonsense(rows):
    replay.ledger(replay.facts(journal.events(rows)))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(NAMES), st.data())
def test_rows_lost(name, data):
    """The journal has holes where the database was down."""
    rows = replay.rows(name)
    lost = data.draw(st.sets(st.integers(0, len(rows) - 1), max_size=len(rows)))
    rest = [row for place, row in enumerate(rows) if place not in lost]
    tracker = replay.Tracker(replay.EXTENSIONS)
    ledger = replay.ledger(replay.facts(journal.events(rest), tracker))
    for uid in tracker.live():
        ledger.apply(tracker.finish(uid, 0.0))
    assert all(call["over"] for call in ledger.calls.values())


def test_first_row_of_the_customer_lost():
    """A phone that is heard of before its call begins has not rung for longer."""
    rows = replay.rows("j_amd_local_human")
    rest = [row for place, row in enumerate(rows) if place not in (0, 8)]
    replay.ledger(replay.facts(journal.events(rest)))
