# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
import socket
from contextlib import contextmanager
from unittest.mock import Mock, patch

import psycopg2
from psycopg2 import errors

from odoo.sql_db import PoolError
from odoo.tests import BaseCase, tagged
from odoo.tools import mute_logger

from ..service import database
from ..service.database import DatabaseAway, is_away, transaction


class FakeRegistry:
    """A registry whose commits fail with the errors of a list."""

    def __init__(self, *failures):
        self.failures = list(failures)
        self.commits = 0

    @contextmanager
    def cursor(self):
        yield Mock()
        self.commits += 1
        if self.failures:
            raise self.failures.pop(0)


@tagged("post_install", "-at_install")
class TestDatabase(BaseCase):
    """Transactions, and what becomes of those that fail."""

    def run_transaction(self, *failures):
        registry = FakeRegistry(*failures)
        with (
            patch.object(database, "Registry", lambda _dbname: registry),
            patch.object(database, "_notice_death"),
            patch.object(database.api, "Environment"),
            patch.object(database, "PAUSE", 0.0),
            mute_logger(database.__name__),
        ):
            try:
                return transaction("db", lambda env: 7), registry.commits
            except Exception as error:
                return type(error), registry.commits

    def test_conflicts(self):
        """A conflict is tried again, but not for ever."""
        conflict = errors.SerializationFailure()
        self.assertEqual(self.run_transaction(), (7, 1))
        self.assertEqual(self.run_transaction(conflict, conflict), (7, 3))
        self.assertEqual(
            self.run_transaction(*[conflict] * 99),
            (errors.SerializationFailure, database.ATTEMPTS),
        )

    def test_surprises(self):
        """What another snapshot may mend is tried once more."""
        surprise = errors.ForeignKeyViolation()
        self.assertEqual(self.run_transaction(surprise), (7, 2))
        self.assertEqual(
            self.run_transaction(surprise, surprise), (errors.ForeignKeyViolation, 2)
        )

    def test_mistakes(self):
        """A mistake is a mistake the second time, too."""
        self.assertEqual(self.run_transaction(ValueError()), (ValueError, 1))
        self.assertEqual(
            self.run_transaction(errors.CheckViolation()), (errors.CheckViolation, 1)
        )

    def test_away(self):
        """Being away is told from being wrong."""
        for error in (
            psycopg2.OperationalError("server closed the connection"),
            psycopg2.InterfaceError("connection already closed"),
            errors.AdminShutdown(),
            errors.ReadOnlySqlTransaction(),
            errors.DiskFull(),
            PoolError("The Connection Pool Is Full"),
        ):
            self.assertTrue(is_away(error), error)
            self.assertEqual(self.run_transaction(error), (DatabaseAway, 1))
        for error in (errors.SerializationFailure(), errors.NotNullViolation()):
            self.assertFalse(is_away(error), error)

    def test_dead_peer(self):
        """A statement to a server that fell silent fails within seconds."""
        with (
            socket.create_server(("127.0.0.1", 0)) as server,
            socket.create_connection(server.getsockname()) as client,
        ):
            database._notice_death(Mock(connection=client))
            self.assertTrue(client.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE))
            for option, value in (
                (socket.TCP_KEEPIDLE, 2),
                (socket.TCP_KEEPINTVL, 1),
                (socket.TCP_KEEPCNT, 2),
                (socket.TCP_USER_TIMEOUT, 4000),
            ):
                self.assertEqual(client.getsockopt(socket.IPPROTO_TCP, option), value)

    def test_unix_socket(self):
        one, other = socket.socketpair()
        with one, other:
            database._notice_death(Mock(connection=one))
            one.send(b"it is still open")
