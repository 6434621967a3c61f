# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""A SIP telephone that a test tells what to do.

    phone = Phone("1001", "pw1001", port=5160, on_call=answer(after=1))
    phone.register()
    call = phone.wait_call()
    call.wait("answered")
    call.hold()

It registers, answers the PBX's OPTIONS, rings, answers, rejects, dials, holds,
transfers (blind and attended), presses keys and measures the tone it hears.
"""

import contextlib
import re
import socket
import threading
import time
import urllib.parse

from .message import Message, authorization, request, token
from .rtp import Audio

ALLOW = "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, NOTIFY, REFER, INFO"
STATES = ("new", "ringing", "answered", "ended")


def answer(after=0.5):
    """Behaviour: pick up after some seconds of ringing."""

    def behave(call):
        if not call.wait("ended", after):
            call.answer()

    return behave


def reject(status=486):
    """Behaviour: refuse at once (486 busy, 603 declined, 404, 503 …)."""
    return lambda call: call.reject(status)


def ring(call):
    """Behaviour: let it ring."""


class Phone:
    def __init__(
        self,
        user,
        password=None,
        *,
        port=5160,
        server="127.0.0.1",
        host="127.0.0.1",
        on_call=ring,
        frequency=440,
        local_port=0,
    ):
        self.user, self.password = user, password or f"pw{user}"
        self.server = (server, port)
        self.host = host
        self.on_call = on_call
        self.frequency = frequency
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((host, local_port))
        self.port = self.socket.getsockname()[1]
        self.calls = {}
        self.messages = []
        self._registration = {"call_id": token(16), "tag": token(), "cseq": 0}
        self._transactions = {}
        self._incoming = []
        self._arrived = threading.Condition()
        self._closed = False
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self):
        self.register()
        return self

    def __exit__(self, *exception):
        self.close()

    @property
    def contact(self):
        return f"<sip:{self.user}@{self.host}:{self.port}>"

    # ------------------------------------------------------------
    # WHAT A TEST DOES WITH A TELEPHONE
    # ------------------------------------------------------------

    def register(self, expires=120, timeout=10):
        """Register, and try again while the PBX is not there yet."""
        deadline = time.monotonic() + timeout
        while True:
            status = self._register(expires)
            if status == 200:
                return self
            if time.monotonic() > deadline:
                raise AssertionError(f"{self.user} cannot register: {status}")
            time.sleep(0.2)

    def unregister(self):
        self._register(0)

    def call(self, number, headers=()):
        """Dial; returns the call at once."""
        call = Call(self, token(16), outgoing=True)
        call.remote_uri = f"sip:{number}@{self.server[0]}:{self.server[1]}"
        call.remote = f"<{call.remote_uri}>"
        self.calls[call.call_id] = call
        threading.Thread(target=call.invite, args=(headers,), daemon=True).start()
        return call

    def wait_call(self, timeout=10):
        """The next call that rings here."""
        with self._arrived:
            if not self._arrived.wait_for(lambda: self._incoming, timeout):
                raise AssertionError(f"No call has reached {self.user}.")
            return self._incoming.pop(0)

    def close(self, unregister=True):
        for call in list(self.calls.values()):
            call.hang_up()
        if unregister:
            self.unregister()
        self._closed = True
        with contextlib.suppress(OSError):
            # Wakes the thread that reads; it would keep the port otherwise.
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    # ------------------------------------------------------------
    # REQUESTS
    # ------------------------------------------------------------

    def _register(self, expires):
        state = self._registration
        uri = f"sip:{self.server[0]}:{self.server[1]}"
        address = f"<sip:{self.user}@{self.server[0]}>"
        headers = [
            f"From: {address};tag={state['tag']}",
            f"To: {address}",
            f"Contact: {self.contact}",
            f"Expires: {expires}",
            ALLOW,
        ]
        return self.transact("REGISTER", uri, state, headers, timeout=2)[0]

    def transact(self, method, uri, dialog, headers, body="", timeout=32, early=None):
        """Send a request, prove who we are if asked, return (status, response)."""
        proof = []
        for _attempt in range(2):
            dialog["cseq"] += 1
            branch = "z9hG4bK" + token()
            text = request(
                method,
                uri,
                via=f"{self.host}:{self.port}",
                branch=branch,
                cseq=dialog["cseq"],
                call_id=dialog["call_id"],
                headers=[*headers, *proof],
                body=body,
            )
            dialog["branch"] = branch
            response = self._send_and_wait(text, branch, method, timeout, early)
            if not response:
                return 408, None
            if method == "INVITE" and response.status >= 300:
                self._acknowledge_failure(uri, dialog, headers, response)
            if response.status not in (401, 407) or proof:
                break
            names = {401: "www-authenticate", 407: "proxy-authenticate"}
            challenges = response.all(names[response.status])
            challenge = next((c for c in challenges if "MD5" in c), challenges[0])
            answer_name = {401: "Authorization", 407: "Proxy-Authorization"}
            word = authorization(challenge, self.user, self.password, method, uri)
            proof = [f"{answer_name[response.status]}: {word}"]
        return response.status, response

    def _send_and_wait(self, text, branch, method, timeout, early):
        waiting = {"event": threading.Condition(), "final": None, "early": early}
        waiting["provisional"] = False
        self._transactions[(branch, method)] = waiting
        deadline, pause = time.monotonic() + timeout, 0.5
        try:
            while not waiting["final"] and time.monotonic() < deadline:
                if not waiting["provisional"]:
                    self.send(text)
                with waiting["event"]:
                    waiting["event"].wait_for(lambda: waiting["final"], pause)
                pause = min(pause * 2, 4, max(deadline - time.monotonic(), 0.05))
        finally:
            del self._transactions[(branch, method)]
        return waiting["final"]

    def _acknowledge_failure(self, uri, dialog, headers, response):
        keep = [line for line in headers if line.startswith("From:")]
        self.send(
            request(
                "ACK",
                uri,
                via=f"{self.host}:{self.port}",
                branch=dialog["branch"],
                cseq=dialog["cseq"],
                call_id=dialog["call_id"],
                headers=[*keep, f"To: {response['to']}"],
            )
        )

    def send(self, text, target=None):
        if not self._closed:
            self.socket.sendto(text.encode(), target or self.server)

    # ------------------------------------------------------------
    # WHAT COMES IN
    # ------------------------------------------------------------

    def _listen(self):
        while not self._closed:
            try:
                data, source = self.socket.recvfrom(65535)
            except ConnectionRefusedError:
                continue
            except OSError:
                return
            text = data.decode(errors="replace")
            if not text.strip():
                continue
            message = Message(text)
            if message.is_request:
                self._on_request(message, source)
            else:
                self._on_response(message)

    def _on_response(self, message):
        waiting = self._transactions.get((message.branch, message.method))
        if not waiting:
            call = self.calls.get(message["call-id"])
            if call and message.method == "INVITE" and message.status == 200:
                call.acknowledge()
            return
        if message.status < 200:
            waiting["provisional"] = True
            if waiting["early"]:
                waiting["early"](message)
            return
        with waiting["event"]:
            waiting["final"] = message
            waiting["event"].notify_all()

    def _on_request(self, message, source):
        method = message.method
        call = self.calls.get(message["call-id"])
        if method == "INVITE" and not call:
            self._on_new_call(message, source)
        elif method == "ACK":
            pass
        elif call:
            call.on_request(message, source)
        elif method in ("OPTIONS", "NOTIFY", "MESSAGE", "INFO"):
            self.messages.append(message)
            text = message.reply(200, token(), self.contact, extra=[ALLOW])
            self.send(text, source)
        else:
            self.send(message.reply(481, token()), source)

    def _on_new_call(self, message, source):
        call = Call(self, message["call-id"], outgoing=False)
        call.receive(message, source)
        self.calls[call.call_id] = call
        with self._arrived:
            self._incoming.append(call)
            self._arrived.notify_all()
        threading.Thread(target=self.on_call, args=(call,), daemon=True).start()


class Call:
    """One dialog, from the telephone's side."""

    def __init__(self, phone, call_id, outgoing):
        self.phone, self.call_id, self.outgoing = phone, call_id, outgoing
        self.state, self.status = "new", 0
        self.times = {"new": time.time()}
        self.audio = Audio(phone.host, phone.frequency)
        self.dialog = {"call_id": call_id, "cseq": 0}
        self.tag = token()
        self.remote = self.remote_uri = ""
        self.routes = []
        self.on_hold = False
        self.notified = []
        self._version = 0
        self._invitation = None
        self._answer_text = ""
        self._changed = threading.Condition()

    # ------------------------------------------------------------
    # WHAT A TEST DOES WITH A CALL
    # ------------------------------------------------------------

    @property
    def caller(self):
        """The number shown while it rings."""
        found = re.search(r"sips?:([^@;>]*)@", self._invitation["from"])
        return found[1] if found else ""

    @property
    def caller_name(self):
        return self._invitation["from"].partition("<")[0].strip().strip('"')

    def header(self, name):
        """A header of the INVITE that arrived."""
        return self._invitation[name.lower()]

    def wait(self, state, timeout=10):
        """Whether the call gets as far as *state* before time is up, or it ends."""
        with self._changed:
            self._changed.wait_for(
                lambda: state in self.times or self.state == "ended", timeout
            )
            return state in self.times

    def answer(self):
        if self._invitation and self.state in ("new", "ringing"):
            self._reply_invitation(200, self._offer())
            if self._invitation.media:
                self.audio.connect(self._invitation.media)
            self._set("answered")

    def reject(self, status=486):
        if self.state in ("new", "ringing"):
            self.status = status
            self._reply_invitation(status)
            self._set("ended")

    def hang_up(self):
        if self.state == "answered":
            self._set("ended")
            self._request("BYE", timeout=2)
        elif self.state != "ended":
            self._cancel() if self.outgoing else self.reject()

    def hold(self):
        self.on_hold = True
        self._reinvite()

    def resume(self):
        self.on_hold = False
        self._reinvite()

    def press(self, digits):
        self.audio.press(digits)

    def transfer(self, number):
        """Blind: the PBX sends the other side to *number*; we hang up when it did."""
        server = self.phone.server
        return self._refer(f"<sip:{number}@{server[0]}:{server[1]}>")

    def transfer_to(self, consultation):
        """Attended: join the other side with the one we are consulting."""
        replaces = (
            f"{consultation.call_id};to-tag={consultation.remote_tag}"
            f";from-tag={consultation.tag}"
        )
        quoted = urllib.parse.quote(replaces, safe="")
        return self._refer(f"<{consultation.remote_uri}?Replaces={quoted}>")

    @property
    def remote_tag(self):
        found = re.search(r";tag=([^;>\s]+)", self.remote)
        return found[1] if found else ""

    # ------------------------------------------------------------
    # OUTGOING
    # ------------------------------------------------------------

    def invite(self, extra=()):
        phone = self.phone

        def early(response):
            if response.status >= 180:
                self._set("ringing")

        status, response = phone.transact(
            "INVITE",
            self.remote_uri,
            self.dialog,
            [*self._parties(), f"Contact: {phone.contact}", ALLOW, *extra],
            self._offer(),
            timeout=180,
            early=early,
        )
        self.status = status
        if status != 200:
            self._set("ended")
            return
        self.remote = response["to"]
        self.remote_uri = response.address("contact")
        self.routes = list(reversed(response.all("record-route")))
        self.acknowledge()
        if response.media:
            self.audio.connect(response.media)
        self._set("answered")

    def acknowledge(self):
        self.phone.send(self._text("ACK", self.dialog["cseq"]))

    def _cancel(self):
        text = request(
            "CANCEL",
            self.remote_uri,
            via=f"{self.phone.host}:{self.phone.port}",
            branch=self.dialog["branch"],
            cseq=self.dialog["cseq"],
            call_id=self.call_id,
            headers=self._parties(),
        )
        self.phone.send(text)

    def _parties(self):
        user, host = self.phone.user, self.phone.server[0]
        local = f"From: <sip:{user}@{host}>;tag={self.tag}"
        if self._invitation:
            local = f"From: {self._invitation['to']};tag={self.tag}"
        return [local, f"To: {self.remote}", *(f"Route: {r}" for r in self.routes)]

    def _text(self, method, cseq, headers=(), body=""):
        return request(
            method,
            self.remote_uri,
            via=f"{self.phone.host}:{self.phone.port}",
            branch="z9hG4bK" + token(),
            cseq=cseq,
            call_id=self.call_id,
            headers=[*self._parties(), *headers],
            body=body,
        )

    def _request(self, method, headers=(), body="", timeout=8):
        lines = [*self._parties(), f"Contact: {self.phone.contact}", *headers]
        return self.phone.transact(
            method, self.remote_uri, self.dialog, lines, body, timeout
        )

    def _reinvite(self):
        status, _response = self._request("INVITE", [ALLOW], self._offer())
        if status != 200:
            raise AssertionError(f"The PBX refused a re-INVITE: {status}")
        self.acknowledge()

    def _refer(self, target):
        status, _response = self._request("REFER", [f"Refer-To: {target}"])
        return status

    def _offer(self):
        self._version += 1
        direction = "sendonly" if self.on_hold else "sendrecv"
        host = self.phone.host
        lines = [
            "v=0",
            f"o=- 1 {self._version} IN IP4 {host}",
            "s=-",
            f"c=IN IP4 {host}",
            "t=0 0",
            f"m=audio {self.audio.port} RTP/AVP 8 101",
            "a=rtpmap:8 PCMA/8000",
            "a=rtpmap:101 telephone-event/8000",
            "a=fmtp:101 0-16",
            f"a={direction}",
            "",
        ]
        return "\r\n".join(lines)

    # ------------------------------------------------------------
    # INCOMING
    # ------------------------------------------------------------

    def receive(self, message, source):
        self._invitation, self._source = message, source
        self.remote = message["from"]
        self.remote_uri = message.address("contact")
        self.routes = message.all("record-route")
        self._reply_invitation(180)
        self._set("ringing")

    def on_request(self, message, source):
        phone, method = self.phone, message.method
        if method == "INVITE":
            if message.branch == (self._invitation and self._invitation.branch):
                phone.send(self._answer_text, source)
                return
            body = self._offer()
            phone.send(message.reply(200, self.tag, phone.contact, body), source)
            if message.media:
                self.audio.connect(message.media)
            return
        phone.send(message.reply(200, self.tag, phone.contact), source)
        if method == "BYE":
            self._set("ended")
        elif method == "CANCEL" and self.state in ("new", "ringing"):
            self._reply_invitation(487)
            self._set("ended")
        elif method == "NOTIFY" and "refer" in message["event"]:
            self._on_transfer_news(message)

    def _on_transfer_news(self, message):
        found = re.search(r"SIP/2.0 (\d+)", message.body)
        self.notified.append(int(found[1]) if found else 0)
        if self.notified[-1] == 200:
            # The PBX waits for us to leave the call we have given away.
            threading.Thread(target=self.hang_up, daemon=True).start()

    def _reply_invitation(self, status, body=""):
        contact = self.phone.contact
        reply = self._invitation.reply(status, self.tag, contact, body, [ALLOW])
        self._answer_text = reply
        self.phone.send(reply, self._source)

    def _set(self, state):
        with self._changed:
            if STATES.index(state) <= STATES.index(self.state):
                return
            self.state = state
            self.times[state] = time.time()
            if state == "answered":
                # Nobody has to ring before answering.
                self.times.setdefault("ringing", self.times[state])
            self._changed.notify_all()
        if state == "ended":
            self.audio.close()
            self.phone.calls.pop(self.call_id, None)
