# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""The sound of a call: a tone goes out, and what comes in is measured.

Each telephone sends a tone of its own; the frequency that another hears proves who is
connected with whom, better than any signalling does.
"""

import math
import random
import socket
import struct
import threading
import time
from itertools import pairwise

FRAME = 160
"""Samples in a packet: 20 ms of 8 kHz."""
ALAW, EVENT = 8, 101
DIGITS = "0123456789*#ABCD"


def _alaw_encode(sample):
    sign, magnitude = (0xD5, sample) if sample >= 0 else (0x55, -sample - 1)
    magnitude = min(magnitude, 32635) >> 3
    if magnitude < 32:
        return (magnitude >> 1) ^ sign
    exponent = magnitude.bit_length() - 5
    return ((exponent << 4) | ((magnitude >> exponent) & 0x0F)) ^ sign


def _alaw_decode(byte):
    byte ^= 0x55
    exponent, mantissa = (byte >> 4) & 7, byte & 0x0F
    value = (mantissa << 4) + 8 + (0x100 if exponent else 0)
    value <<= max(exponent - 1, 0)
    return value if byte & 0x80 else -value


DECODED = [_alaw_decode(byte) for byte in range(256)]


def tone(frequency, seconds=1.0, loudness=8000):
    """A-law samples of a sine; whole seconds of whole Hz join without a click."""
    step = 2 * math.pi * frequency / 8000
    count = round(8000 * seconds)
    return bytes(_alaw_encode(int(loudness * math.sin(step * n))) for n in range(count))


class Audio:
    """Both directions of one call's sound."""

    def __init__(self, host, frequency=440):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((host, 0))
        self.socket.settimeout(0.2)
        self.port = self.socket.getsockname()[1]
        self.remote = None
        self.muted = False
        self.received = self.sent = 0
        self.digits = ""
        self._sound = tone(frequency) if frequency else None
        self._heard = []
        self._to_press = []
        self._last_event = None
        self._closed = threading.Event()
        self._started = False

    def connect(self, remote):
        """Begin to send to, and to listen from, what the other end offered."""
        self.remote = remote
        if not self._started:
            self._started = True
            for target in (self._listen, self._speak):
                threading.Thread(target=target, daemon=True).start()

    def press(self, digits):
        """Send keys as telephone events (RFC 4733)."""
        self._to_press += digits

    def frequency(self):
        """The dominant frequency of the last half second heard; 0 for silence."""
        since = time.monotonic() - 0.5
        recent = [sound for heard, sound in list(self._heard) if heard > since]
        samples = [DECODED[byte] for byte in b"".join(recent)]
        if not samples or max(samples) < 200:
            return 0
        signs = [sample > 0 for sample in samples]
        crossings = sum(one != two for one, two in pairwise(signs))
        return crossings / 2 / (len(samples) / 8000)

    def hears(self, frequency, timeout=5):
        """Whether a tone comes in, give or take a few Hz, before time is up."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if abs(self.frequency() - frequency) < 15:
                return True
            time.sleep(0.1)
        return False

    def close(self):
        self._closed.set()
        self.socket.close()

    def _listen(self):
        while not self._closed.is_set():
            try:
                packet = self.socket.recv(2048)
            except TimeoutError:
                continue
            except OSError:
                return
            if len(packet) < 12:
                continue
            kind = packet[1] & 0x7F
            if kind == ALAW:
                self.received += 1
                self._heard.append((time.monotonic(), packet[12:]))
                del self._heard[:-50]
            elif kind == EVENT and len(packet) >= 16:
                self._hear_key(packet)

    def _hear_key(self, packet):
        stamp, event, ended = packet[4:8], packet[12], packet[13] & 0x80
        if ended and stamp != self._last_event:
            self._last_event = stamp
            self.digits += DIGITS[event]

    def _speak(self):
        source = random.getrandbits(32)
        sequence, clock, position = random.getrandbits(15), 0, 0
        due = time.monotonic()
        while not self._closed.is_set():
            packets = []
            if self._to_press:
                packets = _key_packets(self._to_press.pop(0))
            elif self._sound and not self.muted:
                payload = self._sound[position : position + FRAME]
                position = (position + FRAME) % len(self._sound)
                packets = [(ALAW, 0, payload)]
            for index, (kind, marker, payload) in enumerate(packets):
                header = (0x80, kind | marker, sequence & 0xFFFF, clock, source)
                try:
                    packet = struct.pack("!BBHII", *header) + payload
                    self.socket.sendto(packet, self.remote)
                except OSError:
                    return
                sequence += 1
                self.sent += 1
                if index + 1 < len(packets):
                    due += 0.02
                    time.sleep(max(0, due - time.monotonic()))
            clock = (clock + FRAME * max(len(packets), 1)) & 0xFFFFFFFF
            due += 0.02
            time.sleep(max(0, due - time.monotonic()))


def _key_packets(digit):
    """One key: 120 ms held, then its end told three times, then a pause."""
    event = DIGITS.index(digit)
    packets = []
    for count in range(1, 10):
        end = 0x80 if count > 6 else 0
        payload = struct.pack("!BBH", event, end | 10, min(count, 6) * FRAME)
        packets.append((EVENT, 0x80 if count == 1 else 0, payload))
    return packets
