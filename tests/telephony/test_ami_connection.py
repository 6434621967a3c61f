# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""Connecting, losing, stopping: from every state, against every kind of server."""

import logging
import os
import socket
import threading
import time
from contextlib import contextmanager

import pytest
from asterisk.manager import ManagerException
from fake_ami import (
    BOOTED,
    SECRET,
    Client,
    Server,
    ami_threads,
    connected,
    event,
    until,
)

from telephony import ami


class HardlyTrying(Client):
    BACKOFF = (60, 60)
    REFUSED_DELAY = 60


# ------------------------------------------------------------
# CONNECTING
# ------------------------------------------------------------


def test_connect():
    with Server() as server, connected(server) as client:
        assert client.connected()
        assert (client.title, client.version) == ("Asterisk Call Manager", "11.0.0")
        assert until(lambda: client.is_in("connected"))
        assert [state for state, _reason in client.states] == [
            "connecting",
            "connected",
        ]
        assert [one.name for one in client.events] == ["FullyBooted"]


def test_login_is_pyst2s():
    with Server() as server, connected(server):
        (login,) = server.requests
        assert (login["Username"], login["Secret"]) == ("odoo", SECRET)


def test_wrong_secret_then_corrected():
    with Server(secret="other") as server, Client(server.port) as client:
        assert until(lambda: server.logins >= 3)
        assert {state for state, _reason in client.states} == {"connecting", "refused"}
        assert "Authentication failed" in client.reason("refused")
        server.secret = SECRET
        assert client.wait_connected(5)


def test_refusals_are_slow():
    """Whoever counts failed log-ins must not lock the call centre out."""
    with Server(secret="other") as server, HardlyTrying(server.port) as client:
        assert until(lambda: client.is_in("refused"))
        time.sleep(0.3)
        assert server.logins == 1


def test_not_fully_booted():
    """Connected means that Asterisk can do what it is asked."""
    with (
        Server(after_login=event("Newchannel")) as server,
        Client(server.port) as client,
    ):
        assert until(lambda: "fully booted" in (client.states or [("", "")])[-1][1])
        assert not client.connected()
        with pytest.raises(ami.NotConnected):
            client.action("CoreStatus")
        server.send(BOOTED)
        assert client.wait_connected(5)
        assert [one.name for one in client.events] == ["Newchannel", "FullyBooted"]


@pytest.mark.parametrize(
    ("greeting", "state", "reason"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "refused", "not an AMI: it greets with 'SSH-2.0"),
        (b"x" * 5000, "refused", "not an AMI"),
        (b"", "lost", "no greeting within 0.5 s"),
    ],
    ids=["ssh", "endless line", "silence"],
)
def test_not_an_ami(greeting, state, reason):
    with Server(greeting=greeting) as server, Client(server.port) as client:
        assert until(lambda: client.is_in(state))
        assert reason in client.reason(state)


def test_nothing_listens():
    with Server() as server:
        port = server.port
    with Client(port) as client:
        assert until(lambda: len(client.states) > 3)
        assert client.reason("lost") == f"Nothing listens at 127.0.0.1:{port}."
    with Server() as server:
        server.close()
        with Client(server.port) as client:
            assert until(lambda: client.is_in("lost"))
            server.listen()
            assert client.wait_connected(5)


@pytest.mark.parametrize("host", ["pbx.invalid", "pbx..invalid"])
def test_unknown_host(host):
    with Client(5038, host=host) as client:
        assert until(lambda: client.is_in("lost"), 10)
        assert "host name" in client.reason("lost")


def test_login_unanswered():
    with (
        Server({"Login": lambda request: None}) as server,
        Client(server.port) as client,
    ):
        assert until(lambda: client.is_in("lost"))
        assert "Login was not answered within 0.5 s" in client.reason("lost")


def test_hostile_secret():
    with Server() as server, Client(server.port, secret="a\r\nAction: x") as client:
        assert until(lambda: client.is_in("refused"))
        assert "control character" in client.reason("refused")
        assert not server.requests


