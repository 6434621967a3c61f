# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""Waiting for what becomes of a channel."""

import threading
from concurrent.futures import Future

from ..telephony import facts


class Watches:
    """Promises of what is heard first of a channel that we have the PBX make.

    That is :class:`LegRang`, :class:`LegAnswered` or :class:`LegEnded`, or ``None`` if
    there never was such a channel.
    """

    _TELLING = (facts.LegRang, facts.LegAnswered, facts.LegEnded)

    def __init__(self):
        self._lock = threading.Lock()
        self._futures = {}

    def watch(self, leg):
        """Return a future of the first telling fact about ``leg``."""
        future = Future()
        with self._lock:
            self._futures[leg] = future
        return future

    def forget(self, leg):
        """Wait no longer."""
        with self._lock:
            self._futures.pop(leg, None)

    def take(self, response):
        """Fulfil the promise of a channel that there is not.

        :param response: an event ``OriginateResponse``; its ``ActionID`` is the one
            that the channel was to have
        """
        if response.get("Response") == "Failure":
            with self._lock:
                future = self._futures.pop(response.get("ActionID"), None)
            if future:
                future.set_result(None)

    def tell(self, batch):
        """Fulfil the promises that a batch of facts can."""
        if not self._futures:
            return
        for fact in batch:
            if isinstance(fact, self._TELLING):
                with self._lock:
                    future = self._futures.pop(fact.leg, None)
                if future:
                    future.set_result(fact)
