# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""Serving one PBX: from its events to committed facts."""

import logging
import os
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotInTime
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from queue import Empty, SimpleQueue

import psycopg2

from odoo.tools import config

from ..telephony import ami
from ..telephony.snapshot import snapshot_event
from ..telephony.tracker import Tracker
from .cel import Cel, CelAway
from .commands import CommandFailed
from .database import DatabaseAway, is_away, transaction
from .health import OFFLINE, Health
from .lease import Deposed, Lease
from .recorder import Recorder
from .resync import Resync
from .rows import moment, seconds
from .service import installed_services
from .spool import Spool
from .states import Moved, SignedIn, SignedOut, Ticked
from .watches import Watches

_logger = logging.getLogger(__name__)

#: Most facts in a transaction; and most events that wait, before the PBX has to.
BATCH = 5000
BACKLOG = 200_000

#: Seconds for which facts gather when the last transaction was less than that ago.
GATHER = 0.02

#: For which rows of the journal are kept: a gap may last as long.
JOURNAL_RETENTION = timedelta(days=30)

#: Seconds between two attempts to lead, or to reach a database that is away.
RETRY = 0.5
#: Seconds that one who stood by leaves to the old leader after the database was away.
COURTESY = 2.0

#: Seconds between …
LOOK = 1.0  # looks whether we still lead
REPORT = 5.0  # reports of health, and looks who signed in or out
POLL = 15.0  # questions how far the phones are away
CLEAN = 3600.0  # deletions of old rows of the journal


@dataclass(frozen=True, slots=True)
class Settings:
    """What a session must know of a ``callcenter.pbx``."""

    pbx_id: int
    name: str
    host: str
    port: int
    use_tls: bool
    tls_ca: str
    username: str
    password: str
    journal_host: str
    journal_port: int
    journal_database: str
    journal_username: str
    journal_password: str
    journal_table: str

    @classmethod
    def of_all(cls, env):
        """Return the settings of all active PBXs, by id."""
        columns = list(cls.__slots__[1:])
        return {
            row["id"]: cls(row["id"], *(row[column] for column in columns))
            for row in env["callcenter.pbx"].search_read([], columns)
        }

    def client(self, **callbacks):
        """Return a client of this PBX's manager interface."""
        return ami.Client(
            self.host,
            self.port,
            self.username or "",
            self.password or "",
            tls=self.use_tls,
            ca=self.tls_ca or None,
            **callbacks,
        )


