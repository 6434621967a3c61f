# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""The life of a leg as a gapless row of states."""

DIAL = "dial"
RING = "ring"
WAIT = "wait"
TALK = "talk"
IDLE = "idle"
#: This leg holds the others. Shown as ``hold``, as is the next one.
HOLDING = "holding"
#: This leg is on hold.
ON_HOLD = "on hold"

_SHOWN = {HOLDING: "hold", ON_HOLD: "hold"}
#: Seconds that a state must last to be shown: between answer and talk lie 2 ms.
_SLIVER = 0.05


class Timeline:
    """States in the order they were entered; time never runs backwards here.

    :param state: the first state
    :param time: when it was entered, seconds since the epoch
    """

    __slots__ = ("_past", "since", "state")

    def __init__(self, state, time):
        self.state = state
        self.since = time
        self._past = []

    def enter(self, state, time):
        """Enter ``state`` at ``time``, or at the last change if that was later."""
        if state == self.state:
            return
        self.stop(time)
        self.state = state

    def stop(self, time):
        """Let the present state last until ``time``."""
        if time > self.since:
            self._past.append((self.state, self.since, time))
            self.since = time

    def total(self, *states):
        """Return the seconds spent in ``states`` until the last change."""
        return round(sum(e - b for state, b, e in self._past if state in states), 6)

    def segments(self):
        """Return ``((state, start, stop), …)`` as :class:`~.facts.LegEnded` has it.

        What lasted less than 50 ms is given to its neighbour; totals still count it.
        """
        shown = []
        for state, start, stop in self._past:
            state = _SHOWN.get(state, state)
            if shown and (shown[-1][0] == state or stop - start < _SLIVER):
                shown[-1] = (shown[-1][0], shown[-1][1], stop)
            elif shown and shown[-1][2] - shown[-1][1] < _SLIVER:
                # Only the first can be that short.
                shown[-1] = (state, shown[-1][1], stop)
            else:
                shown.append((state, start, stop))
        return tuple(shown)
