# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import Mock, patch

import psycopg2

from odoo.tests import BaseCase, tagged
from odoo.tools import config, mute_logger

from ..service import session as session_module
from ..service.commands import CommandFailed
from ..service.health import Health
from ..service.lease import Deposed
from ..service.service import Service, installed_services
from ..service.session import Session, Settings
from ..telephony import ami
from .test_service_recorder import RecorderCase
from .test_service_resync import FakePbx

LOGGER = "odoo.addons.callcenter_core.service.session"


class SessionCase(RecorderCase):
    """A session whose thread does not run: its turns are taken by the test."""

    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.startPatcher(patch.dict(config.options, {"data_dir": folder.name}))
        self.connector = self._create_connector()
        self.session = self.new_session()

    def new_session(self):
        settings = Settings.of_all(self.env)[self.pbx.id]
        session = Session(self.env.cr.dbname, settings, frozenset())
        session.recorder = self.recorder
        session.lease = self.recorder.lease = None
        session.ami = FakePbx(self.at(15))
        self.recorder.directory.interfaces |= {"PJSIP/2001", "PJSIP/2002"}
        session.tracker = session.new_tracker()
        return session

    def event(self, name, **headers):
        return ami.Message(Event=name, Timestamp=str(self.at(1)), **headers)

    def new_channel(self, key="c"):
        return self.event(
            "Newchannel",
            Uniqueid=key,
            Linkedid=key,
            Channel="PJSIP/carrier-1",
            ChannelState="4",
        )

    def hang_up(self, key="c"):
        return self.event("Hangup", Uniqueid=key, Linkedid=key, Cause="16")

    def away(self, times=1):
        """Let the database be away for some transactions."""
        error = psycopg2.OperationalError("server closed the connection")
        self.failures = [error] * times


