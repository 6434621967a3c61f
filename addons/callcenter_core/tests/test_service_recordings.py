# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
#: What a real PBX sent; beside the addons in the project, not shipped with them.
import os
from pathlib import Path

from odoo.tests import tagged

from ..service.recorder import Recorder
from ..service.states import CALL_STATES, Settled, SignedIn
from ..telephony import ami
from ..telephony.facts import CallDiscarded, CallEnded, CallMerged, CallStarted
from ..telephony.tracker import Tracker
from .test_service_recorder import RecorderCase

DEBUG = os.environ.get("DBG")
STREAMS = Path(__file__).parents[3] / "tests" / "telephony" / "streams"


@tagged("post_install", "-at_install")
class TestRecordings(RecorderCase):
    """Recordings of a real PBX, from its bytes to rows."""

    def setUp(self):
        super().setUp()
        if not STREAMS.is_dir():
            self.skipTest("the recordings are not installed")
        numbers = ["1001", "1002", "1003", "1004"]
        self.extensions = [self._create_extension(number) for number in numbers]
        self.agents = [
            self._create_agent(self._create_user("agent"), self.team, extension)
            for extension in self.extensions
        ]
        self.env["callcenter.queue"].create(
            {"name": "Sales", "code": "sales", "pbx_id": self.pbx.id, "wrap_up": 0}
        )
        for number in ("2001", "2002"):
            (self.extension | self.extension_2).filtered(
                lambda extension, number=number: extension.number == number
            ).reachable = True
        self.env.flush_all()

    def replay(self, name):
        """Return the facts of a recording, with the agents signed in before."""
        data = (STREAMS / f"{name}.ami").read_bytes()
        events = [event for event in ami.messages(data) if event.get("Event")]
        times = [float(event["Timestamp"]) for event in events if "Timestamp" in event]
        tracker = Tracker({f"PJSIP/{n}" for n in (1001, 1002, 1003, 1004, 2001, 2002)})
        facts = [fact for event in events for fact in tracker.feed(event)]
        start = min(times, default=0.0) - 1
        signed_in = [
            SignedIn(time=start, agent=agent.id, interface=extension.interface)
            for agent, extension in zip(self.agents, self.extensions, strict=True)
        ]
        return [*signed_in, Settled(time=start)], facts

    def rows(self):
        calls = self.env["callcenter.call"].search([("pbx_id", "=", self.pbx.id)])
        written = {"write_date", "write_uid"}
        return [
            {name: value for name, value in row.items() if name not in written}
            for records in (calls, calls.leg_ids)
            for row in records.sorted("id").read(load=None)
        ] + [self.states(agent) for agent in self.agents]

    def test_recordings(self):
        for path in sorted(STREAMS.glob("*.ami")):
            with self.subTest(path.stem), self.env.cr.savepoint() as savepoint:
                self._test_recording(path.stem)
                savepoint.rollback()
            self.env.invalidate_all()

    def _test_recording(self, name):
        """All of it is applied; applied again, it changes nothing."""
        self.recorder = Recorder(self.env.cr.dbname, self.pbx.id)
        self.recorder.start()
        signed_in, facts = self.replay(name)
        self.apply(*signed_in)
        for begin in range(0, len(facts), 7):
            self.apply(*facts[begin : begin + 7])
        self.assertEqual(self.recorder.set_aside, 0)
        calls = self.keys(facts, CallStarted) - self.keys(facts, CallDiscarded)
        finished = calls == self.keys(facts, CallEnded) | self.keys(facts, CallMerged)
        before = self.rows()
        self.recorder.resume()
        self.apply(*facts)
        if finished:
            self.apply(*facts, reconstructed=True)
        self.assertEqual(self.recorder.set_aside, 0)
        self.assertEqual(self.rows(), before)

        records = self.env["callcenter.call"].search([("pbx_id", "=", self.pbx.id)])
        self.assertEqual(set(records.mapped("uniqueid")), calls)
        if finished:
            self.assertFalse(records.filtered(lambda call: call.state != "ended"))
            self.assertFalse(records.leg_ids.filtered(lambda leg: not leg.stop))
            for agent in self.agents:
                self.assertNotIn(agent.state, CALL_STATES)
        for call in records - records.filtered("merged_into_id"):
            self.assertTrue(call.leg_ids)
            self.assertLessEqual(call.talk + call.hold, call.duration + 0.001)

    @staticmethod
    def keys(facts, kind):
        return {fact.call for fact in facts if isinstance(fact, kind)}
