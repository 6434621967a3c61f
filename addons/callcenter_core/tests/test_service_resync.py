# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
import json
from unittest.mock import patch

from odoo.tests import tagged

from ..service import resync as resync_module
from ..service.cel import CelAway
from ..service.resync import Resync
from ..service.rows import moment, seconds
from ..service.session import Session, Settings
from ..telephony import ami
from .test_service_recorder import NUMBER, RecorderCase


class FakePbx:
    """An AMI client that answers from lists."""

    timeout = 1.0

    def __init__(self, now):
        self.now = now
        self.lists = {name: [] for name in ("BridgeList", "Status", "QueueStatus")}
        self.lists["PJSIPShowContacts"] = []

    def action(self, name, fields=None, timeout=None):
        if name == "GetConfig":
            return ami.Message.parse(
                "Category-000000: fresh\r\nLine-000000-000000: wrapuptime=7"
            )
        return ami.Message(Timestamp=f"{self.now:.6f}")

    def list_action(self, name, fields=None, timeout=None):
        if name == "PJSIPShowContacts" and not self.lists[name]:
            raise ami.ActionRefused(name, ami.Message(Message="No Contacts found"))
        return ami.Message(), self.lists[name]

    def connected(self):
        return True


class FakeCel:
    """A journal of rows in a list; ``None``: it is away."""

    kept = None

    def __init__(self, _settings):
        self.last = {}

    def rows(self, until, linkedids, since=None):
        if self.kept is None:
            raise CelAway("The journal cannot be used: it is away.")
        rows = [
            row
            for row in self.kept
            if row["eventtime"] <= until
            and (row["linkedid"] in linkedids or (since and row["eventtime"] >= since))
        ]
        for row in rows:
            self.last[row["linkedid"]] = row["eventtime"].timestamp()
        return rows


