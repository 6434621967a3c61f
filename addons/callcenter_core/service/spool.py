# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""A file that keeps facts while the database is away."""

import json
import logging
import os

from ..telephony.facts import from_dict

_logger = logging.getLogger(__name__)


class Spool:
    """Facts of one PBX in an append-only file, one JSON object a line.

    What :meth:`append` took is on the disk when it returns. A line that is broken, as
    a crash in the middle of writing leaves it, is passed over.

    :ivar dropped: how many facts did not fit
    """

    #: Largest size of a file, in bytes: some million facts, days of a call centre.
    LIMIT = 1 << 30

    def __init__(self, path, limit=LIMIT):
        self.path = path
        self.limit = limit
        self.dropped = 0
        self._count = sum(1 for _line in self._lines())

    def __len__(self):
        return self._count

    def append(self, facts):
        """Add facts at the end.

        :return: whether they fit; none of them is kept if they do not
        :raises OSError: the disk is full or cannot be written
        """
        data = "".join(
            json.dumps(fact.to_dict(), separators=(",", ":")) + "\n" for fact in facts
        ).encode()
        os.makedirs(os.path.dirname(self.path), mode=0o700, exist_ok=True)
        # 0o600: numbers and names of callers
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        with open(descriptor, "r+b") as file:
            size = file.seek(0, os.SEEK_END)
            if size + len(data) > self.limit:
                self.dropped += len(facts)
                return False
            if size:
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    data = b"\n" + data
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        self._count += len(facts)
        return True

    def batches(self, size):
        """Yield all facts in their order, in lists of at most ``size``."""
        batch = []
        for line in self._lines():
            try:
                batch.append(from_dict(json.loads(line)))
            except (ValueError, TypeError, AttributeError):
                _logger.warning("%s: broken line passed over", self.path)
            if len(batch) == size:
                yield batch
                batch = []
        if batch:
            yield batch

    def clear(self):
        """Forget all facts: they are in the database."""
        if self._count:
            os.truncate(self.path, 0)
        self._count = 0

    def _lines(self):
        try:
            with open(self.path, encoding="utf-8", errors="replace") as file:
                yield from file
        except FileNotFoundError:
            return