def test_delay_grows_and_is_spread():
    client = ami.Client("127.0.0.1", 5038, "odoo", SECRET)
    for failures in range(40):
        delays = [client._delay("lost", failures) for _try in range(20)]
        longest = min(15.0, 0.5 * 2**failures)
        assert longest / 2 <= min(delays) < max(delays) <= longest
    assert 15 <= client._delay("refused", 0) <= 30


# ------------------------------------------------------------
# LOSS
# ------------------------------------------------------------


def test_reconnect():
    with Server() as server, connected(server) as client:
        for _time in range(3):
            server.close()
            assert until(lambda: not client.connected())
            server.listen()
            assert client.wait_connected(5)
        assert client.action("Ping")
        reasons = [why for state, why in client.states if state == "lost"]
        assert any("closed the connection" in why for why in reasons)
        assert server.logins == 4


def test_lost_in_the_middle_of_an_action():
    """Whoever waits learns of the loss at once, not at the time limit."""
    with Server({"Hangup": lambda request: server.drop()}) as server:
        with connected(server, timeout=10) as client:
            started = time.monotonic()
            with pytest.raises(ami.NotConnected, match="closed the connection"):
                client.action("Hangup")
            assert time.monotonic() - started < 2


def test_reset():
    """A connection that breaks hard is lost like any other."""
    with Server() as server, connected(server) as client:
        for peer in server._peers:
            linger = b"\x01\0\0\0\0\0\0\0"
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        (peer,) = server._peers
        server._peers = []
        peer.close()
        client._connection.send(b"\r\n", 1)
        assert until(lambda: server.logins == 2)
        assert client.wait_connected(5)


def test_not_connected():
    client = Client(1)
    with pytest.raises(ami.NotConnected):
        client.action("Ping")
    with pytest.raises(ManagerException):
        client.hangup("PJSIP/1001-00000001")


def test_silence_is_noticed():
    """A peer that neither speaks nor closes, as behind a dead router."""
    mute = threading.Event()
    answers = {"Ping": lambda request: None if mute.is_set() else request.answer()}
    with Server(answers) as server:
        with connected(server, keepalive=0.1, timeout=0.2) as client:
            assert until(lambda: len(server.asked("Ping")) >= 3)
            assert server.logins == 1
            mute.set()
            assert until(lambda: server.logins == 2)
            assert "fell silent" in client.reason("lost")


def test_events_are_a_sign_of_life():
    """A PBX too busy to answer a ping is not given up."""
    with Server({"Ping": lambda request: None}) as server:
        with connected(server, keepalive=0.1, timeout=0.5):
            for _time in range(8):
                server.send(event("Newstate"))
                time.sleep(0.25)
            assert len(server.asked("Ping")) > 1
            assert server.logins == 1


def test_busy_callback_is_no_silence():
    """A PBX is not given up because we are slow ourselves."""
    go_on = threading.Event()
    with Server() as server:
        with connected(
            server, keepalive=0.1, timeout=0.1, on_event=lambda event: go_on.wait(10)
        ):
            time.sleep(0.6)
            assert server.logins == 1
            go_on.set()
            assert until(lambda: len(server.asked("Ping")) > 1)
            assert server.logins == 1


def test_peer_that_does_not_read():
    """An action never waits longer than its limit, even to be sent."""
    with Server() as server, connected(server) as client:
        server.reads = False
        started = time.monotonic()
        with pytest.raises(ami.NotConnected, match="took no more"):
            for _time in range(10):
                client.action("Command", {"Command": "x" * 5_000_000}, timeout=0.3)
        assert time.monotonic() - started < 3
        server.reads = True


@pytest.mark.filterwarnings("error")
def test_nothing_leaks():
    """Descriptors and threads after many reconnections are those of one connection."""
    with Server() as server, connected(server) as client:
        before = len(os.listdir("/proc/self/fd")), threading.active_count()
        for logins in range(2, 22):
            server.drop()
            assert until(lambda n=logins: server.logins == n and client.connected())
        assert until(lambda: len(ami_threads()) == 2)

        def now():
            return len(os.listdir("/proc/self/fd")), threading.active_count()

        assert until(lambda: now() <= before, 2), (before, now())


# ------------------------------------------------------------
# STOPPING
# ------------------------------------------------------------


