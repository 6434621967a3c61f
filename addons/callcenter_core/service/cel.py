# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""The table in which the PBX keeps its journal (CEL), in a database of its own."""

from contextlib import closing

import psycopg2
from psycopg2 import sql
from psycopg2.extras import RealDictCursor

from .rows import seconds

COLUMNS = (
    "eventtype",
    "eventtime",
    "cid_name",
    "cid_num",
    "exten",
    "context",
    "channame",
    "appname",
    "appdata",
    "uniqueid",
    "linkedid",
    "peer",
    "extra",
)

#: Rows deleted in one statement.
CHUNK = 20_000


class CelAway(Exception):
    """The journal cannot be used; a sentence says why."""


class Cel:
    """The journal of one PBX.

    :ivar last: time of the last row read of each linkedid, seconds since the epoch
    """

    def __init__(self, settings):
        self._settings = settings
        self.last = {}

    def rows(self, until, linkedids, since=None):
        """Return all rows of some calls, in the order in which they were written.

        :param until: rows up to this time; all times are naive UTC
        :param linkedids: the calls
        :param since: any others of which there is a row from this time on
        :raises CelAway: there is no journal, or it cannot be reached
        """
        rows = self._execute(
            """
            SELECT {columns} FROM {table}
             WHERE eventtime <= %(until)s
               AND (linkedid = ANY(%(linkedids)s)
                    OR linkedid IN (SELECT linkedid FROM {table}
                                     WHERE eventtime BETWEEN %(since)s AND %(until)s))
             ORDER BY eventtime, id
            """,
            {
                "until": until,
                "linkedids": [linkedid for linkedid in linkedids if linkedid],
                "since": since or until,
            },
        )
        for row in rows:
            self.last[row["linkedid"]] = seconds(row["eventtime"])
        return rows

    def check(self):
        """Raise :class:`CelAway` if the journal cannot be read or cleaned."""
        self._execute("SELECT {columns} FROM {table} LIMIT 1")
        self._execute("DELETE FROM {table} WHERE false RETURNING 1")

    def clean(self, before):
        """Delete rows older than a time (naive UTC), at most a chunk of them.

        :return: how many were deleted
        :raises CelAway: see :meth:`read`
        """
        rows = self._execute(
            """
            DELETE FROM {table}
             WHERE id IN (SELECT id FROM {table} WHERE eventtime < %(before)s
                           ORDER BY eventtime LIMIT %(chunk)s)
            RETURNING id
            """,
            {"before": before, "chunk": CHUNK},
        )
        return len(rows)

    def _execute(self, query, parameters=None):
        settings = self._settings
        if not settings.journal_host:
            raise CelAway("No journal is configured: what happens unseen is lost.")
        query = sql.SQL(query).format(
            table=sql.Identifier(*(settings.journal_table or "cel").split(".")),
            columns=sql.SQL(", ").join(map(sql.Identifier, COLUMNS)),
        )
        try:
            with closing(self._connect()) as connection, connection:
                with connection.cursor(cursor_factory=RealDictCursor) as cr:
                    cr.execute(query, parameters)
                    return cr.fetchall()
        except psycopg2.Error as error:
            reason = " ".join(str(error).split())
            raise CelAway(f"The journal cannot be used: {reason}") from error

    def _connect(self):
        settings = self._settings
        return psycopg2.connect(
            host=settings.journal_host,
            port=settings.journal_port or None,
            dbname=settings.journal_database or "asterisk",
            user=settings.journal_username or None,
            password=settings.journal_password or None,
            connect_timeout=3,
            application_name="callcenter",
        )
