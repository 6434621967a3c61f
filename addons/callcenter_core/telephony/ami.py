# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""A client of the Asterisk Manager Interface that stays connected.

:class:`Client` is pyst2's :class:`asterisk.manager.Manager` with another engine: the
actions that pyst2 knows (``hangup()``, ``redirect()``, ``originate()`` …), its
callbacks and its exceptions work as they do there, but

* the socket is read in large pieces by one thread, not byte by byte by three;
* an answer goes to the caller whose ``ActionID`` it carries, and to nobody else;
* everything has a time limit, and a peer that fell silent is noticed by a ping;
* a lost connection is opened again, for ever;
* no callback's exception, no event and no byte ends a thread;
* a value cannot smuggle a header, or a further action, into a request.

Two threads serve a client: the *supervisor* opens, watches and reopens the connection
and calls ``on_state``; each connection's *reader* calls ``on_event``. The protocol is
described at https://docs.asterisk.org/Configuration/Interfaces/
Asterisk-Manager-Interface-AMI/AMI-v2-Specification/.
"""

import logging
import math
import random
import re
import select
import socket
import ssl
import threading
import time
import uuid
import warnings
from collections.abc import Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import suppress

from asterisk.manager import (
    Manager,
    ManagerAuthException,
    ManagerException,
    ManagerSocketException,
)

_logger = logging.getLogger(__name__)

CONNECTING = "connecting"
CONNECTED = "connected"
LOST = "lost"
REFUSED = "refused"

EOL = "\r\n"
END = "\r\n\r\n"

#: Bytes to read at once; a queue call's events are about 80,000.
_CHUNK = 65536
#: Longest message taken, in bytes: what does not end by then is not AMI.
_LONGEST = 16 * 1024 * 1024
#: Header names: printable ASCII without space and colon.
_NAME = re.compile(r"[!-9;-~]+")
#: Control characters (Unicode category Cc), line breaks among them.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
#: What Asterisk takes apart in ``Variable`` (ast_app_separate_args).
_SEPARATOR = re.compile(r'([\\",()\[\]])')


class AMIError(ManagerException):
    """Something went wrong between us and the PBX."""


class NotConnected(AMIError, ManagerSocketException):
    """There is no connection, or it was lost before the answer came.

    In the latter case Asterisk may or may not have done what was asked.
    """


class ActionTimeout(AMIError):
    """No answer came within the time limit; Asterisk may still do what was asked."""


class ActionRefused(AMIError):
    """Asterisk answered with an error.

    :ivar answer: the answer, a :class:`Message`
    """

    def __init__(self, action, answer):
        output = answer.all("Output")
        super().__init__(f"{action}: {' '.join(output) or answer.get('Message', '')}")
        self.answer = answer


class HeaderInjection(ValueError):
    """A header's name or value would have been read as more than one header."""


class _Refused(AMIError):
    """The connection cannot succeed before somebody corrects a setting."""


class Message(dict):
    """An event or an answer: header → value, the last one where a header repeats.

    Names and values are as they were sent: Asterisk's own spelling, hostile text.

    :ivar text: the message as it was read, without its final line break
    """

    __slots__ = ("text",)

    @classmethod
    def parse(cls, text):
        """Return the message that ``text`` (without its blank line) holds.

        A line feed alone does not end a header: Asterisk sends some values with one.
        """
        message = cls()
        message.text = text
        # The loop is what a busy PBX costs us most; measured, not guessed.
        for line in text.split("\r\n"):
            name, separator, value = line.partition(": ")
            if separator:
                message[name] = value
            elif ":" in line:
                name, _separator, value = line.partition(":")
                message[name] = value
        return message

    @property
    def name(self):
        """The event's name; empty for an answer."""
        return self.get("Event", "")

    @property
    def headers(self):
        """The message itself, for code that was written for pyst2."""
        return self

    def has_header(self, name):
        return name in self

    def get_header(self, name, default=None):
        return self.get(name, default)

    def items_all(self):
        """Return all (header, value) pairs in their order, repeated ones too."""
        text = getattr(self, "text", None)
        if text is None:
            return list(self.items())
        pairs = []
        for line in text.split("\r\n"):
            name, separator, value = line.partition(": ")
            if not separator:
                name, separator, value = line.partition(":")
            if separator:
                pairs.append((name, value))
        return pairs

    def all(self, header):
        """Return all values of a header: ``Variable``, ``Output`` and others repeat."""
        return [value for name, value in self.items_all() if name == header]


