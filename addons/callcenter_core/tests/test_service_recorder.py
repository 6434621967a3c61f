# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
import json
from contextlib import contextmanager
from unittest.mock import patch

import psycopg2

from odoo.tests import tagged
from odoo.tools import mute_logger

from ..service import database
from ..service.database import DatabaseAway
from ..service.lease import Deposed, Lease
from ..service.recorder import Identified, Recorder
from ..service.rows import moment
from ..service.states import PauseSet, Settled, SignedIn, SignedOut, Ticked
from ..telephony.facts import (
    CallChanged,
    CallDequeued,
    CallDiscarded,
    CallEnded,
    CallMerged,
    CallQueued,
    CallStarted,
    LegAnswered,
    LegChanged,
    LegConnected,
    LegEnded,
    LegHeld,
    LegRang,
    LegResumed,
    LegStarted,
    MemberChanged,
    MemberRemoved,
    PhoneChanged,
)
from .common import CallcenterCase

#: When the calls of these tests begin: some seconds ago, seconds since the epoch.
LOGGER = "odoo.addons.callcenter_core.service.recorder"
NUMBER = "+49305559067"


class RecorderCase(CallcenterCase):
    """A recorder in the test's transaction."""

    def setUp(self):
        super().setUp()
        self.start = float(int(self._ago(seconds=20).timestamp())) + 0.25
        self.startPatcher(patch.object(database, "Registry", lambda _db: self))
        #: What the next commits fail with, ``None`` for those that do not.
        self.failures = []
        self.queue.wrap_up = 5
        self.extension.reachable = self.extension_2.reachable = True
        self.env.flush_all()
        self.recorder = self.new_recorder()

    @contextmanager
    def cursor(self):
        """Stand for the registry: each transaction is a savepoint of the test's."""
        try:
            with self.env.cr.savepoint(), patch.object(database, "_notice_death"):
                yield self.env.cr
                self.env.cr.precommit.run()
                if self.failures and (failure := self.failures.pop(0)):
                    raise failure
        except Exception:
            self.env.cr.precommit.clear()
            raise
        self.env.invalidate_all()

    def new_recorder(self, lease=None):
        recorder = Recorder(self.env.cr.dbname, self.pbx.id, lease)
        recorder.start()
        recorder.apply([Settled(time=self.at(0))])
        return recorder

    def at(self, seconds):
        return self.start + seconds

    def apply(self, *facts, **options):
        self.recorder.apply(list(facts), **options)

    # ------------------------------------------------------------
    # A CALL
    # ------------------------------------------------------------

    def sign_in(self, agent=None, extension=None):
        agent, extension = agent or self.agent, extension or self.extension
        self.apply(
            SignedIn(time=self.at(0), agent=agent.id, interface=extension.interface),
            MemberChanged(
                time=self.at(0), queue="orders", interface=extension.interface
            ),
        )

    def started(self, call="c", time=0.0, number=NUMBER):
        return [
            CallStarted(
                time=self.at(time),
                call=call,
                direction="inbound",
                number=number,
                name="Zoë",
                did="+49301",
            ),
            LegStarted(
                time=self.at(time),
                call=call,
                leg=call,
                channel="PJSIP/carrier-1",
                interface="PJSIP/carrier",
                party="customer",
                number=number,
            ),
            LegAnswered(time=self.at(time), call=call, leg=call),
            CallQueued(time=self.at(time + 1), call=call, leg=call, queue="orders"),
        ]

    def rings(self, call="c", leg="a", time=2.0, interface="PJSIP/2001"):
        return [
            LegStarted(
                time=self.at(time),
                call=call,
                leg=leg,
                channel=f"{interface}-1",
                interface=interface,
                party="agent",
                number=interface[-4:],
                queue="orders",
            ),
            LegRang(time=self.at(time), call=call, leg=leg),
        ]

    def talks(self, call="c", leg="a", time=5.0):
        return [
            LegAnswered(time=self.at(time), call=call, leg=leg),
            CallDequeued(
                time=self.at(time),
                call=call,
                leg=call,
                queue="orders",
                outcome="connected",
                waited=time - 1,
            ),
            LegConnected(time=self.at(time), call=call, leg=call, peers=(leg,)),
            LegConnected(time=self.at(time), call=call, leg=leg, peers=(call,)),
        ]

    def ends(self, call="c", leg="a", time=12.0):
        segments = (("ring", self.at(2), self.at(5)), ("talk", self.at(5), self.at(12)))
        return [
            LegEnded(
                time=self.at(time),
                call=call,
                leg=leg,
                result="answered",
                cause=16,
                ring=3.0,
                talk=7.0,
                segments=segments,
            ),
            LegEnded(
                time=self.at(time), call=call, leg=call, result="answered", talk=7.0
            ),
            CallEnded(
                time=self.at(time),
                call=call,
                result="answered",
                ended_by="customer",
                wait=4.0,
                talk=7.0,
                duration=12.0,
            ),
        ]

    def queue_call(self):
        return [*self.started(), *self.rings(), *self.talks(), *self.ends()]

    # ------------------------------------------------------------
    # ROWS
    # ------------------------------------------------------------

    def call(self, key="c"):
        return self.env["callcenter.call"].search(
            [("pbx_id", "=", self.pbx.id), ("uniqueid", "=", key)]
        )

    def leg(self, key="a"):
        return self.env["callcenter.call.leg"].search(
            [("pbx_id", "=", self.pbx.id), ("uniqueid", "=", key)]
        )

    def states(self, agent=None):
        """Return an agent's states with their lengths, the last one's is None."""
        intervals = self.env["callcenter.agent.interval"].search(
            [("agent_id", "=", (agent or self.agent).id)], order="start, id"
        )
        for before, after in zip(intervals, intervals[1:], strict=False):
            self.assertEqual(before.stop, after.start, "a gap, or an overlap")
        return [
            (each.state, round(each.duration, 3) if each.stop else None)
            for each in intervals
        ]

    def all_rows(self):
        """Return all that was written, but who wrote it when."""
        skipped = {"write_date", "write_uid", "__last_update"}
        return [
            {
                name: value
                for name, value in row.items()
                if name not in skipped and not isinstance(value, bytes)
            }
            for model in ("callcenter.call", "callcenter.call.leg")
            for row in self.env[model]
            .search([("pbx_id", "=", self.pbx.id)], order="id")
            .read()
        ] + self.states()

    def messages(self, user=None):
        """Return the messages to a user: (kind, payload)."""
        channel = json.dumps(
            [self.env.cr.dbname, "res.partner", (user or self.agent_user).partner_id.id]
        ).replace(" ", "")
        rows = self.env["bus.bus"].search([("channel", "=", channel)], order="id")
        messages = [json.loads(row.message) for row in rows]
        return [
            (message["type"].partition("/")[2], message["payload"])
            for message in messages
            if message["type"].startswith("callcenter_core/")
        ]


