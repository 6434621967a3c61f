# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""An AMI on loopback that behaves, and misbehaves, as a test wants.

Beside it a client in a hurry, so that tests need not wait.
"""

import socket
import threading
import time
from contextlib import contextmanager, suppress

from telephony import ami

SECRET = "s3cret-of-the-pbx"

GREETING = b"Asterisk Call Manager/11.0.0\r\n"
BOOTED = (
    b"Event: FullyBooted\r\nPrivilege: system,all\r\nUptime: 1\r\nLastReload: 1\r\n"
    b"Status: Fully Booted\r\n\r\n"
)


def message(*pairs):
    """Return the bytes of a message with these (header, value) pairs."""
    return "".join(f"{name}: {value}\r\n" for name, value in pairs).encode() + b"\r\n"


def event(name, **headers):
    return message(("Event", name), *headers.items())


class Request(list):
    """What a client asked: its (header, value) pairs."""

    def __getitem__(self, header):
        return next(value for name, value in self if name.lower() == header.lower())

    def get(self, header, default=""):
        return dict(self).get(header, default)

    def answer(self, *pairs, response="Success"):
        mine = ("ActionID", self.get("ActionID"))
        return message(("Response", response), mine, *pairs)

    def list(self, *items, complete="ListComplete"):
        """Return an answer and its list; items are (event name, headers)."""
        mine = ("ActionID", self["ActionID"])
        return b"".join(
            [
                self.answer(("EventList", "start"), ("Message", "List will follow")),
                *(
                    message(("Event", name), mine, *headers.items())
                    for name, headers in items
                ),
                message(
                    ("Event", complete),
                    mine,
                    ("EventList", "Complete"),
                    ("ListItems", len(items)),
                ),
            ]
        )


class Server:
    """A server; use it as a context manager.

    :param answers: action → function of a :class:`Request` that returns the bytes to
        send, or None for no answer; all other actions are answered with success
    :param after_login: bytes to send once somebody logged in
    :ivar requests: all requests since the start, in order
    :ivar logins: how often somebody logged in or tried to
    """

    def __init__(
        self,
        answers=None,
        *,
        secret=SECRET,
        greeting=GREETING,
        after_login=BOOTED,
        context=None,
        reads=True,
    ):
        self.answers = answers or {}
        self.secret = secret
        self.greeting = greeting
        self.after_login = after_login
        self.reads = reads
        self.requests = []
        self.logins = 0
        self._context = context
        self._peers = []
        self._listener = None
        self.port = 0

    def __enter__(self):
        self.listen()
        return self

    def __exit__(self, *_error):
        self.close()

    def listen(self):
        """Listen, after :meth:`close` at the same port again."""
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(("127.0.0.1", self.port))
        self._listener.listen(16)
        self.port = self._listener.getsockname()[1]
        threading.Thread(
            target=self._accept, args=(self._listener,), daemon=True
        ).start()

    def close(self):
        """Go away, as an Asterisk that is stopped."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop()

    def drop(self):
        """Close all connections and go on listening."""
        for peer in self._peers:
            with suppress(OSError):
                socket.socket.shutdown(peer, socket.SHUT_RDWR)
        self._peers = []

    def send(self, data):
        """Send bytes to everybody who is connected."""
        for peer in list(self._peers):
            with suppress(OSError):
                peer.sendall(data)

    def asked(self, action):
        """Return the requests for an action."""
        return [one for one in self.requests if one["Action"] == action]

    def _accept(self, listener):
        with suppress(OSError):
            while True:
                peer, _address = listener.accept()
                threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer):
        with suppress(OSError):
            if self._context:
                peer = self._context.wrap_socket(peer, server_side=True)
            with peer:
                self._peers.append(peer)
                peer.sendall(self.greeting)
                self._converse(peer)

    def _converse(self, peer):
        buffer = b""
        while True:
            while not self.reads:
                time.sleep(0.01)
            data = peer.recv(65536)
            if not data:
                return
            *complete, buffer = (buffer + data).split(b"\r\n\r\n")
            for text in complete:
                self._answer(peer, text.decode())

    def _answer(self, peer, text):
        request = Request(line.split(": ", 1) for line in text.split("\r\n"))
        self.requests.append(request)
        action = request["Action"]
        if action in self.answers:
            answer = self.answers[action](request)
            if answer is not None:
                peer.sendall(answer)
        elif action == "Login":
            self._log_in(peer, request)
        elif action == "Logoff":
            peer.sendall(request.answer(response="Goodbye"))
            socket.socket.shutdown(peer, socket.SHUT_RDWR)
        else:
            peer.sendall(request.answer())

    def _log_in(self, peer, request):
        self.logins += 1
        if request["Secret"] != self.secret:
            peer.sendall(
                request.answer(("Message", "Authentication failed"), response="Error")
            )
            socket.socket.shutdown(peer, socket.SHUT_RDWR)
            return
        peer.sendall(request.answer(("Message", "Authentication accepted")))
        peer.sendall(self.after_login)


class Client(ami.Client):
    """An impatient client that remembers what it was told.

    :ivar events: the events, in order
    :ivar states: the states with their reasons, in order
    """

    BACKOFF = (0.01, 0.05)
    REFUSED_DELAY = 0.1
    FAREWELL = 0.2

    def __init__(self, port, host="127.0.0.1", secret=SECRET, **kwargs):
        self.events = []
        self.states = []
        defaults = {
            "timeout": 0.5,
            "keepalive": 5,
            "on_event": self.events.append,
            "on_state": lambda *state: self.states.append(state),
        }
        super().__init__(host, port, "odoo", secret, **{**defaults, **kwargs})

    def is_in(self, state):
        """Whether a state was reported last."""
        return bool(self.states) and self.states[-1][0] == state

    def reason(self, state):
        """Return why the client was in a state last."""
        return next(why for name, why in reversed(self.states) if name == state)


@contextmanager
def connected(server, **kwargs):
    """Give a client that is connected."""
    with Client(server.port, **kwargs) as client:
        assert client.wait_connected(5), client.states
        yield client


def until(condition, seconds=5):
    """Wait until a condition holds; return whether it does."""
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.005)
    return condition()


def ami_threads():
    """Return the threads of all clients."""
    return [one for one in threading.enumerate() if one.name.startswith("ami")]
