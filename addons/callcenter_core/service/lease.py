# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""Who serves a PBX: one connector of however many run.

An advisory lock on a connection of its own decides; PostgreSQL frees it when its
holder dies. A holder that was cut off, and does not know it yet, is kept from writing
by the *epoch*: whoever takes over raises it, and each transaction checks it.
"""

import os
import platform
import zlib
from contextlib import suppress

import psycopg2

from .database import connect, transaction

#: First half of the advisory lock's key; the PBX's id is the second.
LOCK = zlib.crc32(b"callcenter.connector") - 2**31


class Deposed(Exception):
    """Another connector has taken over."""


class Lease:
    """The right to serve one PBX.

    :ivar epoch: number of this reign, 0 while there is none
    """

    def __init__(self, dbname, pbx_id):
        self.dbname = dbname
        self.pbx_id = pbx_id
        self.epoch = 0
        self._connection = None

    def __repr__(self):
        return f"<Lease of PBX {self.pbx_id}, epoch {self.epoch}>"

    def acquire(self):
        """Try to become the one that serves the PBX; return whether we are.

        :raises psycopg2.OperationalError: the database is away
        :raises DatabaseAway: the same
        """
        if not self._lock():
            return False
        self.epoch = transaction(self.dbname, self._begin)
        return True

    def held(self):
        """Tell whether the lock is still ours; asks the server."""
        try:
            with self._connection.cursor() as cr:
                cr.execute("SELECT 1")
            return True
        except (psycopg2.Error, AttributeError):
            self._close()
            return False

    def regain(self):
        """Take the lock again after the connection was lost, if nobody reigned since.

        :return: whether it is ours; ``False`` as long as another one has the lock
        :raises psycopg2.OperationalError: the database is away
        :raises Deposed: somebody else took over meanwhile
        """
        locked = self._lock()
        with self._connection.cursor() as cr:
            cr.execute(
                "SELECT 1 FROM callcenter_connector WHERE pbx_id = %s AND epoch = %s",
                (self.pbx_id, self.epoch),
            )
            if not cr.fetchone():
                self.release()
                raise Deposed(f"{self} is over")
        return locked

    def check(self, cr):
        """Make the transaction fail unless this reign lasts until it commits.

        The row stays share-locked: whoever takes over waits for this transaction.

        :raises Deposed: another connector has taken over
        """
        cr.execute(
            """
            SELECT 1 FROM callcenter_connector
             WHERE pbx_id = %s AND epoch = %s
               FOR SHARE
            """,
            (self.pbx_id, self.epoch),
        )
        if not cr.fetchone():
            raise Deposed(f"{self} is over")

    def release(self):
        """Give the lock back, so that another may take over at once."""
        self.epoch = 0
        if self._connection is not None:
            # Closing frees it, too, but only once the server has noticed.
            with suppress(psycopg2.Error), self._connection.cursor() as cr:
                cr.execute("SELECT pg_advisory_unlock_all()")
        self._close()

    def _lock(self):
        if self._connection is None:
            self._connection = connect(self.dbname)
        try:
            with self._connection.cursor() as cr:
                cr.execute("SELECT pg_try_advisory_lock(%s, %s)", (LOCK, self.pbx_id))
                return cr.fetchone()[0]
        except psycopg2.Error:
            self._close()
            raise

    def _begin(self, env):
        connector = env["callcenter.connector"].search([("pbx_id", "=", self.pbx_id)])
        if not connector:
            connector = connector.create({"pbx_id": self.pbx_id})
        epoch = connector.epoch + 1
        connector.write({"epoch": epoch, "host": platform.node(), "pid": os.getpid()})
        return epoch

    def _close(self):
        if self._connection is not None:
            with suppress(psycopg2.Error):
                self._connection.close()
            self._connection = None