class Session:
    """One PBX of one database, served as long as we lead it.

    One thread does all that changes anything: it takes events and jobs from a queue,
    feeds the tracker and lets the recorder commit. Others only put into the queue.

    :ivar addons: names of the installed addons, whose services run
    :ivar ami: the client
    :ivar tracker: what is going on at the PBX
    :ivar recorder: what is written of it
    :ivar watches: for those who wait for what becomes of a channel
    """

    def __init__(self, dbname, settings, addons):
        self.dbname = dbname
        self.settings = settings
        self.pbx_id = settings.pbx_id
        self.lease = Lease(dbname, self.pbx_id)
        self.recorder = Recorder(dbname, self.pbx_id, self.lease)
        self.spool = Spool(
            os.path.join(
                config["data_dir"], "callcenter", dbname, f"{self.pbx_id}.spool"
            )
        )
        self.health = Health()
        self.watches = Watches()
        self.ami = None
        self.tracker = None
        self.leads = False
        self._skew = 0.0
        self.addons = addons
        self._services = []
        self._items = SimpleQueue()
        self._room = threading.Event()
        self._room.set()
        self._away = False
        self._unsynced = False
        self._gap, self._gap_reason = 0.0, ""
        self._due = {}
        self._flushed = 0.0
        self._stopping = threading.Event()
        # Questions to the PBX that nobody waits for.
        self._errands = ThreadPoolExecutor(1, thread_name_prefix=f"errands {self}")
        self._thread = threading.Thread(target=self._run, name=str(self), daemon=True)

    def __str__(self):
        return f"PBX {self.settings.name} of {self.dbname}"

    # ------------------------------------------------------------
    # LIFE
    # ------------------------------------------------------------

    def start(self):
        self._thread.start()

    def begin_stop(self):
        """Ask the session to end; what it knows is committed, or spooled, first."""
        self._stopping.set()
        self._items.put((0.0, None))

    def join(self, timeout=None):
        self._thread.join(timeout)

    def post(self, job, *args):
        """Let the session's thread call ``job(*args)``, after what is queued before."""
        self._items.put((time.monotonic(), lambda: job(*args)))

    def call(self, job, timeout):
        """Call ``job(done)`` in the session's thread; return what ``done()`` is given.

        :raises CommandFailed: it takes longer than ``timeout`` seconds
        :raises Exception: what the job raised
        """
        future = Future()

        def run():
            try:
                job(future.set_result)
            except (DatabaseAway, Deposed) as error:
                future.set_exception(error)
                raise
            except Exception as error:
                future.set_exception(error)

        self.post(run)
        try:
            return future.result(timeout)
        except NotInTime:
            raise CommandFailed("The connector is too busy.") from None

    def transaction(self, work):
        """Run ``work(env)`` in a transaction that fails if we are deposed."""
        return transaction(self.dbname, work, self.lease)

    def now(self):
        """Return the time on the PBX's clock, seconds since the epoch."""
        return time.time() + self._skew

    def _run(self):
        threading.current_thread().dbname = self.dbname
        while not self._stopping.is_set():
            try:
                if self._acquire():
                    self._lead()
            except Deposed:
                _logger.warning("%s: another connector has taken over", self)
            except DatabaseAway as error:
                _logger.warning("%s: the database is away: %s", self, error)
            except Exception:
                _logger.exception("%s: unexpected error, starting again", self)
            finally:
                self.lease.release()
            self._stopping.wait(RETRY)
        self._errands.shutdown(wait=False, cancel_futures=True)

    def _acquire(self):
        """Stand by until we lead; return whether we do."""
        stands_by = False
        while not self._stopping.is_set():
            try:
                if self.lease.acquire():
                    return True
                if not stands_by:
                    _logger.info("%s: standing by", self)
                stands_by = True
                self._stopping.wait(RETRY)
            except (psycopg2.Error, DatabaseAway) as error:
                if not isinstance(error, DatabaseAway) and not is_away(error):
                    raise
                # Its leader knows what nobody else does: let it come back.
                self._stopping.wait(COURTESY if stands_by else RETRY)
        return False

    def _lead(self):
        _logger.info("%s: leading, epoch %s", self, self.lease.epoch)
        self._away = False
        self._due = {}
        self.health = Health()
        self.recorder = Recorder(self.dbname, self.pbx_id, self.lease)
        self.recorder.start()
        # What came after that is all that may be missing.
        self._gap = self.transaction(self._last_heard)
        self._gap_reason = "The connector was not running."
        self._report()
        self._replay(reconstructed=True)
        self.tracker = self.new_tracker()
        while not self._items.empty():
            self._items.get_nowait()
        self.ami = self.settings.client(
            on_event=self._on_event, on_state=self._on_state, wanted=Tracker.EVENTS
        )
        self.ami.start()
        self._services = [cls(self) for cls in installed_services(self.addons)]
        for service in self._services:
            service.start()
        self.leads = True
        try:
            while not self._stopping.is_set():
                self._turn()
        finally:
            self.leads = False
            for service in self._services:
                service.stopping.set()
            for service in self._services:
                service.stop()
            self.ami.stop()
            self._finish()

    def _last_heard(self, env):
        """Return when a connector heard of the PBX last, 0 for never."""
        connector = env["callcenter.connector"].search([("pbx_id", "=", self.pbx_id)])
        return seconds(connector.last_event) if connector.last_event else 0.0

    def _finish(self):
        """Commit, or spool, what is still in the queue."""
        while not self._items.empty():
            self._turn(last=True)
        self.health.state, self.health.error = OFFLINE, ""
        self.health.warnings.clear()
        if not self._away:
            self._report()

    def new_tracker(self):
        """Return a tracker that knows nothing yet but our phones."""
        return Tracker(self.recorder.directory.interfaces)

    # ------------------------------------------------------------
    # QUEUE
    # ------------------------------------------------------------

    def _on_event(self, event):
        """Take an event in the client's thread."""
        self._items.put((time.monotonic(), event))
        if self._items.qsize() > BACKLOG:
            # The PBX keeps some megabytes for us, then drops us: the journal has all.
            self._room.clear()
            self._room.wait(self.ami.timeout)

    def _on_state(self, state, reason):
        """Take a state in the client's thread."""
        self.post(self._take_state, state, reason, self.now())

    def _turn(self, last=False):
        """Take what is in the queue, wait for it if there is nothing, and commit it."""
        oldest, batch = self._gather(0.0 if last else self._patience())
        if batch:
            self.record(batch)
            if not self._away:
                self.health.committed(time.monotonic() - oldest)
            self._flushed = time.monotonic()
        if not last:
            self._do_duties()

    def _gather(self, patience):
        """Return the facts of the events in the queue, and when the oldest came.

        Returns early before a job: it finds all committed that came before it.
        """
        batch, events, oldest = [], 0, 0.0
        with suppress(Empty):
            arrived, item = self._items.get(timeout=patience)
            while item is not None:
                if not isinstance(item, ami.Message):
                    self._run_job(item, batch)
                    batch = []
                else:
                    events += 1
                    if item.name == "OriginateResponse":
                        self.watches.take(item)
                    oldest = oldest or arrived
                    batch += self.tracker.feed(item)
                if len(batch) >= BATCH:
                    break
                wait = self._flushed + GATHER - time.monotonic() if batch else 0
                arrived, item = self._items.get(wait > 0, wait)
        self.health.count(events)
        if not self._room.is_set() and self._items.qsize() < BACKLOG // 2:
            self._room.set()
        return oldest, batch

    def _run_job(self, job, batch):
        if batch:
            self.record(batch)
        try:
            job()
        except (DatabaseAway, Deposed):
            raise
        except Exception:
            _logger.exception("%s: job failed", self)

    def feed(self, events, reconstructed=False):
        """Let events count that did not come by themselves; in the session's thread."""
        batch = [fact for event in events for fact in self.tracker.feed(event)]
        self.record(batch, reconstructed)

    def record(self, batch, reconstructed=False):
        """Commit facts, or spool them while the database is away.

        In the session's thread only.

        :raises Deposed: another connector leads
        """
        self.watches.tell(batch)
        if not batch:
            return
        if not self._away:
            try:
                self.recorder.apply(batch, reconstructed)
                return
            except DatabaseAway as error:
                _logger.warning("%s: the database is away: %s", self, error)
                self._away = True
        self._save(batch)

    # ------------------------------------------------------------
    # DATABASE AWAY
    # ------------------------------------------------------------

    def _save(self, batch):
        dropped = self.spool.dropped
        try:
            fits = self.spool.append(batch)
        except OSError as error:
            _logger.error("%s: facts are lost: %s", self, error)
            self.health.warn("spool", f"Facts were lost: {error}")
        else:
            if not fits and not dropped:
                _logger.error("%s: facts are lost: the spool is full", self)
                self.health.warn(
                    "spool",
                    "Facts were lost: the spool was full. Please resynchronise.",
                )

    def _come_back(self):
        """Try to go on with a database that was away."""
        try:
            if not self.lease.regain():
                return
            self.recorder.resume()
            self._replay()
        except DatabaseAway:
            return
        except psycopg2.Error as error:
            if not is_away(error):
                raise
            return
        _logger.info("%s: the database is back", self)
        self._away = False

    def _replay(self, reconstructed=False):
        """Apply what was spooled.

        :raises DatabaseAway: the database is away again; all stays in the spool
        """
        if len(self.spool):
            _logger.info("%s: applying %s spooled facts", self, len(self.spool))
            for batch in self.spool.batches(BATCH):
                self.recorder.apply(batch, reconstructed)
            self.spool.clear()

    # ------------------------------------------------------------
    # DUTIES
    # ------------------------------------------------------------

    def _patience(self):
        """Return the seconds until something is to be done anyway."""
        now = time.monotonic()
        patience = min(self._due.values(), default=now) - now
        timer = self.recorder.states.next_timer()
        if timer is not None and not self._away:
            patience = min(patience, timer - self.now())
        return max(patience, 0.0)

    def _do_duties(self):
        if self._away:
            if self._is_due("look", RETRY):
                self._come_back()
            return
        self._synchronise()
        timer = self.recorder.states.next_timer()
        if timer is not None and timer <= self.now():
            self.record([Ticked(time=self.now())])
        try:
            if self._is_due("look", LOOK) and not self.lease.held():
                self._away = True
                return
            if self._is_due("report", REPORT):
                self.record(self.refresh())
                self._report()
            if self._is_due("poll", POLL) and self.ami.connected():
                self._errands.submit(self._poll_phones)
            if self._is_due("clean", CLEAN):
                self._errands.submit(self._clean_journal)
        except DatabaseAway:
            self._away = True

    def _is_due(self, duty, interval):
        now = time.monotonic()
        if self._due.get(duty, 0.0) > now:
            return False
        self._due[duty] = now + interval
        return True

    def _report(self):
        """Write how we are; the row has no other writer while we lead."""
        values = self.health.values(self._items.qsize() + len(self.spool))

        def write(env):
            env["callcenter.connector"].search([("pbx_id", "=", self.pbx_id)]).write(
                values
            )

        try:
            self.transaction(write)
        except DatabaseAway:
            self._away = True

    def refresh(self):
        """Read who and what there is anew; return the facts about who came or went.

        The phone of one who went otherwise than by signing out (made inactive, signed
        in at another PBX) leaves its queues.
        """
        notes = self.recorder.refresh(self.now())
        states = self.recorder.states
        for note in notes:
            if isinstance(note, SignedOut | Moved):
                interface = states.interface(note.agent)
                for queue in states.queues(interface):
                    self._errands.submit(self._remove_member, queue, interface)
        return notes

    def _remove_member(self, queue, interface):
        try:
            self.ami.action("QueueRemove", {"Queue": queue, "Interface": interface})
        except ami.AMIError as error:
            _logger.info("%s: %s", self, error)

    def _poll_phones(self):
        """Ask how far the phones are away; no event tells that."""
        try:
            contacts = self.contacts(self.now())
        except ami.AMIError as error:
            _logger.info("%s: %s", self, error)
        else:
            self.post(self.feed, contacts)

    def _clean_journal(self):
        """Delete what is too old in the PBX's journal, which nobody else does."""
        before = moment(self.now()) - JOURNAL_RETENTION
        cel = Cel(self.settings)
        try:
            while cel.clean(before) and not self._stopping.is_set():
                pass
        except CelAway as error:
            _logger.info("%s: %s", self, error)

    def contacts(self, time):
        """Return events about all phones that are registered, and those that are not.

        :raises AMIError: the PBX did not answer
        """
        try:
            _answer, items = self.ami.list_action("PJSIPShowContacts")
        except ami.ActionRefused:
            # What it says when there is none.
            items = []
        events = [snapshot_event(item, time) for item in items]
        endpoints = {event.get("Endpoint") or event.get("Aor") for event in events}
        for interface in sorted(self.recorder.directory.interfaces):
            technology, _slash, endpoint = interface.partition("/")
            if technology == "PJSIP" and endpoint not in endpoints:
                events.append(
                    {
                        "Event": "ContactStatus",
                        "Timestamp": repr(time),
                        "EndpointName": endpoint,
                        "ContactStatus": "Removed",
                    }
                )
        return events

    # ------------------------------------------------------------
    # CONNECTION
    # ------------------------------------------------------------

    def _take_state(self, state, reason, time_lost):
        level = logging.WARNING if state in (ami.LOST, ami.REFUSED) else logging.INFO
        _logger.log(level, "%s: %s: %s", self, state, reason)
        if state == ami.CONNECTED:
            self.health.connected()
            self._unsynced = True
            self._synchronise()
        elif state != ami.CONNECTING:
            if self.health.connected_since:
                self.health.reconnects += 1
                if not self._unsynced:
                    self._gap, self._gap_reason = time_lost, reason
            self.health.failed(reason)
        if not self._away:
            self._report()

    def _synchronise(self):
        """Make up for the gap before this connection, as soon as that is possible."""
        if not self._unsynced or self._away or not self.ami.connected():
            return
        try:
            Resync(self, self._gap, self._gap_reason).run()
            self._unsynced = False
        except ami.AMIError as error:
            # The connection is gone again, and will be back.
            _logger.warning("%s: not resynchronised: %s", self, error)
        except DatabaseAway:
            self._away = True

    def sign_in(self, agent_id, interface, done):
        """Seat an agent at a phone; in the session's thread.

        :param done: called with the id of the agent who sits there already, or 0
        """
        directory = self.recorder.directory
        if agent_id not in directory.agents or interface not in directory.extensions:
            self.record(self.refresh())
        occupant = self.recorder.states.seat(interface)
        if occupant in (0, agent_id):
            note = SignedIn(time=self.now(), agent=agent_id, interface=interface)
            self.record([note])
            occupant = 0
        done(occupant)

    def sign_out(self, agent_id, done):
        """Let an agent leave the phone; in the session's thread."""
        self.record([SignedOut(time=self.now(), agent=agent_id)])
        done(None)

    def resync(self, done):
        """Compare all with the PBX, though there was no gap; in the session's thread.

        :param done: called with the :class:`Findings`
        :raises AMIError: there is no connection
        """
        Resync(self, done=done).run()

    def set_clock(self):
        """Ask the PBX what time it is, and return it.

        :raises AMIError: there is no connection
        """
        answer = self.ami.action("Ping")
        if timestamp := float(answer.get("Timestamp") or 0):
            self._skew = timestamp - time.time()
        return self.now()

    def import_queues(self, names):
        """Create the queues that Odoo does not know.

        :param names: all queues of the PBX
        """
        unknown = sorted(set(names) - self.recorder.directory.queues.keys())
        if unknown:
            wrap_ups = self._wrap_ups()
            values = [
                {
                    "pbx_id": self.pbx_id,
                    "code": name,
                    "name": name,
                    "wrap_up": wrap_ups.get(name, 0),
                }
                for name in unknown
            ]
            self.transaction(lambda env: env["callcenter.queue"].create(values))
            self.record(self.refresh())

    def _wrap_ups(self):
        """Return the seconds of ``wrapuptime`` by queue; no list of queues tells it."""
        try:
            return wrap_ups(self.ami.action("GetConfig", {"Filename": "queues.conf"}))
        except ami.ActionRefused as error:
            _logger.warning("%s: the queues' wrapuptime is not known: %s", self, error)
            return {}


def wrap_ups(answer):
    """Return {queue: seconds} of an answer to ``GetConfig`` of ``queues.conf``."""
    names, seconds = {}, {}
    for header, value in answer.items_all():
        kind, _dash, place = header.partition("-")
        if kind == "Category":
            names[place] = value
        elif kind == "Line":
            option, _equals, text = value.partition("=")
            if option.strip() == "wrapuptime" and text.strip().isdecimal():
                seconds[names.get(place.partition("-")[0])] = int(text)
    return seconds
