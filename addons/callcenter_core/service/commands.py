# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""What users click: received by PostgreSQL's notifications, answered on the bus."""

import json
import logging
import select
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg2
from psycopg2 import sql

from odoo.exceptions import UserError

from ..telephony.ami import ActionRefused, AMIError
from .database import DatabaseAway, connect, transaction

_logger = logging.getLogger(__name__)

CHANNEL = "callcenter_command"

#: Seconds after which the client has given up, and a command is not begun any more.
LIMIT = 3.0

#: Commands that run at the same time: each may wait for the PBX.
WORKERS = 8


class CommandFailed(Exception):
    """The command cannot be done; a sentence for the user says why."""


class Commands:
    """Listens in one database and runs the commands for the PBXs that we lead."""

    def __init__(self, database):
        self._database = database
        self._stopping = threading.Event()
        self._listens = True
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="command")
        self._thread = threading.Thread(
            target=self._run, name=f"commands {database.dbname}", daemon=True
        )

    def start(self):
        self._thread.start()

    def stop(self):
        self._stopping.set()
        self._thread.join()
        self._workers.shutdown(wait=False, cancel_futures=True)

    def _run(self):
        threading.current_thread().dbname = self._database.dbname
        while not self._stopping.is_set():
            try:
                self._listen()
            except psycopg2.Error as error:
                if self._listens:
                    _logger.warning("no commands are heard: %s", str(error).strip())
                self._listens = False
                self._stopping.wait(0.5)

    def _listen(self):
        connection = connect(self._database.dbname)
        try:
            with connection.cursor() as cr:
                cr.execute(sql.SQL("LISTEN {}").format(sql.Identifier(CHANNEL)))
            self._listens = True
            while not self._stopping.is_set():
                if select.select([connection], [], [], 0.5)[0]:
                    connection.poll()
                    while connection.notifies:
                        self._take(connection.notifies.pop(0).payload)
        finally:
            connection.close()

    def _take(self, payload):
        try:
            command = json.loads(payload)
            session = self._database.sessions.get(command["pbx"])
        except (ValueError, LookupError, TypeError):
            _logger.warning("not a command: %.100s", payload)
            return
        if session and session.leads:
            self._workers.submit(self._execute, session, command, time.monotonic())

    def _execute(self, session, command, received):
        threading.current_thread().dbname = self._database.dbname
        answer = {"uuid": command["uuid"], "name": command["name"]}
        answer |= {"ok": False, "error": False, "result": False}
        try:
            if time.monotonic() - received > LIMIT:
                raise CommandFailed("The connector is too busy.")
            answer["result"] = self._call(session, command) or False
            answer["ok"] = True
        except (UserError, CommandFailed, AMIError) as error:
            answer["error"] = _sentence(error)
        except DatabaseAway:
            _logger.warning("command %s: the database is away", command["name"])
            return
        except Exception:
            _logger.exception("command %s failed", command["name"])
            answer["error"] = "Something went wrong; the connector's log tells more."
        self.answer(command["uid"], answer)

    def _call(self, session, command):
        """Run the command's method as the user who sent it; return its result."""

        def work(env):
            env = env(context=env["res.users"].context_get())
            method = getattr(env["callcenter.command"], f"_run_{command['name']}", None)
            if method is None:
                raise CommandFailed(f"There is no command {command['name']}.")
            return method(session, command["params"])

        user = command["uid"]
        return transaction(session.dbname, work, uid=user)

    def answer(self, uid, answer):
        """Send an answer to a user's own bus channel."""

        def work(env):
            env["res.users"].browse(uid)._bus_send("callcenter_core/command", answer)

        try:
            transaction(self._database.dbname, work)
        except DatabaseAway:
            _logger.warning("command %s: the database is away", answer["name"])


def _sentence(error):
    if isinstance(error, ActionRefused):
        return f"The PBX refused: {error}"
    return str(error)
