# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
from odoo.tests import BaseCase, tagged

from ..service.states import (
    AgentStates,
    Interval,
    Moved,
    PauseSet,
    Settled,
    SignedIn,
    SignedOut,
    Ticked,
)
from ..telephony.facts import (
    CallDiscarded,
    CallMerged,
    LegAnswered,
    LegChanged,
    LegConnected,
    LegDisconnected,
    LegEnded,
    LegHeld,
    LegRang,
    LegResumed,
    LegStarted,
    MemberChanged,
    MemberRemoved,
    PhoneChanged,
)

DESK = "PJSIP/2001"
DESK_2 = "PJSIP/2002"
TRUNK = "PJSIP/carrier"


@tagged("post_install", "-at_install")
class TestStates(BaseCase):
    """What agents are doing, told by facts."""

    def setUp(self):
        super().setUp()
        self.states = AgentStates()
        self.intervals = []
        self.feed(SignedIn(time=0, agent=1, interface=DESK))

    # ------------------------------------------------------------
    # HELPERS
    # ------------------------------------------------------------

    def feed(self, *facts, wrap_up=0):
        """Feed facts and keep the intervals, as the recorder does."""
        for fact in facts:
            self.states.feed(fact, wrap_up)
        for interval in self.states.intervals():
            if not interval.id:
                self.intervals.append(interval)
                interval.id = len(self.intervals)
        self.states.commit()

    def story(self, agent=1):
        """Return an agent's states with the times at which they began."""
        for before, after in zip(self.of(agent), self.of(agent)[1:], strict=False):
            stop = self.stop(before)
            self.assertEqual(stop, after.start, "a gap, or an overlap")
        return [(each.state, each.start) for each in self.of(agent)]

    def of(self, agent):
        return [each for each in self.intervals if each.agent == agent]

    def stop(self, interval):
        later = [
            each.start for each in self.of(interval.agent) if each.id > interval.id
        ]
        return min(later, default=0)

    def ring(self, time, *, call="c", leg="a", interface=DESK):
        self.customer(time, call)
        self.feed(
            self.start(time, leg, interface, call=call),
            LegRang(time=time, call=call, leg=leg),
        )

    def customer(self, time, call="c"):
        self.feed(self.start(time, call, TRUNK, party="customer", call=call))

    def start(self, time, leg, interface, party="agent", call="c"):
        return LegStarted(
            time=time,
            call=call,
            leg=leg,
            channel=f"{interface}-1",
            interface=interface,
            party=party,
        )

    def talk(self, time, *, call="c", leg="a", peers=("c",)):
        self.feed(
            LegAnswered(time=time, call=call, leg=leg),
            LegConnected(time=time, call=call, leg=leg, peers=peers),
        )

    def end(self, time, *, call="c", leg="a", talk=1.0, wrap_up=0):
        fact = LegEnded(time=time, call=call, leg=leg, result="answered", talk=talk)
        self.feed(fact, wrap_up=wrap_up)

    def member(self, time, queue="q", paused=False, reason=""):
        self.feed(
            MemberChanged(
                time=time,
                queue=queue,
                interface=DESK,
                paused=paused,
                pause_reason=reason,
            )
        )

    # ------------------------------------------------------------
    # CALLS
    # ------------------------------------------------------------

    def test_queue_call(self):
        self.ring(10)
        self.talk(13)
        self.end(20, wrap_up=5)
        self.feed(Ticked(time=24))
        self.feed(Ticked(time=26))
        self.assertEqual(
            self.story(),
            [
                ("ready", 0),
                ("ringing", 10),
                ("talking", 13),
                ("wrap_up", 20),
                ("ready", 25),
            ],
        )
        self.assertEqual(
            [each.call for each in self.intervals], ["", "c", "c", "c", ""]
        )

    def test_not_answered(self):
        """Nobody has work after a call that he did not answer."""
        self.ring(10)
        self.end(16, talk=0, wrap_up=5)
        self.assertEqual(self.story()[2:], [("ready", 16)])

    def test_next_call_after_wrap_up(self):
        """The work ends when it does, though the next thing heard is the next call."""
        self.ring(10)
        self.talk(11)
        self.end(20, wrap_up=5)
        self.ring(30, call="d", leg="b")
        self.assertEqual(
            self.story()[3:], [("wrap_up", 20), ("ready", 25), ("ringing", 30)]
        )

    def test_call_during_wrap_up(self):
        self.ring(10)
        self.talk(11)
        self.end(20, wrap_up=60)
        self.ring(30, call="d", leg="b")
        self.end(40, call="d", leg="b", talk=0)
        self.feed(Ticked(time=90))
        self.assertEqual(
            self.story()[3:],
            [("wrap_up", 20), ("ringing", 30), ("wrap_up", 40), ("ready", 80)],
        )

    def test_dial(self):
        self.feed(self.start(10, "c", DESK))
        self.feed(LegRang(time=10, call="c", leg="c"))
        self.feed(LegAnswered(time=12, call="c", leg="c"))
        self.feed(self.start(12, "x", TRUNK, party="customer"))
        self.feed(LegConnected(time=15, call="c", leg="c", peers=("x",)))
        self.assertEqual(self.story()[1:], [("dialling", 10), ("talking", 15)])

    def test_hold(self):
        self.ring(10)
        self.talk(11)
        self.feed(LegHeld(time=15, call="c", leg="a"))
        self.feed(LegResumed(time=18, call="c", leg="a", held=3))
        self.assertEqual(
            self.story()[2:], [("talking", 11), ("holding", 15), ("talking", 18)]
        )

    def test_consult_on_one_leg(self):
        """An attended transfer by the PBX: the agent's leg leaves the customer."""
        self.ring(10)
        self.talk(11)
        self.feed(
            LegHeld(time=20, call="c", leg="a"),
            LegDisconnected(time=20, call="c", leg="a"),
            self.start(20, "t", DESK_2),
        )
        self.feed(LegConnected(time=23, call="c", leg="a", peers=("t",)))
        self.feed(
            LegEnded(time=30, call="c", leg="t", result="answered"),
            LegConnected(time=30, call="c", leg="a", peers=("c",)),
            LegResumed(time=30, call="c", leg="a", held=10),
        )
        self.assertEqual(
            self.story()[2:], [("talking", 11), ("consulting", 20), ("talking", 30)]
        )

    def test_consult_on_two_legs(self):
        """An attended transfer by the phone: a second call of its own."""
        self.ring(10)
        self.talk(11)
        self.feed(LegHeld(time=20, call="c", leg="a"))
        self.feed(self.start(21, "d", DESK, call="d"))
        self.feed(LegConnected(time=25, call="d", leg="d", peers=("t",)))
        self.feed(
            CallMerged(time=30, call="d", into="c"),
            LegEnded(time=30, call="c", leg="d", result="answered"),
            LegEnded(time=30, call="c", leg="a", result="answered"),
        )
        self.assertEqual(
            self.story()[2:],
            [("talking", 11), ("holding", 20), ("consulting", 21), ("ready", 30)],
        )

    def test_conference(self):
        self.ring(10)
        self.talk(11)
        self.feed(LegConnected(time=20, call="c", leg="a", peers=("c", "t")))
        self.feed(LegConnected(time=30, call="c", leg="a", peers=("c",)))
        self.assertEqual(
            self.story()[2:], [("talking", 11), ("conference", 20), ("talking", 30)]
        )

    def test_customer_leaves_first(self):
        """The instant between the customer's hang-up and ours is no consultation."""
        self.ring(10)
        self.talk(11)
        self.feed(LegDisconnected(time=20, call="c", leg="a"))
        self.end(20.001, leg="c")
        self.end(20.002)
        self.assertEqual(self.story()[2:], [("talking", 11), ("ready", 20.002)])

    def test_masquerade(self):
        """A colleague picks the call up: it rings no more here, and is his."""
        self.feed(SignedIn(time=1, agent=2, interface=DESK_2))
        self.ring(10)
        self.feed(
            LegChanged(
                time=12, call="c", leg="a", channel=f"{DESK_2}-7", interface=DESK_2
            )
        )
        self.talk(12)
        self.assertEqual(self.story()[1:], [("ringing", 10), ("ready", 12)])
        self.assertEqual(self.story(2)[-1], ("talking", 12))

    def test_discarded(self):
        """A supervisor who listens is in no call."""
        self.feed(self.start(10, "s", DESK, call="s"))
        self.feed(CallDiscarded(time=11, call="s"))
        self.assertEqual(self.story()[1:], [("dialling", 10), ("ready", 11)])

    def test_facts_told_again(self):
        """Facts that come twice, or late, change nothing."""
        self.ring(10)
        self.talk(13)
        self.ring(10)
        self.feed(LegAnswered(time=13, call="c", leg="a"))
        self.feed(LegDisconnected(time=12, call="c", leg="a"))
        self.assertEqual(self.story()[1:], [("ringing", 10), ("talking", 13)])

    # ------------------------------------------------------------
    # PAUSE, PHONE, SEAT
    # ------------------------------------------------------------

    def test_pause(self):
        self.member(1)
        self.member(10, paused=True, reason="Lunch")
        self.member(20)
        self.assertEqual(self.story()[1:], [("paused", 10), ("ready", 20)])
        self.assertEqual(self.intervals[1].reason, "Lunch")

    def test_pause_in_one_queue_only(self):
        """Who is ready for one queue is not paused."""
        self.member(1)
        self.member(1, queue="p")
        self.member(10, paused=True)
        self.assertEqual(self.story(), [("ready", 0)])
        self.member(11, queue="p", paused=True)
        self.assertEqual(self.story()[1:], [("paused", 11)])

    def test_pause_without_queue(self):
        self.feed(PauseSet(time=10, agent=1, reason="Lunch"))
        self.feed(PauseSet(time=20, agent=1))
        self.assertEqual(self.story()[1:], [("paused", 10), ("ready", 20)])

    def test_pause_from_wrap_up(self):
        """Straight to paused, whichever is heard first: our wish or the PBX's doing."""
        for queue_first in (True, False):
            with self.subTest(queue_first=queue_first):
                self.setUp()
                self.member(1)
                self.ring(10)
                self.talk(11)
                self.end(20, wrap_up=15)
                if queue_first:
                    self.member(25, paused=True)
                self.feed(PauseSet(time=25, agent=1, reason=""))
                self.member(25, paused=True)
                self.member(30)
                self.assertEqual(
                    self.story()[3:], [("wrap_up", 20), ("paused", 25), ("ready", 30)]
                )

    def test_ready_ends_wrap_up(self):
        self.ring(10)
        self.talk(11)
        self.end(20, wrap_up=15)
        self.feed(PauseSet(time=22, agent=1))
        self.assertEqual(self.story()[3:], [("wrap_up", 20), ("ready", 22)])

    def test_phone_away(self):
        self.feed(PhoneChanged(time=10, interface=DESK, reachable=False))
        self.feed(PhoneChanged(time=20, interface=DESK, reachable=True))
        self.assertEqual(self.story()[1:], [("offline", 10), ("ready", 20)])

    def test_sign_out(self):
        self.member(1)
        self.feed(SignedOut(time=10, agent=1), SignedOut(time=11, agent=1))
        self.feed(MemberRemoved(time=12, queue="q", interface=DESK))
        self.ring(13)
        self.feed(SignedIn(time=20, agent=1, interface=DESK_2))
        self.assertEqual(self.story()[1:], [("signed_out", 10), ("ready", 20)])
        self.assertEqual(self.states.seats(), {DESK_2: 1})

    def test_moved_to_another_pbx(self):
        """Its connector tells the rest: here nothing is written any more."""
        self.feed(Moved(time=10, agent=1), SignedOut(time=11, agent=1))
        self.assertEqual(self.story(), [("ready", 0)])
        self.assertFalse(self.states.seats())

    # ------------------------------------------------------------
    # RESTART
    # ------------------------------------------------------------

    def restart(self, interval, wrap_up=0):
        self.states = AgentStates()
        self.intervals = [interval]
        interval.id = 1
        self.states.load(1, DESK, interval, wrap_up)
        self.states.commit()

    def test_restart_in_call(self):
        """An interval goes on if the call does."""
        self.restart(Interval(1, "talking", 5, call="c"))
        self.feed(PhoneChanged(time=20, interface=DESK, reachable=False))
        self.ring(4)
        self.talk(5)
        self.states.settle(Settled(time=21, legs=frozenset("a")), lambda interval: 20)
        self.feed()
        self.assertEqual(self.story(), [("talking", 5)])

    def test_restart_after_call(self):
        """An agent who is stuck in a call that is no more is freed when it stopped."""
        self.restart(Interval(1, "talking", 5, call="c"))
        self.feed(Settled(time=20))
        self.assertEqual(self.story(), [("talking", 5)], "not before all is known")
        settled = Settled(time=20)
        self.assertEqual(self.states.settle(settled, lambda interval: 12), [1])
        self.feed()
        self.assertEqual(self.story(), [("talking", 5), ("ready", 12)])

    def test_lost_hangup(self):
        """A channel that the PBX does not have any more is no reason to be busy."""
        self.ring(10)
        self.talk(11)
        settled = Settled(time=20, legs=frozenset("a"))
        self.assertEqual(self.states.settle(settled, lambda interval: 12), [])
        settled = Settled(time=20, legs=frozenset())
        self.assertEqual(self.states.settle(settled, lambda interval: 12), [1])
        self.feed()
        self.assertEqual(self.story()[2:], [("talking", 11), ("ready", 12)])

    def test_restart_in_pause(self):
        self.restart(Interval(1, "paused", 5, reason="Lunch"))
        self.states.settle(Settled(time=20), lambda interval: 0)
        self.feed()
        self.assertEqual(self.story(), [("paused", 5)])
        self.member(30)
        self.assertEqual(self.story()[1:], [("ready", 30)])

    def test_restart_in_wrap_up(self):
        self.restart(Interval(1, "wrap_up", 5, call="c"), wrap_up=15)
        self.assertEqual(self.states.next_timer(), 20)
        self.states.settle(Settled(time=10), lambda interval: 0)
        self.feed(Ticked(time=21))
        self.assertEqual(self.story(), [("wrap_up", 5), ("ready", 20)])

    # ------------------------------------------------------------
    # DRAFT
    # ------------------------------------------------------------

    def test_rollback(self):
        """What is rolled back and fed again comes to the same."""
        self.ring(10)
        facts = [
            LegAnswered(time=13, call="c", leg="a"),
            LegConnected(time=13, call="c", leg="a", peers=("c",)),
            LegEnded(time=20, call="c", leg="a", result="answered", talk=7),
            MemberChanged(time=21, queue="q", interface=DESK, paused=True),
            PhoneChanged(time=22, interface=DESK, reachable=False),
            Ticked(time=40),
            SignedOut(time=50, agent=1),
        ]
        for end in range(1, len(facts) + 1):
            for fact in facts[:end]:
                self.states.feed(fact, 5)
            self.states.rollback()
        self.assertEqual(self.states.state(1), "ringing")
        for fact in facts:
            self.feed(fact, wrap_up=5)
        self.assertEqual(
            self.story(),
            [
                ("ready", 0),
                ("ringing", 10),
                ("talking", 13),
                ("wrap_up", 20),
                ("paused", 21),
                ("signed_out", 50),
            ],
        )

    def test_no_interval_of_no_time(self):
        """What began and ended at once is not kept."""
        self.states.feed(self.start(10, "a", DESK))
        self.states.feed(
            LegEnded(time=10, call="c", leg="a", result="cancelled", talk=0)
        )
        self.feed()
        self.assertNotIn(("ringing", 10), self.story())
