# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""What a reader of the facts makes of them, in the plainest way: the tests' recorder.

It also holds the facts to their promises: a fact about a call that does not exist or is
over, a leg in two calls, a duration that cannot be, is an AssertionError.
"""

from telephony import facts

#: Durations are rounded to the microsecond, and so may their sums be.
ROUNDING = 1e-5


class Ledger:
    """Calls and legs as dicts, by their keys.

    :ivar calls: those that began; ``over`` is ``ended``, ``merged`` or ``discarded``
    :ivar others: facts that concern no call
    """

    def __init__(self):
        self.calls = {}
        self.legs = {}
        self.others = []

    def apply(self, facts_):
        for fact in facts_:
            assert facts.from_dict(fact.to_dict()) == fact
            name = type(fact).__name__
            if not isinstance(fact, facts.CallFact):
                self.others.append(fact)
                continue
            if name != "CallStarted":
                call = self.calls[fact.call]
                assert not call["over"], f"{fact} after {call['over']}"
                assert fact.time >= call["start"]
            if isinstance(fact, facts.LegFact) and name != "LegStarted":
                leg = self.legs[fact.leg]
                assert leg["call"] == fact.call, f"{fact} of a leg of {leg['call']}"
                assert not leg["over"] or name == "CallTransferred", f"{fact} too late"
                assert fact.time >= leg["start"]
            getattr(self, name)(fact)
        return self

    # ------------------------------------------------------------
    # CALLS
    # ------------------------------------------------------------

    def CallStarted(self, fact):
        assert fact.call not in self.calls, f"{fact} twice"
        self.calls[fact.call] = {
            "direction": fact.direction,
            "number": fact.number,
            "did": fact.did,
            "start": fact.time,
            "over": "",
            "queues": [],
            "waits": {},
            "transfers": [],
        }

    def CallChanged(self, fact):
        call = self.calls[fact.call]
        call["direction"] = fact.direction or call["direction"]
        call["number"] = fact.number or call["number"]
        call["did"] = fact.did or call["did"]

    def CallDiscarded(self, fact):
        self._over(fact, "discarded")
        for leg in self._legs_of(fact.call):
            leg["over"] = True

    def CallMerged(self, fact):
        assert self.calls[fact.into]["over"] == ""
        self._over(fact, "merged")
        self.calls[fact.call]["into"] = fact.into
        for leg in self._legs_of(fact.call):
            leg["call"] = fact.into

    def CallEnded(self, fact):
        self._over(fact, "ended")
        call = self.calls[fact.call]
        call.update({key: getattr(fact, key) for key in fact.__slots__})
        assert fact.duration >= 0 and fact.wait >= 0
        assert fact.talk >= 0 and fact.hold >= 0
        assert fact.talk + fact.hold <= fact.duration + ROUNDING
        assert fact.wait <= fact.duration + ROUNDING
        assert all(leg["over"] for leg in self._legs_of(fact.call))

    def _over(self, fact, how):
        self.calls[fact.call].update(over=how, end=fact.time)

    def _legs_of(self, call):
        return [leg for leg in self.legs.values() if leg["call"] == call]

    def CallQueued(self, fact):
        waits = self.calls[fact.call]["waits"]
        assert fact.leg not in waits
        waits[fact.leg] = fact

    def CallDequeued(self, fact):
        joined = self.legs[fact.leg].pop("joined", None)
        for call in self.calls.values():
            joined = call["waits"].pop(fact.leg, joined)
        assert joined and joined.queue == fact.queue
        assert fact.waited >= 0
        self.calls[fact.call]["queues"].append(
            (fact.queue, fact.outcome, joined.time, fact.time)
        )

    def CallTransferred(self, fact):
        channel = self.legs[fact.leg]["channel"]
        target = self.legs.get(fact.target_leg, {}).get("channel", "")
        self.calls[fact.call]["transfers"].append(
            (fact.kind, channel, fact.target, target, fact.time)
        )

    # ------------------------------------------------------------
    # LEGS
    # ------------------------------------------------------------

    def LegStarted(self, fact):
        assert fact.leg not in self.legs, f"{fact} twice"
        assert fact.party in (facts.CUSTOMER, facts.AGENT, facts.EXTERNAL)
        self.legs[fact.leg] = {
            "call": fact.call,
            "channel": fact.channel,
            "party": fact.party,
            "number": fact.number,
            "queue": fact.queue,
            "start": fact.time,
            "rang": None,
            "answer": None,
            "peers": (),
            "connections": [],
            "holds": [],
            "digits": "",
            "recordings": [],
            "reports": [],
            "over": False,
        }

    def LegChanged(self, fact):
        leg = self.legs[fact.leg]
        for key in ("party", "number", "queue", "channel"):
            leg[key] = getattr(fact, key) or leg[key]

    def LegRang(self, fact):
        assert self.legs[fact.leg]["rang"] is None
        self.legs[fact.leg]["rang"] = fact.time

    def LegAnswered(self, fact):
        assert self.legs[fact.leg]["answer"] is None
        self.legs[fact.leg]["answer"] = fact.time

    def LegConnected(self, fact):
        leg = self.legs[fact.leg]
        assert fact.peers and fact.leg not in fact.peers
        assert fact.peers != leg["peers"]
        for peer in fact.peers:
            assert self.legs[peer]["call"] == fact.call
        leg["peers"] = fact.peers
        leg["connections"].append(fact.peers)

    def LegDisconnected(self, fact):
        assert self.legs[fact.leg]["peers"]
        self.legs[fact.leg]["peers"] = ()

    def LegHeld(self, fact):
        holds = self.legs[fact.leg]["holds"]
        assert not holds or holds[-1][1] is not None
        holds.append((fact.time, None))

    def LegResumed(self, fact):
        holds = self.legs[fact.leg]["holds"]
        start, stop = holds[-1]
        assert stop is None
        holds[-1] = (start, fact.time)
        assert fact.held >= 0

    def LegEnded(self, fact):
        leg = self.legs[fact.leg]
        leg.update(over=True, end=fact.time)
        for key in ("result", "cause", "tech_cause", "ring", "talk", "hold"):
            leg[key] = getattr(fact, key)
        if leg["holds"] and leg["holds"][-1][1] is None:
            leg["holds"][-1] = (leg["holds"][-1][0], fact.time)
        assert fact.ring >= 0 and fact.talk >= 0 and fact.hold >= 0
        duration = fact.time - leg["start"]
        assert fact.ring + fact.talk + fact.hold <= duration + ROUNDING
        self._check_segments(fact, leg)

    @staticmethod
    def _check_segments(fact, leg):
        if not fact.segments:
            assert fact.time == leg["start"]
            return
        assert fact.segments[0][1] == leg["start"]
        assert fact.segments[-1][2] == fact.time
        for (_state, _start, stop), (_next, start, _stop) in zip(
            fact.segments, fact.segments[1:], strict=False
        ):
            assert stop == start
        for state, start, stop in fact.segments:
            assert state in ("dial", "ring", "wait", "talk", "hold", "idle")
            assert start < stop

    def DigitKeyed(self, fact):
        self.legs[fact.leg]["digits"] += fact.digit

    def RecordingChanged(self, fact):
        self.legs[fact.leg]["recordings"].append(fact.state)

    def LegReported(self, fact):
        self.legs[fact.leg]["reports"].append((fact.name, fact.values))