def messages(data):
    """Yield the messages of a recorded stream of bytes, its greeting left out."""
    for text in data.decode("utf-8", "replace").split(END):
        text = text.strip(EOL)
        if text.startswith("Asterisk Call Manager/"):
            text = text.partition(EOL)[2]
        if text:
            yield Message.parse(text)


def request(action, fields, action_id):
    """Return the bytes that ask for an action.

    :param fields: header → value. A list or tuple repeats the header; a dict does, too,
        as ``Variable: name=value`` with all that Asterisk would take apart escaped, and
        is therefore the way to pass text that others wrote. None leaves it out.
    :raises HeaderInjection: a name or a value has a control character, or a name
        something else that a header's name cannot have
    """
    pairs = [("Action", action), ("ActionID", action_id)]
    for name, value in fields.items():
        name = str(name)
        if not _NAME.fullmatch(name) or name.lower() in ("action", "actionid"):
            raise HeaderInjection(f"not the name of a header: {name!r}")
        if value is None:
            continue
        if isinstance(value, Mapping):
            value = [_assignment(name, *item) for item in value.items()]
        elif not isinstance(value, (list, tuple)):
            value = [value]
        pairs += ((name, str(one)) for one in value)
    for name, value in pairs:
        if _CONTROL.search(value):
            # The value stays out of the message: it may be a secret.
            raise HeaderInjection(f"control character in the value of {name}")
    lines = (f"{name}: {value}" for name, value in pairs)
    return (EOL.join(lines) + END).encode("utf-8", "replace")


def _assignment(header, name, value):
    name = str(name)
    if not name or "=" in name:
        raise HeaderInjection(f"not a variable's name in {header}: {name!r}")
    name, value = (_SEPARATOR.sub(r"\\\1", text) for text in (name, str(value)))
    return f"{name}={value}"


class _Pending:
    """An action that was sent and not yet answered to its end."""

    __slots__ = ("answer", "gathers", "items", "result")

    def __init__(self, gathers):
        self.gathers = gathers
        self.answer = Message()
        self.items = []
        self.result = Future()


