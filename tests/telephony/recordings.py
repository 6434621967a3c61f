# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""What a real Asterisk 22 sent, byte for byte: greeting, log-in's answer, events."""

from pathlib import Path

STREAMS = Path(__file__).parent / "streams"


def names():
    """Return the names of all recordings, sorted."""
    return sorted(path.stem for path in STREAMS.glob("*.ami"))


def read(name):
    """Return a recording's bytes."""
    return (STREAMS / f"{name}.ami").read_bytes()


def texts(name):
    """Return the bytes of each message of a recording, the greeting left out."""
    _greeting, _end, rest = read(name).partition(b"\r\n")
    return [text for text in rest.split(b"\r\n\r\n") if text.strip()]


def events(name):
    """Return a recording's events as bytes that a server can send."""
    return b"".join(
        text + b"\r\n\r\n" for text in texts(name) if text.startswith(b"Event: ")
    )