@tagged("post_install", "-at_install")
class TestSession(SessionCase):
    """From events to committed facts."""

    # ------------------------------------------------------------
    # QUEUE
    # ------------------------------------------------------------

    def test_turn(self):
        """What has gathered is one transaction."""
        with self.counted() as batches:
            for key in ("c", "d"):
                self.session._on_event(self.new_channel(key))
                self.session._on_event(self.hang_up(key))
            self.session._turn(last=True)
        self.assertEqual(len(batches), 1)
        self.assertEqual(self.call("c").state, "ended")
        self.assertEqual(self.call("d").state, "ended")

    def counted(self):
        """Return a context in which the batches that are applied are collected."""
        apply = self.recorder.apply
        batches = []

        class Counted:
            def __enter__(_self):
                def log(batch, reconstructed=False):
                    batches.append(batch)
                    apply(batch, reconstructed)

                _self.patcher = patch.object(self.recorder, "apply", log)
                _self.patcher.start()
                return batches

            def __exit__(_self, *_error):
                _self.patcher.stop()

        return Counted()

    def test_gather_when_busy(self):
        """Right after a transaction facts gather; in quiet times they do not wait."""
        self.patch(session_module, "GATHER", 0.3)
        for busy in (False, True):
            self.session._flushed = time.monotonic() if busy else 0.0
            self.session._on_event(self.new_channel(f"{busy}"))
            late = threading.Timer(
                0.05, self.session._on_event, [self.hang_up(f"{busy}")]
            )
            late.start()
            self.session._turn(last=True)
            late.join()
            state = "ended" if busy else "ringing"
            self.assertEqual(self.call(f"{busy}").state, state)
            self.session._turn(last=True)

    def test_large_backlog(self):
        """A batch is bounded, however much waits."""
        self.patch(session_module, "BATCH", 10)
        with self.counted() as batches:
            for number in range(20):
                self.session._on_event(self.new_channel(f"c{number}"))
            while not self.session._items.empty():
                self.session._turn(last=True)
        self.assertGreater(len(batches), 2)
        self.assertLess(max(map(len, batches)), 15)
        self.assertTrue(self.call("c19"))

    def test_back_pressure(self):
        """A PBX that is too fast is slowed down, until there is room again."""
        self.patch(session_module, "BACKLOG", 4)
        self.session.ami.timeout = 0.01
        for number in range(6):
            self.session._on_event(self.new_channel(f"c{number}"))
        self.assertFalse(self.session._room.is_set())
        self.session._turn(last=True)
        self.assertTrue(self.session._room.is_set())

    def test_job(self):
        """A job finds committed what came before it, and nothing that comes after."""
        seen = []
        self.session._on_event(self.new_channel("c"))
        self.session.post(lambda: seen.append((self.call("c"), self.call("d"))))
        self.session._on_event(self.new_channel("d"))
        self.session._turn(last=True)
        self.assertEqual(len(seen[0][0]), 1)
        self.assertEqual(len(seen[0][1]), 0)
        self.assertTrue(self.call("d"))

    @mute_logger(LOGGER)
    def test_job_fails(self):
        """A job that fails stops nothing."""
        self.session.post(lambda: 1 / 0)
        self.session._on_event(self.new_channel())
        self.session._turn(last=True)
        self.assertTrue(self.call())

    def test_call(self):
        """A worker gets what the session's thread found, or its error."""
        with ThreadPoolExecutor() as workers:
            found = workers.submit(self.session.call, lambda done: done(7), 5)
            failed = workers.submit(self.session.call, lambda done: 1 / 0, 5)
            while not (found.done() and failed.done()):
                self.session._turn(last=True)
        self.assertEqual(found.result(), 7)
        with self.assertRaises(ZeroDivisionError):
            failed.result()
        with self.assertRaisesRegex(CommandFailed, "too busy"):
            self.session.call(lambda done: done(7), 0.01)

    def test_watch(self):
        """Who waits for a channel is told before all is written."""
        future = self.session.watches.watch("a")
        self.session.record([*self.started(), *self.rings()])
        self.assertEqual(future.result(0).leg, "a")

    def test_agent_made_inactive(self):
        """Who may not take calls any more gets none: his phone leaves the queues."""
        self.sign_in()
        self.agent.active = False
        self.env.flush_all()
        with patch.object(self.session.ami, "action") as action:
            self.session.record(self.session.refresh())
            self.session._errands.shutdown()
        action.assert_called_once_with(
            "QueueRemove", {"Queue": "orders", "Interface": "PJSIP/2001"}
        )
        self.assertEqual(self.states()[-1], ("signed_out", None))

    # ------------------------------------------------------------
    # DATABASE AWAY
    # ------------------------------------------------------------

    @mute_logger(LOGGER)
    def test_database_away(self):
        """Facts wait in a file, in order, and are written when the database is back."""
        self.session.lease = self.recorder.lease = None
        self.sign_in()
        self.session.record([*self.started(), *self.rings()])
        self.away()
        self.session.record(self.talks())
        self.assertTrue(self.session._away)
        self.session.record(self.ends())
        self.assertEqual(len(self.session.spool), 7)
        self.assertEqual(self.call().state, "queued")
        self.session.lease = Mock(regain=lambda: True)
        self.session._come_back()
        self.assertFalse(self.session._away)
        self.assertEqual(len(self.session.spool), 0)
        self.assertEqual(self.call().state, "ended")
        self.assertEqual(
            self.states(),
            [("ready", 2.0), ("ringing", 3.0), ("talking", 7.0), ("wrap_up", None)],
        )

    @mute_logger(LOGGER)
    def test_away_again(self):
        """The file is kept until all of it is written."""
        self.away()
        self.session.record(self.queue_call())
        self.session.lease = Mock(regain=lambda: True)
        # What was open is read first.
        self.failures = [None, psycopg2.OperationalError("again")]
        self.session._come_back()
        self.assertTrue(self.session._away)
        self.assertEqual(len(self.session.spool), len(self.queue_call()))
        self.session._come_back()
        self.assertEqual(self.call().state, "ended")

    @mute_logger(LOGGER)
    def test_own_restart(self):
        """Another process writes what the one before it spooled."""
        self.away()
        self.session.record(self.queue_call())
        session = self.new_session()
        session._replay(reconstructed=True)
        self.assertEqual(self.call().state, "ended")
        self.assertTrue(self.call().reconstructed)

    @mute_logger(LOGGER)
    def test_deposed_while_away(self):
        """Who finds another leader in his place writes nothing."""
        self.away()
        self.session.record(self.queue_call())
        self.session.lease = Mock(regain=Mock(side_effect=Deposed()))
        with self.assertRaises(Deposed):
            self.session._come_back()
        self.assertFalse(self.call())
        self.assertTrue(len(self.session.spool), "kept for the next reign")

    @mute_logger(LOGGER)
    def test_spool_full(self):
        """When the file is full, too, the form says so."""
        self.session.spool.limit = 100
        self.away()
        self.session.record(self.queue_call())
        self.assertIn("Facts were lost", self.session.health.values(0)["error"])

    @mute_logger(LOGGER)
    def test_finish(self):
        """At the end all is committed that was in the queue."""
        for event in (self.new_channel(), self.hang_up()):
            self.session._on_event(event)
        self.session._finish()
        self.assertEqual(self.call().state, "ended")
        self.assertEqual(self.connector.state, "offline")

    # ------------------------------------------------------------
    # HEALTH
    # ------------------------------------------------------------

    @mute_logger(LOGGER)
    def test_states(self):
        """The form says what keeps us from the PBX, in its words."""
        reason = "Asterisk refused the log-in (Authentication failed)."
        self.session._take_state(ami.REFUSED, reason, self.at(1))
        self.assertRecordValues(self.connector, [{"state": "error", "error": reason}])
        self.session._take_state(ami.CONNECTING, "Connecting.", self.at(2))
        self.assertEqual(self.connector.error, reason, "until that is known better")
        self.session._take_state(ami.CONNECTED, "Logged in.", self.at(3))
        self.assertRecordValues(
            self.connector,
            [
                {
                    "state": "connected",
                    "error": "No journal is configured: what happens unseen is lost.",
                    "reconnects": 0,
                }
            ],
        )
        self.assertTrue(self.connector.connected_since)
        self.session._turn(last=True)
        self.session._take_state(ami.LOST, "It closed the connection.", self.at(4))
        self.assertRecordValues(self.connector, [{"state": "error", "reconnects": 1}])
        self.assertEqual(self.session._gap, self.at(4))

    def test_timer(self):
        """The work after a call ends without anybody's doing."""
        self.sign_in()
        self.session.record(self.queue_call())
        self.assertLess(self.session._patience(), 0.1)
        with patch.object(self.session, "now", lambda: self.at(18)):
            self.session._due = dict.fromkeys(
                ("look", "report", "poll", "clean"), time.monotonic() + 99
            )
            self.session._do_duties()
        self.assertEqual(self.states()[-1], ("ready", None))