@tagged("post_install", "-at_install")
class TestRecorder(RecorderCase):
    """From facts to rows."""

    # ------------------------------------------------------------
    # CALLS
    # ------------------------------------------------------------

    def test_queue_call(self):
        """A call has its parties, its owner and its true times."""
        partner = self._create_partner(NUMBER, company_id=self.company.id)
        self.sign_in()
        self.apply(*self.queue_call())
        self.assertRecordValues(
            self.call(),
            [
                {
                    "direction": "inbound",
                    "number": NUMBER,
                    "number_e164": NUMBER,
                    "caller_name": "Zoë",
                    "did": "+49301",
                    "partner_id": partner.id,
                    "queue_id": self.queue.id,
                    "agent_id": self.agent.id,
                    "agent_ids": self.agent.ids,
                    "user_ids": self.agent_user.ids,
                    "team_id": self.team.id,
                    "company_id": self.company.id,
                    "start": moment(self.at(0)),
                    "queue_start": moment(self.at(1)),
                    "answer": moment(self.at(5)),
                    "stop": moment(self.at(12)),
                    "state": "ended",
                    "result": "answered",
                    "ended_by": "customer",
                    "wait": 4.0,
                    "ring": 3.0,
                    "talk": 7.0,
                    "hold": 0.0,
                    "duration": 12.0,
                    "reconstructed": False,
                }
            ],
        )
        self.assertRecordValues(
            self.leg(),
            [
                {
                    "call_id": self.call().id,
                    "channel": "PJSIP/2001-1",
                    "interface": "PJSIP/2001",
                    "party": "agent",
                    "extension_id": self.extension.id,
                    "agent_id": self.agent.id,
                    "queue_id": self.queue.id,
                    "start": moment(self.at(2)),
                    "ring_start": moment(self.at(2)),
                    "answer": moment(self.at(5)),
                    "stop": moment(self.at(12)),
                    "result": "answered",
                    "cause": 16,
                    "ring": 3.0,
                    "talk": 7.0,
                }
            ],
        )
        self.assertEqual(self.leg().segments[0], ["ring", self.at(2), self.at(5)])
        self.assertEqual(self.leg("c").party, "customer")
        self.assertEqual(
            self.states(),
            [("ready", 2.0), ("ringing", 3.0), ("talking", 7.0), ("wrap_up", None)],
        )

    def test_batches_of_any_size(self):
        """However the facts are cut into batches, the rows are the same."""
        self.sign_in()
        facts = self.queue_call()
        for fact in facts:
            self.apply(fact)
        one_by_one = [
            {k: v for k, v in row.items() if k not in ("id", "create_date", "uniqueid")}
            if isinstance(row, dict)
            else row
            for row in self.all_rows()
        ]
        self.assertEqual(one_by_one[0]["state"], "ended")
        self.call().unlink()
        self.env["callcenter.agent.interval"].search([]).unlink()
        self.recorder = self.new_recorder()
        self.sign_in()
        self.apply(*facts)
        at_once = self.all_rows()
        ignored = ("id", "create_date", "uniqueid", "leg_ids", "call_id")
        for one, all_ in zip(one_by_one, at_once, strict=True):
            if isinstance(one, dict):
                one = {k: v for k, v in one.items() if k not in ignored}
                all_ = {k: v for k, v in all_.items() if k not in ignored}
            self.assertEqual(one, all_)

    def test_told_twice(self):
        """A stream that is applied again changes nothing, after a restart neither."""
        self.sign_in()
        self.apply(*self.queue_call())
        before = self.all_rows()
        self.apply(*self.queue_call())
        self.assertEqual(self.all_rows(), before)
        self.recorder = self.new_recorder()
        for fact in self.queue_call():
            self.apply(fact)
        self.apply(*self.queue_call(), reconstructed=True)
        self.assertEqual(self.all_rows(), before)

    def test_first_half_told_twice(self):
        """A restart in the middle of a call goes on with it."""
        self.sign_in()
        self.apply(*self.started(), *self.rings(), *self.talks())
        self.recorder = self.new_recorder()
        self.apply(*self.started(), *self.rings(), *self.talks(), reconstructed=True)
        self.apply(*self.ends())
        self.assertEqual(self.call().state, "ended")
        self.assertEqual(
            self.states(),
            [("ready", 2.0), ("ringing", 3.0), ("talking", 7.0), ("wrap_up", None)],
        )

    def test_one_insert(self):
        """A call that began and ended within a batch is written once."""
        self.sign_in()
        with self.capture_writes() as writes:
            self.apply(*self.queue_call())
        self.assertEqual(writes, [])

    @contextmanager
    def capture_writes(self):
        """Collect what is written to calls and legs that exist."""
        writes = []
        for model in ("callcenter.call", "callcenter.call.leg"):
            cls = self.env.registry[model]
            write = cls.write

            def log(records, values, write=write):
                writes.append((records, values))
                return write(records, values)

            self.startPatcher(patch.object(cls, "write", log))
        yield writes

    def test_abandoned(self):
        self.sign_in()
        self.apply(*self.started(), *self.rings())
        self.assertEqual(self.call().state, "queued")
        self.apply(
            CallDequeued(
                time=self.at(6),
                call="c",
                leg="c",
                queue="orders",
                outcome="abandoned",
                waited=5,
            ),
            LegEnded(time=self.at(6), call="c", leg="a", result="cancelled", ring=4),
            LegEnded(time=self.at(6), call="c", leg="c", result="answered"),
            CallEnded(
                time=self.at(6),
                call="c",
                result="abandoned",
                ended_by="customer",
                wait=5,
                duration=6,
            ),
        )
        self.assertRecordValues(
            self.call(),
            [
                {
                    "state": "ended",
                    "result": "abandoned",
                    "answer": False,
                    "agent_id": self.agent.id,
                    "ring": 4.0,
                    "talk": 0.0,
                }
            ],
        )
        self.assertEqual(self.states()[-1], ("ready", None), "no work without a talk")

    def test_second_agent(self):
        """The call is the agent's who spoke with the customer, whoever was rung."""
        self.sign_in()
        self.sign_in(self.agent_2, self.extension_2)
        self.apply(*self.started(), *self.rings())
        self.apply(
            LegEnded(time=self.at(4), call="c", leg="a", result="no_answer", ring=2),
            *self.rings(leg="b", time=4.5, interface="PJSIP/2002"),
            *self.talks(leg="b", time=6),
        )
        self.assertEqual(self.call().agent_id, self.agent_2)
        self.assertEqual(self.call().agent_ids, self.agent | self.agent_2)
        self.assertEqual(self.call().team_id, self.team_2)
        self.assertEqual(self.states()[-1], ("ready", None))
        self.assertEqual(self.states(self.agent_2)[-1], ("talking", None))

    def test_hold(self):
        self.sign_in()
        self.apply(*self.started(), *self.rings(), *self.talks())
        self.apply(LegHeld(time=self.at(6), call="c", leg="a"))
        self.assertEqual(self.call().state, "held")
        self.apply(LegResumed(time=self.at(8), call="c", leg="a", held=2.0))
        self.assertEqual(self.call().state, "talking")
        self.assertEqual(self.leg().hold, 2.0)
        # A tracker that began after the hold knows nothing of it.
        self.apply(*self.ends())
        self.assertEqual((self.leg().hold, self.leg().talk), (2.0, 5.0))

    def test_dialled(self):
        """A click's call is the record's that it was dialled from."""
        partner = self._create_partner(NUMBER)
        self.sign_in()
        self.recorder.origins["odoo-1"] = {
            "number": NUMBER,
            "res_model": "res.partner",
            "res_id": partner.id,
        }
        self.apply(
            CallStarted(time=self.at(1), call="odoo-1", direction="internal"),
            LegStarted(
                time=self.at(1),
                call="odoo-1",
                leg="odoo-1",
                channel="PJSIP/2001-1",
                interface="PJSIP/2001",
                party="agent",
            ),
            LegRang(time=self.at(1), call="odoo-1", leg="odoo-1"),
            CallChanged(
                time=self.at(3),
                call="odoo-1",
                direction="outbound",
                number="90305559067",
            ),
        )
        self.assertRecordValues(
            self.call("odoo-1"),
            [
                {
                    "direction": "outbound",
                    "number": NUMBER,
                    "partner_id": partner.id,
                    "agent_id": self.agent.id,
                    "res_model": "res.partner",
                    "res_id": partner.id,
                }
            ],
        )
        self.assertEqual(self.states()[-1], ("dialling", None))

    def test_merge(self):
        """Legs move to the call that remains; the other one tells where they are."""
        self.sign_in()
        self.sign_in(self.agent_2, self.extension_2)
        self.apply(*self.started(), *self.rings(), *self.talks())
        consult = [
            CallStarted(time=self.at(7), call="d", direction="internal", number="2002"),
            LegStarted(
                time=self.at(7),
                call="d",
                leg="d",
                channel="PJSIP/2001-2",
                interface="PJSIP/2001",
                party="agent",
            ),
            *self.rings(call="d", leg="e", time=7, interface="PJSIP/2002"),
            CallMerged(time=self.at(9), call="d", into="c"),
            LegEnded(time=self.at(9), call="c", leg="d", result="answered", talk=1),
            LegEnded(time=self.at(9), call="c", leg="a", result="answered", talk=4),
            LegConnected(time=self.at(9), call="c", leg="e", peers=("c",)),
        ]
        self.apply(*consult[:3])
        self.apply(*consult[3:])
        self.assertRecordValues(
            self.call("d"),
            [
                {
                    "merged_into_id": self.call().id,
                    "state": "ended",
                    "stop": moment(self.at(9)),
                    "duration": 2.0,
                    "leg_ids": [],
                }
            ],
        )
        self.assertEqual(self.call().leg_ids.mapped("uniqueid"), ["c", "a", "d", "e"])
        self.assertEqual(self.call().agent_id, self.agent_2)
        self.assertEqual(self.call().agent_ids, self.agent | self.agent_2)
        self.assertFalse(self.call().stop)

    def test_merge_within_a_batch(self):
        """Two calls that are new both are written in the right order."""
        self.apply(
            *self.started("c"),
            *self.started("d", number="+49305550000"),
            CallMerged(time=self.at(2), call="c", into="d"),
        )
        self.assertEqual(self.call("c").merged_into_id, self.call("d"))
        self.assertEqual(self.leg("c").call_id, self.call("d"))

    def test_discarded(self):
        """What was no call leaves no row."""
        self.sign_in()
        self.apply(*self.started(), *self.rings())
        self.apply(CallDiscarded(time=self.at(3), call="c"))
        self.assertFalse(self.call() | self.leg().call_id)
        self.assertEqual(self.states()[-1], ("ready", None))
        self.apply(*self.started("d"), CallDiscarded(time=self.at(3), call="d"))
        self.assertFalse(self.call("d"))

    def test_picked_up_by_a_colleague(self):
        """A channel that takes another's place is a leg of who sits there."""
        self.sign_in()
        self.sign_in(self.agent_2, self.extension_2)
        self.apply(*self.started(), *self.rings())
        self.apply(
            LegChanged(
                time=self.at(4),
                call="c",
                leg="a",
                channel="PJSIP/2002-7",
                interface="PJSIP/2002",
            ),
            *self.talks(),
        )
        self.assertRecordValues(
            self.leg(),
            [
                {
                    "channel": "PJSIP/2002-7",
                    "extension_id": self.extension_2.id,
                    "agent_id": self.agent_2.id,
                }
            ],
        )
        self.assertEqual(self.call().agent_id, self.agent_2)
        self.assertEqual(self.states()[-1], ("ready", None))

    def test_company_of_the_queue(self):
        """A call belongs to the company of its queue; its legs do, too."""
        self.queue.company_id = self.other_company
        self.recorder = self.new_recorder()
        self.apply(*self.started())
        self.assertEqual(self.call().company_id, self.other_company)
        self.assertEqual(self.leg("c").company_id, self.other_company)

    def test_identified(self):
        """What an agent says of a call stays said."""
        partner = self._create_partner("+49301111111")
        self.sign_in()
        self.apply(*self.started(), *self.rings(), *self.talks())
        self.apply(
            Identified(time=self.at(6), call="c", columns={"partner_id": partner.id})
        )
        self.apply(*self.ends())
        self.assertEqual(self.call().partner_id, partner)

    def test_number_of_two(self):
        """Of two contacts with the number none is taken, until somebody chooses."""
        first = self._create_partner(NUMBER)
        self._create_partner(NUMBER)
        self.apply(*self.started())
        self.assertFalse(self.call().partner_id)
        self.env["callcenter.number.choice"].with_user(self.agent_user)._remember(
            NUMBER, first, self.company, self.pbx
        )
        self.apply(*self.started("d", time=3))
        self.assertEqual(self.call("d").partner_id, first)

    # ------------------------------------------------------------
    # REBUILT
    # ------------------------------------------------------------

    def test_reconstructed(self):
        """What was rebuilt fills what is empty, and never overwrites."""
        self.sign_in()
        self.apply(*self.started(), *self.rings())
        later = [
            *self.started(time=0.5, number="+491"),
            *self.rings(time=3),
            LegChanged(time=self.at(3), call="c", leg="a", number="9"),
            CallChanged(time=self.at(3), call="c", number="+492", did="+493"),
            *self.talks(),
            *self.ends(),
        ]
        self.apply(*later, reconstructed=True)
        self.assertRecordValues(
            self.call(),
            [
                {
                    "reconstructed": True,
                    "start": moment(self.at(0)),
                    "number": NUMBER,
                    "did": "+49301",
                    "answer": moment(self.at(5)),
                    "stop": moment(self.at(12)),
                    "state": "ended",
                }
            ],
        )
        self.assertEqual(self.leg().ring_start, moment(self.at(2)))
        self.assertEqual(self.leg().number, "2001")

    def test_reconstructed_leaves_the_ended_alone(self):
        self.sign_in()
        self.apply(*self.queue_call())
        before = self.all_rows()
        facts = [
            *self.started(number="+491"),
            CallChanged(time=self.at(3), call="c", direction="outbound", number="+491"),
            LegEnded(time=self.at(9), call="c", leg="a", result="failed", talk=1.0),
            CallEnded(time=self.at(9), call="c", result="failed", talk=1.0, hold=0.0),
        ]
        self.apply(*facts, reconstructed=True)
        self.apply(*facts)
        self.assertEqual(self.all_rows(), before)

    # ------------------------------------------------------------
    # AGENTS, PHONES, QUEUES
    # ------------------------------------------------------------

    def test_sign_in_and_out(self):
        line = self.agent.queue_member_ids
        self.sign_in()
        self.assertEqual(self.agent.extension_id, self.extension)
        self.assertTrue(line.signed_in)
        self.assertEqual(self.agent.state, "ready")
        self.apply(SignedOut(time=self.at(5), agent=self.agent.id))
        self.assertFalse(self.agent.extension_id)
        self.assertFalse(line.signed_in)
        self.assertEqual(self.states(), [("ready", 5.0), ("signed_out", None)])

    def test_wrap_up_ends_by_the_clock(self):
        self.sign_in()
        self.apply(*self.queue_call())
        self.assertEqual(self.recorder.states.next_timer(), self.at(17))
        self.apply(Ticked(time=self.at(18)))
        self.assertEqual(self.states()[-2:], [("wrap_up", 5.0), ("ready", None)])

    def test_wrap_up_survives_a_restart(self):
        self.sign_in()
        self.apply(*self.queue_call())
        self.recorder = self.new_recorder()
        self.apply(Settled(time=self.at(13)))
        self.assertEqual(self.states()[-1], ("wrap_up", None))
        self.apply(Ticked(time=self.at(18)))
        self.assertEqual(self.states()[-2:], [("wrap_up", 5.0), ("ready", None)])

    def test_pause_survives_a_restart(self):
        self.sign_in()
        self.apply(PauseSet(time=self.at(3), agent=self.agent.id, reason="Lunch"))
        self.recorder = self.new_recorder()
        self.assertEqual(self.states()[-1], ("paused", None))
        self.assertEqual(self.agent.pause_reason, "Lunch")

    def test_stuck_agent(self):
        """An agent in a call that is no more is freed when the call stopped."""
        self.sign_in()
        self.apply(*self.started(), *self.rings(), *self.talks())
        self.env.cr.execute(
            "UPDATE callcenter_call SET stop = %s WHERE uniqueid = 'c'",
            (moment(self.at(9)),),
        )
        self.recorder = self.new_recorder()
        self.assertEqual(self.recorder.stuck, self.agent.ids)
        self.assertEqual(self.states()[-2:], [("talking", 4.0), ("ready", None)])

    def test_phone(self):
        """A phone's latency is written when it changes by a fifth."""
        fact = PhoneChanged(
            time=self.at(1),
            interface="PJSIP/2001",
            reachable=True,
            latency=10.0,
            uri="sip:2001@desk",
            user_agent="Desk 9",
        )
        self.sign_in()
        self.apply(fact)
        self.assertRecordValues(
            self.extension,
            [{"latency": 10.0, "contact_uri": "sip:2001@desk", "user_agent": "Desk 9"}],
        )
        for latency, written in ((11.0, 10.0), (13.0, 13.0)):
            self.apply(
                PhoneChanged(
                    time=self.at(2),
                    interface="PJSIP/2001",
                    reachable=True,
                    latency=latency,
                )
            )
            self.assertEqual(self.extension.latency, written)
        self.apply(
            PhoneChanged(time=self.at(3), interface="PJSIP/2001", reachable=False)
        )
        self.assertFalse(self.extension.reachable)
        self.assertEqual(self.agent.state, "offline")
        self.assertEqual(self.extension.user_agent, "Desk 9", "what it was is known")

    def test_membership(self):
        """The PBX says who is in a queue, also of whom Odoo did not expect it."""
        self.sign_in()
        member = MemberChanged(
            time=self.at(1), queue="complaints", interface="PJSIP/2001"
        )
        self.apply(member)
        line = self.agent.queue_member_ids.filtered(
            lambda line: line.queue_id == self.queue_2
        )
        self.assertTrue(line.signed_in)
        self.apply(
            MemberRemoved(time=self.at(2), queue="complaints", interface="PJSIP/2001")
        )
        self.assertFalse(line.signed_in)

    def test_refresh(self):
        """The database says who sits where, whoever wrote it."""
        self.agent.extension_id = self.extension
        self.env.flush_all()
        self.recorder.apply(self.recorder.refresh(self.at(1)))
        self.assertEqual(self.agent.state, "ready")
        self.agent.active = False
        self.env.flush_all()
        self.recorder.apply(self.recorder.refresh(self.at(2)))
        self.assertEqual(self.states()[-1], ("signed_out", None))
        self.assertFalse(self.agent.extension_id)

    def test_agent_at_another_pbx(self):
        """Two connectors do not write one agent's states."""
        pbx = self._create_pbx(self.company, name="Branch")
        extension = self._create_extension("3001", pbx)
        other = Recorder(self.env.cr.dbname, pbx.id)
        other.start()
        self.sign_in()
        other.apply(other.refresh(self.at(3)))
        other.apply(
            [
                SignedIn(
                    time=self.at(4),
                    agent=self.agent.id,
                    interface=extension.interface,
                )
            ]
        )
        self.recorder.apply(self.recorder.refresh(self.at(5)))
        self.apply(SignedOut(time=self.at(6), agent=self.agent.id))
        self.assertEqual(self.states(), [("ready", None)])
        self.assertEqual(self.agent.extension_id, extension)

    def test_agent_deleted(self):
        self.sign_in()
        self.agent.unlink()
        self.env.flush_all()
        self.recorder.apply(self.recorder.refresh(self.at(1)))
        self.assertFalse(self.recorder.states.seats())
        self.assertFalse(self.recorder.set_aside)

    # ------------------------------------------------------------
    # MESSAGES
    # ------------------------------------------------------------

    def test_messages(self):
        """The agent's screen is told of his call in full, and in order."""
        partner = self._create_partner(NUMBER, company_id=self.company.id)
        self.sign_in()
        for facts in (
            [*self.started(), *self.rings()],
            self.talks(),
            [LegHeld(time=self.at(6), call="c", leg="a")],
            [LegResumed(time=self.at(7), call="c", leg="a", held=1.0)],
            self.ends(),
        ):
            self.apply(*facts)
        calls = [payload for kind, payload in self.messages() if kind == "call"]
        self.assertEqual(
            [(each["event"], each["state"]) for each in calls],
            [
                ("ringing", "queued"),
                ("answered", "talking"),
                ("held", "held"),
                ("resumed", "talking"),
                ("ended", "ended"),
            ],
        )
        for each in calls:
            self.assertEqual(each["matches"][0]["res_id"], partner.id)
            self.assertEqual(each["queue"], "Orders")
        self.assertEqual(
            [each["own_leg"]["state"] for each in calls],
            ["ringing", "talking", "held", "talking", "ended"],
        )
        states = [payload for kind, payload in self.messages() if kind == "agent"]
        self.assertEqual(
            [each["state"] for each in states],
            ["ready", "ringing", "talking", "holding", "talking", "wrap_up"],
        )
        self.assertEqual(states[0]["queues"][0]["name"], "Orders")
        numbers = [payload["seq"] for _kind, payload in self.messages()]
        self.assertEqual(numbers, list(range(1, len(numbers) + 1)))
        self.assertEqual(self.agent.bus_seq, len(numbers))
        self.assertFalse(self.messages(self.agent_user_2))

    def test_messages_of_a_batch(self):
        """What happened within a batch is one message."""
        self.sign_in()
        self.apply(*self.queue_call())
        calls = [payload for kind, payload in self.messages() if kind == "call"]
        self.assertEqual([each["event"] for each in calls], ["ended"])

    def test_no_news(self):
        """A call that ended long ago is not shown any more."""
        self.start -= 300
        self.sign_in()
        self.apply(*self.queue_call())
        self.assertNotIn("call", dict(self.messages()))

    def test_looked_up_once(self):
        """Who is calling is looked up once a call, not for each message."""
        self.sign_in()
        numbers = self.env.registry["callcenter.number"]
        lookup = numbers._lookup_all
        requests = []

        def log(records, wanted, pbx, **options):
            requests.extend(wanted)
            return lookup(records, wanted, pbx, **options)

        self.startPatcher(patch.object(numbers, "_lookup_all", log))
        for facts in ([*self.started(), *self.rings()], self.talks(), self.ends()):
            self.apply(*facts)
        self.assertEqual(requests, [(self.agent.id, self.call().id)])

    def test_looked_up_anew(self):
        """Whom an agent has just created and named is shown."""
        self.sign_in()
        self.apply(*self.started(), *self.rings())
        partner = self._create_partner(NUMBER, company_id=self.company.id)
        self.apply(
            Identified(time=self.at(4), call="c", columns={"partner_id": partner.id})
        )
        self.apply(*self.ends())
        calls = [payload for kind, payload in self.messages() if kind == "call"]
        self.assertEqual(
            [[match["res_id"] for match in each["matches"]] for each in calls],
            [[], [partner.id], [partner.id]],
        )

    # ------------------------------------------------------------
    # WHAT CANNOT BE APPLIED
    # ------------------------------------------------------------

    @mute_logger(LOGGER, "odoo.sql_db")
    def test_set_aside(self):
        """One fact that cannot be applied costs itself alone."""
        self.sign_in()
        unknown = LegRang(time=self.at(3), call="?", leg="??")
        wrong = CallStarted(time=self.at(3), call="w", direction="sideways")
        facts = self.queue_call()
        self.apply(*facts[:5], unknown, *facts[5:9], wrong, *facts[9:])
        self.assertEqual(self.call().state, "ended")
        self.assertEqual(
            self.states(),
            [("ready", 2.0), ("ringing", 3.0), ("talking", 7.0), ("wrap_up", None)],
        )
        failures = self.env["callcenter.fact.failure"].search(
            [("pbx_id", "=", self.pbx.id)], order="id"
        )
        self.assertEqual(failures.mapped("name"), ["LegRang", "CallStarted"])
        self.assertEqual(failures[0].fact, unknown.to_dict())
        self.assertIn("leg ?? is not known", failures[0].error)
        self.assertIn("Traceback", failures[0].traceback)
        self.assertEqual(self.recorder.set_aside, 2)

    # ------------------------------------------------------------
    # TRANSACTIONS
    # ------------------------------------------------------------

    def test_database_away(self):
        """A batch that was not committed is applied whole when it comes again."""
        self.sign_in()
        self.apply(*self.started(), *self.rings())
        self.failures = [psycopg2.OperationalError("server closed the connection")]
        with self.assertRaises(DatabaseAway):
            self.apply(*self.talks(), *self.ends())
        self.assertEqual(self.call().state, "queued")
        self.recorder.resume()
        self.apply(*self.talks(), *self.ends())
        self.assertEqual(self.call().state, "ended")
        self.assertEqual(
            self.states(),
            [("ready", 2.0), ("ringing", 3.0), ("talking", 7.0), ("wrap_up", None)],
        )

    def test_committed_unawares(self):
        """A commit that was not confirmed is no reason to write anything twice."""
        self.sign_in()
        facts = [*self.started(), *self.rings(), *self.talks()]
        self.apply(*facts[:5])
        known = self.recorder
        # The same in another recorder: in the database, but not in this one's memory.
        self.recorder = self.new_recorder()
        self.apply(*facts)
        before = self.all_rows()
        self.recorder = known
        self.recorder.resume()
        self.apply(*facts)
        self.assertEqual(self.all_rows(), before)
        self.apply(*self.ends())
        self.assertEqual(self.states()[-2:], [("talking", 7.0), ("wrap_up", None)])

    def test_conflict(self):
        """A conflict is tried again at once, and leaves no trace."""
        self.sign_in()
        self.failures = [psycopg2.errors.SerializationFailure("concurrent update")]
        with self.assertLogs(database._logger) as logs:
            self.apply(*self.queue_call())
        self.assertEqual(len(logs.output), 1, "tried again whole, not in parts")
        self.assertEqual(self.call().state, "ended")
        self.assertEqual(len(self.states()), 4)

    def test_deposed(self):
        """Whoever no longer leads writes nothing."""
        lease = Lease(self.env.cr.dbname, self.pbx.id)
        lease.epoch = lease._begin(self.env)
        self.env.flush_all()
        self.recorder = self.new_recorder(lease)
        self.apply(*self.started())
        Lease(self.env.cr.dbname, self.pbx.id)._begin(self.env)
        self.env.flush_all()
        with self.assertRaises(Deposed):
            self.apply(*self.rings())
        self.assertFalse(self.leg())
        with self.assertRaises(Deposed):
            self.recorder.refresh(self.at(1))