@tagged("post_install", "-at_install")
class TestResync(RecorderCase):
    """What was missed is made up for."""

    def setUp(self):
        super().setUp()
        self.pbx.host = "pbx.invalid"
        settings = Settings.of_all(self.env)[self.pbx.id]
        self.session = Session(self.env.cr.dbname, settings, ())
        self.session.recorder = self.recorder
        self.session.lease = None
        self.recorder.directory.interfaces |= {"PJSIP/2001", "PJSIP/2002"}
        self.session.tracker = self.session.new_tracker()
        self.session.ami = self.fake = FakePbx(self.at(15))
        self.startPatcher(patch.object(resync_module, "Cel", FakeCel))
        self.startPatcher(patch.object(FakeCel, "kept", None))
        self.findings = []
        self.connector = self._create_connector()

    def resync(self, gap=None):
        Resync(self.session, gap, "test", self.findings.append).run()
        while not self.session._items.empty():
            self.session._turn(last=True)
        self.env.invalidate_all()
        return self.findings.pop()

    def status(self, leg, call, channel, **headers):
        return ami.Message(
            Event="Status",
            Channel=channel,
            Uniqueid=leg,
            Linkedid=call,
            ChannelState="6",
            CallerIDNum=NUMBER,
            Context="in",
            Exten="49301",
            **headers,
        )

    def cel(self, time, kind, leg="c", **columns):
        return {
            "eventtype": kind,
            "eventtime": moment(self.at(time)),
            "uniqueid": leg,
            "linkedid": "c",
            "channame": "PJSIP/carrier-1" if leg == "c" else "PJSIP/2001-1",
            "cid_num": NUMBER,
            "cid_name": "Zoë",
            "context": "in",
            "exten": "49301" if leg == "c" else "s",
            "appname": "",
            "appdata": "",
            "peer": "",
            "extra": "",
            **columns,
        }

    def journal(self):
        """Return the journal of the call of :meth:`queue_call`."""
        hung_up = json.dumps({"hangupcause": 16, "hangupsource": "PJSIP/carrier-1"})
        bridge = json.dumps({"bridge_id": "b", "bridge_technology": "simple_bridge"})
        return [
            self.cel(0, "CHAN_START"),
            self.cel(0, "ANSWER"),
            self.cel(1, "APP_START", appname="Queue", appdata="orders,t"),
            self.cel(2, "CHAN_START", "a"),
            self.cel(5, "ANSWER", "a"),
            self.cel(5, "BRIDGE_ENTER", "a", extra=bridge),
            self.cel(5, "BRIDGE_ENTER", extra=bridge),
            self.cel(12, "BRIDGE_EXIT", extra=bridge),
            self.cel(12, "BRIDGE_EXIT", "a", extra=bridge),
            self.cel(12, "HANGUP", "a", extra=hung_up),
            self.cel(12, "CHAN_END", "a"),
            self.cel(12, "HANGUP", extra=hung_up),
            self.cel(12, "CHAN_END"),
            self.cel(12, "LINKEDID_END"),
        ]

    # ------------------------------------------------------------
    # AFTER A GAP
    # ------------------------------------------------------------

    def test_missed_call(self):
        """A call that came and went unseen is there, with its true times."""
        self.sign_in()
        FakeCel.kept = self.journal()
        findings = self.resync(gap=self.at(-1))
        self.assertEqual((findings.found, findings.closed, findings.live), (1, 1, 0))
        self.assertRecordValues(
            self.call(),
            [
                {
                    "reconstructed": True,
                    "number": NUMBER,
                    "queue_id": self.queue.id,
                    "agent_id": self.agent.id,
                    "start": moment(self.at(0)),
                    "answer": moment(self.at(5)),
                    "stop": moment(self.at(12)),
                    "result": "answered",
                    "ended_by": "customer",
                    "talk": 7.0,
                }
            ],
        )
        self.assertIn(("talking", 7.0), self.states())
        self.assertEqual(self.states()[-1][0], "wrap_up")

    def test_ended_unseen(self):
        """A call that was open ends when the journal says, and its agent is free."""
        self.sign_in()
        self.apply(*self.started(), *self.rings(), *self.talks())
        FakeCel.kept = self.journal()
        findings = self.resync(gap=self.at(6))
        self.assertEqual(findings.closed, 1)
        self.assertEqual(self.call().stop, moment(self.at(12)))
        self.assertEqual(self.leg().ring, 3.0)
        self.assertEqual(self.states()[-2:], [("talking", 7.0), ("wrap_up", None)])

    def test_gap_is_noted(self):
        self.apply(*self.started())
        FakeCel.kept = []
        self.resync(gap=self.at(6))
        gap = self.connector.gap_ids
        self.assertEqual((gap.reason, gap.found, gap.closed), ("test", 0, 1))
        self.assertAlmostEqual((gap.stop - gap.start).total_seconds(), 9, 3)
        self.resync()
        self.assertEqual(self.connector.gap_ids, gap, "there was no other gap")

    def test_no_journal(self):
        """Without a journal a call ends when it was last known to live."""
        self.sign_in()
        self.apply(*self.started(), *self.rings(), *self.talks())
        findings = self.resync(gap=self.at(8))
        self.assertEqual(findings.notes[-1], "The journal cannot be used: it is away.")
        self.assertIn("it is away", self.session.health.values(0)["error"])
        self.assertEqual(self.call().stop, moment(self.at(8)))
        self.assertEqual(self.call().result, "answered")
        self.assertEqual(self.leg().talk, 3.0)
        self.assertEqual(self.states()[-1][0], "wrap_up")

    def test_goes_on(self):
        """A call that still goes on is not closed, and ends by what is heard next."""
        self.sign_in()
        self.apply(*self.started(), *self.rings(), *self.talks())
        FakeCel.kept = self.journal()[:7]
        self.fake.lists["Status"] = [
            self.status("c", "c", "PJSIP/carrier-1", BridgeID="b"),
            self.status("a", "c", "PJSIP/2001-1", BridgeID="b"),
        ]
        findings = self.resync(gap=self.at(6))
        self.assertEqual((findings.live, findings.closed), (1, 0))
        self.assertFalse(self.call().stop)
        self.assertEqual(self.states()[-1], ("talking", None))
        for leg in ("a", "c"):
            self.session.feed(
                [
                    {
                        "Event": "Hangup",
                        "Uniqueid": leg,
                        "Linkedid": "c",
                        "Timestamp": str(self.at(18)),
                        "Cause": "16",
                    }
                ]
            )
        self.assertEqual(self.call().stop, moment(self.at(18)))
        self.assertEqual(self.leg().ring, 3.0, "what was seen live stays")

    def test_unknown_call(self):
        """A call that nobody knew of begins when it is met."""
        self.sign_in()
        self.fake.lists["Status"] = [self.status("x", "x", "PJSIP/carrier-9")]
        findings = self.resync(gap=0)
        self.assertEqual(findings.live, 1)
        self.assertEqual(
            (self.call("x").state, self.call("x").number), ("ringing", NUMBER)
        )

    def test_queues_and_phones(self):
        """Queues are imported, members and phones are as the PBX has them."""
        self.extension.reachable = True
        self.extension_2.reachable = False
        self.sign_in()
        self.fake.lists["QueueStatus"] = [
            ami.Message(Event="QueueParams", Queue="orders"),
            ami.Message(Event="QueueParams", Queue="fresh"),
            ami.Message(
                Event="QueueMember",
                Queue="fresh",
                Location="PJSIP/2001",
                Paused="1",
                PausedReason="Lunch",
            ),
        ]
        self.fake.lists["PJSIPShowContacts"] = [
            ami.Message(
                Event="ContactList",
                Endpoint="2002",
                Uri="sip:2002@desk",
                Status="Reachable",
                RoundtripUsec="4200",
            )
        ]
        self.resync(gap=0)
        queue = self.pbx.queue_ids.filtered(lambda queue: queue.code == "fresh")
        self.assertEqual((queue.name, queue.wrap_up), ("fresh", 7))
        self.assertIn(queue, self.agent.queue_member_ids.queue_id)
        self.assertEqual(self.queue.name, "Orders", "what is known is left alone")
        self.assertFalse(self.extension.reachable)
        self.assertTrue(self.extension_2.reachable)
        self.assertEqual(self.extension_2.latency, 4.2)

    # ------------------------------------------------------------
    # ON DEMAND
    # ------------------------------------------------------------

    def test_stuck_call(self):
        """A call that Odoo alone believes in is closed; a live one is left alone."""
        self.sign_in()
        self.apply(*self.started("old", time=-600, number="+491"))
        live = [
            {
                "Event": "Newchannel",
                "Uniqueid": "c",
                "Linkedid": "c",
                "Channel": "PJSIP/carrier-1",
                "ChannelState": "4",
                "CallerIDNum": NUMBER,
                "Exten": "49301",
                "Timestamp": str(self.at(1)),
            }
        ]
        self.session.feed(live)
        self.fake.lists["Status"] = [self.status("c", "c", "PJSIP/carrier-1")]
        findings = self.resync()
        self.assertEqual((findings.live, findings.closed), (1, 1))
        self.assertEqual(self.call("old").result, "abandoned")
        self.assertEqual(self.call("old").stop, moment(self.at(-599)))
        self.assertFalse(self.call().stop)
        self.assertFalse(self.call().reconstructed)

    def test_half_open_dial(self):
        """A dial that came to nothing is cleared, and counted."""
        self.env["callcenter.call"].create(
            {
                "pbx_id": self.pbx.id,
                "company_id": self.company.id,
                "uniqueid": "odoo-1",
                "direction": "outbound",
                "start": moment(self.at(-60)),
            }
        )
        findings = self.resync()
        self.assertEqual((findings.closed, findings.dials), (1, 1))
        self.assertEqual(self.call("odoo-1").result, "cancelled")

    def test_lost_hangup(self):
        """A channel whose end was not heard ends when the journal says."""
        for known in (True, False):
            with self.subTest(known=known):
                key = f"lost{known}"
                self.session.feed(
                    [
                        {
                            "Event": "Newchannel",
                            "Uniqueid": key,
                            "Linkedid": key,
                            "Channel": "PJSIP/carrier-1",
                            "ChannelState": "4",
                            "Timestamp": str(self.at(1)),
                        }
                    ]
                )
                hung_up = {"uniqueid": key, "linkedid": key}
                FakeCel.kept = [
                    self.cel(1, "CHAN_START", **hung_up),
                    *([self.cel(9, "HANGUP", **hung_up)] if known else []),
                ]
                findings = self.resync()
                self.assertEqual(findings.live, 0)
                stop = seconds(self.call(key).stop)
                self.assertAlmostEqual(stop, self.at(9 if known else 15), delta=0.5)
