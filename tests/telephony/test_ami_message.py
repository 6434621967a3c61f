# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""How bytes become messages, and requests bytes."""

import pickle

import pytest
import recordings
from hypothesis import given
from hypothesis import strategies as st

from telephony import ami


def blocks(chunks):
    """Return what a connection makes of ``chunks``, as messages."""
    connection = ami._Connection("127.0.0.1", 5038)
    chunks = iter([*chunks, b""])
    connection._receive = lambda: next(chunks)
    return [
        ami.Message.parse(text.strip("\r\n"))
        for block in connection.blocks()
        for text in block.split("\r\n\r\n")
        if text.strip("\r\n")
    ]


@pytest.mark.parametrize("name", recordings.names())
def test_recording(name):
    """Every header of every recorded message is there, repeated ones too."""
    found = list(ami.messages(recordings.read(name)))
    expected = [
        [tuple(line.split(": ", 1)) for line in text.decode().split("\r\n")]
        for text in recordings.texts(name)
    ]
    assert [message.items_all() for message in found] == expected
    assert found == [dict(pairs) for pairs in expected]


def test_repeated_header():
    message = ami.Message.parse("Event: Status\r\nVariable: A=1\r\nVariable: B=2")
    assert message["Variable"] == "B=2"
    assert message.all("Variable") == ["A=1", "B=2"]
    assert message.all("Event") == ["Status"]
    assert message.all("Channel") == []


def test_message_made_by_hand():
    message = ami.Message(Event="Hangup", Cause="16")
    assert message.items_all() == [("Event", "Hangup"), ("Cause", "16")]
    assert message.all("Cause") == ["16"]


def test_message_can_be_pickled():
    message = ami.Message.parse("Event: Status\r\nVariable: A=1\r\nVariable: B=2")
    assert pickle.loads(pickle.dumps(message)).all("Variable") == ["A=1", "B=2"]


def test_words_of_pyst2():
    event = ami.Message.parse("Event: Hangup\r\nCause: 16")
    assert event.name == "Hangup"
    assert event.headers["Cause"] == event["Cause"] == event.get_header("Cause")
    assert event.has_header("Cause") and not event.has_header("Channel")
    assert event.get_header("Channel", "none") == "none"
    assert ami.Message.parse("Response: Success").name == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Event: A\r\nPausedReason: \r\nB: 1", {"PausedReason": "", "B": "1"}),
        ("Event: A\r\nB:1\r\nC:", {"B": "1", "C": ""}),
        ("Event: A\r\nAppData: sip: x: y", {"AppData": "sip: x: y"}),
        ("Event: A\r\nno header\r\nB: 1", {"B": "1"}),
        (
            "Event: A\r\nTxt: one\nCause: 17\r\nB: 1",
            {"Txt": "one\nCause: 17", "B": "1"},
        ),
    ],
    ids=["empty", "no space", "colons", "no colon", "line feed in a value"],
)
def test_odd_lines(text, expected):
    assert ami.Message.parse(text) == {"Event": "A", **expected}


def test_extra_blank_lines():
    (first, second) = blocks([b"\r\nEvent: A\r\n\r\n\r\n\r\nEvent: B\r\nC: 1\r\n\r\n"])
    assert (first, second) == ({"Event": "A"}, {"Event": "B", "C": "1"})


def test_not_utf8():
    """Bytes that are not UTF-8 become visible, and harm nothing beside them."""
    (message,) = blocks(
        [b"Event: A\r\nLatin: Gr\xfc\xdfe\xc3\r\nNext: \xe4\xbd\xa0\r\n\r\n"]
    )
    assert message == {
        "Event": "A",
        "Latin": "Gr\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}e"
        "\N{REPLACEMENT CHARACTER}",
        "Next": "你",
    }


