# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""What the tracker remembers of a channel and of a bridge."""

import re
from dataclasses import dataclass

from . import timeline
from .facts import AGENT, CUSTOMER
from .timeline import Timeline

#: Technologies that carry no party: announcers, recorders, taps, stand-ins of a
#: masquerade, media for programs. ``Local`` is not one: it connects two others.
_PSEUDO = frozenset(
    "Announcer AsyncGoto AudioSocket Bridge CBAnn CBRec Message MulticastRTP Null "
    "Recorder Snoop Surrogate UnicastRTP WebSocket".split()
)
_INSTANCE = re.compile(r"-[0-9a-f]+(;[12])?$")
_UNKNOWN = ("<unknown>", "<Unknown>", "s")


def is_pseudo(name):
    """Return whether no party can be on the channel ``name``."""
    technology, slash, _resource = name.partition("/")
    # Asterisk's own stand-ins, such as ``OutgoingSpoolFailed``, have no technology.
    return not slash or technology in _PSEUDO


def interface_of(name):
    """Return the device of a channel: ``PJSIP/1001`` of ``PJSIP/1001-0000002d``."""
    return _INSTANCE.sub("", name)


def known(value):
    """Return ``value``, empty where Asterisk says that it does not know."""
    return "" if value is None or value in _UNKNOWN else value


def dialled(string):
    """Return the number in a dial string.

    ``PJSIP/4930555@carrier``, ``4930555@carrier``, ``carrier/4930555`` and
    ``carrier/sip:4930555@10.0.0.1`` all give ``4930555``.
    """
    return string.rpartition("/")[2].partition("@")[0].rpartition(":")[2]


@dataclass(slots=True)
class Waiting:
    """A stay in a queue.

    :param leg: who waits; the ``Uniqueid`` of the queue's own channel or, if that is
        one half of a Local channel, of the party behind it; empty if there is none
    """

    queue: str
    joined: float
    leg: str


class Bridge:
    """A mixing bridge and the ``Uniqueid`` of each channel in it.

    :ivar technology: ``simple_bridge``, ``softmix`` …, None where it is not known
    """

    __slots__ = ("members", "technology", "uid")

    def __init__(self, uid):
        self.uid = uid
        self.technology = None
        self.members = {}

    @property
    def holds(self):
        """Whether its members only wait in it (parking lot, ``BridgeWait``)."""
        return self.technology == "holding_bridge"


class Channel:
    """One channel: a leg of a call or, if ``half``, one half of a Local channel.

    :ivar incoming: whether its party called the PBX; else the PBX called the party
    :ivar up: when it was answered, None if not yet
    :ivar peers: ``Uniqueid`` of the legs that it hears
    :ivar partners: the last peers that it had
    :ivar holds: those that a ``Hold`` of this party put on hold, None if it holds none
    :ivar keepers: those who keep this leg on hold by music or parking, None if it is
        not kept; they may be gone
    :ivar dialling: ``Uniqueid`` of the channels that it is calling just now
    :ivar requested: whether its party, not the PBX, asked for the hang-up
    :ivar parting: when it left a talk before the others did, None if it did not
    :ivar seen: marks of the events applied, to know an exact duplicate
    """

    __slots__ = (
        "bridge",
        "call",
        "dial_status",
        "dialling",
        "half",
        "holding",
        "holds",
        "incoming",
        "interface",
        "keepers",
        "linkedid",
        "music",
        "name",
        "number",
        "parked",
        "parting",
        "partners",
        "party",
        "peers",
        "person",
        "queue",
        "recording",
        "requested",
        "rung",
        "seen",
        "start",
        "timeline",
        "transferred",
        "uid",
        "up",
        "waiting",
    )

    def __init__(self, uid, name, time, *, incoming):
        self.uid = uid
        self.linkedid = ""
        self.name = name
        self.interface = interface_of(name)
        self.half = name.startswith("Local/")
        self.incoming = incoming
        self.call = None
        self.start = time
        self.party = ""
        self.number = ""
        self.person = ""
        self.queue = ""
        self.up = None
        self.rung = False
        self.bridge = ""
        self.peers = frozenset()
        self.partners = frozenset()
        self.holds = None
        self.holding = False
        self.keepers = None
        self.music = False
        self.parked = False
        self.waiting = None
        self.dialling = set()
        self.dial_status = ""
        self.requested = False
        self.transferred = False
        self.parting = None
        self.recording = ""
        self.seen = set()
        self.timeline = Timeline(timeline.DIAL, time)

    @property
    def other_half(self):
        """The name of a Local channel's other half."""
        return self.name[:-1] + ("2" if self.name.endswith("1") else "1")

    @property
    def held(self):
        """Seconds this leg has held others, up to its last change."""
        return self.timeline.total(timeline.HOLDING)

    def state(self, on_hold):
        """Return the state for the timeline; holding counts more than talking."""
        if self.holding:
            return timeline.HOLDING
        if self.waiting:
            return timeline.WAIT
        if on_hold:
            return timeline.ON_HOLD
        if self.peers:
            return timeline.TALK
        if self.up is None and not self.incoming:
            return timeline.RING if self.rung else timeline.DIAL
        if self.dialling:
            return timeline.WAIT if self.party == CUSTOMER else timeline.DIAL
        return timeline.DIAL if self.up is None else timeline.IDLE

    def is_agent(self):
        return self.party == AGENT