@tagged("post_install", "-at_install")
class TestHealth(BaseCase):
    """Figures of a connector."""

    def test_figures(self):
        health = Health()
        health.connected()
        health.count(50)
        health.committed(0.010)
        health.committed(0.030)
        health.committed(0.020)
        values = health.values(backlog=3)
        self.assertGreater(values["events_per_second"], 0)
        self.assertEqual(values["commit_lag"], 30)
        self.assertEqual(values["backlog"], 3)
        self.assertEqual(values["state"], "connected")
        self.assertEqual(health.values(0)["events_per_second"], 0)

    def test_warnings(self):
        """What else is wrong is told beside, until it is right."""
        health = Health()
        health.failed("No answer.")
        health.warn("journal", "No journal.")
        self.assertEqual(health.values(0)["error"], "No answer.\nNo journal.")
        health.connected()
        health.warn("journal", "")
        self.assertEqual(health.values(0)["error"], "")


@tagged("post_install", "-at_install")
class TestService(BaseCase):
    """What other addons run in the connector."""

    def make(self, addon, run):
        return type(
            "Made",
            (Service,),
            {"__module__": f"odoo.addons.{addon}.service", "run": run},
        )

    def test_installed(self):
        """Services of installed addons run, those of others do not."""
        base = type("Base", (Service,), {"__module__": "odoo.addons.one.service"})
        one = type(
            "One", (base,), {"__module__": "odoo.addons.one.service", "run": print}
        )
        two = self.make("two", print)
        found = installed_services({"base", "one"})
        self.assertIn(one, found)
        self.assertNotIn(base, found, "it does nothing")
        self.assertNotIn(two, found)

    @mute_logger("odoo.addons.callcenter_core.service.service")
    def test_failure(self):
        """A service that fails is started again, and stops when it is told to."""
        runs = []
        again = threading.Event()

        def run(service):
            runs.append(service.session)
            if len(runs) == 1:
                raise ValueError("broken")
            again.set()
            service.stopping.wait(5)

        session = Mock(dbname="db")
        with patch("odoo.addons.callcenter_core.service.service.RESTART", 0.01):
            service = self.make("one", run)(session)
            service.start()
            self.assertTrue(again.wait(5))
            service.stop()
        self.assertFalse(service._thread.is_alive())
        self.assertEqual(runs, [session, session])
