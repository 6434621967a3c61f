# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""From the PBX's many events to few facts: a deterministic state machine.

The same events give the same facts, in production, in a test and after a crash: there
is no clock, no chance and no input or output here. What each event means is told in
Asterisk's documentation of its AMI events; the traps are told where they are avoided.

It works on all events, and as well on those of a user with the classes ``system,
call, agent, user`` (``cdr`` and ``originate`` do no harm): variables, dialplan steps,
digits and device states are not needed for calls and legs.
"""

import math

from .channel import dialled, interface_of, is_pseudo
from .facts import (
    CUSTOMER,
    EXTERNAL,
    CallTransferred,
    DigitKeyed,
    LegChanged,
    LegReported,
    RecordingChanged,
)
from .members import Directory, number
from .snapshot import SNAPSHOT, snapshot_event
from .switchboard import RINGING, UP, Switchboard

__all__ = ["Tracker", "snapshot_event"]

#: Headers of every event about a channel, not those of a ``UserEvent``'s own.
_CHANNEL_HEADERS = frozenset(
    "Event Privilege Timestamp SequenceNumber SystemName ActionID UserEvent Channel "
    "ChannelState ChannelStateDesc CallerIDNum CallerIDName ConnectedLineNum "
    "ConnectedLineName Language AccountCode Context Exten Priority Uniqueid Linkedid "
    "ChanVariable File Line Func".split()
)


def _on(*events):
    """Mark a method as the one that takes ``events``."""

    def mark(method):
        method.events = events
        return method

    return mark


class Tracker(Switchboard):
    """What happens at the PBX, as its events tell it; see :class:`Switchboard`."""

    def __init__(self, extensions):
        super().__init__(extensions)
        self._directory = Directory()

    # ------------------------------------------------------------
    # INTERFACE
    # ------------------------------------------------------------

    def feed(self, event):
        """Take one event and return the facts it makes known.

        :param event: a mapping of header to (last) value
        """
        handler = _HANDLERS.get(event.get("Event"))
        if handler is None:
            return []
        self._facts = []
        handler(self, event, self._time(event))
        return self._facts

    def live(self):
        """Return ``{Uniqueid: call}`` of all channels that have not ended.

        Halves of Local channels are among them, for they keep their call alive.
        """
        return {uid: channel.call.key for uid, channel in self._channels.items()}

    def finish(self, leg, time):
        """End a channel that the PBX no longer has; return the facts.

        :param leg: the channel's ``Uniqueid``
        :param time: the last time at which it may have lived
        """
        self._facts = []
        channel = self._channels.get(leg)
        if channel:
            self._end(channel, time, 0, 0, certain=False)
        return self._facts

    def _time(self, event):
        """Return the event's time, that of the last one if it has none."""
        try:
            time = float(event.get("Timestamp"))
        except (TypeError, ValueError):
            return self._now
        if not math.isfinite(time):
            return self._now
        self._now = max(self._now, time)
        return time

    # ------------------------------------------------------------
    # CHANNELS
    # ------------------------------------------------------------

    @_on("Newchannel")
    def _on_new_channel(self, event, time):
        """``Newchannel``."""
        self._learn(event, time)

    @_on("Newstate")
    def _on_new_state(self, event, time):
        """``Newstate``: ringing and answer."""
        channel = self._learn(event, time)
        if channel is None:
            return
        state = event.get("ChannelState")
        if state == RINGING:
            self._rung(channel, time)
        elif state == UP:
            self._answered(channel, time)

    @_on("Rename")
    def _on_rename(self, event, time):
        """``Rename``, by which a masquerade puts a channel in another's place.

        Of its steps only the last counts; the others have names in angle brackets.
        """
        channel = self._channels.get(event.get("Uniqueid"))
        name = event.get("Newname") or ""
        if channel is None or channel.half or "<" in name or is_pseudo(name):
            return
        if name != channel.name:
            channel.name, channel.interface = name, interface_of(name)
            self._add(
                LegChanged,
                channel,
                time,
                channel=name,
                interface=channel.interface,
            )

    @_on("HangupRequest")
    def _on_hangup_request(self, event, time):
        """``HangupRequest``: the party hung up (AMI's ``Hangup`` does not ask)."""
        channel = self._known(event)
        if channel is None:
            return
        channel.requested = True
        call = channel.call
        for leg in [channel] if not channel.half else self._reached(channel):
            if leg is call.principal and (leg.waiting or leg.dialling):
                call.gave_up = call.talked is None
        if channel.up is not None or channel is call.principal:
            self._hung_up(channel)

    @_on("Hangup")
    def _on_hangup(self, event, time):
        """``Hangup``: the channel is gone. Its two causes decide the result."""
        uid = event.get("Uniqueid")
        channel = self._channels.get(uid)
        if channel is not None:
            self._follow(channel, event.get("Linkedid"))
            cause = number(event.get("Cause"))
            self._end(channel, time, cause, number(event.get("TechCause")))
        elif uid:
            self._bury(uid)

    # ------------------------------------------------------------
    # DIALLING
    # ------------------------------------------------------------

    @_on("DialBegin")
    def _on_dial_begin(self, event, time):
        """``DialBegin``: one channel calls another, or the PBX itself does."""
        callee = self._learn(event, time, "Dest")
        if callee is None:
            return
        caller = self._channels.get(event.get("Uniqueid"))
        if caller is not None:
            if callee.up is None:
                caller.dialling.add(callee.uid)
            if caller.call is not callee.call:
                self._merge(caller.call, callee.call, time)
        if callee.party in (CUSTOMER, EXTERNAL) and not callee.incoming:
            target = dialled(event.get("DialString") or "")
            # The caller's own number is what the channel has until now.
            self._change_leg(callee, number=target)
            if callee is callee.call.principal:
                self._change(callee.call, number=target)
        self._refresh(callee.call)

    @_on("DialState")
    def _on_dial_state(self, event, time):
        """``DialState``: it rings, or the network plays its own ringing."""
        callee = self._known(event, "Dest")
        if callee is not None and event.get("DialStatus") in ("RINGING", "PROGRESS"):
            self._rung(callee, time)

    @_on("DialEnd")
    def _on_dial_end(self, event, time):
        """``DialEnd``. The first of several is right: a CANCEL often follows."""
        callee = self._known(event, "Dest")
        if callee is None:
            return
        caller = self._channels.get(event.get("Uniqueid"))
        if caller is not None:
            caller.dialling.discard(callee.uid)
        status = event.get("DialStatus") or ""
        if status == "ANSWER":
            self._answered(callee, time)
        elif not callee.dial_status:
            callee.dial_status = status
        callee.call.advance(time)
        self._refresh(callee.call)

    # ------------------------------------------------------------
    # BRIDGES
    # ------------------------------------------------------------

    @_on("BridgeEnter")
    def _on_bridge_enter(self, event, time):
        """``BridgeEnter``. Its number of channels counts hidden ones: not used."""
        channel = self._learn(event, time)
        bridge = event.get("BridgeUniqueid")
        if channel is None or not bridge:
            return
        self._enter(channel, bridge, event.get("BridgeTechnology"), time)

    @_on("BridgeLeave")
    def _on_bridge_leave(self, event, time):
        """``BridgeLeave``."""
        channel = self._known(event)
        # Neighbours come in any order: it may already be in the next one.
        if channel is not None and channel.bridge == event.get("BridgeUniqueid"):
            if channel.peers:
                channel.parting = channel.call.advance(time)
            self._leave(channel, time)

    @_on("BridgeDestroy")
    def _on_bridge_destroy(self, event, time):
        """``BridgeDestroy``: nobody is in it any more."""
        bridge = self._bridges.get(event.get("BridgeUniqueid"))
        for channel in list(bridge.members.values()) if bridge else ():
            self._leave(channel, time)

    @_on("BridgeListItem")
    def _on_bridge_listed(self, event, time):
        """``BridgeListItem`` of a list: what kind of bridge a snapshot told of."""
        bridge = event.get("BridgeUniqueid")
        if bridge in self._bridges:
            self._kind_of_bridge(bridge, event.get("BridgeTechnology"), time)

    # ------------------------------------------------------------
    # STATES: TALK, HOLD, WAIT
    # ------------------------------------------------------------

    @_on("Hold")
    def _on_hold(self, event, time):
        """``Hold``: the phone's re-INVITE, or the first step of an ``Atxfer``."""
        channel = self._known(event)
        if channel is None or channel.half or channel.holds is not None:
            return
        channel.holds = set(channel.peers)
        channel.call.advance(time)
        self._refresh(channel.call)

    @_on("Unhold")
    def _on_unhold(self, event, time):
        """``Unhold``; a transfer sends it without a ``Hold`` before."""
        channel = self._known(event)
        if channel is None or channel.holds is None:
            return
        channel.holds = None
        channel.call.advance(time)
        self._refresh(channel.call)

    @_on("MusicOnHoldStart")
    def _on_music_start(self, event, time):
        """``MusicOnHoldStart``."""
        self._music(event, time, True)

    @_on("MusicOnHoldStop")
    def _on_music_stop(self, event, time):
        """``MusicOnHoldStop``."""
        self._music(event, time, False)

    def _music(self, event, time, playing):
        channel = self._known(event)
        if channel is not None and channel.music != playing:
            channel.music = playing
            channel.call.advance(time)
            self._refresh(channel.call)

    @_on("ParkedCall")
    def _on_parked(self, event, time):
        """``ParkedCall``."""
        self._park(event, time, True)

    @_on("UnParkedCall", "ParkedCallTimeOut", "ParkedCallGiveUp")
    def _on_unparked(self, event, time):
        """``UnParkedCall``, ``ParkedCallTimeOut`` and ``ParkedCallGiveUp``."""
        self._park(event, time, False)

    def _park(self, event, time, parked):
        channel = self._known(event, "Parkee")
        if channel is not None and not channel.half and channel.parked != parked:
            channel.parked = parked
            channel.call.advance(time)
            self._refresh(channel.call)

    # ------------------------------------------------------------
    # QUEUES
    # ------------------------------------------------------------

    @_on("QueueCallerJoin")
    def _on_queue_join(self, event, time):
        """``QueueCallerJoin``."""
        channel = self._learn(event, time)
        queue = event.get("Queue")
        if channel is None or not queue or channel.waiting or channel.peers:
            return
        leg = channel
        if channel.half:
            leg = next(iter(self._reached(channel)), None)
        self._enqueue(channel, leg, queue, number(event.get("Position")), time)

    @_on("QueueCallerAbandon")
    def _on_queue_abandon(self, event, time):
        """``QueueCallerAbandon``: also sent when the maximum wait ran out."""
        channel = self._known(event)
        if channel is not None and channel.waiting:
            requested = channel.requested or self._waiter(channel).requested
            self._dequeue(channel, "abandoned" if requested else "timeout", time)

    @_on("QueueCallerLeave")
    def _on_queue_leave(self, event, time):
        """``QueueCallerLeave``, which comes before ``AgentConnect``."""
        channel = self._known(event)
        if channel is None or not channel.waiting:
            return
        joined = channel.waiting.joined
        if any(
            leg.queue and leg.up is not None and leg.up >= joined
            for leg in channel.call.legs()
        ):
            outcome = "connected"
        else:
            outcome = "abandoned" if channel.requested else "left"
        self._dequeue(channel, outcome, time)

    def _waiter(self, channel):
        """Return the leg that waits in the queue of ``channel``, else that itself."""
        return self._channels.get(channel.waiting.leg, channel)

    @_on("AgentCalled")
    def _on_agent_called(self, event, time):
        """``AgentCalled``: the queue offers the call to a member."""
        callee = self._learn(event, time, "Dest")
        if callee is not None and not callee.half:
            self._change_leg(callee, queue=event.get("Queue"))

    @_on("AgentConnect")
    def _on_agent_connect(self, event, time):
        """``AgentConnect``. Its RingTime is in seconds, that of others is not."""
        channel = self._known(event)
        if channel is not None and channel.waiting:
            self._dequeue(channel, "connected", time)

    @_on("AgentRingNoAnswer")
    def _on_agent_silent(self, event, time):
        """``AgentRingNoAnswer``: also sent for a rejection, so a cause overrides it."""
        callee = self._known(event, "Dest")
        if callee is not None and not callee.dial_status:
            callee.dial_status = "NOANSWER"

    # ------------------------------------------------------------
    # TRANSFERS AND MERGES
    # ------------------------------------------------------------

    @_on("BlindTransfer")
    def _on_blind_transfer(self, event, time):
        """``BlindTransfer``, by the phone's REFER or AMI's action."""
        channel = self._known(event, "Transferer")
        if channel is None or channel.half or event.get("Result") != "Success":
            return
        channel.transferred = True
        channel.holds = None
        target = event.get("Extension") or ""
        self._add(CallTransferred, channel, time, kind="blind", target=target)
        self._refresh(channel.call)

    @_on("AttendedTransfer")
    def _on_attended_transfer(self, event, time):
        """``AttendedTransfer``, by REFER with Replaces or by AMI's ``Atxfer``."""
        channel = self._known(event, "OrigTransferer")
        if channel is None or channel.half or event.get("Result") != "Success":
            return
        channel.transferred = True
        second = self._channels.get(event.get("SecondTransfererUniqueid"))
        if second is not None:
            second.transferred = True
        transferee = self._channels.get(event.get("TransfereeUniqueid"))
        target = self._target(event, transferee, channel)
        for other in (transferee, target):
            if other is not None and other.call is not channel.call:
                self._merge(channel.call, other.call, time)
        self._add(
            CallTransferred,
            channel,
            time,
            kind="attended",
            target=target.number if target else "",
            target_leg=target.uid if target else "",
        )

    def _target(self, event, transferee, transferer):
        """Return the leg that took over in an attended transfer, None if not known."""
        target = self._channels.get(event.get("TransferTargetUniqueid"))
        if target is None and transferee is not None:
            target = transferee
        if target is None:
            return None
        for leg in sorted(self._reached(target), key=lambda leg: leg.uid):
            if leg not in (transferee, transferer):
                return leg
        return None if target.half or target is transferee else target

    # ------------------------------------------------------------
    # WHAT BELONGS TO A LEG BUT MAKES NO DIFFERENCE TO IT
    # ------------------------------------------------------------

    @_on("ChanSpyStart")
    def _on_spy(self, event, time):
        """``ChanSpyStart``: the supervisor's channel is no leg of any call."""
        self._discard(self._channels.get(event.get("SpyerUniqueid")), time)

    @_on("OriginateResponse")
    def _on_originated(self, event, time):
        """``OriginateResponse``, for nothing but to know a supervisor early."""
        if (event.get("Application") or "").lower() in ("chanspy", "extenspy"):
            self._discard(self._channels.get(event.get("Uniqueid")), time)

    @_on("DTMFEnd")
    def _on_digit(self, event, time):
        """``DTMFEnd``. Feature codes that AMI plays by itself last 0 ms."""
        channel = self._known(event)
        if channel is None or channel.half or event.get("Direction") != "Received":
            return
        digit = event.get("Digit")
        if digit and number(event.get("DurationMs")):
            self._add(DigitKeyed, channel, time, digit=digit)

    @_on("MixMonitorStart")
    def _on_recording_start(self, event, time):
        """``MixMonitorStart``."""
        self._record(event, time, "started")

    @_on("MixMonitorStop")
    def _on_recording_stop(self, event, time):
        """``MixMonitorStop``."""
        self._record(event, time, "stopped")

    @_on("MixMonitorMute")
    def _on_recording_mute(self, event, time):
        """``MixMonitorMute``."""
        self._record(event, time, "muted" if event.get("State") == "1" else "unmuted")

    def _record(self, event, time, state):
        channel = self._known(event)
        if channel is not None and not channel.half and channel.recording != state:
            channel.recording = state
            self._add(RecordingChanged, channel, time, state=state)

    @_on("UserEvent")
    def _on_user_event(self, event, time):
        """``UserEvent``, which the dialplan sends for our addons."""
        channel = self._known(event)
        if channel is None:
            return
        if channel.half:
            channel = next(iter(self._reached(channel)), None)
            if channel is None:
                return
        values = tuple(
            (name, value)
            for name, value in event.items()
            if name not in _CHANNEL_HEADERS
        )
        name = event.get("UserEvent") or ""
        self._add(LegReported, channel, time, name=name, values=values)

    # ------------------------------------------------------------
    # MEMBERS, PHONES, SNAPSHOTS
    # ------------------------------------------------------------

    @_on(
        "QueueMember",
        "QueueMemberAdded",
        "QueueMemberPause",
        "QueueMemberPenalty",
        "QueueMemberRinginuse",
        "QueueMemberStatus",
    )
    def _on_member(self, event, time):
        """``QueueMember…`` with the member as it now is."""
        self._facts += self._directory.member_changed(event, time)

    @_on("QueueMemberRemoved")
    def _on_member_removed(self, event, time):
        """``QueueMemberRemoved``."""
        self._facts += self._directory.member_removed(event, time)

    @_on("ContactStatus", "ContactList")
    def _on_contact(self, event, time):
        """``ContactStatus`` and ``ContactList``."""
        self._facts += self._directory.phone_changed(event, time)

    @_on(SNAPSHOT)
    def _on_snapshot(self, event, time):
        """An answer of ``Status`` or ``CoreShowChannels``; see :mod:`.snapshot`."""
        since = time - number(event.get("Age"))
        channel = self._learn(event, time, since=since)
        if channel is None:
            return
        bridge = event.get("BridgeUniqueid") or ""
        if bridge:
            self._enter(channel, bridge, None, time)
        else:
            self._leave(channel, time)


_HANDLERS = {
    event: method
    for method in vars(Tracker).values()
    for event in getattr(method, "events", ())
}

#: The names of the events that are wanted; a client may drop all others unread.
Tracker.EVENTS = frozenset(_HANDLERS) - {SNAPSHOT}
