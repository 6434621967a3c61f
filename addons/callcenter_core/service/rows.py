# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""Calls and legs as the recorder keeps them in memory."""

from datetime import datetime, timedelta

EPOCH = datetime(1970, 1, 1)


def moment(seconds):
    """Return seconds since the epoch as the naive UTC datetime that Odoo keeps."""
    return EPOCH + timedelta(seconds=seconds)


def seconds(value):
    """Return a datetime of Odoo's as seconds since the epoch."""
    return (value - EPOCH).total_seconds()


#: What a row begins with: no time, rather than an unknown one, which sums leave out.
CALL_TIMES = dict.fromkeys(("wait", "ring", "talk", "hold", "duration"), 0.0)
LEG_TIMES = dict.fromkeys(("ring", "talk", "hold"), 0.0)

CALL_COLUMNS = [
    "direction",
    "number",
    "number_e164",
    "caller_name",
    "did",
    "partner_id",
    "lead_id",
    "queue_id",
    "agent_id",
    "agent_ids",
    "team_id",
    "company_id",
    "start",
    "queue_start",
    "answer",
    "stop",
    "state",
    "result",
    "ended_by",
    "wait",
    "ring",
    "talk",
    "hold",
    "duration",
    "merged_into_id",
    "reconstructed",
]

LEG_COLUMNS = [
    "call_id",
    "company_id",
    "channel",
    "interface",
    "party",
    "extension_id",
    "agent_id",
    "number",
    "name",
    "queue_id",
    "start",
    "ring_start",
    "answer",
    "stop",
    "result",
    "cause",
    "tech_cause",
    "ring",
    "talk",
    "hold",
    "segments",
]

#: Columns that are written together when a row ends, whichever of them changed then:
#: rows with the same columns share one UPDATE.
CALL_ENDING = ("stop", "state", "result", "ended_by", *CALL_TIMES)
LEG_ENDING = ("stop", "result", "cause", "tech_cause", "segments", *LEG_TIMES)


class Row:
    """A row as it is in the database, and what is to be written to it.

    :ivar id: 0 while it is not in the database
    :ivar values: by column, as ``read(load=None)`` gives them
    :ivar changes: those of them that are not in the database yet
    """

    __slots__ = ("changes", "id", "values")

    #: Columns that are written together when the row ends.
    ending = ()

    def __init__(self, row_id=0, values=None):
        self.id = row_id
        self.values = values or {}
        self.changes = {}

    def put(self, column, value):
        """Set what a column is."""
        if self.values.get(column, False) != value:
            self.values[column] = self.changes[column] = value

    def fill(self, column, value):
        """Set a column that is empty."""
        if value and not self.values.get(column):
            self.values[column] = self.changes[column] = value

    def pending(self):
        """Return the columns to write."""
        if self.id and "stop" in self.changes:
            together = {name: self.values.get(name, False) for name in self.ending}
            return {**together, **self.changes}
        return self.changes


class CallRow(Row):
    """A call.

    :ivar key: its ``Uniqueid``
    :ivar agents: ids of the agents who are linked to it
    :ivar joined: those of them who are not in the database yet
    :ivar legs: its legs, as far as they are in memory, by key
    :ivar talkers: the agents' legs that live: agent by key
    :ivar rang: when somebody's phone rang first, seconds since the epoch
    :ivar matches: who the other side may be, as told to agents: lists by agent
    """

    __slots__ = ("agents", "joined", "key", "legs", "matches", "rang", "talkers")

    ending = CALL_ENDING

    def __init__(self, key, row_id=0, values=None, agents=()):
        super().__init__(row_id, values)
        self.key = key
        self.agents = set(agents)
        self.joined = set()
        self.legs = {}
        self.talkers = {}
        self.rang = 0.0
        self.matches = {}


class LegRow(Row):
    """A leg.

    :ivar key: its ``Uniqueid``
    :ivar call: the :class:`CallRow` that it belongs to
    """

    __slots__ = ("call", "key")

    ending = LEG_ENDING

    def __init__(self, key, call, row_id=0, values=None):
        super().__init__(row_id, values)
        self.key = key
        self.call = call
        call.legs[key] = self
