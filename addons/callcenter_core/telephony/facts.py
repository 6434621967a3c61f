# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""What happened, in the words of a call centre.

The tracker turns the PBX's many events into these few facts; the connector
writes facts, never events, into Odoo. A fact is immutable, complete in itself
and idempotent: applying it twice changes nothing, because it says what *is*
("held for 12.5 s so far"), not what to add.

Conventions

* ``time`` is seconds since the epoch in UTC, on the PBX's clock, as a float with
  the microseconds that Asterisk sends (``timestampevents = yes``).
* Durations are seconds as floats, never negative.
* ``call`` is the ``Uniqueid`` of the call's first channel; ``leg`` is the
  ``Uniqueid`` of the leg's own channel. Both are unique within one PBX and never
  change; when two calls become one, :class:`CallMerged` says so.
* ``interface`` is the device of a channel without its instance number:
  ``PJSIP/1001`` for the channel ``PJSIP/1001-0000002d``.
* Numbers and names are as the PBX sent them: hostile text, neither normalised
  nor escaped.
* An empty string means "not known", never "none".
"""

from dataclasses import MISSING, asdict, dataclass, fields

INBOUND = "inbound"
OUTBOUND = "outbound"
INTERNAL = "internal"

#: How a leg takes part: the outside party, somebody at one of our own
#: extensions, or a further outside party (consulted, conference, transfer target).
CUSTOMER = "customer"
AGENT = "agent"
EXTERNAL = "external"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Base of all facts.

    :param time: when it happened, seconds since the epoch, UTC
    """

    time: float

    def to_dict(self):
        """Return a JSON-serialisable dict that :func:`from_dict` turns back."""
        return {"fact": type(self).__name__, **asdict(self)}


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFact(Fact):
    """A fact about one call."""

    call: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LegFact(CallFact):
    """A fact about one leg of a call."""

    leg: str