@contextmanager
def full_backlog():
    """Give a port that neither accepts nor refuses."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = [socket.socket() for _number in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
        for filler in fillers:
            filler.close()


def stop_in_time(client, seconds=1.0):
    started = time.monotonic()
    client.stop()
    assert time.monotonic() - started < seconds
    assert not ami_threads()
    assert not client.connected()


def test_stop_before_start():
    client = Client(1)
    stop_in_time(client)
    client.close()


def test_stop_while_connecting():
    with full_backlog() as port:
        client = Client(port, timeout=30)
        client.start()
        time.sleep(0.2)
        assert [state for state, _reason in client.states] == ["connecting"]
        stop_in_time(client)


@pytest.mark.parametrize(
    "server",
    [
        {"greeting": b""},
        {"answers": {"Login": lambda request: None}},
        {"after_login": b""},
        {},
    ],
    ids=["greeting", "login", "booting", "connected"],
)
def test_stop_while_waiting(server):
    with Server(**server) as server:
        client = Client(server.port, timeout=30, keepalive=30)
        client.start()
        assert until(lambda: server._peers)
        time.sleep(0.2)
        assert client.connected() == (server.after_login != b"" and server.logins > 0)
        stop_in_time(client)


def test_stop_during_handshake():
    with Server(greeting=b"") as server:
        client = Client(server.port, tls=True, timeout=30)
        client.start()
        assert until(lambda: server._peers)
        time.sleep(0.2)
        stop_in_time(client)


@pytest.mark.parametrize("refused", [True, False])
def test_stop_between_attempts(refused):
    with Server(secret="other") as server:
        if not refused:
            server.close()
        client = HardlyTrying(server.port)
        client.start()
        assert until(lambda: len(client.states) == 2)
        stop_in_time(client)


def test_stop_logs_off():
    with Server() as server, connected(server) as client:
        stop_in_time(client)
        assert server.asked("Logoff")


def test_stop_with_a_deaf_peer():
    with Server({"Logoff": lambda request: None}) as server:
        with connected(server, timeout=30) as client:
            stop_in_time(client)


def test_stop_wakes_whoever_waits():
    errors = []
    with Server({"Hangup": lambda request: None}) as server:
        with connected(server, timeout=30) as client:

            def wait():
                try:
                    client.action("Hangup")
                except ami.NotConnected as error:
                    errors.append(str(error))

            waiting = threading.Thread(target=wait)
            waiting.start()
            assert until(lambda: server.asked("Hangup"))
            stop_in_time(client)
            waiting.join(2)
    assert len(errors) == 1


@pytest.mark.parametrize("callback", ["on_event", "on_state"])
def test_stop_in_a_callback(callback):
    stopped = threading.Event()

    def stop(*_args):
        if client.connected():
            client.stop()
            stopped.set()

    with Server() as server:
        client = Client(server.port, **{callback: stop})
        client.start()
        assert client.wait_connected(5)
        server.send(event("Newchannel"))
        assert stopped.wait(2)
        assert until(lambda: not ami_threads())


def test_stop_with_a_callback_that_hangs():
    """The caller gets its thread back; the stuck one ends when it can."""
    hang = threading.Event()
    with Server() as server:
        with connected(server, on_event=lambda _event: hang.wait(10)) as client:
            started = time.monotonic()
            client.stop()
            assert time.monotonic() - started < 2
            hang.set()


def test_stop_twice_and_start_again():
    with Server() as server:
        client = Client(server.port)
        for logins in (1, 2):
            client.start()
            client.start()
            assert client.wait_connected(5)
            assert server.logins == logins
            assert len(ami_threads()) == 2
            stop_in_time(client)
            stop_in_time(client)


# ------------------------------------------------------------
# SECRETS
# ------------------------------------------------------------


def test_secret_is_never_told(caplog):
    caplog.set_level(logging.DEBUG)
    told = []
    with Server(secret="other") as server, Client(server.port) as client:
        assert until(lambda: server.logins == 2)
        told += client.states
        server.secret = SECRET
        assert client.wait_connected(5)
        server.close()
        assert until(lambda: client.is_in("lost"))
        told += client.states
    told += [repr(client), str(client), caplog.text]
    assert SECRET not in repr(told)
