# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""After a gap: what the PBX has, what its journal tells, and what Odoo believes.

Everything that was missed comes as the same events that the tracker would have had, so
there is one way from an event to a row. Live events gather in the session's queue
meanwhile; what is left to be closed is closed after them, for some of it was only
about to be told.
"""

import logging
from dataclasses import asdict, dataclass, field

from ..telephony import journal
from ..telephony.ami import ActionRefused
from ..telephony.facts import OUTBOUND, CallEnded, LegEnded
from ..telephony.snapshot import snapshot_event
from .cel import Cel, CelAway
from .rows import moment, seconds
from .states import Settled

_logger = logging.getLogger(__name__)

#: Seconds before the gap from which the journal is read: clocks differ a little.
OVERLAP = 5.0

#: Lists of what the PBX has, in the order in which the tracker needs them.
LISTS = ("BridgeList", "Status", "QueueStatus")
#: Their items that are about calls.
CALL_ITEMS = frozenset({"BridgeListItem", "Status", "QueueEntry"})


@dataclass
class Findings:
    """What was found, for whoever asked and for ``callcenter.connector.gap``.

    :param live: calls that go on
    :param found: calls that the journal told
    :param closed: calls that had ended unseen
    :param dials: those of them that were dialled and that nobody answered
    :param agents: agents who were stuck in a call that is no more
    :param notes: what could not be done, in sentences
    """

    live: int = 0
    found: int = 0
    closed: int = 0
    dials: int = 0
    agents: int = 0
    notes: list = field(default_factory=list)

    def to_dict(self):
        return asdict(self)


class Resync:
    """One comparison of Odoo with its PBX; in the session's thread.

    :param gap: since when nobody listened, seconds since the epoch (0: since ever);
        ``None`` if there was no gap and the tracker knows all it can
    :param reason: why there was a gap
    :param done: called with the :class:`Findings` in the end
    """

    def __init__(self, session, gap=None, reason="", done=None):
        self.session = session
        self.gap = gap
        self.reason = reason
        self.done = done
        self.findings = Findings()
        self._cel = Cel(session.settings)
        self._now = 0.0

    def run(self):
        """Do all but what has to wait for the events that gather.

        :raises AMIError: the connection is gone
        :raises DatabaseAway: the database is
        """
        session = self.session
        self._now = session.set_clock()
        calls, others = self._ask()
        session.import_queues(
            event["Queue"] for event in others if event["Event"] == "QueueParams"
        )
        open_calls = session.transaction(self._open_calls)
        if self.gap is None:
            live = set(session.tracker.live().values())
            if stale := open_calls - live:
                self._read_journal(session.new_tracker(), stale, self._now)
        else:
            session.tracker = session.new_tracker()
            listed = {event.get("Linkedid") for event in calls}
            since = self.gap - OVERLAP if self.gap else self._now
            self._read_journal(session.tracker, open_calls | listed, since)
        session.feed(calls, reconstructed=True)
        session.feed(others)
        listed = {event.get("Uniqueid") for event in calls}
        session.post(self._finish, set(session.tracker.live()) - listed)

    def _ask(self):
        """Return events for the PBX's calls, and for its queues and phones."""
        calls, others = [], []
        for name in LISTS:
            try:
                _answer, items = self.session.ami.list_action(name)
            except ActionRefused as error:
                self.findings.notes.append(str(error))
                continue
            for item in items:
                event = snapshot_event(item, self._now)
                (calls if item.name in CALL_ITEMS else others).append(event)
        return calls, others + self.session.contacts(self._now)

    def _open_calls(self, env):
        """Return the keys of the calls that Odoo believes to go on."""
        calls = env["callcenter.call"].search_fetch(
            [("pbx_id", "=", self.session.pbx_id), ("stop", "=", False)], ["uniqueid"]
        )
        return set(calls.mapped("uniqueid"))

    def _read_journal(self, tracker, linkedids, since):
        try:
            rows = self._cel.rows(moment(self._now), linkedids, moment(since))
        except CelAway as error:
            self.session.health.warn("journal", str(error))
            self.findings.notes.append(str(error))
            return
        self.session.health.warn("journal", "")
        facts = [fact for event in journal.events(rows) for fact in tracker.feed(event)]
        self.findings.found = len({fact.call for fact in facts})
        self.findings.closed = sum(isinstance(fact, CallEnded) for fact in facts)
        self.session.record(facts, reconstructed=True)

    # ------------------------------------------------------------
    # WHAT IS LEFT
    # ------------------------------------------------------------

    def _finish(self, missing):
        """Close what is gone, after the events that had gathered.

        :param missing: legs that the tracker knew and the PBX did not list
        """
        session = self.session
        missing &= session.tracker.live().keys()
        if missing:
            session.feed(self._hangups(missing), reconstructed=True)
        facts = []
        for leg, call in session.tracker.live().items():
            if leg in missing:
                facts += session.tracker.finish(leg, self._last_known(call))
        live = set(session.tracker.live().values())
        session.record(facts, reconstructed=True)
        facts += session.transaction(lambda env: self._close(env, live))
        self.findings.live = len(live)
        self.findings.closed += sum(isinstance(fact, CallEnded) for fact in facts)
        session.record(facts, reconstructed=True)
        legs = frozenset(session.tracker.live())
        session.record([Settled(time=session.now(), legs=legs)])
        self.findings.agents = len(session.recorder.stuck)
        session.transaction(self._write_gap)
        _logger.info("%s: resynchronised: %s", session, self.findings)
        if self.done:
            self.done(self.findings)

    def _hangups(self, legs):
        """Return the ends of legs that the journal knows."""
        calls = {self.session.tracker.live()[leg] for leg in legs}
        try:
            rows = self._cel.rows(moment(self.session.now()), calls)
        except CelAway:
            return []
        return [
            event
            for event in journal.events(rows)
            if event["Event"] == "Hangup" and event["Uniqueid"] in legs
        ]

    def _last_known(self, call):
        """Return the last time at which anything is known of a call."""
        if self.gap is None:
            return self.session.now()
        return max(self.gap, self._cel.last.get(call, 0.0)) or self._now

    def _close(self, env, live):
        """Return facts that end the calls which go on in Odoo alone."""
        facts = []
        for call in env["callcenter.call"].search(
            [
                ("pbx_id", "=", self.session.pbx_id),
                ("stop", "=", False),
                ("uniqueid", "not in", list(live)),
            ]
        ):
            facts += self._close_call(call)
        return facts

    def _close_call(self, call):
        known = [call.start, call.queue_start, call.answer]
        for leg in call.leg_ids:
            known += [leg.start, leg.ring_start, leg.answer, leg.stop]
        last = max(seconds(time) for time in known if time)
        last = max(last, self._cel.last.get(call.uniqueid, 0.0))
        if self.gap and seconds(call.start) < self.gap:
            last = max(last, self.gap)
        facts = [
            LegEnded(
                time=last,
                call=call.uniqueid,
                leg=leg.uniqueid,
                result="answered" if leg.answer else "cancelled",
                talk=last - seconds(leg.answer) if leg.answer and call.answer else 0.0,
                ring=_between(leg.ring_start, leg.answer, last),
                hold=leg.hold,
            )
            for leg in call.leg_ids
            if not leg.stop
        ]
        if call.answer:
            result = "answered"
        elif call.direction == OUTBOUND:
            result = "cancelled"
            self.findings.dials += 1
        else:
            result = "abandoned"
        facts.append(
            CallEnded(
                time=last,
                call=call.uniqueid,
                result=result,
                wait=_between(call.queue_start or call.start, call.answer, last),
                talk=last - seconds(call.answer) if call.answer else 0.0,
                duration=last - seconds(call.start),
            )
        )
        return facts

    def _write_gap(self, env):
        if not self.gap:
            return
        connector = env["callcenter.connector"].search(
            [("pbx_id", "=", self.session.pbx_id)]
        )
        env["callcenter.connector.gap"].create(
            {
                "connector_id": connector.id,
                "start": moment(self.gap),
                "stop": moment(self._now),
                "reason": self.reason,
                "found": self.findings.found,
                "closed": self.findings.closed,
                "note": "\n".join(self.findings.notes),
            }
        )


def _between(start, stop, last):
    """Return the seconds from a datetime to another, or to ``last`` without one."""
    if not start:
        return 0.0
    return max((seconds(stop) if stop else last) - seconds(start), 0.0)