# ------------------------------------------------------------
# CALLS
# ------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class CallStarted(CallFact):
    """The first channel of a new call exists.

    :param direction: ``inbound``, ``outbound`` or ``internal``
    :param number: the customer's number (the other extension's if internal)
    :param name: the caller name that the network sent
    :param did: the number that was dialled by the customer (inbound)
    """

    direction: str
    number: str = ""
    name: str = ""
    did: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallChanged(CallFact):
    """More became known: an agent's call turned out to go outside, and to whom.

    Only what is not empty has changed.
    """

    direction: str = ""
    number: str = ""
    name: str = ""
    did: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallDiscarded(CallFact):
    """``call`` turned out to be none (a supervisor listens to another): forget it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallQueued(LegFact):
    """The caller (``leg``) waits in a queue from ``time`` on."""

    queue: str
    position: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CallDequeued(LegFact):
    """The caller no longer waits in the queue.

    :param outcome: ``connected``, ``abandoned`` (the caller hung up),
        ``timeout`` (maximum wait ran out, the caller goes on in the dialplan)
        or ``left`` (taken out, transferred, the PBX stopped)
    :param waited: seconds from joining to leaving
    """

    queue: str
    outcome: str
    waited: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CallMerged(CallFact):
    """``call`` went up in ``into`` (attended transfer, conference): its legs move.

    No :class:`CallEnded` follows for ``call``.
    """

    into: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTransferred(LegFact):
    """The party of ``leg`` handed the call over.

    :param kind: ``blind`` or ``attended``
    :param target: the extension or number that was dialled, where known
    :param target_leg: the leg that took over, where it already exists
    """

    kind: str
    target: str = ""
    target_leg: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEnded(CallFact):
    """The last channel of the call is gone.

    :param result: ``answered`` (customer and agent spoke), ``abandoned`` (the
        caller left before anybody answered), ``no_answer``, ``busy``,
        ``congestion``, ``invalid`` (no such number), ``cancelled`` (the agent gave
        up before the other side answered) or ``failed``; an inbound call that was
        only served by the PBX itself (IVR, voicemail) is ``self_service``, and so
        is any other call in which a phone was picked up but none other called
    :param ended_by: who hung up first after the last talk: ``customer``, ``agent``,
        ``system`` (the dialplan) or empty
    :param wait: from the call's start, or from entering its first queue, to the
        first talk with an agent; without one to when the caller left the last queue,
        or to the end; 0 for ``self_service``; for an outbound call the time the
        customer's phone rang
    :param talk: seconds in which the customer spoke with anybody; for an internal
        call, the first leg
    :param hold: seconds the customer was on hold; talk + hold <= duration
    """

    result: str
    ended_by: str = ""
    wait: float = 0.0
    talk: float = 0.0
    hold: float = 0.0
    duration: float = 0.0


# ------------------------------------------------------------
# LEGS
# ------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class LegStarted(LegFact):
    """A channel takes part in the call.

    :param channel: the full channel name, which AMI actions need
    :param party: ``customer``, ``agent`` or ``external``
    :param queue: the queue that offers the call on this leg, if any
    """

    channel: str
    interface: str
    party: str
    number: str = ""
    name: str = ""
    queue: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LegChanged(LegFact):
    """More became known of a leg. Only what is not empty has changed.

    :param party: a ``customer`` becomes ``external`` in a merge of two calls that
        both have one
    :param number: the number that was dialled, once the PBX tells it
    :param queue: the queue that offers the call on this leg
    :param channel: its new name, if a masquerade (a call picked up by a colleague, a
        redirected channel) put it in another's place; ``interface`` goes with it
    """

    party: str = ""
    number: str = ""
    queue: str = ""
    channel: str = ""
    interface: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LegRang(LegFact):
    """The leg's phone rings from ``time`` on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LegAnswered(LegFact):
    """The leg's phone was picked up (for an inbound customer: the PBX answered)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LegConnected(LegFact):
    """The leg hears another party from ``time`` on, or other parties than before.

    :param peers: the legs that it is connected with; more than one in a conference
    """

    peers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LegDisconnected(LegFact):
    """The leg is no longer connected with anybody (consulting, IVR, transfer)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LegHeld(LegFact):
    """The party of ``leg`` put the others on hold, until LegResumed or LegEnded.

    A leg that holds one party may be connected with another meanwhile (consulting).

    :param held: seconds this leg had held before
    """

    held: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LegResumed(LegFact):
    """The party of ``leg`` took the others off hold.

    :param held: seconds this leg has held in all
    """

    held: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LegEnded(LegFact):
    """The leg's channel is gone.

    :param result: ``answered``, ``no_answer``, ``busy``, ``cancelled`` (stopped
        ringing because somebody else answered or the caller left),
        ``congestion``, ``invalid``, ``rejected`` or ``failed``
    :param cause: hang-up cause (ITU-T Q.850), 0 where Asterisk gives none
    :param tech_cause: SIP status code of the far end, 0 where there was none
    :param ring: seconds from ringing to answer or end
    :param talk: seconds connected with another party, without hold
    :param hold: seconds in which this leg held the others
    :param segments: the leg's life for the timeline, gapless from first to last:
        ``(state, start, stop)`` with state ``dial``, ``ring``, ``wait``, ``talk``,
        ``hold`` or ``idle`` and times like :attr:`Fact.time`; states of less than
        50 ms are given to their neighbours
    """

    result: str
    cause: int = 0
    tech_cause: int = 0
    ring: float = 0.0
    talk: float = 0.0
    hold: float = 0.0
    segments: tuple[tuple[str, float, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DigitKeyed(LegFact):
    """The party of ``leg`` pressed a key (only where the PBX reports DTMF)."""

    digit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingChanged(LegFact):
    """Recording of ``leg``: ``started``, ``muted``, ``unmuted`` or ``stopped``."""

    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LegReported(LegFact):
    """The dialplan sent a ``UserEvent`` on this leg.

    :param name: the event's name
    :param values: its own headers as (key, value) pairs
    """

    name: str
    values: tuple[tuple[str, str], ...] = ()


# ------------------------------------------------------------
# QUEUE MEMBERS AND PHONES
# ------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberChanged(Fact):
    """A queue member, as the PBX now has it.

    :param status: Asterisk's device state number (1 free, 2 in use, 3 busy,
        5 unavailable, 6 ringing, 8 on hold)
    :param login_time: when it was added, seconds since the epoch, 0 if unknown
    """

    queue: str
    interface: str
    name: str = ""
    paused: bool = False
    pause_reason: str = ""
    penalty: int = 0
    status: int = 0
    login_time: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRemoved(Fact):
    """A member is no longer in the queue."""

    queue: str
    interface: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneChanged(Fact):
    """A registered contact of an endpoint changed.

    :param reachable: whether the phone answers
    :param latency: round trip in milliseconds, 0 if not measured
    """

    interface: str
    reachable: bool
    latency: float = 0.0
    uri: str = ""
    user_agent: str = ""


_TYPES = {
    kind.__name__: kind
    for kind in list(globals().values())
    if isinstance(kind, type) and issubclass(kind, Fact)
}


def _tuples(value):
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def from_dict(data):
    """Return the fact that :meth:`Fact.to_dict` described (JSON lists allowed).

    Unknown keys are ignored, so that a spool of an older release can be read.

    :raises ValueError: unknown fact, or a field without default is missing
    """
    cls = _TYPES.get(data.get("fact"))
    if cls is None:
        raise ValueError(f"unknown fact {data.get('fact')!r}")
    values = {}
    for field in fields(cls):
        if field.name in data:
            values[field.name] = _tuples(data[field.name])
        elif field.default is MISSING:
            raise ValueError(f"{cls.__name__} without {field.name}")
    return cls(**values)
