# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""Who is in which call, who hears whom, who holds whom: the tracker without its events.

The methods here change what is known and collect the facts that this makes known; the
handlers of :class:`~.tracker.Tracker` call them with what an event said.
"""

from collections import OrderedDict

from . import hold, outcome, timeline
from .call import Call
from .channel import Bridge, Channel, Waiting, is_pseudo, known
from .facts import (
    AGENT,
    CUSTOMER,
    EXTERNAL,
    INBOUND,
    INTERNAL,
    OUTBOUND,
    CallChanged,
    CallDequeued,
    CallDiscarded,
    CallMerged,
    CallQueued,
    CallStarted,
    LegAnswered,
    LegChanged,
    LegConnected,
    LegDisconnected,
    LegEnded,
    LegHeld,
    LegRang,
    LegResumed,
    LegStarted,
)

#: Seconds of the PBX's time that an ended channel is remembered, so that its late and
#: repeated events do not begin it anew.
_MEMORY = 600
#: Most ended channels that are remembered.
_MEMORIES = 50_000
#: Seconds within which a channel that was first to leave a talk must be gone for us to
#: say that it hung up. AMI's ``Hangup`` is announced by no event.
_PARTING = 1.0

#: ``ChannelState`` of a party that calls, of a phone that rings, of one that is up.
RING = "4"
RINGING = "5"
UP = "6"


class Switchboard:
    """Calls, channels and bridges as far as they are known.

    :param extensions: the interfaces (``PJSIP/1001``) that are ours; any other
        channel is a trunk's. The object is kept, so that what its owner adds to it
        counts from then on
    """

    def __init__(self, extensions):
        self.extensions = extensions
        self._channels = {}
        self._halves = {}
        self._calls = {}
        self._bridges = {}
        self._ended = OrderedDict()
        self._now = 0.0
        self._facts = []

    # ------------------------------------------------------------
    # CHANNELS
    # ------------------------------------------------------------

    def _known(self, event, prefix=""):
        """Return the channel of ``event``, None if it is not known or is a repeat."""
        channel = self._channels.get(event.get(prefix + "Uniqueid"))
        if channel is None or self._repeats(channel, event):
            return None
        self._follow(channel, event.get(prefix + "Linkedid"))
        return channel

    def _learn(self, event, time, prefix="", since=None):
        """Return the channel of ``event``, made known if it was not.

        None if it has ended, is nobody's, or the event is a repeat.

        :param since: when the channel began, if not at ``time``
        """
        uid = event.get(prefix + "Uniqueid")
        if not uid:
            return None
        if uid in self._channels:
            return self._known(event, prefix)
        name = event.get(prefix + "Channel") or ""
        state = event.get(prefix + "ChannelState")
        if not state or uid in self._ended or is_pseudo(name):
            return None
        linkedid = event.get(prefix + "Linkedid") or uid
        incoming = event.get("Incoming")
        if incoming is None:
            # A channel met late was called if it is not the first of its call.
            incoming = state == RING or (state == UP and uid == linkedid)
        channel = Channel(uid, name, time, incoming=bool(incoming))
        channel.linkedid = linkedid
        self._repeats(channel, event)
        self._join(channel, event, prefix, time if since is None else since)
        if state == RINGING:
            self._rung(channel, time)
        elif state == UP:
            self._answered(channel, time)
        return channel

    @staticmethod
    def _repeats(channel, event):
        """Return whether this very event was applied to ``channel`` before."""
        stamp = event.get("Timestamp")
        if not stamp:
            return False
        kind = event.get("DestUniqueid") or event.get("UserEvent")
        mark = (event.get("Event"), stamp, kind)
        if mark in channel.seen:
            return True
        channel.seen.add(mark)
        return False

    def _follow(self, channel, linkedid):
        """Follow a change of ``Linkedid``, which no event announces."""
        if not linkedid or linkedid == channel.linkedid:
            return
        channel.linkedid = linkedid
        call = self._calls.get(linkedid)
        if call is not None and call is not channel.call:
            self._merge(call, channel.call, call.advance(channel.call.now))
        elif call is None and linkedid not in self._ended:
            channel.call.linkedids.add(linkedid)
            self._calls[linkedid] = channel.call

    def _join(self, channel, event, prefix, time):
        """Let a new channel take part in its call, a new one if need be."""
        call = self._calls.get(channel.linkedid) or self._calls.get(channel.uid)
        if call is None:
            # A call that is over is not begun again by a straggler.
            over = channel.linkedid in self._ended
            call = Call(channel.uid if over else channel.linkedid, time)
        for linkedid in (call.key, channel.linkedid, channel.uid):
            if linkedid not in self._ended:
                call.linkedids.add(linkedid)
                self._calls.setdefault(linkedid, call)
        self._channels[channel.uid] = call.channels[channel.uid] = channel
        channel.call = call
        time = max(time, call.start)
        call.advance(time)
        if channel.half:
            self._halves[channel.name] = channel
            return
        channel.start = channel.timeline.since = time
        channel.number = known(event.get(prefix + "CallerIDNum"))
        channel.person = known(event.get(prefix + "CallerIDName"))
        exten = known(event.get(prefix + "Exten"))
        self._assign(channel, exten)
        if not call.started:
            self._start(call, channel, exten, time)
        self._facts.append(
            LegStarted(
                time=time,
                call=call.key,
                leg=channel.uid,
                channel=channel.name,
                interface=channel.interface,
                party=channel.party,
                number=channel.number,
                name=channel.person,
                queue=channel.queue,
            )
        )
        self._refresh(call)

    def _assign(self, channel, exten):
        """Say how a new leg takes part, and what that tells of its call.

        :param exten: the extension that it called, empty if it was called itself
        """
        call = channel.call
        if channel.interface in self.extensions:
            channel.party = AGENT
            channel.queue = "" if channel.incoming else call.queue
        else:
            channel.party = CUSTOMER if call.wants_customer() else EXTERNAL
        if call.principal is None:
            call.principal = channel
        elif channel.party == CUSTOMER:
            call.principal, call.principal_result = channel, ""
        elif call.direction == INTERNAL and not call.number and not channel.incoming:
            self._change(call, number=channel.number, name=channel.person)
        if channel.party == CUSTOMER:
            call.has_customer = True
            if call.started and channel.incoming:
                self._change(
                    call,
                    direction=INBOUND,
                    number=channel.number,
                    name=channel.person,
                    did=exten,
                )
            elif call.started and call.direction == INTERNAL:
                self._change(call, direction=OUTBOUND)

    def _start(self, call, channel, exten, time):
        """Begin the call with its first leg."""
        call.started = True
        call.start = time
        if channel.party == AGENT:
            call.direction = INTERNAL
            call.number = exten if channel.incoming else ""
        elif channel.incoming:
            call.direction = INBOUND
            call.number = channel.number
            call.name = channel.person
            call.did = exten
        else:
            call.direction = OUTBOUND
        self._facts.append(
            CallStarted(
                time=time,
                call=call.key,
                direction=call.direction,
                number=call.number,
                name=call.name,
                did=call.did,
            )
        )

    def _change(self, call, **values):
        """Tell what of ``values`` is new about the call."""
        new = {k: v for k, v in values.items() if v and v != getattr(call, k)}
        if new:
            for field, value in new.items():
                setattr(call, field, value)
            self._facts.append(CallChanged(time=call.now, call=call.key, **new))

    def _change_leg(self, channel, **values):
        """Tell what of ``values`` is new about the leg."""
        new = {k: v for k, v in values.items() if v and v != getattr(channel, k)}
        if new:
            for field, value in new.items():
                setattr(channel, field, value)
            call = channel.call
            self._facts.append(
                LegChanged(time=call.now, call=call.key, leg=channel.uid, **new)
            )

    def _add(self, fact, channel, time, /, **values):
        """Add a fact about a leg."""
        call = channel.call
        self._facts.append(
            fact(time=call.advance(time), call=call.key, leg=channel.uid, **values)
        )

    def _rung(self, channel, time):
        if channel.rung or channel.incoming or channel.up is not None:
            return
        channel.rung = True
        if not channel.half:
            self._add(LegRang, channel, time)
            self._refresh(channel.call)

    def _answered(self, channel, time):
        if channel.up is not None:
            return
        channel.up = channel.call.advance(time)
        if not channel.half:
            self._add(LegAnswered, channel, time)
            self._refresh(channel.call)

    # ------------------------------------------------------------
    # ENDS
    # ------------------------------------------------------------

    def _hung_up(self, channel):
        """Remember who hung up first since the last talk."""
        call = channel.call
        if not call.hung_up_by and not channel.transferred:
            if channel.party in (AGENT, CUSTOMER):
                call.hung_up_by = channel.party

    def _end(self, channel, time, cause, tech_cause, *, certain=True):
        call = channel.call
        time = call.advance(time)
        parting, talking = channel.parting, call.principal and call.principal.peers
        if parting is not None and time - parting <= _PARTING and not talking:
            self._hung_up(channel)
        if channel.waiting:
            self._dequeue(channel, "abandoned" if channel.requested else "left", time)
        self._leave(channel, time)
        self._forget(channel)
        if not channel.half:
            self._end_leg(channel, time, cause, tech_cause, certain)
        if call.channels:
            self._refresh(call)
        else:
            self._end_call(call, time, certain)

    def _end_leg(self, channel, time, cause, tech_cause, certain):
        call = channel.call
        default = outcome.CANCELLED if certain else outcome.FAILED
        result = outcome.of_leg(channel, cause, tech_cause, default)
        if channel is call.principal:
            call.principal_result = result
        elif not channel.incoming:
            call.results.append(result)
        line = channel.timeline
        line.stop(time)
        self._facts.append(
            LegEnded(
                time=time,
                call=call.key,
                leg=channel.uid,
                result=result,
                cause=cause,
                tech_cause=tech_cause,
                ring=line.total(timeline.RING),
                talk=line.total(timeline.TALK),
                hold=channel.held,
                segments=line.segments(),
            )
        )

    def _end_call(self, call, time, certain=True):
        for linkedid in call.linkedids:
            self._calls.pop(linkedid, None)
            self._bury(linkedid)
        if call.started:
            self._facts.append(call.ended(time, certain=certain))

    def _discard(self, channel, time):
        """Forget a channel that turned out to be nobody's leg, and its call with it."""
        if channel is None:
            return
        call = channel.call
        if len(call.channels) > 1:
            self._end(channel, time, 0, 0)
            return
        self._leave(channel, time)
        self._forget(channel)
        started, call.started = call.started, False
        time = call.advance(time)
        self._end_call(call, time)
        if started:
            self._facts.append(CallDiscarded(time=time, call=call.key))

    def _forget(self, channel):
        """Drop what is remembered of an ended channel, all but its ``Uniqueid``."""
        uid = channel.uid
        del self._channels[uid]
        del channel.call.channels[uid]
        if channel.half:
            self._halves.pop(channel.name, None)
        for other in channel.call.channels.values():
            other.dialling.discard(uid)
        self._bury(uid)

    def _bury(self, uid):
        self._ended[uid] = self._now
        while len(self._ended) > _MEMORIES or (
            self._ended and next(iter(self._ended.values())) < self._now - _MEMORY
        ):
            self._ended.popitem(last=False)

    # ------------------------------------------------------------
    # BRIDGES: WHO HEARS WHOM
    # ------------------------------------------------------------

    def _enter(self, channel, bridge, technology, time):
        if channel.bridge == bridge:
            return
        time = channel.call.advance(time)
        self._leave(channel, time)
        place = self._bridges.get(bridge)
        if place is None:
            place = self._bridges[bridge] = Bridge(bridge)
        if technology:
            place.technology = technology
        place.members[channel.uid] = channel
        channel.bridge = bridge
        self._relink([channel], time)

    def _leave(self, channel, time):
        """Take ``channel`` out of its bridge, if it is in one."""
        bridge = self._bridges.get(channel.bridge)
        channel.bridge = ""
        if bridge is None:
            return
        bridge.members.pop(channel.uid, None)
        if not bridge.members:
            del self._bridges[bridge.uid]
        self._relink([channel, *bridge.members.values()], channel.call.advance(time))

    def _kind_of_bridge(self, uid, technology, time):
        """Learn the technology of a bridge that was known without it."""
        bridge = self._bridges[uid]
        if technology and bridge.technology is None:
            bridge.technology = technology
            self._relink(list(bridge.members.values()), time)

    def _reached(self, channel):
        """Return the legs that ``channel`` hears, itself among them.

        Local channels lead on to the bridge of their other half.
        """
        reached = {}
        todo = [channel]
        while todo:
            one = todo.pop()
            if one.uid in reached:
                continue
            reached[one.uid] = one
            bridge = self._bridges.get(one.bridge)
            if bridge and not bridge.holds:
                todo += (
                    other
                    for other in bridge.members.values()
                    # Of a bridge of unknown kind we cannot say that it joins calls.
                    if bridge.technology or other.call is one.call
                )
            if one.half and one.other_half in self._halves:
                todo.append(self._halves[one.other_half])
        return [one for one in reached.values() if not one.half]

    def _relink(self, channels, time):
        """Find out anew who hears whom, starting from ``channels``."""
        done = set()
        for channel in channels:
            if channel.uid in done:
                continue
            legs = self._reached(channel)
            done.update(leg.uid for leg in legs)
            for leg in legs[1:]:
                if leg.call is not legs[0].call:
                    self._merge(legs[0].call, leg.call, time)
            uids = frozenset(leg.uid for leg in legs)
            for leg in sorted(legs, key=lambda leg: leg.uid):
                self._connect(leg, uids - {leg.uid}, time)
        for call in {c.call.key: c.call for c in channels}.values():
            call.advance(time)
            self._refresh(call)

    def _connect(self, leg, peers, time):
        """Let ``leg`` hear ``peers``, and nobody else."""
        if peers == leg.peers:
            return
        leg.peers = peers
        if not peers:
            self._add(LegDisconnected, leg, time)
            return
        leg.partners = peers
        leg.parting = None
        leg.parked = False
        call = leg.call
        if leg.waiting:
            self._dequeue(leg, "connected", time)
        self._add(LegConnected, leg, time, peers=tuple(sorted(peers)))
        if leg is call.principal:
            call.hung_up_by = ""
            if call.talked is None:
                call.talked = call.now

    def _merge(self, one, other, time):
        """Make one call of two. The one with a customer remains, else the older."""
        into, gone = sorted(
            (one, other),
            key=lambda c: (not c.started, not c.has_customer, c.start, c.key),
        )
        into.advance(gone.now)
        time = into.advance(time)
        if gone.started:
            self._facts.append(CallMerged(time=time, call=gone.key, into=into.key))
        for linkedid in gone.linkedids:
            self._calls[linkedid] = into
        into.linkedids |= gone.linkedids
        into.results += gone.results
        into.queue = into.queue or gone.queue
        for channel in gone.channels.values():
            channel.call = into
            if channel.party == CUSTOMER:
                self._change_leg(channel, party=EXTERNAL)
        into.channels.update(gone.channels)
        gone.channels = {}

    # ------------------------------------------------------------
    # STATES: TALK, HOLD, WAIT
    # ------------------------------------------------------------

    def _refresh(self, call):
        """Bring holds and timelines of a call's legs up to its time."""
        legs = call.legs()
        for leg in legs:
            self._keep(leg)
        for leg in legs:
            self._hold(leg, legs)
        for leg in legs:
            leg.timeline.enter(leg.state(hold.is_on_hold(leg, legs)), call.now)

    def _keep(self, leg):
        """Note if ``leg`` came to be, or is no longer, on hold by music or parking."""
        if not hold.is_kept(leg, self._bridges.get(leg.bridge)):
            leg.keepers = None
        elif leg.keepers is None:
            leg.keepers = hold.keepers(leg)

    def _hold(self, leg, legs):
        """Tell if ``leg`` began or ceased to hold others."""
        holding = hold.holds(leg, legs)
        if holding == leg.holding:
            return
        leg.holding = holding
        # The seconds of a hold count once its segment is closed.
        leg.timeline.stop(leg.call.now)
        fact = LegHeld if holding else LegResumed
        self._add(fact, leg, leg.call.now, held=leg.held)

    def _enqueue(self, channel, leg, queue, position, time):
        """Begin a stay in a queue.

        :param channel: the channel that the queue has
        :param leg: who waits: that, or the leg behind it if it is half of a Local
            channel, None if there is none
        """
        call = channel.call
        # After a gap we learn it late; the wait counts from when it began.
        joined = max(time, channel.start if leg is None else leg.start)
        call.advance(time)
        call.queue = queue
        if call.queued is None:
            call.queued = joined
        channel.waiting = Waiting(queue, joined, leg.uid if leg else "")
        if leg:
            leg.waiting = channel.waiting
            self._facts.append(
                CallQueued(
                    time=joined,
                    call=call.key,
                    leg=leg.uid,
                    queue=queue,
                    position=position,
                )
            )
            self._refresh(call)

    def _dequeue(self, channel, outcome, time):
        """End a stay in a queue, of ``channel`` or of the Local channel before it."""
        waiting, call = channel.waiting, channel.call
        time = call.dequeued = call.advance(time)
        call.queue = ""
        for one in call.channels.values():
            if one.waiting is waiting:
                one.waiting = None
        if outcome == "abandoned":
            call.gave_up = True
        leg = self._channels.get(waiting.leg)
        if leg is None:
            return
        self._add(
            CallDequeued,
            leg,
            time,
            queue=waiting.queue,
            outcome=outcome,
            waited=round(time - waiting.joined, 6),
        )
        self._refresh(call)
