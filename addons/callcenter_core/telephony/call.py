# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""What the tracker remembers of a call."""

from . import outcome, timeline
from .facts import INBOUND, OUTBOUND, CallEnded


class Call:
    """A call: the channels that were linked, dialled or bridged together.

    :ivar key: the ``Uniqueid`` of its first channel, Local halves included
    :ivar channels: its live channels, Local halves included, by ``Uniqueid``
    :ivar linkedids: those by which its channels may call themselves
    :ivar started: whether it has had a leg, and facts were given
    :ivar principal: the leg whose waiting, talk and hold count as the call's: the
        customer's, else the first
    :ivar principal_result: how it ended, once it has
    :ivar has_customer: whether the principal is a customer
    :ivar results: results of the other legs that were called, in order
    :ivar queue: the queue that somebody of this call waits in
    :ivar queued: when the first queue was entered
    :ivar dequeued: when the last queue was left
    :ivar talked: when the principal first talked
    :ivar gave_up: whether the caller hung up while a phone rang or in a queue
    :ivar hung_up_by: the party that hung up since the last talk
    :ivar now: time of the last event, which none of its facts precedes
    """

    __slots__ = (
        "channels",
        "dequeued",
        "did",
        "direction",
        "gave_up",
        "has_customer",
        "hung_up_by",
        "key",
        "linkedids",
        "name",
        "now",
        "number",
        "principal",
        "principal_result",
        "queue",
        "queued",
        "results",
        "start",
        "started",
        "talked",
    )

    def __init__(self, key, time):
        self.key = key
        self.start = self.now = time
        self.channels = {}
        self.linkedids = set()
        self.started = False
        self.direction = ""
        self.number = ""
        self.name = ""
        self.did = ""
        self.principal = None
        self.principal_result = ""
        self.has_customer = False
        self.results = []
        self.queue = ""
        self.queued = None
        self.dequeued = None
        self.talked = None
        self.gave_up = False
        self.hung_up_by = ""

    def advance(self, time):
        """Return ``time``, or that of the call's last event if it was later."""
        self.now = max(self.now, time)
        return self.now

    def legs(self):
        """Return the live legs, oldest first."""
        return [c for c in self.channels.values() if not c.half]

    def wants_customer(self):
        """Return whether the next trunk channel is the customer's.

        It is if there is none yet, and if the last one was called and never
        answered: the next is then another way to the same customer.
        """
        if not self.has_customer:
            return True
        leg = self.principal
        return leg.up is None and not leg.incoming and leg.uid not in self.channels

    def ended(self, time, *, certain=True):
        """Return the fact that the call is over.

        :param certain: False if the PBX did not say so, and who hung up is not known
        """
        line = self.principal.timeline
        result = outcome.of_call(self)
        duration = round(time - self.start, 6)
        return CallEnded(
            time=time,
            call=self.key,
            result=result,
            ended_by=self.hung_up_by or ("system" if certain else ""),
            # Where first events were lost, a leg may be older than its call.
            wait=min(self._waited(result, time), duration),
            talk=line.total(timeline.TALK),
            hold=line.total(timeline.ON_HOLD),
            duration=duration,
        )

    def _waited(self, result, time):
        if result == outcome.SELF_SERVICE:
            return 0.0
        if self.direction == OUTBOUND:
            return self.principal.timeline.total(timeline.RING)
        start = self.queued if self.queued is not None else self.start
        stop = self.talked
        if stop is None:
            stop = self.dequeued if self.direction == INBOUND else None
        return round(max((time if stop is None else stop) - start, 0.0), 6)
