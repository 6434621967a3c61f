# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""What other addons run inside the connector."""

import logging
import threading

_logger = logging.getLogger(__name__)

#: Seconds before a service that failed is started again.
RESTART = 5.0


class Service:
    """Something that runs as long as a connector serves a PBX.

    An addon subclasses it in a module that its ``__init__`` imports; nothing is to be
    registered. Each served PBX has an instance and a thread of its own, started when
    the connector begins to lead and stopped when it ceases to.

    :ivar session: the :class:`Session`: ``ami``, ``tracker``, ``transaction()`` …
    :ivar stopping: set when :meth:`run` is to return, at once
    """

    def __init__(self, session):
        self.session = session
        self.stopping = threading.Event()
        self._thread = threading.Thread(
            target=self._run, name=f"{type(self).__name__} {session}", daemon=True
        )

    def run(self):
        """Do the work until ``stopping`` is set. Started again should it fail."""
        raise NotImplementedError

    def start(self):
        self._thread.start()

    def stop(self, timeout=1.0):
        """Ask the service to end, and wait for it a little."""
        self.stopping.set()
        self._thread.join(timeout)

    def _run(self):
        threading.current_thread().dbname = self.session.dbname
        while not self.stopping.is_set():
            try:
                self.run()
                return
            except Exception:
                _logger.exception("%s failed, starting again", self._thread.name)
                self.stopping.wait(RESTART)


def installed_services(addons):
    """Return the services of these addons: all concrete subclasses, however deep.

    :param addons: names of the addons that are installed in a database
    """
    found, todo = [], Service.__subclasses__()
    while todo:
        cls = todo.pop(0)
        todo += cls.__subclasses__()
        if cls.run is not Service.run and _addon(cls) in addons:
            found.append(cls)
    return found


def _addon(cls):
    parts = cls.__module__.split(".")
    return parts[2] if parts[:2] == ["odoo", "addons"] else ""
