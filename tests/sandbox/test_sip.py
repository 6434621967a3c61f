# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""The telephone's own parts, so that a test of calls never fails on them."""

import time

import pytest

from tests.sip.message import Message, authorization, request
from tests.sip.rtp import DECODED, DIGITS, Audio, _alaw_encode, tone

INVITE = "\r\n".join(
    [
        "INVITE sip:1001@127.0.0.1:40000 SIP/2.0",
        "Via: SIP/2.0/UDP 127.0.0.1:5160;rport;branch=z9hG4bKabc",
        'From: "Ada" <sip:+49301@127.0.0.1>;tag=one',
        "To: <sip:1001@127.0.0.1>",
        "Call-ID: call-1",
        "CSeq: 7 INVITE",
        "Contact: <sip:asterisk@127.0.0.1:5160>",
        "Record-Route: <sip:proxy;lr>",
        "",
        "v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 12002 RTP/AVP 8 101\r\n",
    ]
)


def test_a_request_is_read():
    message = Message(INVITE)
    assert message.is_request and message.method == "INVITE"
    assert message.branch == "z9hG4bKabc"
    assert message.tag("from") == "one"
    assert message.address("contact") == "sip:asterisk@127.0.0.1:5160"
    assert message.media == ("127.0.0.1", 12002)


def test_a_reply_repeats_what_the_request_said():
    reply = Message(Message(INVITE).reply(180, "two", "<sip:me>"))
    assert (reply.status, reply.method) == (180, "INVITE")
    assert reply["to"] == "<sip:1001@127.0.0.1>;tag=two"
    for name in ("via", "from", "call-id", "cseq", "record-route"):
        assert reply[name] == Message(INVITE)[name]


def test_a_request_is_written():
    text = request(
        "BYE",
        "sip:x@h",
        via="h:1",
        branch="b",
        cseq=3,
        call_id="c",
        headers=["From: <sip:a>;tag=t", "To: <sip:b>"],
    )
    message = Message(text)
    assert (message.method, message.uri, message["cseq"]) == ("BYE", "sip:x@h", "3 BYE")
    assert text.endswith("Content-Length: 0\r\n\r\n")


def test_the_answer_to_a_challenge():
    # RFC 2617's arithmetic without qop: MD5(MD5(u:r:p):nonce:MD5(method:uri)).
    word = authorization('Digest realm="r",nonce="n"', "u", "p", "REGISTER", "sip:h")
    assert 'response="f7949f33797a7abbe390eaa95b1ca294"' in word
    with_qop = authorization(
        'Digest realm="r",nonce="n",qop="auth",opaque="o"', "u", "p", "INVITE", "sip:h"
    )
    assert "qop=auth" in with_qop and 'opaque="o"' in with_qop


@pytest.mark.parametrize("sample", [0, 1, -1, 100, -100, 1000, -5000, 20000, -32000])
def test_alaw_keeps_a_sample_within_its_step(sample):
    assert DECODED[_alaw_encode(sample)] == pytest.approx(sample, rel=0.04, abs=16)


def test_two_ends_hear_each_other():
    one, two = Audio("127.0.0.1", 300), Audio("127.0.0.1", 700)
    try:
        one.connect(("127.0.0.1", two.port))
        two.connect(("127.0.0.1", one.port))
        assert one.hears(700) and two.hears(300)
        one.press(DIGITS)
        two.press("7")
        deadline = time.monotonic() + 30
        while (two.digits, one.digits) != (DIGITS, "7"):
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)
        assert (two.digits, one.digits) == (DIGITS, "7")
    finally:
        one.close()
        two.close()


def test_a_tone_of_whole_hertz_joins_without_a_click():
    sound = tone(440)
    assert len(sound) == 8000
    assert DECODED[sound[0]] == pytest.approx(0, abs=16)
