# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""How a connector is, for the PBX's form."""

import time
from datetime import timedelta

from odoo.fields import Datetime

CONNECTING = "connecting"
CONNECTED = "connected"
ERROR = "error"
OFFLINE = "offline"


class Health:
    """Figures since the last report, and what is wrong.

    :ivar state: of the connection to the PBX
    :ivar error: why it is as it is; a sentence
    :ivar warnings: what else is wrong, a sentence by topic
    :ivar last_event: when we last listened to the PBX, seconds since the epoch
    :ivar reconnects: how often the connection was lost
    """

    def __init__(self):
        self.state = CONNECTING
        self.error = ""
        self.warnings = {}
        self.connected_since = 0.0
        self.last_event = 0.0
        self.reconnects = 0
        self._events = 0
        self._lag = 0.0
        self._since = time.monotonic()

    def count(self, events):
        self._events += events

    def committed(self, lag):
        """Note how long the oldest event of a batch waited for its commit (seconds)."""
        self._lag = max(self._lag, lag)

    def connected(self):
        self.state, self.error = CONNECTED, ""
        self.connected_since = time.time()

    def failed(self, reason):
        """Note that there is no connection, and why."""
        self.state, self.error = ERROR, reason
        self.connected_since = 0.0

    def warn(self, topic, sentence):
        """Note (with an empty sentence: take back) that something else is wrong."""
        self.warnings.pop(topic, None)
        if sentence:
            self.warnings[topic] = sentence

    def values(self, backlog):
        """Return the columns of ``callcenter.connector``, and begin to count anew."""
        if self.state == CONNECTED:
            self.last_event = time.time()
        now = time.monotonic()
        seconds = max(now - self._since, 0.001)
        values = {
            "state": self.state,
            "error": "\n".join(filter(None, [self.error, *self.warnings.values()])),
            "connected_since": _moment(self.connected_since),
            "heartbeat": Datetime.now(),
            "events_per_second": self._events / seconds,
            "commit_lag": self._lag * 1000,
            "backlog": backlog,
            "reconnects": self.reconnects,
        }
        if self.last_event:
            values["last_event"] = _moment(self.last_event)
        self._events, self._lag, self._since = 0, 0.0, now
        return values


def _moment(seconds):
    if not seconds:
        return False
    return Datetime.now() - timedelta(seconds=round(time.time() - seconds))
