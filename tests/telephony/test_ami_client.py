# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""Events, actions and lists."""

import threading
import time

import pytest
import recordings
from fake_ami import BOOTED, Client, Server, connected, event, message, until

from telephony import ami

# ------------------------------------------------------------
# EVENTS
# ------------------------------------------------------------


def test_recorded_stream():
    """Every recorded event arrives once, whole and in order."""
    names = recordings.names()
    data = b"".join(map(recordings.events, names))
    expected = list(ami.messages(data))
    with Server(after_login=BOOTED + data) as server, connected(server) as client:
        assert until(lambda: len(client.events) > len(expected))
        assert client.events[1:] == expected
        assert [one.items_all() for one in client.events[1:]] == [
            one.items_all() for one in expected
        ]


def test_wanted():
    data = recordings.events("a_queue_answered")
    wanted = {"Newchannel", "Hangup", "NotThereAtAll"}
    expected = [one for one in ami.messages(data) if one.name in wanted]
    done = event("Hangup", Uniqueid="done")
    with Server(after_login=BOOTED + data) as server:
        with connected(server, wanted=wanted) as client:
            server.send(event("VarSet", ActionID="1") + done)
            assert until(
                lambda: client.events and client.events[-1].get("Uniqueid") == "done"
            )
            assert client.events[:-1] == expected
            assert len(expected) > 3


def test_unwanted_is_not_parsed(monkeypatch):
    """Most of what Asterisk sends is VarSet: it costs a glance at its first line."""
    parsed = []
    parse = ami.Message.parse
    monkeypatch.setattr(
        ami.Message, "parse", lambda text: parsed.append(text) or parse(text)
    )
    data = recordings.events("a_queue_answered")
    with Server() as server, connected(server, wanted={"Hangup"}) as client:
        server.send(data)
        assert until(lambda: len(client.events) == 2)
        assert client.ping()
    assert data.count(b"Event: VarSet") > 50
    assert not [text for text in parsed if text.startswith("Event: VarSet")]


def test_extra_blank_lines():
    """Asterisk may send one after an answer."""

    def answer(request):
        return b"\r\n" + request.answer() + b"\r\n" + event("A") + b"\r\n\r\n"

    with Server({"Getvar": answer}) as server, connected(server) as client:
        for _time in range(2):
            assert client.action("Getvar")["Response"] == "Success"
        assert until(lambda: len(client.events) == 3)
        assert [one.name for one in client.events] == ["FullyBooted", "A", "A"]


def test_wanted_does_not_thin_lists():
    answers = {"Status": lambda request: request.list(("Status", {"Channel": "a"}))}
    with Server(answers) as server, connected(server, wanted={"Hangup"}) as client:
        _answer, items = client.list_action("Status")
        assert [item["Channel"] for item in items] == ["a"]
        assert client.events == []


def test_failing_callback(caplog):
    """Neither the events nor the actions stop, and somebody can read why."""
    seen = []

    def fail(event):
        seen.append(event.name)
        raise ZeroDivisionError(event.name)

    with Server() as server, connected(server, on_event=fail) as client:
        server.send(event("One") + event("Two"))
        assert until(lambda: seen[-1] == "Two")
        assert client.action("Ping")
    assert "on_event failed for One" in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_failing_on_state(caplog):
    def fail(state, reason):
        raise ZeroDivisionError(state)

    with Server() as server, connected(server, on_state=fail) as client:
        server.drop()
        assert until(lambda: server.logins == 2)
        assert client.wait_connected(5)
    assert "on_state failed for lost" in caplog.text


def test_no_event_after_lost():
    """Not even if the reader is still busy when the connection is given up."""
    order = []
    go_on = threading.Event()

    def take(event):
        go_on.wait(10)
        order.append(event.name)

    with Server() as server:
        client = Client(
            server.port,
            on_event=take,
            on_state=lambda state, reason: order.append(state),
        )
        with client:
            assert client.wait_connected(5)
            server.send(event("A") + event("B"))
            time.sleep(0.1)
            server.reads = False
            with pytest.raises(ami.NotConnected, match="took no more"):
                client.action("Command", {"Command": "x" * 20_000_000}, timeout=0.2)
            server.reads = True
            time.sleep(0.1)
            assert order == ["connecting", "connected"]
            go_on.set()
            assert until(lambda: "lost" in order)
            lost = order.index("lost")
            assert order[2:lost] in (["FullyBooted"], ["FullyBooted", "A", "B"])
            assert until(lambda: order.count("connected") == 2)
            assert "A" not in order[lost:]


