# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""Recordings fed to the tracker: all of it, as a slim user's, or as the journal."""

import re
from datetime import datetime, timezone
from functools import cache
from itertools import zip_longest

import recordings
from ledger import Ledger

from telephony import ami, journal
from telephony.tracker import Tracker

#: The phones of the recordings; ``PJSIP/carrier`` is the trunk.
EXTENSIONS = frozenset(
    f"PJSIP/{number}" for number in (1001, 1002, 1003, 1004, 2001, 2002)
)
#: What a slim AMI user gets: these classes of events …
CLASSES = frozenset({"system", "call", "agent", "user", "cdr", "originate"})
#: … without these.
FILTERED = frozenset({"CEL", "DeviceStateChange"})

_SECONDS = re.compile(r"-?\d+\.\d{3}")

#: Columns of the journal's table, and the headers of the ``CEL`` event that has them.
COLUMNS = {
    "eventtype": "EventName",
    "cid_name": "CallerIDname",
    "cid_num": "CallerIDnum",
    "cid_ani": "CallerIDani",
    "cid_rdnis": "CallerIDrdnis",
    "cid_dnid": "CallerIDdnid",
    "exten": "Exten",
    "context": "Context",
    "channame": "Channel",
    "appname": "Application",
    "appdata": "AppData",
    "uniqueid": "UniqueID",
    "linkedid": "LinkedID",
    "peer": "Peer",
    "extra": "Extra",
}


@cache
def events(name):
    """Return the events of a recording."""
    messages = ami.messages(recordings.read(name))
    return tuple(message for message in messages if message.get("Event"))


def slim(events_):
    """Return those events that a slim user gets."""
    return [
        event
        for event in events_
        if event.get("Privilege", "call,all").split(",")[0] in CLASSES
        and event["Event"] not in FILTERED
    ]


def wanted(events_):
    """Return those events that the tracker makes something of, as plain dicts."""
    return [
        dict(event.items()) for event in events_ if event["Event"] in Tracker.EVENTS
    ]


def rows(name):
    """Return the rows that the PBX wrote into its journal during a recording.

    The event has whole seconds in ``EventTime``, its own time has microseconds.
    """
    return [
        {
            **{column: event.get(header) for column, header in COLUMNS.items()},
            "eventtime": datetime.fromtimestamp(
                float(event["Timestamp"]), timezone.utc
            ).replace(tzinfo=None),
        }
        for event in events(name)
        if event["Event"] == "CEL"
    ]


def facts(events_, tracker=None):
    """Return the facts that a tracker makes of events."""
    tracker = tracker or Tracker(EXTENSIONS)
    return [fact for event in events_ for fact in tracker.feed(event)]


def from_journal(name):
    """Return the facts that the journal of a recording gives."""
    return facts(journal.events(rows(name)))


def ledger(facts_):
    """Return the ledger of facts."""
    return Ledger().apply(facts_)


def start(name):
    """Return the time of a recording's first event, seconds since the epoch."""
    return next(
        float(event["Timestamp"]) for event in events(name) if event.get("Timestamp")
    )


# ------------------------------------------------------------
# A LEDGER AS LINES OF TEXT
# ------------------------------------------------------------


def describe(ledger_, since):
    """Return what a ledger holds as the lines that ``expected.txt`` has.

    :param since: the time to count from, seconds since the epoch
    """

    def at(time):
        return seconds(None if time is None else time - since)

    for key, call in ledger_.calls.items():
        line = (
            f"call {key} {call['direction']} {call['number'] or '-'} "
            f"{call['did'] or '-'} from {at(call['start'])} to {at(call.get('end'))} "
            f"{call['over'] or 'open'}"
        )
        if call["over"] == "ended":
            line += (
                f" {call['result']} by {call['ended_by'] or '-'} "
                f"wait {seconds(call['wait'])} talk {seconds(call['talk'])} "
                f"hold {seconds(call['hold'])}"
            )
        yield f"{line} {call.get('into', '')}".rstrip()
        for queue, how, joined, left in call["queues"]:
            yield f"queue {queue} {how} from {at(joined)} to {at(left)}"
        for kind, by, target, leg, time in call["transfers"]:
            to = f"{target or '-'} {leg or '-'}"
            yield f"transfer {kind} by {by} to {to} at {at(time)}"
        if call["over"] != "discarded":
            for leg in ledger_.legs.values():
                if leg["call"] == key:
                    yield from _describe_leg(leg, at)


def _describe_leg(leg, at):
    line = (
        f"leg {leg['channel']} {leg['party']} {leg['queue'] or '-'} "
        f"from {at(leg['start'])} rang {at(leg['rang'])} up {at(leg['answer'])} "
        f"to {at(leg.get('end'))}"
    )
    if leg["over"]:
        line += (
            f" {leg['result']} {leg['cause']}/{leg['tech_cause']} "
            f"talk {seconds(leg['talk'])} hold {seconds(leg['hold'])}"
        )
    yield line
    for start_, stop in leg["holds"]:
        yield f"holds from {at(start_)} to {at(stop)}"
    if leg["digits"]:
        yield f"keys {leg['digits']}"


def seconds(value):
    return "-" if value is None else f"{value:.3f}"


def differences(found, expected, tolerance=0.05):
    """Return where lines differ by more than ``tolerance`` seconds, or in a word."""
    wrong = []
    for one, other in zip_longest(found, expected, fillvalue=""):
        if not _alike(one.split(), other.split(), tolerance):
            wrong.append(f"found    {one}\nexpected {other}")
    return "\n".join(wrong)


def _alike(found, expected, tolerance):
    if len(found) != len(expected):
        return False
    for one, other in zip(found, expected, strict=True):
        if one != other:
            if not (_SECONDS.fullmatch(one) and _SECONDS.fullmatch(other)):
                return False
            if abs(float(one) - float(other)) > tolerance:
                return False
    return True
