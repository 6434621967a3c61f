# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""From facts to rows: calls, legs, agents' intervals, and the messages about them.

Facts are folded in memory, one row for each call and leg, and each row is written once
a batch: a call that began and ended within a batch is one INSERT. All of a batch is one
transaction, with its messages to the agents' screens in it.
"""

import logging
import traceback
from dataclasses import dataclass

from ..telephony import facts
from .database import DatabaseAway, transaction
from .directory import Directory
from .lease import Deposed
from .messages import Messages
from .rows import (
    CALL_COLUMNS,
    CALL_TIMES,
    LEG_COLUMNS,
    LEG_TIMES,
    CallRow,
    LegRow,
    moment,
    seconds,
)
from .states import AgentStates, Interval, Moved, Note, Settled, SignedIn, SignedOut
from .writer import Writer

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identified(Note):
    """Somebody said whose a call is.

    :param columns: columns of the call and their values
    """

    call: str
    columns: dict


class Recorder(Writer):
    """Writes what happens at one PBX.

    :ivar directory: who and what the PBX's names are
    :ivar states: what the agents are doing
    :ivar origins: what is known of calls that were dialled by a click: columns by key
    :ivar set_aside: how many facts could not be applied since the start
    :ivar stuck: ids of the agents that the last :class:`Settled` freed from a call that
        is no more
    """

    def __init__(self, dbname, pbx_id, lease=None):
        self.dbname = dbname
        self.pbx_id = pbx_id
        self.lease = lease
        self.directory = Directory(pbx_id)
        self.states = AgentStates()
        self.origins = {}
        self.set_aside = 0
        self.stuck = []
        self._calls = {}
        self._legs = {}
        self._begin()

    # ------------------------------------------------------------
    # TRANSACTIONS
    # ------------------------------------------------------------

    def start(self):
        """Learn who works here and what they were doing, before the first fact.

        :raises DatabaseAway: the database is away
        :raises Deposed: another connector leads
        """
        self.transaction(self._load)
        self.states.commit()

    def _load(self, env):
        self._env = env
        self.states = AgentStates()
        self.directory.load(env)
        seated = {
            each.id: each for each in self.directory.agents.values() if each.interface
        }
        current = self._open_intervals(list(seated))
        for agent_id, agent in seated.items():
            self.states.load(agent_id, agent.interface, *current.get(agent_id, ()))

    def _open_intervals(self, agents):
        """Return the open intervals of agents, and the work after their calls."""
        return {
            row.agent_id.id: (
                Interval(
                    row.agent_id.id,
                    row.state,
                    seconds(row.start),
                    row.reason or "",
                    row.extension_id.interface or "",
                    call=row.call_id.uniqueid or "",
                    id=row.id,
                ),
                row.call_id.queue_id.wrap_up,
            )
            for row in self._env["callcenter.agent.interval"].search(
                [("agent_id", "in", agents), ("stop", "=", False)]
            )
        }

    def resume(self):
        """Go on after the database was away.

        Whether the last transaction was committed was not told: what was open is read
        from the database.

        :raises DatabaseAway: the database is away
        :raises Deposed: another connector leads
        """

        def read(env):
            self._env = env
            return self._open_intervals(list(self.states.seats().values()))

        self.rollback()
        for agent_id, (interval, _wrap_up) in self.transaction(read).items():
            self.states.adopt(agent_id, interval)
        self.states.commit()

    def refresh(self, now):
        """Read who works here anew.

        :param now: time of the PBX
        :return: facts about who signed in or out, to be applied
        :raises DatabaseAway: the database is away
        :raises Deposed: another connector leads
        """
        lost = self.transaction(self._reload)
        notes = []
        for interface, agent_id in self.states.seats().items():
            agent = self.directory.agents.get(agent_id)
            if agent_id in lost:
                notes.append(Moved(time=now, agent=agent_id))
            elif not agent or agent.interface != interface:
                notes.append(SignedOut(time=now, agent=agent_id))
        for agent in self.directory.agents.values():
            if agent.interface and self.states.seat(agent.interface) != agent.id:
                notes.append(
                    SignedIn(time=now, agent=agent.id, interface=agent.interface)
                )
        return notes

    def _reload(self, env):
        """Read the directory; return the ids of the agents who are no longer ours.

        They sit at another PBX, or do not exist any more.
        """
        self.directory.load(env)
        seated = set(self.states.seats().values())
        agents = env["callcenter.agent"].with_context(active_test=False)
        ours = agents.search(
            [
                ("id", "in", list(seated)),
                "|",
                ("extension_id", "=", False),
                ("extension_id.pbx_id", "=", self.pbx_id),
            ]
        )
        return seated - set(ours.ids)

    def apply(self, batch, reconstructed=False):
        """Write facts, all in one transaction if they let themselves be written.

        A fact that cannot be applied is kept as a ``callcenter.fact.failure``, and the
        others are applied all the same.

        :param batch: facts in the order in which they happened
        :param reconstructed: they were rebuilt: only what is empty is filled, and calls
            are marked
        :raises DatabaseAway: the database is away; the facts are to be applied again
        :raises Deposed: another connector leads
        """
        if not batch:
            return
        try:
            self.transaction(lambda env: self.record(env, batch, reconstructed))
        except (DatabaseAway, Deposed):
            self.rollback()
            raise
        except Exception as error:
            self.rollback()
            if len(batch) == 1:
                self._set_aside(batch[0], error)
            else:
                middle = len(batch) // 2
                self.apply(batch[:middle], reconstructed)
                self.apply(batch[middle:], reconstructed)
        else:
            self.commit()

    def transaction(self, work):
        """Run ``work(env)`` in a transaction that fails if we are deposed."""
        return transaction(self.dbname, work, self.lease)

    def commit(self):
        """Keep in memory what is in the database now."""
        self.states.commit()
        self.directory.stale |= self._stale
        for leg in self._touched_legs:
            leg.changes = {}
            if leg.values["stop"]:
                self._legs.pop(leg.key, None)
                leg.call.talkers.pop(leg.key, None)
        for call in self._touched_calls:
            call.changes = {}
            call.joined = set()
            if call.values["stop"]:
                self._forget(call)
        for call in self._discarded:
            self._forget(call)
        self._begin()

    def _forget(self, call):
        self._calls.pop(call.key, None)
        self.origins.pop(call.key, None)
        for key in call.legs:
            self._legs.pop(key, None)

    def rollback(self):
        """Forget what is not in the database; it is read again where it is needed."""
        self.states.rollback()
        for call in self._touched_calls:
            self._calls.pop(call.key, None)
            for key in call.legs:
                self._legs.pop(key, None)
        self._begin()

    def _begin(self):
        self._env = None
        self._reconstructed = False
        self._touched_calls = {}
        self._touched_legs = {}
        self._discarded = []
        self._seats = {}
        self._stale = False
        self._messages = Messages()
        self._phones = {}
        self._memberships = {}

    def _set_aside(self, fact, error):
        _logger.error("fact set aside: %s", fact, exc_info=error)
        self.set_aside += 1
        if isinstance(fact, Note):
            # Our own; nobody can apply it again.
            return
        details = "".join(traceback.format_exception(error))
        self.transaction(
            lambda env: env["callcenter.fact.failure"].create(
                {
                    "pbx_id": self.pbx_id,
                    "fact": fact.to_dict(),
                    "error": f"{type(error).__name__}: {error}"[:500],
                    "traceback": details,
                }
            )
        )

    # ------------------------------------------------------------
    # BATCH
    # ------------------------------------------------------------

    def record(self, env, batch, reconstructed=False):
        """Write facts in the transaction of ``env``, without committing."""
        self.rollback()
        self._reconstructed = reconstructed
        self._env = env
        if self.directory.stale:
            self.directory.load(env)
        self._look_up(env, batch)
        for fact in batch:
            handler = self._HANDLERS.get(type(fact))
            if handler:
                handler(self, fact)
            else:
                self.states.feed(fact)
        self._identify(env)
        self._write_calls(env)
        self._write_legs(env)
        self._write_intervals(env)
        self._write_phones(env)
        self._write_seats(env)
        self._write_memberships(env)
        self._messages.send(env, self.states.changed())
        self._discard(env)

    def _look_up(self, env, batch):
        """Read the calls and legs that the facts are about and that are not known."""
        calls, legs = set(), set()
        for fact in batch:
            if isinstance(fact, facts.CallFact | Identified):
                calls.add(fact.call)
                if isinstance(fact, facts.LegFact):
                    legs.add(fact.leg)
                elif isinstance(fact, facts.CallMerged):
                    calls.add(fact.into)
        rows = self._read_legs(env, "uniqueid", legs - self._legs.keys())
        self._read_calls(env, "uniqueid", calls - self._calls.keys())
        self._read_calls(
            env,
            "id",
            {row["call_id"] for row in rows}
            - {call.id for call in self._touched_calls}
            - {call.id for call in self._calls.values()},
        )
        # What is only kept in memory of a call that goes on is told by its legs.
        going_on = {call.id for call in self._touched_calls if not call.values["stop"]}
        known = {row["id"] for row in rows}
        rows += [
            row
            for row in self._read_legs(env, "call_id", going_on)
            if row["id"] not in known
        ]
        by_id = {call.id: call for call in self._calls.values() if call.id}
        for row in rows:
            key = row.pop("uniqueid")
            if key in self._legs:
                continue
            call = by_id[row["call_id"]]
            leg = self._legs[key] = LegRow(key, call, row.pop("id"), row)
            if row["ring_start"] and key != call.key:
                rang = seconds(row["ring_start"])
                call.rang = min(call.rang or rang, rang)
            if row["agent_id"] and not row["stop"]:
                call.talkers[key] = row["agent_id"]
            self._touched_legs[leg] = None

    def _read_legs(self, env, column, values):
        if not values:
            return []
        return env["callcenter.call.leg"].search_read(
            [("pbx_id", "=", self.pbx_id), (column, "in", list(values))],
            ["uniqueid", *LEG_COLUMNS],
            load=None,
        )

    def _read_calls(self, env, column, values):
        if not values:
            return
        for row in env["callcenter.call"].search_read(
            [("pbx_id", "=", self.pbx_id), (column, "in", list(values))],
            ["uniqueid", *CALL_COLUMNS],
            load=None,
        ):
            key = row.pop("uniqueid")
            agents = row.pop("agent_ids")
            call = self._calls[key] = CallRow(key, row.pop("id"), row, agents)
            self._touched_calls[call] = None

    # ------------------------------------------------------------
    # CALLS
    # ------------------------------------------------------------

    def _call(self, fact):
        """Return the call that a fact is about.

        :raises LookupError: nothing is known of it
        """
        call = self._calls.get(fact.call)
        if call is None:
            raise LookupError(f"call {fact.call} is not known")
        self._touch(call)
        return call

    def _touch(self, call):
        self._touched_calls[call] = None
        if self._reconstructed and not call.values["stop"]:
            call.fill("reconstructed", True)

    def _writer(self, row):
        """Return how to set a row's columns: what is over only gains what it lacks."""
        if self._reconstructed or row.values["stop"]:
            return row.fill
        return row.put

    def _call_started(self, fact):
        call = self._calls.get(fact.call)
        if call is None:
            call = self._calls[fact.call] = CallRow(fact.call)
            call.changes = {
                "pbx_id": self.pbx_id,
                "company_id": self.directory.company_id,
                "uniqueid": fact.call,
                "direction": fact.direction,
                "state": "ringing",
                "start": moment(fact.time),
                "stop": False,
                "reconstructed": self._reconstructed,
                **CALL_TIMES,
            }
            call.values = dict(call.changes)
            for column, value in self.origins.get(fact.call, {}).items():
                call.put(column, value)
        self._touch(call)
        call.fill("number", fact.number)
        call.fill("caller_name", fact.name)
        call.fill("did", fact.did)

    def _call_changed(self, fact):
        call = self._call(fact)
        write = self._writer(call)
        if fact.direction:
            write("direction", fact.direction)
        if fact.number and "number" not in self.origins.get(fact.call, ()):
            write("number", fact.number)
        if fact.name:
            write("caller_name", fact.name)
        if fact.did:
            write("did", fact.did)
        self._tell_call(call, "changed")

    def _identified(self, fact):
        call = self._call(fact)
        for column, value in fact.columns.items():
            call.put(column, value)
        self._tell_call(call, "changed")

    def _call_discarded(self, fact):
        call = self._call(fact)
        self.states.feed(fact)
        call.put("state", "ended")
        call.put("stop", moment(fact.time))
        self._tell_call(call, "ended")
        self._discarded.append(call)

    def _call_queued(self, fact):
        call = self._call(fact)
        queue = self.directory.queues.get(fact.queue)
        if call.values["stop"]:
            call.fill("queue_id", queue and queue.id)
            call.fill("queue_start", moment(fact.time))
            return
        if queue:
            call.put("queue_id", queue.id)
            if call.values["company_id"] != queue.company_id:
                call.put("company_id", queue.company_id)
                for leg in call.legs.values():
                    leg.put("company_id", queue.company_id)
                    self._touched_legs[leg] = None
        self._writer(call)("queue_start", moment(fact.time))
        call.put("state", "queued")

    def _call_dequeued(self, fact):
        call = self._call(fact)
        if not call.values["stop"] and call.values["state"] == "queued":
            call.put("state", "ringing")

    def _call_merged(self, fact):
        call = self._call(fact)
        into = self._calls.get(fact.into)
        if into is None:
            raise LookupError(f"call {fact.into} is not known")
        self._touched_calls[into] = None
        for leg in call.legs.values():
            leg.call = into
            leg.changes["call_id"] = into
            self._touched_legs[leg] = None
        into.legs.update(call.legs)
        into.talkers.update(call.talkers)
        into.rang = min(filter(None, (into.rang, call.rang)), default=0.0)
        call.legs, call.talkers = {}, {}
        self._join(into, call.agents)
        call.fill("merged_into_id", into)
        if not call.values["stop"]:
            call.put("stop", moment(fact.time))
            call.put("state", "ended")
            call.put("duration", fact.time - seconds(call.values["start"]))
        self.states.feed(fact)
        self._tell_call(into, "changed")

    def _call_ended(self, fact):
        call = self._call(fact)
        write = self._writer(call)
        write("result", fact.result)
        write("ended_by", fact.ended_by or False)
        held = fact.hold
        if call.values["reconstructed"]:
            holds = (leg.values.get("hold") or 0.0 for leg in call.legs.values())
            held = max(held, *holds, 0.0)
        write("wait", fact.wait)
        write("talk", max(fact.talk - (held - fact.hold), 0.0))
        write("hold", held)
        # The journal's clock ticks a little apart from the one that told the start.
        write("duration", max(fact.time - seconds(call.values["start"]), 0.0))
        if not call.values["stop"]:
            if call.rang:
                answer = call.values.get("answer")
                end = seconds(answer) if answer else fact.time
                call.put("ring", max(end - call.rang, 0.0))
            call.put("state", "ended")
            call.put("stop", moment(fact.time))
        self._tell_call(call, "ended")

    # ------------------------------------------------------------
    # LEGS
    # ------------------------------------------------------------

    def _leg(self, fact):
        """Return the leg that a fact is about, and the call that it belongs to now.

        :raises LookupError: nothing is known of it
        """
        leg = self._legs.get(fact.leg)
        if leg is None:
            raise LookupError(f"leg {fact.leg} is not known")
        self._touched_legs[leg] = None
        self._touch(leg.call)
        return leg, leg.call

    def _leg_started(self, fact):
        call = self._call(fact)
        leg = self._legs.get(fact.leg)
        if leg is None:
            leg = self._legs[fact.leg] = LegRow(fact.leg, call)
            queue = self.directory.queues.get(fact.queue)
            extension = self.directory.extensions.get(fact.interface)
            leg.changes = {
                "call_id": call,
                "pbx_id": self.pbx_id,
                "company_id": call.values["company_id"],
                "uniqueid": fact.leg,
                "channel": fact.channel,
                "interface": fact.interface,
                "party": fact.party,
                "extension_id": extension.id if extension else False,
                "number": fact.number or False,
                "name": fact.name or False,
                "queue_id": queue.id if queue else False,
                "start": moment(fact.time),
                "stop": False,
                **LEG_TIMES,
            }
            leg.values = dict(leg.changes)
        self._touched_legs[leg] = None
        if leg.values["stop"]:
            return
        leg.put("channel", fact.channel)
        self.states.feed(fact)
        agent_id = self.states.seat(fact.interface)
        if fact.party != facts.AGENT or not agent_id:
            return
        leg.fill("agent_id", agent_id)
        agent_id = leg.values["agent_id"]
        call.talkers[fact.leg] = agent_id
        self._join(call, {agent_id})
        if fact.leg == fact.call:
            self._take(call, agent_id)
            self._messages.call(agent_id, call, "changed")

    def _join(self, call, agents):
        """Link agents to a call."""
        new = {agent for agent in agents if agent not in call.agents}
        call.agents |= new
        call.joined |= new

    def _take(self, call, agent_id):
        """Make an agent the call's: the one who spoke last, or was rung last."""
        if call.values["stop"]:
            return
        call.put("agent_id", agent_id)
        agent = self.directory.agents.get(agent_id)
        if agent and agent.team_id:
            call.put("team_id", agent.team_id)

    def _leg_changed(self, fact):
        leg, call = self._leg(fact)
        write = self._writer(leg)
        if fact.party:
            write("party", fact.party)
        if fact.number:
            write("number", fact.number)
        if queue := self.directory.queues.get(fact.queue):
            write("queue_id", queue.id)
        self._feed(leg, fact)
        if fact.channel and not leg.values["stop"]:
            self._replace(leg, call, fact)

    def _replace(self, leg, call, fact):
        """Put a leg where a masquerade put its channel: it may be another agent's."""
        leg.put("channel", fact.channel)
        leg.put("interface", fact.interface)
        extension = self.directory.extensions.get(fact.interface)
        leg.put("extension_id", extension.id if extension else False)
        agent_id = self.states.seat(fact.interface)
        if agent_id and agent_id != leg.values.get("agent_id"):
            self._tell(leg, "ended")
            leg.put("agent_id", agent_id)
            call.talkers[leg.key] = agent_id
            self._join(call, {agent_id})
            self._tell(leg, "changed")

    def _leg_rang(self, fact):
        leg, call = self._leg(fact)
        leg.fill("ring_start", moment(fact.time))
        if fact.leg != fact.call and not call.rang:
            call.rang = fact.time
        self._feed(leg, fact)
        agent_id = leg.values.get("agent_id")
        if agent_id and not call.values.get("answer"):
            self._take(call, agent_id)
        self._tell(leg, "ringing")

    def _leg_answered(self, fact):
        leg, call = self._leg(fact)
        leg.fill("answer", moment(fact.time))
        # The first channel is who calls, and the PBX answers for the others' sake.
        if fact.leg != fact.call:
            call.fill("answer", moment(fact.time))
        self._feed(leg, fact)
        self._tell(leg, "answered")

    def _leg_connected(self, fact):
        leg, call = self._leg(fact)
        if leg.values["stop"]:
            return
        if agent_id := leg.values.get("agent_id"):
            self._take(call, agent_id)
        if not call.values["stop"] and call.values["state"] != "held":
            call.put("state", "talking")
        self._feed(leg, fact)
        self._tell(leg, "changed")

    def _leg_disconnected(self, fact):
        leg, _call = self._leg(fact)
        self._feed(leg, fact)

    def _leg_held(self, fact):
        leg, call = self._leg(fact)
        self._writer(leg)("hold", fact.held)
        if not call.values["stop"]:
            call.put("state", "held")
        self._feed(leg, fact)
        self._tell(leg, "held")

    def _leg_resumed(self, fact):
        leg, call = self._leg(fact)
        self._writer(leg)("hold", fact.held)
        if not call.values["stop"] and call.values["state"] == "held":
            call.put("state", "talking")
        self._feed(leg, fact)
        self._tell(leg, "resumed")

    def _leg_ended(self, fact):
        leg, call = self._leg(fact)
        write = self._writer(leg)
        write("result", fact.result)
        write("cause", fact.cause)
        write("tech_cause", fact.tech_cause)
        # A tracker that began in the middle of the call knows less than was seen live.
        ring, held = fact.ring, max(fact.hold, leg.values.get("hold") or 0.0)
        if not ring and leg.values.get("ring_start"):
            answer = leg.values.get("answer") or moment(fact.time)
            ring = max((answer - leg.values["ring_start"]).total_seconds(), 0.0)
        write("ring", ring)
        write("talk", max(fact.talk - (held - fact.hold), 0.0))
        write("hold", held)
        write("segments", [list(segment) for segment in fact.segments])
        queue_id = leg.values.get("queue_id")
        wrap_up = next(
            (q.wrap_up for q in self.directory.queues.values() if q.id == queue_id), 0
        )
        self._feed(leg, fact, wrap_up)
        if not leg.values["stop"]:
            leg.put("stop", moment(fact.time))
        self._tell(leg, "ended")
        # The screen's last word about it is said; commit() lets go of the leg.
        call.talkers.pop(fact.leg, None)

    def _feed(self, leg, fact, wrap_up=0.0):
        """Let the fact count for the agent's state, unless the leg ended before."""
        if not leg.values["stop"]:
            self.states.feed(fact, wrap_up)

    # ------------------------------------------------------------
    # PHONES AND MEMBERS
    # ------------------------------------------------------------

    def _phone_changed(self, fact):
        self._phones[fact.interface] = fact
        self.states.feed(fact)

    def _member_changed(self, fact):
        self.states.feed(fact)
        if agent_id := self.states.seat(fact.interface):
            self._memberships[fact.queue, agent_id] = True

    def _member_removed(self, fact):
        self.states.feed(fact)
        if agent_id := self.states.seat(fact.interface):
            self._memberships[fact.queue, agent_id] = False

    def _signed_in(self, fact):
        if not self.states.interface(fact.agent):
            # Another PBX may have had the agent meanwhile.
            current = self._open_intervals([fact.agent]).get(fact.agent, (None,))
            self.states.adopt(fact.agent, current[0])
        self.states.feed(fact)
        self._seats[fact.agent] = self.directory.extensions[fact.interface].id
        for queue in self.states.queues(fact.interface):
            self._memberships[queue, fact.agent] = True
        self._messages.agent(fact.agent)

    def _signed_out(self, fact):
        if not self.states.interface(fact.agent):
            return
        self.states.feed(fact)
        self._seats[fact.agent] = False
        for queue, agent_id in self.directory.members:
            if agent_id == fact.agent:
                self._memberships[queue, agent_id] = False
        self._messages.agent(fact.agent)

    def _settle(self, fact):
        self.stuck = self.states.settle(
            fact, lambda interval: self._stopped(interval) or fact.time
        )

    def _stopped(self, interval):
        """Return when the call of an interval stopped, 0 if that is not known."""
        call = self._calls.get(interval.call)
        if call is None and interval.call:
            self._read_calls(self._env, "uniqueid", {interval.call})
            call = self._calls.get(interval.call)
        stop = call and call.values["stop"]
        return seconds(stop) if stop else 0.0

    _HANDLERS = {
        facts.CallStarted: _call_started,
        facts.CallChanged: _call_changed,
        facts.CallDiscarded: _call_discarded,
        facts.CallQueued: _call_queued,
        facts.CallDequeued: _call_dequeued,
        facts.CallMerged: _call_merged,
        facts.CallEnded: _call_ended,
        facts.LegStarted: _leg_started,
        facts.LegChanged: _leg_changed,
        facts.LegRang: _leg_rang,
        facts.LegAnswered: _leg_answered,
        facts.LegConnected: _leg_connected,
        facts.LegDisconnected: _leg_disconnected,
        facts.LegHeld: _leg_held,
        facts.LegResumed: _leg_resumed,
        facts.LegEnded: _leg_ended,
        facts.PhoneChanged: _phone_changed,
        facts.MemberChanged: _member_changed,
        facts.MemberRemoved: _member_removed,
        SignedIn: _signed_in,
        SignedOut: _signed_out,
        Settled: _settle,
        Identified: _identified,
    }

    # ------------------------------------------------------------
    # MESSAGES
    # ------------------------------------------------------------

    def _tell(self, leg, event):
        """Tell a leg's agent what happened to it, and the call's others that it did."""
        call = leg.call
        agent_id = leg.values.get("agent_id")
        if agent_id and leg.key in call.talkers:
            self._messages.call(agent_id, call, event)
        for other in call.talkers.values():
            if other != agent_id:
                self._messages.call(other, call, "changed")

    def _tell_call(self, call, event):
        for agent_id in call.talkers.values():
            self._messages.call(agent_id, call, event)
