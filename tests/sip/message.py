# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""SIP messages: as much of RFC 3261 as a telephone on the loopback interface needs."""

import hashlib
import re
import secrets


def token(length=12):
    return secrets.token_hex(length // 2)


class Message:
    """A request or a response, parsed."""

    def __init__(self, text):
        head, _, self.body = text.partition("\r\n\r\n")
        self.start, *lines = head.split("\r\n")
        self.headers = []
        for line in lines:
            name, _, value = line.partition(":")
            self.headers.append((name.strip().lower(), value.strip()))
        self.is_request = not self.start.startswith("SIP/2.0")
        words = self.start.split(" ")
        if self.is_request:
            self.method, self.uri, self.status = words[0], words[1], 0
        else:
            self.method, self.uri = self["cseq"].split()[1], ""
            self.status = int(words[1])

    def __getitem__(self, name):
        return next((value for key, value in self.headers if key == name), "")

    def all(self, name):
        return [value for key, value in self.headers if key == name]

    @property
    def branch(self):
        found = re.search(r"branch=([^;,\s]+)", self["via"])
        return found[1] if found else ""

    def tag(self, name):
        found = re.search(r";tag=([^;>\s]+)", self[name])
        return found[1] if found else ""

    def address(self, name):
        """The URI of a name-addr header."""
        found = re.search(r"<([^>]+)>", self[name])
        return found[1] if found else self[name].split(";")[0]

    @property
    def media(self):
        """Where the other end wants its sound, or None."""
        host = re.search(r"^c=IN IP4 (\S+)", self.body, re.MULTILINE)
        port = re.search(r"^m=audio (\d+)", self.body, re.MULTILINE)
        return (host[1], int(port[1])) if host and port and port[1] != "0" else None

    def reply(self, status, to_tag="", contact="", body="", extra=()):
        """The text of a response to this request."""
        reasons = {100: "Trying", 180: "Ringing", 200: "OK", 486: "Busy Here"}
        lines = [f"SIP/2.0 {status} {reasons.get(status, 'Answer')}"]
        lines += [f"Via: {value}" for value in self.all("via")]
        lines += [f"Record-Route: {value}" for value in self.all("record-route")]
        to = self["to"]
        if to_tag and ";tag=" not in to:
            to += f";tag={to_tag}"
        lines += [f"From: {self['from']}", f"To: {to}"]
        lines += [f"Call-ID: {self['call-id']}", f"CSeq: {self['cseq']}"]
        if contact:
            lines.append(f"Contact: {contact}")
        return _finish([*lines, *extra], body)


def request(method, uri, *, via, branch, cseq, call_id, headers, body=""):
    lines = [
        f"{method} {uri} SIP/2.0",
        f"Via: SIP/2.0/UDP {via};branch={branch};rport",
        "Max-Forwards: 70",
        f"Call-ID: {call_id}",
        f"CSeq: {cseq} {method}",
        *headers,
    ]
    return _finish(lines, body)


def _finish(lines, body):
    if body:
        lines = [*lines, "Content-Type: application/sdp"]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", body])


def authorization(challenge, user, password, method, uri):
    """The answer to a digest challenge (RFC 2617, MD5)."""
    told = dict(re.findall(r'(\w+)="?([^",]+)"?', challenge))

    def md5(*parts):
        return hashlib.md5(":".join(parts).encode(), usedforsecurity=False).hexdigest()

    secret = md5(user, told["realm"], password)
    answer = {
        "username": user,
        "realm": told["realm"],
        "nonce": told["nonce"],
        "uri": uri,
    }
    if "opaque" in told:
        answer["opaque"] = told["opaque"]
    words = [f'{key}="{value}"' for key, value in answer.items()] + ["algorithm=MD5"]
    if "qop" in told:
        count, nonce = "00000001", token()
        digest = md5(secret, told["nonce"], count, nonce, "auth", md5(method, uri))
        words += ["qop=auth", f"nc={count}", f'cnonce="{nonce}"']
    else:
        digest = md5(secret, told["nonce"], md5(method, uri))
    return "Digest " + ", ".join([*words, f'response="{digest}"'])