@given(st.lists(st.integers(1, 400), min_size=1, max_size=300))
def test_any_pieces(sizes):
    """However TCP cuts the stream, the messages are the same."""
    data = recordings.events("b_queue_abandoned")[:20000]
    data = data[: data.rindex(b"\r\n\r\n") + 4].replace(b"Customer", "客户".encode())
    chunks = []
    rest = data
    while rest:
        for size in sizes:
            chunks.append(rest[:size])
            rest = rest[size:]
    assert blocks(filter(None, chunks)) == list(ami.messages(data))


def test_endless_message(monkeypatch):
    monkeypatch.setattr(ami, "_LONGEST", 1000)
    with pytest.raises(OSError, match="more than 1000 bytes"):
        blocks([b"x" * 600] * 3)


# ------------------------------------------------------------
# REQUESTS
# ------------------------------------------------------------


def test_request():
    data = ami.request(
        "Originate",
        {
            "Channel": "PJSIP/1001",
            "Timeout": 30000,
            "Account": None,
            "Variable": ["A=1", "B=ü"],
        },
        "id-1",
    )
    assert data.decode() == (
        "Action: Originate\r\nActionID: id-1\r\nChannel: PJSIP/1001\r\n"
        "Timeout: 30000\r\nVariable: A=1\r\nVariable: B=ü\r\n\r\n"
    )


def test_variables_by_mapping():
    data = ami.request("Setvar", {"Variable": {"A": 'x,__B="1"', "F(a,b)": "\\"}}, "1")
    assert b'Variable: A=x\\,__B=\\"1\\"\r\n' in data
    assert b"Variable: F\\(a\\,b\\)=\\\\\r\n" in data


CONTROL = [chr(code) for code in (*range(32), *range(127, 160))]


@pytest.mark.parametrize("control", CONTROL, ids=ascii)
@pytest.mark.parametrize(
    "fields",
    [
        lambda text: {"Channel": text},
        lambda text: {text: "1"},
        lambda text: {"Variable": ["A=1", text]},
        lambda text: {"Variable": ("A=1", text)},
        lambda text: {"Variable": {"A": text}},
        lambda text: {"Variable": {text: "1"}},
    ],
    ids=["value", "name", "list", "tuple", "mapping's value", "mapping's key"],
)
def test_injection(control, fields):
    hostile = f"x{control}Action: Originate"
    with pytest.raises(ami.HeaderInjection):
        ami.request("Hangup", fields(hostile), "1")
    with pytest.raises(ValueError):
        ami.request(hostile, {}, "1")
    with pytest.raises(ValueError):
        ami.request("Hangup", {}, hostile)


@pytest.mark.parametrize(
    "name", ["", "Channel: x", "Channel:", "a b", "Größe", "Action", "actionid"]
)
def test_name_of_header(name):
    with pytest.raises(ami.HeaderInjection):
        ami.request("Hangup", {name: "1"}, "1")


@pytest.mark.parametrize("name", ["", "A=B"])
def test_name_of_variable(name):
    with pytest.raises(ami.HeaderInjection):
        ami.request("Setvar", {"Variable": {name: "1"}}, "1")


@given(
    st.dictionaries(
        st.sampled_from(["Channel", "Variable", "Exten"]) | st.text(),
        st.text() | st.lists(st.text()),
    )
)
def test_request_is_one_request(fields):
    """Whatever the fields are, Asterisk reads exactly what they say, or nothing."""
    try:
        data = ami.request("Hangup", fields, "1")
    except ami.HeaderInjection:
        return
    assert data.count(b"\r\n\r\n") == 1 and data.endswith(b"\r\n\r\n")
    count = sum(
        len(value) if isinstance(value, list) else 1 for value in fields.values()
    )
    assert len(data.removesuffix(b"\r\n\r\n").splitlines()) == 2 + count


def test_secret_stays_out_of_the_error():
    with pytest.raises(ami.HeaderInjection) as error:
        ami.request("Login", {"Secret": "hunter2\r\n"}, "1")
    assert "hunter2" not in str(error.value)
    assert "Secret" in str(error.value)
