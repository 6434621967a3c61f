# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""How many AMI events a second a client takes: ours, pyst2, panoramisk, a bare loop.

A server in a process of its own plays recorded queue calls as fast as the client reads.
Each client, in a fresh process each round, makes the full dict of every event's headers
and counts events and headers up to a mark; the counts must be those of the recording.
The clock runs from the first event to the mark.

The bare loop is the fastest that we know how to write: receive, decode, split, and
``str.partition`` into a dict, with nothing around it but the counting that all share:
no thread, no answers to match, no time limits, no repeated headers. It parses as our
client does, so that the ratio is what the client itself costs.

Channel variables are taken out of the recording, since pyst2 dies of them, and it gets
fewer events, which it takes at the same rate, so that a round ends within seconds.
"""

import asyncio
import json
import os
import platform
import resource
import socket
import statistics
import subprocess
import sys
import threading
import time
import warnings
from functools import cache
from importlib.metadata import version
from pathlib import Path

STREAMS = Path(__file__).parents[1] / "telephony" / "streams"
ROUNDS = 5
#: What runs in one round: ours and the bare loop in turn, as the ratio is the goal.
ROUND = ["ours", "bare", "pyst2", "bare", "ours", "panoramisk", "ours", "bare"]
#: Events that a client is fed in one round.
EVENTS = {"ours": 60_000, "bare": 60_000, "panoramisk": 20_000, "pyst2": 2_000}
#: Seconds after which a client has failed.
LIMIT = 120
MARK = b"Event: UserEvent\r\nUserEvent: TheEnd\r\n\r\n"
END = b"\r\n\r\n"
CHUNK = 65536


def recording(count):
    """Return the bytes of ``count`` recorded events, repeated as needed."""
    events = []
    for path in sorted(STREAMS.glob("[a-l]*.ami")):
        for text in path.read_bytes().split(b"\r\n\r\n"):
            if text.startswith(b"Event: "):
                lines = text.split(b"\r\n")
                kept = [line for line in lines if b"ChanVariable" not in line]
                events.append(b"\r\n".join(kept) + b"\r\n\r\n")
    if not events:
        raise SystemExit(f"no recordings in {STREAMS}")
    return b"".join(events[number % len(events)] for number in range(count))


@cache
def expected(count):
    """Return the numbers of events and of their different headers, with the mark's."""
    texts = (recording(count) + MARK).removesuffix(END).split(END)
    names = (
        {line.partition(b":")[0] for line in text.split(b"\r\n")} for text in texts
    )
    return len(texts), sum(map(len, names))


# ------------------------------------------------------------
# SERVER
# ------------------------------------------------------------


def serve():
    """Print the port, and play the recording to whoever logs in.

    The user's name says how many events to send.
    """
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(8)
    print(listener.getsockname()[1], flush=True)
    while True:
        peer, _address = listener.accept()
        threading.Thread(target=play, args=(peer,), daemon=True).start()


def play(peer):
    try:
        peer.sendall(b"Asterisk Call Manager/11.0.0\r\n")
        buffer = b""
        while data := peer.recv(CHUNK):
            *requests, buffer = (buffer + data).split(b"\r\n\r\n")
            for request in requests:
                answer(peer, request.decode())
    except OSError:
        pass


def answer(peer, text):
    fields = {}
    for line in text.split("\r\n"):
        name, _colon, value = line.partition(": ")
        fields[name.lower()] = value
    peer.sendall(
        f"Response: Success\r\nActionID: {fields.get('actionid', '')}\r\n"
        "Message: Done\r\n\r\n".encode()
    )
    if fields["action"].lower() == "login":
        data = recording(int(fields["username"]))
        time.sleep(0.2)  # whatever a client does after its log-in is not measured
        peer.sendall(data)
        peer.sendall(MARK)


# ------------------------------------------------------------
# CLIENTS
# ------------------------------------------------------------


class Counter:
    """What a client counted, and how long it took."""

    def __init__(self):
        self.events = self.headers = 0
        self.first = None
        self.done = threading.Event()

    def take(self, event):
        """Count an event, a mapping of its headers."""
        if self.first is None:
            self.first = time.perf_counter()
        self.events += 1
        self.headers += len(event)
        if event["Event"] == "UserEvent" and event.get("UserEvent") == "TheEnd":
            self.stop()

    def stop(self):
        self.seconds = time.perf_counter() - self.first
        self.done.set()


def ours(port, count, counter):
    from telephony import ami

    client = ami.Client("127.0.0.1", port, count, "", on_event=counter.take)
    client.start()
    counter.done.wait(LIMIT)


def pyst2(port, count, counter):
    from asterisk.manager import Manager

    client = Manager()
    client.connect("127.0.0.1", port)
    client.register_event("*", lambda event, _manager: counter.take(event.headers))
    client.login(count, "")
    counter.done.wait(LIMIT)


