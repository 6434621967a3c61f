# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""Transactions of the connector, and connections that do without Odoo's pool."""

import logging
import os
import random
import socket
import time

import psycopg2
from psycopg2 import errors
from psycopg2.extensions import ISOLATION_LEVEL_AUTOCOMMIT

from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry
from odoo.sql_db import PoolError, connection_info_for

_logger = logging.getLogger(__name__)

#: Somebody else wrote the same row at the same time: once more, and it works.
CONFLICTS = (
    errors.SerializationFailure,
    errors.DeadlockDetected,
    errors.LockNotAvailable,
)

#: What was read is no longer there, or what was not is there now: another snapshot
#: tells, if it was not our own mistake.
SURPRISES = (errors.ForeignKeyViolation, errors.UniqueViolation)

#: Attempts before a conflict, or a surprise, is taken for something worse.
ATTEMPTS = 12
SURPRISE_ATTEMPTS = 2
#: Longest pause between two of them, in seconds.
PAUSE = 0.2

#: Seconds without an answer after which a peer is given up: 2 + 1 + 1.
KEEPALIVE = {
    "keepalives": 1,
    "keepalives_idle": 2,
    "keepalives_interval": 1,
    "keepalives_count": 2,
    "tcp_user_timeout": 4000,
    "connect_timeout": 3,
    # The server notices as fast that we are gone, and frees our locks.
    "options": (
        "-c tcp_keepalives_idle=2 -c tcp_keepalives_interval=1 "
        "-c tcp_keepalives_count=2 -c tcp_user_timeout=4000"
    ),
}


class DatabaseAway(Exception):
    """PostgreSQL cannot be reached, or takes no transaction at present."""


def is_away(error):
    """Tell whether an error says that the database is away, not that data are wrong."""
    if isinstance(error, CONFLICTS):
        return False
    return isinstance(
        error, psycopg2.OperationalError | psycopg2.InterfaceError | PoolError
    ) or isinstance(error, errors.ReadOnlySqlTransaction)


def transaction(dbname, work, lease=None, uid=SUPERUSER_ID):
    """Run ``work(env)`` in a transaction of its own and return what it returns.

    The one place where the connector commits. A conflict is tried again almost at
    once: the connector has few rivals, and events wait. ``work`` may run several times.

    :param lease: the :class:`Lease` that must still be ours when this commits
    :raises DatabaseAway: the database is away; nothing was committed, or it is not
        known whether
    :raises Deposed: another connector leads
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with Registry(dbname).cursor() as cr:
                _notice_death(cr)
                if lease:
                    lease.check(cr)
                env = api.Environment(cr, uid, {})
                result = work(env)
                env.flush_all()
            return result
        except CONFLICTS:
            if attempt == ATTEMPTS:
                raise
            _logger.info("transaction conflict, attempt %s", attempt)
            time.sleep(random.uniform(0, min(0.002 * 2**attempt, PAUSE)))
        except SURPRISES:
            if attempt >= SURPRISE_ATTEMPTS:
                raise
        except Exception as error:
            if is_away(error):
                raise DatabaseAway(str(error).strip()) from error
            raise
    return None


def _notice_death(cr):
    """See to it that a statement to a dead server fails within some seconds."""
    with socket.socket(fileno=os.dup(cr.connection.fileno())) as connection:
        if connection.family != socket.AF_UNIX:
            milliseconds = KEEPALIVE["tcp_user_timeout"]
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, value in (
                (socket.TCP_KEEPIDLE, KEEPALIVE["keepalives_idle"]),
                (socket.TCP_KEEPINTVL, KEEPALIVE["keepalives_interval"]),
                (socket.TCP_KEEPCNT, KEEPALIVE["keepalives_count"]),
                (socket.TCP_USER_TIMEOUT, milliseconds),
            ):
                connection.setsockopt(socket.IPPROTO_TCP, option, value)


def connect(dbname, **parameters):
    """Open an autocommit connection of its own that notices a dead peer within 4 s.

    :raises psycopg2.OperationalError: the database is away
    """
    _name, info = connection_info_for(dbname)
    connection = psycopg2.connect(**{**info, **KEEPALIVE, **parameters})
    connection.set_isolation_level(ISOLATION_LEVEL_AUTOCOMMIT)
    return connection
