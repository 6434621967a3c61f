# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""All that one connector process serves."""

import logging
import signal
import threading

from odoo.modules.registry import Registry
from odoo.sql_db import close_all

from .commands import Commands
from .database import DatabaseAway, is_away, transaction
from .session import Session, Settings

_logger = logging.getLogger(__name__)

#: Seconds between two looks at which PBXs there are.
LOOK = 5.0
#: Seconds for which the look that goes on is waited for at the end.
STOP_LIMIT = 1.0


class Connector:
    """Serves databases until a signal ends it.

    :param dbnames: names of the databases
    """

    def __init__(self, dbnames):
        self._databases = [Database(dbname) for dbname in dbnames]

    def run(self):
        """Serve until SIGTERM or SIGINT; to be called in the main thread."""
        # Blocked in all threads, and waited for in this one: a handler would run only
        # when the main thread happens to wake up.
        signals = {signal.SIGTERM, signal.SIGINT}
        signal.pthread_sigmask(signal.SIG_BLOCK, signals)
        for database in self._databases:
            database.start()
        signal.sigwait(signals)
        _logger.info("stopping")
        for database in self._databases:
            database.begin_stop()
        for database in self._databases:
            database.stop()
        close_all()


class Database:
    """Serves the active PBXs of one database, however they come and go."""

    def __init__(self, dbname):
        self.dbname = dbname
        self.sessions = {}
        self._stopping = threading.Event()
        self._commands = Commands(self)
        self._thread = threading.Thread(
            target=self._watch, name=f"database {dbname}", daemon=True
        )

    def start(self):
        self._thread.start()
        self._commands.start()

    def begin_stop(self):
        """Ask all sessions to end."""
        self._stopping.set()
        for session in list(self.sessions.values()):
            session.begin_stop()

    def stop(self):
        """Stop all sessions; what they know is committed or spooled then."""
        self.begin_stop()
        self._commands.stop()
        # It may be loading a registry, which takes its time and matters no more.
        self._thread.join(STOP_LIMIT)
        self._stop(list(self.sessions))

    def look(self):
        """Start, stop and restart sessions as the PBXs' records say."""
        registry = Registry(self.dbname).check_signaling()
        addons = frozenset(registry._init_modules)
        wanted = {}
        if "callcenter.pbx" in registry:
            wanted = transaction(self.dbname, Settings.of_all)
        self._stop(
            [
                pbx_id
                for pbx_id, session in self.sessions.items()
                if (wanted.get(pbx_id), addons) != (session.settings, session.addons)
            ]
        )
        for pbx_id, settings in wanted.items():
            if pbx_id not in self.sessions and not self._stopping.is_set():
                session = Session(self.dbname, settings, addons)
                self.sessions[pbx_id] = session
                session.start()

    def _watch(self):
        threading.current_thread().dbname = self.dbname
        while not self._stopping.is_set():
            try:
                self.look()
            except DatabaseAway as error:
                _logger.warning("the database is away: %s", error)
            except Exception as error:
                if is_away(error):
                    _logger.warning("the database is away: %s", error)
                else:
                    _logger.exception("cannot tell which PBXs there are")
            self._stopping.wait(LOOK)

    def _stop(self, pbx_ids):
        sessions = [self.sessions[pbx_id] for pbx_id in pbx_ids]
        for session in sessions:
            session.begin_stop()
        for pbx_id, session in zip(pbx_ids, sessions, strict=True):
            session.join()
            del self.sessions[pbx_id]