def test_register_event():
    """pyst2's callbacks work: by name and for all, until one returns True."""
    calls = []
    with Server() as server, connected(server) as client:
        client.register_event("*", lambda event, manager: calls.append("*"))
        client.register_event("A", lambda event, manager: calls.append(event.name))
        client.register_event("B", lambda event, manager: calls.append("B") or True)
        server.send(event("A") + event("B") + event("C"))
        assert until(lambda: len(calls) == 4)
        assert calls == ["A", "*", "B", "*"]


# ------------------------------------------------------------
# ACTIONS
# ------------------------------------------------------------


def test_answers_reach_who_asked():
    """The server answers in the opposite order."""
    held = []

    def hold(request):
        held.append(request)
        if len(held) % 4 == 0:
            return b"".join(
                one.answer(("Value", one["Variable"])) for one in reversed(held[-4:])
            )

    wrong = []
    with Server({"Getvar": hold}) as server, connected(server, timeout=5) as client:

        def ask(number):
            for turn in range(50):
                name = f"{number}-{turn}"
                if client.action("Getvar", {"Variable": name})["Value"] != name:
                    wrong.append(name)

        threads = [threading.Thread(target=ask, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
    assert len(held) == 200
    assert wrong == []


def test_action_ids_are_ours_alone():
    with Server() as server, connected(server) as one, connected(server) as two:
        for client in (one, two):
            for _time in range(3):
                client.action("Ping")
        ids = [request["ActionID"] for request in server.requests]
        assert len(set(ids)) == len(ids)


def test_own_action_id():
    with (
        Server({"Hangup": lambda request: None}) as server,
        connected(server) as client,
    ):
        assert client.action("Ping", {"ActionID": "mine"})["ActionID"] == "mine"
        waiting = threading.Thread(
            target=lambda: pytest.raises(
                ami.ActionTimeout, client.action, "Hangup", {"ActionID": "twin"}
            )
        )
        waiting.start()
        assert until(lambda: server.asked("Hangup"))
        with pytest.raises(ValueError, match="twin is in use"):
            client.action("Ping", {"ActionID": "twin"})
        waiting.join(2)
        assert client.action("Ping", {"ActionID": "twin"})


def test_refused_action():
    def refuse(request):
        return request.answer(("Message", "No such channel"), response="Error")

    with Server({"Hangup": refuse}) as server, connected(server) as client:
        with pytest.raises(ami.ActionRefused, match="Hangup: No such channel") as error:
            client.action("Hangup", {"Channel": "PJSIP/1001-00000001"})
        assert error.value.answer["Message"] == "No such channel"
        assert (
            client.hangup("x")["Response"] == "Error"
        )  # pyst2 leaves it to the caller


def test_action_timeout():
    """A late answer is nobody's."""
    requests = []
    with Server({"Hangup": requests.append}) as server, connected(server) as client:
        started = time.monotonic()
        with pytest.raises(
            ami.ActionTimeout, match=r"Hangup was not answered within 0\.2 s"
        ):
            client.action("Hangup", timeout=0.2)
        assert 0.15 < time.monotonic() - started < 1
        server.send(requests[0].answer())
        assert "ActionID" in client.action("Ping")
        assert client._connection.pending == {}
        assert client.events[1:] == []


def test_action_in_on_event(caplog):
    """It would wait for what only its own thread can read."""
    with Server() as server:
        client = Client(server.port, on_event=lambda event: client.action("Ping"))
        with client:
            assert client.wait_connected(5)
            assert until(lambda: "on_event cannot wait" in caplog.text)


def test_action_in_on_state():
    answers = []

    def ask(state, reason):
        if state == "connected":
            answers.append(client.action("CoreSettings"))

    with Server() as server:
        client = Client(server.port, on_state=ask)
        with client:
            assert until(lambda: answers)
            assert answers[0]["Response"] == "Success"


def test_answer_with_a_line_feed_too_much():
    """As Asterisk's Park does."""
    answers = {
        "Park": lambda request: request.answer(
            ("Message", "Park successful\n"), ("A", 1)
        )
    }
    with Server(answers) as server, connected(server) as client:
        answer = client.action("Park")
        assert (answer["Message"], answer["A"]) == ("Park successful", "1")


def test_event_with_our_action_id_is_an_event():
    """OriginateResponse says how the call went, perhaps before the answer comes."""

    def originate(request):
        mine = message(
            ("Event", "OriginateResponse"), ("ActionID", request["ActionID"])
        )
        return mine + request.answer() + mine

    with Server({"Originate": originate}) as server, connected(server) as client:
        assert client.action("Originate")["Response"] == "Success"
        assert until(lambda: len(client.events) == 3)
        assert {one.name for one in client.events[1:]} == {"OriginateResponse"}


def test_command():
    answers = {
        "Command": lambda request: request.answer(
            ("Message", "Command output follows"),
            ("Output", "one: 1"),
            ("Output", "two"),
        )
    }
    with Server(answers) as server, connected(server) as client:
        assert client.command("core show uptime") == ["one: 1", "two"]
        assert server.requests[-1]["Command"] == "core show uptime"


def test_refused_command():
    answers = {
        "Command": lambda request: request.answer(
            ("Message", "Command output follows"),
            ("Output", "No such command 'x'"),
            response="Error",
        )
    }
    with Server(answers) as server, connected(server) as client:
        with pytest.raises(ami.ActionRefused, match="No such command 'x'"):
            client.command("x")


def test_actions_of_pyst2():
    with Server() as server, connected(server) as client:
        assert client.ping().get_header("Response") == "Success"
        client.redirect("PJSIP/1-1", "800", context="from-internal")
        client.originate(
            "PJSIP/1001", "800", "ctx", "1", variables={"A": "1", "B": "2"}
        )
        redirect, originate = server.requests[-2:]
        assert redirect["Context"] == "from-internal"
        assert [value for name, value in originate if name == "Variable"] == [
            "A=1",
            "B=2",
        ]
        with pytest.raises(ami.HeaderInjection):
            client.hangup("x\r\n\r\nAction: Ping")
        assert len(server.requests) == 4


# ------------------------------------------------------------
# LISTS
# ------------------------------------------------------------


def recorded_list(end):
    """Return the recorded answer up to an event, as a function of a request."""
    texts = recordings.texts("m_rebuild_actions")
    stop = next(i for i, text in enumerate(texts) if f"Event: {end}".encode() in text)
    start = max(i for i in range(stop) if texts[i].startswith(b"Response: "))
    foreign = event("QueueMemberStatus", Interface="PJSIP/foreign")

    def answer(request):
        lines = []
        for text in texts[start : stop + 1]:
            for line in text.split(b"\r\n"):
                if line.startswith(b"ActionID: "):
                    line = b"ActionID: " + request["ActionID"].encode()
                lines.append(line)
            lines.append(b"\r\n" + foreign.rstrip() + b"\r\n")
        return b"\r\n".join(lines) + b"\r\n"

    return answer, stop - start - 1


@pytest.mark.parametrize(
    ("action", "end"),
    [
        ("CoreShowChannels", "CoreShowChannelsComplete"),
        ("Status", "StatusComplete"),
        ("QueueStatus", "QueueStatusComplete"),
        ("DeviceStateList", "DeviceStateListComplete"),
    ],
)
def test_recorded_list(action, end):
    """Items are the caller's, foreign events in between everybody's."""
    answer, count = recorded_list(end)
    with Server({action: answer}) as server, connected(server) as client:
        head, items = client.list_action(action)
        assert head["Response"] == "Success"
        assert len(items) == count > 0
        assert all(item["ActionID"] == head["ActionID"] for item in items)
        assert until(lambda: len(client.events) == count + 3)
        assert {one["Interface"] for one in client.events[1:]} == {"PJSIP/foreign"}
        assert client.action("Ping")


def test_empty_list():
    with Server({"BridgeList": lambda request: request.list()}) as server:
        with connected(server) as client:
            assert client.list_action("BridgeList")[1] == []


def test_list_refused_at_once():
    def refuse(request):
        return request.answer(("Message", "No active conferences."), response="Error")

    with Server({"ConfbridgeListRooms": refuse}) as server:
        with connected(server, timeout=30) as client:
            with pytest.raises(ami.ActionRefused, match="No active conferences"):
                client.list_action("ConfbridgeListRooms")


def test_list_that_is_none():
    """Success without a list, as of VoicemailUsersList without users."""
    with Server() as server, connected(server, timeout=30) as client:
        answer, items = client.list_action("VoicemailUsersList")
        assert (answer["Response"], items) == ("Success", [])


def test_list_that_does_not_end():
    def half(request):
        return request.list(("Status", {"Channel": "a"})).partition(b"Event: ListComp")[
            0
        ]

    with Server({"Status": half}) as server, connected(server) as client:
        with pytest.raises(ami.ActionTimeout):
            client.list_action("Status", timeout=0.2)
        assert client._connection.pending == {}