class _Connection:
    """One connection from its opening to its loss; never reopened.

    The socket does not block, and OpenSSL is entered by one thread at a time: it does
    not allow reading and writing at once.

    :ivar pending: the actions that wait for answers, by ActionID
    :ivar booted: whether Asterisk said that it is ready
    :ivar reason: why the connection ended, a sentence; empty while it is open
    :ivar changed: set whenever ``booted`` or ``reason`` is
    """

    def __init__(self, host, port):
        self.peer = f"{host}:{port}"
        self._address = (host, port)
        self.greeting = ""
        self.pending = {}
        self.booted = False
        self.reason = ""
        self.changed = threading.Event()
        self._socket = None
        self._closing = False
        self._closing_lock = threading.Lock()
        self._turn = threading.Lock()
        self._sending = threading.Lock()
        self._buffer = bytearray()
        self._heard = time.monotonic()
        self._listening = True

    @property
    def silence(self):
        """Seconds for which nothing came although we listened."""
        return time.monotonic() - self._heard if self._listening else 0.0

    def open(self, timeout, context=None):
        """Connect, agree on TLS if there is a ``context``, and read the greeting.

        :raises NotConnected, OSError: the peer cannot be reached, or not in time
        :raises _Refused: what answers is not an AMI, or not the one it should be
        """
        try:
            self._connect(timeout)
            if context:
                self._start_tls(context)
        except TimeoutError:
            raise NotConnected(
                f"{self.peer} did not answer within {timeout:g} s."
            ) from None
        except ConnectionRefusedError:
            raise NotConnected(f"Nothing listens at {self.peer}.") from None
        except (socket.gaierror, UnicodeError):
            raise NotConnected(f"The host name of {self.peer} is not known.") from None
        # An action is one small packet and somebody waits for its effect.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._greet(timeout)
        self._socket.setblocking(False)

    def _connect(self, timeout):
        host, port = self._address
        failure = NotConnected(f"The host name {host} has no address.")
        for family, kind, protocol, _name, address in socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        ):
            attempt = socket.socket(family, kind, protocol)
            attempt.settimeout(timeout)
            self._publish(attempt)
            try:
                attempt.connect(address)
                return
            except OSError as error:
                attempt.close()
                failure = error
        raise failure

    def _publish(self, opened):
        """Let :meth:`close` reach the socket from now on."""
        with self._closing_lock:
            self._socket = opened
            if self._closing:
                opened.close()
                raise NotConnected("Stopped.")

    def _start_tls(self, context):
        self._publish(
            context.wrap_socket(
                self._socket,
                server_hostname=self._address[0],
                do_handshake_on_connect=False,
            )
        )
        try:
            self._socket.do_handshake()
        except ssl.SSLEOFError:
            raise NotConnected(f"{self.peer} closed the connection at once.") from None
        except ssl.SSLCertVerificationError as error:
            raise _Refused(
                f"The certificate of {self.peer} is not trusted: "
                f"{error.verify_message.rstrip('.')}."
            ) from None
        except ssl.SSLError as error:
            raise _Refused(
                f"{self.peer} does not speak TLS: {error.reason or error}."
            ) from None

    def _greet(self, timeout):
        deadline = time.monotonic() + timeout
        while b"\n" not in self._buffer and len(self._buffer) < 256:
            self._socket.settimeout(max(deadline - time.monotonic(), 0.001))
            try:
                data = self._socket.recv(_CHUNK)
            except TimeoutError:
                raise NotConnected(
                    f"{self.peer} sent no greeting within {timeout:g} s: it is too "
                    "busy, or not an AMI, or wants TLS."
                ) from None
            if not data:
                raise NotConnected(f"{self.peer} closed the connection at once.")
            self._buffer += data
        line, _end, self._buffer = self._buffer.partition(b"\n")
        self.greeting = line.decode("utf-8", "replace").strip()
        if not self.greeting.startswith("Asterisk Call Manager/"):
            raise _Refused(
                f"{self.peer} is not an AMI: it greets with {self.greeting[:60]!r}."
            )

    def blocks(self):
        """Yield the text of the messages that came, several at a time, to the end.

        :raises OSError: the connection broke, or the peer sends no messages
        """
        buffer = self._buffer
        while True:
            start = max(0, len(buffer) - len(END) + 1)
            data = self._receive()
            if not data:
                return
            self._heard = time.monotonic()
            buffer += data
            end = buffer.rfind(b"\r\n\r\n", start)
            if end >= 0:
                block = buffer[:end]
                del buffer[: end + 4]
                self._listening = False
                yield block.decode("utf-8", "replace")
                self._heard = time.monotonic()
                self._listening = True
            elif len(buffer) > _LONGEST:
                raise OSError(f"a message of more than {_LONGEST} bytes")

    def _receive(self):
        while True:
            try:
                with self._turn:
                    return self._socket.recv(_CHUNK)
            except (BlockingIOError, ssl.SSLWantReadError):
                self._wait(select.POLLIN)
            except ssl.SSLWantWriteError:
                self._wait(select.POLLOUT)

    def send(self, data, timeout):
        """Write one request whole.

        :raises NotConnected: the connection is gone, or the peer took the request not
            at all or only in part within the time limit; it is closed then
        """
        deadline = time.monotonic() + timeout
        if not self._sending.acquire(timeout=max(timeout, 0)):
            raise NotConnected(f"{self.peer} does not read.")
        try:
            rest = memoryview(data)
            while rest:
                try:
                    with self._turn:
                        rest = rest[self._socket.send(rest) :]
                    continue
                except (BlockingIOError, ssl.SSLWantWriteError):
                    wanted = select.POLLOUT
                except ssl.SSLWantReadError:
                    wanted = select.POLLIN
                self._wait(wanted, max(deadline - time.monotonic(), 0))
        except OSError as error:
            # A request that was sent in part would swallow the next one.
            self.close(f"{self.peer} took no more: {error.strerror or error}.")
            raise NotConnected(self.reason) from None
        finally:
            self._sending.release()

    def _wait(self, event, timeout=None):
        poller = select.poll()
        poller.register(self._socket, event)
        if not poller.poll(None if timeout is None else timeout * 1000):
            raise TimeoutError("it does not read")

    def close(self, reason):
        """End the connection from any thread; whoever waits for it wakes up."""
        with self._closing_lock:
            self._closing = True
            self.reason = self.reason or reason
            if self._socket is not None:
                with suppress(OSError):
                    # Not SSLSocket's own, which would make a reader read ciphertext.
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
        self.changed.set()
        # popitem: a pending action is failed once, whichever thread closes first.
        with suppress(KeyError):
            while True:
                _action_id, pending = self.pending.popitem()
                pending.result.set_exception(NotConnected(self.reason))

    def release(self):
        """Give the descriptor back, when no thread uses it any more."""
        with self._sending:
            if self._socket is not None:
                self._socket.close()


