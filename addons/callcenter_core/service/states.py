# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""From facts to the states of agents, and the intervals in which they were in them.

Plain Python without a clock and without a database: what time it is comes with each
fact. An agent is in exactly one state at any
time, so the intervals of one agent follow each other without gap or overlap.
"""

from copy import copy
from dataclasses import dataclass, field
from math import inf

from ..telephony import facts

SIGNED_OUT = "signed_out"
OFFLINE = "offline"
READY = "ready"
RINGING = "ringing"
DIALLING = "dialling"
TALKING = "talking"
HOLDING = "holding"
CONSULTING = "consulting"
CONFERENCE = "conference"
WRAP_UP = "wrap_up"
PAUSED = "paused"

#: States that end with a leg; none of them outlives the agent's last channel.
CALL_STATES = frozenset({RINGING, DIALLING, TALKING, HOLDING, CONSULTING, CONFERENCE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Note(facts.Fact):
    """What the connector itself knows, told in the same stream as the PBX's facts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn(Note):
    """An agent sits at a phone."""

    agent: int
    interface: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedOut(Note):
    """An agent left the phone."""

    agent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved(Note):
    """An agent who sat here sits at another PBX, whose connector tells the rest."""

    agent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseSet(Note):
    """An agent paused, or (``reason`` None) is ready; ends the work after a call.

    Those who are in a queue are paused by the PBX, which tells by MemberChanged.
    """

    agent: int
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticked(Note):
    """It is ``time`` now: what ends by the clock alone ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled(Note):
    """The PBX told all channels, phones and members that it has.

    :param legs: the channels that live; ``None`` where that is not known
    """

    legs: frozenset | None = None


@dataclass(slots=True)
class Interval:
    """A time in which an agent was in one state.

    :param start: seconds since the epoch, like :attr:`Fact.time`
    :param stop: the same; 0 while the interval is open
    :param interface: where the agent was signed in
    :param call: the call's key, in a state that has one
    :param id: its row in the database, 0 for none yet
    """

    agent: int
    state: str
    start: float
    reason: str = ""
    interface: str = ""
    call: str = ""
    stop: float = 0.0
    id: int = 0


@dataclass(slots=True)
class _Leg:
    """One of an agent's channels that live.

    :param outgoing: whether the agent dialled
    :param changed: time of the last fact that counted
    :param state: ``new``, ``ring``, ``talk`` (connected with ``peers``) or ``idle``
        (answered, but connected with nobody)
    :param customers: the customers' legs that this leg ever was connected with
    """

    call: str
    outgoing: bool
    changed: float
    state: str = "new"
    held: bool = False
    peers: frozenset = frozenset()
    customers: frozenset = frozenset()


@dataclass(slots=True)
class _Agent:
    """What decides an agent's state.

    :param pause: the reason ("" for none given) of one who paused, else ``None``. The
        PBX pauses members of queues; this counts until it says that one is ready
    :param wrap_up_until: when the work after the last call ends, 0 if none is due
    :param unsure: whether legs, phone and membership are still to be learnt from the
        PBX after the connector's start
    :param told_until: up to when the database tells the story; older facts, which are
        told again then, say how things are and not what is to be written
    """

    id: int
    interface: str = ""
    pause: str | None = None
    wrap_up_until: float = 0.0
    wrap_up_call: str = ""
    unsure: bool = False
    told_until: float = 0.0
    legs: dict[str, _Leg] = field(default_factory=dict)
    current: Interval | None = None
    closed: list[Interval] = field(default_factory=list)

    def draft(self):
        """Return a copy that may be changed, with nothing to write."""
        agent = copy(self)
        agent.legs = {key: copy(leg) for key, leg in self.legs.items()}
        agent.current = copy(self.current)
        agent.closed = []
        return agent


class AgentStates:
    """The states of all agents who sit at one PBX.

    Works on a draft: :meth:`commit` keeps what was fed since the last call of either,
    :meth:`rollback` forgets it, so that memory and database never differ.
    """

    def __init__(self):
        self._agents = {}
        self._draft = {}
        # Indexes; their values are never changed in place, see _set().
        self._undo = []
        self._seats = {}  # interface: agent
        self._legs = {}  # leg: agent
        self._calls = {}  # call: {leg: party}
        self._members = {}  # interface: {queue: reason of the pause or None}
        self._unreachable = {}  # interface: True
        self._wrap_up = {}  # agent: time
        #: No timer is due before this time.
        self._earliest = inf

    # ------------------------------------------------------------
    # DRAFT
    # ------------------------------------------------------------

    def intervals(self):
        """Return the intervals that began or ended since the last commit."""
        result = []
        for agent in self._draft.values():
            result += agent.closed
            if agent.current and not agent.current.id:
                result.append(agent.current)
        return result

    def changed(self):
        """Return the ids of the agents whose state changed since the last commit."""
        return [
            agent.id
            for agent in self._draft.values()
            if agent.closed or (agent.current and not agent.current.id)
        ]

    def commit(self):
        for agent in self._draft.values():
            agent.closed = []
        self._agents.update(self._draft)
        self._draft.clear()
        self._undo.clear()

    def rollback(self):
        for index, key, value in reversed(self._undo):
            if value is None:
                index.pop(key, None)
            else:
                index[key] = value
        self._draft.clear()
        self._undo.clear()
        self._earliest = 0.0

    def _agent(self, agent_id):
        """Return the draft of an agent."""
        agent = self._draft.get(agent_id)
        if agent is None:
            known = self._agents.get(agent_id)
            agent = known.draft() if known else _Agent(agent_id)
            self._draft[agent_id] = agent
        return agent

    def _peek(self, agent_id):
        """Return an agent only to look at, or ``None``."""
        return self._draft.get(agent_id) or self._agents.get(agent_id)

    def _set(self, index, key, value):
        """Set (``None``: remove) a key of an index so that it can be undone."""
        old = index.get(key)
        if old != value:
            self._undo.append((index, key, old))
            if value is None:
                del index[key]
            else:
                index[key] = value

    # ------------------------------------------------------------
    # WHO SITS WHERE
    # ------------------------------------------------------------

    def load(self, agent_id, interface, interval=None, wrap_up=0.0):
        """Take over an agent as the database has it.

        The agent stays in this state until :meth:`settle`, or until a channel of
        theirs tells more.

        :param interface: where the agent is signed in, empty for nowhere
        :param interval: the interval that is open
        :param wrap_up: seconds of work after the call, for an interval of that state
        """
        agent = self._agent(agent_id)
        agent.interface = interface
        agent.unsure = True
        self._take_over(agent, interval)
        if interface:
            self._set(self._seats, interface, agent_id)
        if interval and interval.state == WRAP_UP:
            self._set_wrap_up(agent, interval.start + wrap_up, interval.call)
        elif interval and interval.state == PAUSED:
            agent.pause = interval.reason

    def adopt(self, agent_id, interval):
        """Learn the open interval of an agent, where it is not known from here."""
        self._take_over(self._agent(agent_id), interval)

    @staticmethod
    def _take_over(agent, interval):
        agent.current = interval
        agent.told_until = interval.start if interval else 0.0

    def state(self, agent_id):
        """Return the agent's state."""
        agent = self._peek(agent_id)
        return agent.current.state if agent and agent.current else SIGNED_OUT

    def interface(self, agent_id):
        """Return where the agent sits, empty for nowhere."""
        agent = self._peek(agent_id)
        return agent.interface if agent else ""

    def seat(self, interface):
        """Return the id of the agent who sits at a phone, 0 for nobody."""
        return self._seats.get(interface, 0)

    def seats(self):
        """Return who sits where: {interface: agent id}."""
        return dict(self._seats)

    def queues(self, interface):
        """Return the codes of the queues that a phone is a member of."""
        return set(self._members.get(interface, ()))

    # ------------------------------------------------------------
    # FACTS
    # ------------------------------------------------------------

    def feed(self, fact, wrap_up=0.0):
        """Take in one fact.

        :param wrap_up: for a :class:`LegEnded`, seconds of work that follow the call
        """
        if fact.time >= self._earliest:
            self._expire(fact.time)
        handler = self._HANDLERS.get(type(fact))
        if handler:
            handler(self, fact, wrap_up)

    def next_timer(self):
        """Return when a :class:`Ticked` would change something, ``None`` for never."""
        return min(self._wrap_up.values(), default=None)

    def settle(self, fact, stopped):
        """Make sure of all agents, once the PBX told all that it has.

        :param fact: a :class:`Settled`
        :param stopped: a function from an :class:`Interval` to the time at which its
            call stopped
        :return: the ids of the agents who were stuck in a call that is no more
        """
        stuck = []
        if fact.legs is not None:
            for call, legs in list(self._calls.items()):
                live = {leg: legs[leg] for leg in legs if leg in fact.legs}
                self._set(self._calls, call, live or None)
        for agent_id in [*self._agents, *(self._draft.keys() - self._agents.keys())]:
            known = self._peek(agent_id)
            gone = known.legs.keys() - (known.legs if fact.legs is None else fact.legs)
            if not known.unsure and not gone:
                continue
            agent = self._agent(agent_id)
            agent.unsure = False
            for leg in gone:
                del agent.legs[leg]
                self._set(self._legs, leg, None)
            current = agent.current
            if current and current.state in CALL_STATES and not agent.legs:
                stuck.append(agent_id)
                self._settle(agent, stopped(current))
            else:
                self._settle(agent, fact.time)
        return stuck

    def _leg_started(self, fact, _wrap_up):
        legs = self._calls.get(fact.call, {})
        if fact.leg not in legs:
            self._set(self._calls, fact.call, {**legs, fact.leg: fact.party})
        agent_id = self._seats.get(fact.interface)
        if fact.party == facts.AGENT and agent_id:
            self._set(self._legs, fact.leg, agent_id)
            self._agent(agent_id).legs.setdefault(
                fact.leg, _Leg(fact.call, fact.leg == fact.call, fact.time)
            )
        self._settle_call(fact)

    def _leg_changed(self, fact, _wrap_up):
        agent_id = self._legs.get(fact.leg)
        leg = agent_id and self._agent(agent_id).legs.get(fact.leg)
        if not leg or fact.time < leg.changed:
            return
        leg.changed = fact.time
        match fact:
            case facts.LegRang():
                if leg.state == "new":
                    leg.state = "ring"
            case facts.LegAnswered():
                if leg.state in ("new", "ring"):
                    leg.state = "idle"
            case facts.LegConnected():
                leg.state = "talk"
                leg.peers = frozenset(fact.peers)
                leg.customers |= leg.peers & self._customers(leg.call)
            case facts.LegDisconnected():
                leg.state = "idle"
                leg.peers = frozenset()
            case facts.LegHeld():
                leg.held = True
            case facts.LegResumed():
                leg.held = False
        self._settle(self._agent(agent_id), fact.time)

    def _leg_ended(self, fact, wrap_up):
        legs = self._calls.get(fact.call)
        if legs and fact.leg in legs:
            legs = {leg: party for leg, party in legs.items() if leg != fact.leg}
            self._set(self._calls, fact.call, legs or None)
        self._settle_call(fact)
        agent_id = self._legs.get(fact.leg)
        if not agent_id:
            return
        self._set(self._legs, fact.leg, None)
        agent = self._agent(agent_id)
        agent.legs.pop(fact.leg, None)
        if wrap_up and fact.talk and not agent.legs:
            self._set_wrap_up(agent, fact.time + wrap_up, fact.call)
        self._settle(agent, fact.time)

    def _leg_replaced(self, fact, _wrap_up):
        legs = self._calls.get(fact.call, {})
        if fact.party and fact.leg in legs:
            self._set(self._calls, fact.call, {**legs, fact.leg: fact.party})
        seated = self._seats.get(fact.interface)
        old = self._legs.get(fact.leg)
        if not fact.interface or not seated or seated == old:
            return
        leg = self._agent(old).legs.pop(fact.leg) if old else None
        self._set(self._legs, fact.leg, seated)
        self._agent(seated).legs[fact.leg] = leg or _Leg(fact.call, False, fact.time)
        for agent_id in filter(None, (old, seated)):
            self._settle(self._agent(agent_id), fact.time)

    def _call_discarded(self, fact, _wrap_up):
        for leg in self._calls.get(fact.call, {}):
            if agent_id := self._legs.get(leg):
                self._set(self._legs, leg, None)
                agent = self._agent(agent_id)
                agent.legs.pop(leg, None)
                self._settle(agent, fact.time)
        self._set(self._calls, fact.call, None)

    def _call_merged(self, fact, _wrap_up):
        legs = self._calls.get(fact.call, {})
        self._set(self._calls, fact.call, None)
        self._set(
            self._calls, fact.into, {**self._calls.get(fact.into, {}), **legs} or None
        )
        for leg in legs:
            if agent_id := self._legs.get(leg):
                agent = self._agent(agent_id)
                agent.legs[leg].call = fact.into
                self._settle(agent, fact.time)

    def _member_changed(self, fact, _wrap_up):
        queues = dict(self._members.get(fact.interface, {}))
        queues[fact.queue] = fact.pause_reason if fact.paused else None
        self._set(self._members, fact.interface, queues)
        agent_id = self._seats.get(fact.interface)
        if agent_id and not fact.paused:
            self._agent(agent_id).pause = None
        self._settle_seat(fact)

    def _member_removed(self, fact, _wrap_up):
        queues = dict(self._members.get(fact.interface, {}))
        queues.pop(fact.queue, None)
        self._set(self._members, fact.interface, queues or None)
        self._settle_seat(fact)

    def _phone_changed(self, fact, _wrap_up):
        self._set(self._unreachable, fact.interface, None if fact.reachable else True)
        self._settle_seat(fact)

    def _signed_in(self, fact, _wrap_up):
        known = self._peek(fact.agent)
        if known and known.interface == fact.interface:
            return
        agent = self._agent(fact.agent)
        if agent.interface:
            self._leave(agent)
        agent.interface = fact.interface
        self._set(self._seats, fact.interface, agent.id)
        self._settle(agent, fact.time)

    def _signed_out(self, fact, _wrap_up):
        known = self._peek(fact.agent)
        if known and known.interface:
            agent = self._agent(fact.agent)
            self._leave(agent)
            self._settle(agent, fact.time)

    def _moved(self, fact, _wrap_up):
        agent = self._agent(fact.agent)
        self._leave(agent)
        agent.current = None
        agent.legs.clear()

    def _leave(self, agent):
        if self._seats.get(agent.interface) == agent.id:
            self._set(self._seats, agent.interface, None)
        agent.interface = ""
        agent.pause = None
        self._set_wrap_up(agent, 0.0)

    def _pause_set(self, fact, _wrap_up):
        agent = self._agent(fact.agent)
        agent.pause = fact.reason
        self._set_wrap_up(agent, 0.0)
        self._settle(agent, fact.time)

    _HANDLERS = {
        facts.LegStarted: _leg_started,
        facts.LegRang: _leg_changed,
        facts.LegAnswered: _leg_changed,
        facts.LegConnected: _leg_changed,
        facts.LegDisconnected: _leg_changed,
        facts.LegHeld: _leg_changed,
        facts.LegResumed: _leg_changed,
        facts.LegEnded: _leg_ended,
        facts.LegChanged: _leg_replaced,
        facts.CallDiscarded: _call_discarded,
        facts.CallMerged: _call_merged,
        facts.MemberChanged: _member_changed,
        facts.MemberRemoved: _member_removed,
        facts.PhoneChanged: _phone_changed,
        SignedIn: _signed_in,
        SignedOut: _signed_out,
        Moved: _moved,
        PauseSet: _pause_set,
    }

    # ------------------------------------------------------------
    # STATE
    # ------------------------------------------------------------

    def _settle_call(self, fact):
        """Settle all who are in a call: who else is in it tells what they do."""
        for leg in self._calls.get(fact.call, ()):
            if agent_id := self._legs.get(leg):
                self._settle(self._agent(agent_id), fact.time)

    def _settle_seat(self, fact):
        if agent_id := self._seats.get(fact.interface):
            self._settle(self._agent(agent_id), fact.time)

    def _set_wrap_up(self, agent, until, call=""):
        agent.wrap_up_until = until
        agent.wrap_up_call = call
        self._set(self._wrap_up, agent.id, until or None)
        if until:
            self._earliest = min(self._earliest, until)

    def _expire(self, time):
        """End the work after calls that is over at ``time``, each when it was."""
        for agent_id, until in list(self._wrap_up.items()):
            if until <= time:
                agent = self._agent(agent_id)
                self._set_wrap_up(agent, 0.0)
                if not agent.unsure:
                    self._settle(agent, until)
        self._earliest = min(self._wrap_up.values(), default=inf)

    def _settle(self, agent, time):
        """Bring the agent's interval up to what is known at ``time``."""
        if time < agent.told_until:
            return
        if agent.unsure:
            if not agent.legs and agent.interface:
                return
            agent.unsure = False
        self._enter(agent, time, *self._state(agent))

    def _enter(self, agent, time, state, reason, call):
        current = agent.current
        if current is None:
            if state == SIGNED_OUT:
                return
        elif (current.state, current.reason, current.call) == (state, reason, call):
            return
        else:
            # Facts of two sources (journal, live) may cross: time never runs back.
            time = max(time, current.start)
            if current.id or time > current.start:
                current.stop = time
                agent.closed.append(current)
        agent.current = Interval(
            agent.id, state, time, reason, agent.interface, call=call
        )

    def _state(self, agent):
        """Return the state, its reason and its call: the most telling that applies."""
        if agent.legs:
            state, call = self._call_state(list(agent.legs.values()))
            return state, "", call
        if not agent.interface:
            return SIGNED_OUT, "", ""
        paused, reason = self._paused(agent)
        if paused:
            return PAUSED, reason, ""
        if agent.wrap_up_until:
            return WRAP_UP, "", agent.wrap_up_call
        if agent.interface in self._unreachable:
            return OFFLINE, "", ""
        return READY, "", ""

    def _paused(self, agent):
        if agent.pause is not None:
            return True, agent.pause
        reasons = list(self._members.get(agent.interface, {None: None}).values())
        if None in reasons:
            return False, ""
        return True, next(filter(None, reasons), "")

    def _call_state(self, legs):
        """Return the state of an agent with these legs, and the call meant."""
        held = next((leg for leg in legs if leg.held), None)
        busy = [leg for leg in legs if leg.outgoing or leg.state in ("talk", "idle")]
        if len(busy) > 1 and held:
            return CONSULTING, held.call
        best = min(
            ((self._leg_state(leg), leg.call) for leg in legs),
            key=lambda item: _TELLING.index(item[0]),
        )
        return best

    def _leg_state(self, leg):
        if len(leg.peers) > 1:
            return CONFERENCE
        customers = leg.customers & self._customers(leg.call)
        if customers and not customers & leg.peers:
            # Away from a customer who is still there: with whom?
            if leg.peers or self._others(leg):
                return CONSULTING
            return HOLDING if leg.held else TALKING
        if leg.held:
            return HOLDING
        if leg.state == "talk":
            return TALKING
        if leg.outgoing and not leg.customers:
            return DIALLING
        return TALKING if leg.state == "idle" else RINGING

    def _customers(self, call):
        """Return the customers' legs of a call that live."""
        legs = self._calls.get(call, {})
        return {leg for leg, party in legs.items() if party == facts.CUSTOMER}

    def _others(self, leg):
        """Tell whether there is anybody in a leg's call but it and the customer."""
        legs = self._calls.get(leg.call, {})
        return sum(party != facts.CUSTOMER for party in legs.values()) > 1


#: The states of legs, the one that says most of its agent first.
_TELLING = (CONFERENCE, CONSULTING, TALKING, HOLDING, DIALLING, RINGING)