def panoramisk(port, count, counter):
    from panoramisk import Manager

    async def run():
        client = Manager(
            host="127.0.0.1", port=port, username=count, secret="", ping_delay=1000
        )
        client.register_event("*", lambda _manager, event: counter.take(event))
        await client.connect()
        for _tick in range(LIMIT * 100):
            if counter.done.is_set():
                break
            await asyncio.sleep(0.01)

    asyncio.run(run())


def bare(port, count, counter):
    """Receive, split, make a dict of each event."""
    connection = socket.create_connection(("127.0.0.1", port))
    while b"\n" not in connection.recv(CHUNK):
        pass
    login = f"Action: Login\r\nActionID: 1\r\nUsername: {count}\r\n\r\n"
    connection.sendall(login.encode())
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        answer += connection.recv(CHUNK)
    buffer = bytearray()
    while not counter.done.is_set():
        buffer += connection.recv(CHUNK)
        end = buffer.rfind(b"\r\n\r\n")
        if end < 0:
            continue
        block = buffer[:end].decode("utf-8", "replace")
        del buffer[: end + 4]
        for text in block.split("\r\n\r\n"):
            event = {}
            for line in text.split("\r\n"):
                name, separator, value = line.partition(": ")
                if separator:
                    event[name] = value
            counter.take(event)


CLIENTS = {"ours": ours, "bare": bare, "panoramisk": panoramisk, "pyst2": pyst2}


def run_client(kind, port, count):
    """Print what the client counted as JSON and end, whatever its threads do."""
    warnings.simplefilter("ignore")
    counter = Counter()
    CLIENTS[kind](int(port), count, counter)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    result = {
        "events": counter.events,
        "headers": counter.headers,
        "seconds": counter.seconds if counter.done.is_set() else None,
        "cpu": usage.ru_utime + usage.ru_stime,
    }
    print(json.dumps(result), flush=True)
    os._exit(0)


# ------------------------------------------------------------
# COMPARISON
# ------------------------------------------------------------


def measure(kind, port):
    """Return the result of one round, or stop the benchmark."""
    count = EVENTS[kind]
    process = subprocess.run(
        [sys.executable, __file__, kind, port, str(count)],
        capture_output=True,
        text=True,
        timeout=LIMIT + 30,
    )
    if process.returncode:
        raise SystemExit(f"{kind} failed: {process.stderr}")
    result = json.loads(process.stdout)
    events, headers = expected(count)
    result["share"] = result["events"] / events
    # panoramisk adds entries of its own; it need only deliver
    same_work = kind == "panoramisk" or result["headers"] == headers
    if result["seconds"] is None or result["share"] != 1 or not same_work:
        raise SystemExit(
            f"{kind}: {result} instead of {events} events, {headers} headers"
        )
    result["rate"] = result["events"] / result["seconds"]
    return result


def main():
    with subprocess.Popen(
        [sys.executable, __file__, "server"], stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            port = server.stdout.readline().strip()
            results = {kind: [] for kind in CLIENTS}
            for number in range(ROUNDS):
                print(f"round {number + 1}, events/s:", end="", flush=True)
                for kind in ROUND:
                    results[kind].append(measure(kind, port))
                    print(
                        f" {kind} {results[kind][-1]['rate']:,.0f}", end="", flush=True
                    )
                print()
        finally:
            server.kill()
    rate = {
        kind: statistics.median(one["rate"] for one in rounds)
        for kind, rounds in results.items()
    }
    ratios = [
        ours["rate"] / bare["rate"]
        for ours, bare in zip(results["ours"], results["bare"], strict=True)
    ]
    count = EVENTS["ours"]
    print(
        json.dumps(
            {
                "events_per_s": round(rate["ours"]),
                "ratio_to_bare_split": round(statistics.median(ratios), 3),
                "pyst2_events_per_s": round(rate["pyst2"]),
                "panoramisk_events_per_s": round(rate["panoramisk"]),
                "delivered_share": min(one["share"] for one in results["ours"]),
                "bare_split_events_per_s": round(rate["bare"]),
                "times_faster_than_pyst2": round(rate["ours"] / rate["pyst2"], 1),
                "rates": {
                    kind: [round(one["rate"]) for one in rounds]
                    for kind, rounds in results.items()
                },
                "bytes_per_event": round(len(recording(count)) / count),
                "rounds": ROUNDS,
                "python": platform.python_version(),
                "pyst2": version("pyst2"),
                "panoramisk": version("panoramisk"),
            }
        )
    )


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    elif sys.argv[1] == "server":
        serve()
    else:
        run_client(*sys.argv[1:])