class Client(Manager):
    """A connection to one Asterisk that is kept up between start() and stop().

    :param host: name or address
    :param port: usually 5038, with TLS 5039
    :param tls: speak TLS and verify the certificate and the host's name
    :param ca: PEM file of the authorities to trust, or its text; those of the system
        by default
    :param timeout: seconds to wait for the connection, the log-in and each answer
    :param keepalive: seconds of silence after which the peer is asked whether it lives;
        it is given up ``timeout`` seconds later
    :param on_event: called with each event, a :class:`Message`, in the order sent and
        in the reader's thread: it must not block and cannot send actions
    :param on_state: called with a state and a sentence that says why, in the
        supervisor's thread: it may send actions. States: ``connecting``, ``connected``
        (logged in, and Asterisk is fully booted), ``lost``, ``refused`` (a setting has
        to be corrected: password, permitted address, certificate, port). No event of a
        connection comes after its ``lost``.
    :param wanted: names of the events to parse and deliver, all if None
    """

    #: Seconds before the second and at most before any further attempt.
    BACKOFF = (0.5, 15.0)
    #: Seconds before the next attempt after a refusal: often enough for whoever mends
    #: the setting, seldom enough for whoever counts failed log-ins.
    REFUSED_DELAY = 30.0
    #: Seconds that Asterisk gets to end the session by itself at stop().
    FAREWELL = 0.5

    def __init__(
        self,
        host,
        port,
        username,
        secret,
        *,
        tls=False,
        ca=None,
        timeout=5.0,
        keepalive=10.0,
        on_event=None,
        on_state=None,
        wanted=None,
    ):
        with warnings.catch_warnings():
            # pyst2 prepares threads, which we never start, by deprecated calls.
            warnings.simplefilter("ignore", DeprecationWarning)
            super().__init__()
        del self.message_thread, self.event_dispatch_thread
        self.host = host
        self.port = int(port)
        self._username = username
        self._secret = secret
        self._tls = tls
        self._ca = ca
        self.timeout = timeout
        self.keepalive = keepalive
        self._on_event = on_event or (lambda event: None)
        self._on_state = on_state or (lambda state, reason: None)
        self._wanted = None if wanted is None else frozenset(wanted)
        # OriginateResponse and others carry an ActionID to every session: ours must
        # not look like anybody else's.
        self._tag = uuid.uuid4().hex[:12]
        self._connection = None
        self._reader = None
        self._supervisor = None
        self._stopping = threading.Event()
        self._lock = threading.Lock()

    def __repr__(self):
        return f"<{type(self).__name__} {self.host}:{self.port}>"

    def __del__(self):
        """Do nothing, unlike pyst2: a client that runs is held by its threads."""

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_error):
        self.stop()

    # ------------------------------------------------------------
    # LIFE
    # ------------------------------------------------------------

    def start(self):
        """Begin to connect and return at once."""
        with self._lock:
            if self._running.is_set():
                return
            self._running.set()
            # A new one, so that a supervisor that still ends is not called back.
            self._stopping = threading.Event()
            self._supervisor = threading.Thread(
                target=self._supervise,
                args=(self._stopping,),
                name=f"ami {self.host}:{self.port}",
                daemon=True,
            )
            self._supervisor.start()

    def stop(self):
        """Log off, close and end the threads; from any state and any thread.

        Actions that wait for an answer raise :class:`NotConnected`. Returns within
        about ``timeout`` even if a callback or the resolver of names hangs.
        """
        with self._lock:
            if not self._running.is_set():
                return
            self._stopping.set()
            connection = self._connection
        if connection:
            if self._connected.is_set():
                self._say_goodbye(connection)
            connection.close("Stopped.")
        deadline = time.monotonic() + self.timeout
        for thread in (self._supervisor, self._reader):
            if thread and thread is not threading.current_thread():
                thread.join(max(deadline - time.monotonic(), 0))
                if thread.is_alive():
                    _logger.warning("%s: %s does not end", self, thread.name)
        self._running.clear()

    # pyst2's names for the same
    connect = start
    close = stop

    def connected(self):
        """Whether actions can be sent now."""
        return self._connected.is_set()

    def wait_connected(self, timeout):
        """Wait until :meth:`connected`, at most ``timeout`` seconds; return whether."""
        return self._connected.wait(timeout)

    def _say_goodbye(self, connection):
        # Without it Asterisk logs a lost session. It closes after answering.
        with suppress(AMIError):
            connection.send(request("Logoff", {}, self._next_id()), self.FAREWELL)
        if threading.current_thread() is not self._reader:
            self._reader.join(self.FAREWELL)

    def _supervise(self, stopping):
        failures = 0
        while not stopping.is_set():
            self._report(CONNECTING, f"Connecting to {self.host}:{self.port}.")
            state, was_connected = LOST, False
            try:
                was_connected, reason = self._serve(stopping)
            except (_Refused, HeaderInjection) as error:
                state, reason = REFUSED, str(error)
            except AMIError as error:
                reason = str(error)
            except OSError as error:
                reason = (
                    f"{self.host}:{self.port} cannot be reached: "
                    f"{error.strerror or error}."
                )
            except Exception as error:
                # Whatever it is, the call centre wants its PBX back.
                _logger.exception("%s: unexpected error", self)
                reason = f"Unexpected error: {type(error).__name__}."
            if stopping.is_set():
                break
            self._report(state, reason)
            failures = 0 if was_connected else failures + 1
            stopping.wait(self._delay(state, failures))

    def _delay(self, state, failures):
        """Return the seconds to wait, spread so that clients do not come together."""
        first, longest = self.BACKOFF
        delay = min(longest, first * 2 ** min(failures, 16))
        if state == REFUSED:
            delay = self.REFUSED_DELAY
        return delay * random.uniform(0.5, 1.0)

    def _serve(self, stopping):
        """Open a connection, watch it to its end and clean up.

        :return: whether it ever was ``connected``, and why it ended
        """
        connection = _Connection(self.host, self.port)
        with self._lock:
            if stopping.is_set():
                return False, "Stopped."
            self._connection = connection
        reader = None
        try:
            connection.open(self.timeout, self._tls_context())
            self.title, _slash, self.version = connection.greeting.partition("/")
            self._reader = reader = threading.Thread(
                target=self._receive_data,
                args=(connection,),
                name=f"ami reader {connection.peer}",
                daemon=True,
            )
            reader.start()
            self._log_in()
            return self._watch(connection)
        finally:
            self._connected.clear()
            connection.close("Closed.")
            if reader:
                reader.join()
            connection.release()

    def _tls_context(self):
        if not self._tls:
            return None
        try:
            if self._ca and "-----BEGIN" in self._ca:
                return ssl.create_default_context(cadata=self._ca)
            return ssl.create_default_context(cafile=self._ca or None)
        except (OSError, ValueError) as error:  # SSLError is an OSError
            raise _Refused(f"The CA certificate cannot be read: {error}.") from None

    def _log_in(self):
        try:
            self.login(self._username, self._secret)
        except ManagerAuthException as error:
            raise _Refused(
                f"Asterisk refused the log-in ({error}): user name, password or "
                "address is not permitted in manager.conf."
            ) from None

    def _watch(self, connection):
        """Return as :meth:`_serve` does once the connection is lost."""
        booted_by = time.monotonic() + self.timeout
        while not connection.reason:
            patience = min(
                self.keepalive - connection.silence, booted_by - time.monotonic()
            )
            connection.changed.wait(max(patience, 0.001))
            connection.changed.clear()
            if connection.booted and not self._connected.is_set():
                booted_by = math.inf
                self._connected.set()
                self._report(
                    CONNECTED,
                    f"Logged in to {connection.greeting} at {connection.peer}.",
                )
            elif time.monotonic() >= booted_by:
                booted_by = math.inf
                self._report(
                    CONNECTING,
                    "Logged in, but Asterisk is not fully booted yet, or the user "
                    "lacks read = system.",
                )
            if connection.silence >= self.keepalive:
                self._check_alive(connection)
        return self._connected.is_set(), connection.reason

    def _check_alive(self, connection):
        try:
            self._request("Ping", {}, connection=connection)
        except ActionTimeout:
            # An event is a sign of life as good as an answer.
            if connection.silence >= self.timeout:
                connection.close(f"{connection.peer} fell silent.")
        except NotConnected:
            pass

    def _report(self, state, reason):
        try:
            self._on_state(state, reason)
        except Exception:
            _logger.exception("%s: on_state failed for %s", self, state)

    # ------------------------------------------------------------
    # READER
    # ------------------------------------------------------------

    def _receive_data(self, connection):
        """Read to the end of the connection (instead of pyst2's reader)."""
        reason = f"{connection.peer} closed the connection."
        try:
            for block in connection.blocks():
                self._dispatch(connection, block)
        except OSError as error:
            reason = f"{connection.peer} is lost: {error.strerror or error}."
        except Exception:
            _logger.exception("%s: unexpected error", self)
            reason = "Unexpected error."
        connection.close(reason)

    def _dispatch(self, connection, block):
        """Hand out the messages of a block of text."""
        wanted = self._wanted
        pending = connection.pending
        on_event = self._on_event
        callbacks = self._event_callbacks
        parse = Message.parse
        for text in block.split(END):
            if not text.startswith("Event: "):
                text = text.strip(EOL)
                if not text.startswith("Event: "):
                    if text:
                        self._take_answer(connection, text)
                    continue
            if (
                wanted is not None
                and text.partition(EOL)[0][7:] not in wanted
                and connection.booted
                and not (pending and "\r\nActionID: " in text)
            ):
                continue
            event = parse(text)
            if pending and self._take_item(pending, event):
                continue
            if not connection.booted and event["Event"] == "FullyBooted":
                connection.booted = True
                connection.changed.set()
            if wanted is not None and event["Event"] not in wanted:
                continue
            try:
                on_event(event)
                if callbacks:
                    self._call_back(event)
            except Exception:
                _logger.exception("%s: on_event failed for %s", self, event.name)

    def _call_back(self, event):
        """Call the functions of ``register_event()`` as pyst2 does."""
        for name in (event.name, "*"):
            for callback in list(self._event_callbacks.get(name, ())):
                if callback(event, self):
                    return

    def _take_answer(self, connection, text):
        # "Park successful\n": a line feed too much at the end of a value.
        answer = Message.parse(text.replace("\n\r\n", "\r\n"))
        action_id = answer.get("ActionID")
        pending = connection.pending.get(action_id)
        if pending is None:
            # It came after its time limit.
            _logger.debug("%s: nobody waits for %s", self, action_id)
            return
        pending.answer = answer
        if (
            pending.gathers
            and answer.get("Response") != "Error"
            and answer.get("EventList", "").lower() == "start"
        ):
            return
        # No list follows an error, nor some answers like "no voicemail users".
        if connection.pending.pop(action_id, None):
            pending.result.set_result((answer, pending.items))

    @staticmethod
    def _take_item(waiting, event):
        """Whether the event is part of a list that somebody asked for."""
        action_id = event.get("ActionID")
        pending = waiting.get(action_id)
        if pending is None or not pending.gathers:
            return False
        if event.get("EventList", "").lower() in ("complete", "cancelled"):
            if waiting.pop(action_id, None):
                pending.result.set_result((pending.answer, pending.items))
        else:
            pending.items.append(event)
        return True

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action(self, name, fields=None, timeout=None):
        """Do an action and return Asterisk's answer.

        :param fields: see :func:`request`; an ``ActionID`` of one's own is kept
        :param timeout: seconds to wait, the client's by default
        :raises ActionRefused: Asterisk answered with an error
        :raises ActionTimeout: no answer came in time
        :raises NotConnected: there is no connection, or it was lost meanwhile
        :raises HeaderInjection: see :func:`request`
        """
        answer, _items = self._request(name, fields, timeout)
        return self._accepted(name, answer)

    def list_action(self, name, fields=None, timeout=None):
        """Do an action that answers with a list of events.

        :return: the answer and the list's items, without the event that ends it. Other
            events that came in between were delivered as always.
        :raises: as :meth:`action` does; ``timeout`` is for the whole list. Some actions
            call an empty list an error (ConfbridgeListRooms: "No active conferences.").
        """
        answer, items = self._request(name, fields, timeout, gathers=True)
        return self._accepted(name, answer), items

    def command(self, text):
        """Run a command of Asterisk's command line and return the lines it printed."""
        return self.action("Command", {"Command": text}).all("Output")

    def send_action(self, cdict=None, **kwargs):
        """Send an action, as all of pyst2's methods do, and return any answer.

        :raises: as :meth:`action` does, but an error is returned, not raised
        """
        fields = {**(cdict or {}), **kwargs}
        answer, _items = self._request(fields.pop("Action"), fields)
        return answer

    @staticmethod
    def _accepted(name, answer):
        if answer.get("Response") == "Error":
            raise ActionRefused(name, answer)
        return answer

    def _next_id(self):
        return f"{self._tag}-{self.next_seq()}"

    def _request(
        self, name, fields=None, timeout=None, *, gathers=False, connection=None
    ):
        connection = connection or self._usable_connection(name)
        timeout = self.timeout if timeout is None else timeout
        fields = dict(fields or {})
        action_id = str(fields.pop("ActionID", None) or self._next_id())
        data = request(name, fields, action_id)
        pending = _Pending(gathers)
        if connection.pending.setdefault(action_id, pending) is not pending:
            raise ValueError(f"ActionID {action_id} is in use")
        deadline = time.monotonic() + timeout
        try:
            connection.send(data, timeout)
            if connection.reason:  # it closed before it could know of this action
                raise NotConnected(connection.reason)
            return pending.result.result(max(deadline - time.monotonic(), 0))
        except FutureTimeoutError:
            raise ActionTimeout(
                f"{name} was not answered within {timeout:g} s"
            ) from None
        finally:
            connection.pending.pop(action_id, None)

    def _usable_connection(self, name):
        if threading.current_thread() is self._reader:
            raise RuntimeError(
                "on_event cannot wait for an answer: it would never come"
            )
        if not self._connected.is_set() and name != "Login":
            raise NotConnected("There is no connection to Asterisk.")
        return self._connection
