# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""How many calls a second get from the wire into PostgreSQL, beside bare INSERTs.

A server in a process of its own plays a recorded queue call (as an AMI user of least
rights sees it) for many callers and agents at once: ids, numbers, phones and times are
put in, and the events of all calls are sent in the order of their times, as fast as the
connector takes them. The connector is ``odoo callcenter`` itself, whole: client,
tracker, recorder, agents' states, caller look-up, and the messages to agents' screens.
The clock runs from the first byte to the commit of the last call's end. Before that
each agent had a call, for the connector is a process that runs for months: what it
learns once about each user (groups, rules, companies) is learnt.

Then the very rows that it made (calls, legs, states, links, messages) are inserted
again by psycopg2: many rows in each INSERT, a hundred calls in each commit, each row
once in its final form, into the same tables with the same indexes and keys.
"""

import json
import os
import platform
import re
import select
import socket
import statistics
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing, contextmanager
from multiprocessing import Pipe, Process
from pathlib import Path

import psycopg2
from psycopg2.extras import Json, execute_values

from sandbox.instance import Instance
from sandbox.paths import PYTHON

RECORDING = Path(__file__).parents[1] / "telephony/streams/a_queue_answered.ami"
ROUNDS = 5
CALLS = 1500
#: Each of them has one call before the clock starts.
AGENTS = 200
#: Calls that begin in a second of the recording's time: 130 at once, and each agent
#: rings, talks, does the work after the call and is ready in 8 s.
RATE = 25.0
CUSTOMERS = 500
WRAP_UP = 1
#: Calls in a transaction of the bare INSERTs, and most rows in one statement.
CALLS_PER_COMMIT = 100
PAGE = 1000
LIMIT = 120
QUEUE, PBX = "bench", "Benchmark"

#: Classes of events that the connector's user may read, and what its filter drops.
CLASSES = {"system", "call", "agent", "user", "cdr", "originate"}
DROPPED = {"CEL", "DeviceStateChange", "FullyBooted", "QueueMemberAdded"}

#: What the rows are found by, and deleted: children first.
TABLES = (
    "bus_bus",
    "callcenter_agent_interval",
    "callcenter_call_leg",
    "callcenter_call_user_rel",
    "callcenter_call_agent_rel",
    "callcenter_call",
)


# ------------------------------------------------------------
# EVENTS
# ------------------------------------------------------------


def recording():
    """Return the events of one call: (seconds since its start, text with fields)."""
    events, start = [], None
    for text in RECORDING.read_bytes().decode().split("\r\n\r\n"):
        headers = dict(line.partition(": ")[::2] for line in text.split("\r\n"))
        name = headers.get("Event")
        if not name or name in DROPPED:
            continue
        if headers["Privilege"].split(",")[0] not in CLASSES:
            continue
        stamp = headers.get("Timestamp")
        start = start or float(stamp)
        after = float(stamp) - start if stamp else events[-1][0]
        if headers.get("Interface", "PJSIP/1001") == "PJSIP/1001":
            events.append((after, template(text)))
    return events


def template(text):
    """Return an event's text with fields for what differs from call to call."""
    text = "\r\n".join(
        line for line in text.split("\r\n") if not line.startswith("ChanVariable")
    )
    text = text.replace("{", "{{").replace("}", "}}")
    for pattern, field in (
        (r"Timestamp: \S+", "Timestamp: {time:.6f}"),
        (r"\b\d{10}\.0\b", "{caller}"),
        (r"\b\d{10}\.1\b", "{callee}"),
        (r"PJSIP/carrier-\w+", "PJSIP/carrier-{number:08x}"),
        (r"PJSIP/1001-\w+", "PJSIP/b{agent}-{number:08x}"),
        (r"PJSIP/1001\b", "PJSIP/b{agent}"),
        (r"\+49301234567", "{customer}"),
        (r"Queue: sales", f"Queue: {QUEUE}"),
        (r"(BridgeUniqueid: )\S+", r"\1bridge-{caller}"),
    ):
        text = re.sub(pattern, field, text)
    return text + "\r\n\r\n"


def stream(round_number, numbers, start):
    """Return the bytes of calls, in the order of time, and how many events these are.

    :param numbers: their numbers within the round
    :param start: time of number 0, seconds since the epoch
    """
    call, events = recording(), []
    for number in numbers:
        begins = start + number / RATE
        fields = {
            "number": round_number * 10 * CALLS + number,
            "caller": f"bench-{round_number}.{number}.0",
            "callee": f"bench-{round_number}.{number}.1",
            "agent": number % AGENTS,
            "customer": f"+4930{5_000_000 + number % CUSTOMERS}",
        }
        for order, (after, text) in enumerate(call):
            when = begins + after
            events.append((when, number, order, text.format(time=when, **fields)))
    events.sort(key=lambda event: event[:3])
    return "".join(event[3] for event in events).encode(), len(events)


# ------------------------------------------------------------
# SERVER
# ------------------------------------------------------------


class Server:
    """The PBX: answers what a connector asks, and plays events when told to.

    :ivar port: where it listens
    """

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._data, data = Pipe()
        self._process = Process(target=self._serve, args=[data], daemon=True)
        self._process.start()

    def play(self, data):
        self._data.send_bytes(data)

    def close(self):
        self._process.terminate()
        self._listener.close()

    def _serve(self, data):
        while True:
            connection, _address = self._listener.accept()
            with connection:
                self._talk(connection, data)

    def _talk(self, connection, data):
        connection.sendall(b"Asterisk Call Manager/11.0.0\r\n")
        buffer = b""
        while True:
            ready = select.select([connection, data], [], [])[0]
            if data in ready:
                connection.sendall(data.recv_bytes())
            if connection not in ready:
                continue
            received = connection.recv(65536)
            if not received:
                return
            buffer += received
            *requests, buffer = buffer.split(b"\r\n\r\n")
            for request in requests:
                lines = request.decode().split("\r\n")
                fields = dict(line.partition(": ")[::2] for line in lines)
                connection.sendall(self._answer(fields).encode())

    def _answer(self, request):
        mine = f"ActionID: {request['ActionID']}\r\n"
        lists = {
            "QueueStatus": (
                f"Event: QueueMember\r\nQueue: {QUEUE}\r\nLocation: PJSIP/b%s\r\n"
                "Name: b%s\r\nStatus: 1\r\nPaused: 0\r\n"
            ),
            "PJSIPShowContacts": (
                "Event: ContactList\r\nEndpoint: b%s\r\nUri: sip:b%s@127.0.0.1\r\n"
                "Status: Reachable\r\nRoundtripUsec: 900\r\n"
            ),
            "Status": "",
            "BridgeList": "",
        }
        name = request["Action"]
        answer = f"Response: Success\r\n{mine}Timestamp: {time.time():.6f}\r\n"
        if name == "Login":
            booted = "Event: FullyBooted\r\nPrivilege: system,all\r\n\r\n"
            return f"{answer}Message: Authentication accepted\r\n\r\n{booted}"
        if name not in lists:
            return f"{answer}\r\n"
        item = lists[name]
        items = [
            f"{item % (agent, agent)}{mine}\r\n"
            for agent in range(AGENTS if item else 0)
        ]
        complete = f"Event: {name}Complete\r\nEventList: Complete\r\n{mine}\r\n"
        return f"{answer}EventList: start\r\n\r\n{''.join(items)}{complete}"


# ------------------------------------------------------------
# ODOO
# ------------------------------------------------------------


def prepare(dbname):
    """Make the agents, their phones and the queue; return the PBX's id."""
    from odoo import SUPERUSER_ID, api
    from odoo.modules.registry import Registry
    from odoo.tools import config

    config.parse_config(["--no-http", "-d", dbname], setup_logging=False)
    with Registry(dbname).cursor() as cr:
        env = api.Environment(cr, SUPERUSER_ID, {"no_reset_password": True})
        env["callcenter.pbx"].search([]).active = False
        pbx = env["callcenter.pbx"].with_context(active_test=False)
        pbx = pbx.search([("name", "=", PBX)]) or pbx.create({"name": PBX})
        pbx.write({"active": True, "host": "127.0.0.1", "journal_host": False})
        if not pbx.queue_ids:
            make_agents(env, pbx)
        return pbx.id


def make_agents(env, pbx):
    queue = env["callcenter.queue"].create(
        {"pbx_id": pbx.id, "name": QUEUE, "code": QUEUE, "wrap_up": WRAP_UP}
    )
    team = env["callcenter.team"].create({"name": PBX})
    extensions = env["callcenter.extension"].create(
        [
            {"pbx_id": pbx.id, "number": f"b{n}", "interface": f"PJSIP/b{n}"}
            for n in range(AGENTS)
        ]
    )
    group = env.ref("callcenter_core.group_agent")
    users = env["res.users"].create(
        [
            {"name": f"Agent {n}", "login": f"bench{n}", "group_ids": [(4, group.id)]}
            for n in range(AGENTS)
        ]
    )
    agents = env["callcenter.agent"].create(
        [{"user_id": user.id, "team_id": team.id} for user in users]
    )
    for agent, extension in zip(agents, extensions, strict=True):
        agent.extension_id = extension
    env["callcenter.queue.member"].create(
        [{"queue_id": queue.id, "agent_id": agent.id} for agent in agents]
    )
    env["res.partner"].create(
        [
            {"name": f"Customer {n}", "phone": f"+4930{5_000_000 + n}"}
            for n in range(CUSTOMERS)
        ]
    )


@contextmanager
def connector(dbname, log):
    """Run ``odoo callcenter``; yield its process."""
    odoo = PYTHON.with_name("odoo")
    with log.open("ab") as output:
        process = subprocess.Popen(
            [odoo, "callcenter", "-c", os.environ["ODOO_RC"], "-d", dbname],
            stdout=output,
            stderr=output,
        )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(10)


def cpu(pid):
    """Return the processor time that a process has used, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# ------------------------------------------------------------
# ROUNDS
# ------------------------------------------------------------


class Bench:
    def __init__(self):
        self.instance = Instance()
        self.dbname = self.instance.database
        self.log = self.instance.logs / "bench-ingest.log"
        self.pbx_id = prepare(self.dbname)
        self.database = psycopg2.connect(self.instance.dsn(self.dbname))
        self.database.autocommit = True
        self.delete()

    def query(self, query, *values):
        with self.database.cursor() as cr:
            cr.execute(query, values or None)
            return cr.fetchall() if cr.description else []

    def wait(self, condition, *values):
        deadline = time.monotonic() + LIMIT
        while not self.query(condition, *values)[0][0]:
            if time.monotonic() > deadline:
                raise SystemExit(f"not within {LIMIT} s: {condition}")
            time.sleep(0.05)

    def ours(self, round_number):
        """Return the seconds, and those of the connector's processor time."""
        # Not before the connector says that the agents are ready.
        start = time.time() + 30
        warm, _events = stream(round_number, range(AGENTS), start)
        numbers = range(AGENTS, AGENTS + CALLS)
        data, self.events = stream(round_number, numbers, start + 30)
        self.query("UPDATE callcenter_connector SET state = 'offline'")
        with closing(Server()) as server:
            self.query(
                "UPDATE callcenter_pbx SET port = %s WHERE id = %s",
                server.port,
                self.pbx_id,
            )
            with connector(self.dbname, self.log) as process:
                self.wait(
                    "SELECT count(*) = %s FROM callcenter_agent_interval"
                    " WHERE stop IS NULL AND state = 'ready'",
                    AGENTS,
                )
                server.play(warm)
                self.wait_ended(AGENTS)
                self.marks = {
                    table: self.query(f"SELECT coalesce(max(id), 0) FROM {table}")[0][0]
                    for table in TABLES
                    if not table.endswith("_rel")
                }
                began, used = time.perf_counter(), cpu(process.pid)
                server.play(data)
                self.wait_ended(AGENTS + CALLS)
                return time.perf_counter() - began, cpu(process.pid) - used

    def wait_ended(self, calls):
        self.wait(
            "SELECT count(*) = %s FROM callcenter_call"
            " WHERE pbx_id = %s AND stop IS NOT NULL",
            calls,
            self.pbx_id,
        )

    def rows(self):
        """Return the columns and rows that the connector made, by table."""
        conditions = {table: f"id > {mark}" for table, mark in self.marks.items()}
        since = f"call_id > {self.marks['callcenter_call']}"
        result = {}
        with self.database.cursor() as cr:
            for table in reversed(TABLES):
                condition = conditions.get(table, since)
                cr.execute(f"SELECT * FROM {table} WHERE {condition} ORDER BY 1")
                columns = [column.name for column in cr.description]
                rows = [
                    tuple(Json(v) if isinstance(v, list) else v for v in row)
                    for row in cr.fetchall()
                ]
                result[table] = columns, rows
        return result

    def delete(self):
        for table in TABLES:
            if table == "bus_bus":
                self.query("TRUNCATE bus_bus")
            elif table == "callcenter_agent_interval":
                self.query(f"DELETE FROM {table}")
            elif table == "callcenter_call":
                self.query(f"DELETE FROM {table} WHERE pbx_id = {self.pbx_id}")
        for table in TABLES:
            self.query(f"VACUUM ANALYZE {table}")

    def bare(self, rows):
        """Insert the rows; return the seconds."""
        parts = list(self.parts(rows))
        with closing(psycopg2.connect(self.instance.dsn(self.dbname))) as connection:
            began = time.perf_counter()
            for part in parts:
                with connection, connection.cursor() as cr:
                    for table, values in part.items():
                        execute_values(
                            cr,
                            f"INSERT INTO {table} ({', '.join(rows[table][0])})"
                            " VALUES %s",
                            values,
                            page_size=PAGE,
                        )
            return time.perf_counter() - began

    @staticmethod
    def parts(rows):
        """Yield rows by table for each transaction: some calls with all that is theirs,
        and their share of what belongs to no call."""
        _columns, calls = rows["callcenter_call"]
        count = -(-CALLS // CALLS_PER_COMMIT)
        part_of = {row[0]: n // CALLS_PER_COMMIT for n, row in enumerate(calls)}
        parts = [{table: [] for table in rows} for _n in range(count)]
        for table, (columns, values) in rows.items():
            place = columns.index("call_id") if "call_id" in columns else 0
            for number, row in enumerate(values):
                part = part_of.get(row[place], number * count // len(values))
                parts[part][table].append(row)
        yield from parts

    def check(self, rows):
        """Fail unless the connector did all of its work."""
        states = Counter(
            row[rows["callcenter_agent_interval"][0].index("state")]
            for row in rows["callcenter_agent_interval"][1]
        )
        counts = {table: len(values) for table, (_columns, values) in rows.items()}
        assert counts["callcenter_call"] == CALLS, counts
        assert counts["callcenter_call_leg"] == 2 * CALLS, counts
        assert counts["callcenter_call_agent_rel"] == CALLS, counts
        for state in ("ringing", "talking", "wrap_up"):
            assert states[state] == CALLS, states
        # Some of it ends the work after the first call, some work goes on.
        assert CALLS <= states["ready"] <= CALLS + AGENTS, states
        assert counts["bus_bus"] > 2 * CALLS, counts
        complete = self.query(
            "SELECT count(*) FROM callcenter_call WHERE id > %s AND talk > 4"
            " AND partner_id IS NOT NULL AND agent_id IS NOT NULL"
            " AND result = 'answered'",
            self.marks["callcenter_call"],
        )
        assert complete == [(CALLS,)], complete
        return counts

    def run(self):
        ours, bare, processor = [], [], []
        for number in range(ROUNDS):
            seconds, used = self.ours(number)
            rows = self.rows()
            counts = self.check(rows)
            self.delete()
            ours.append(seconds)
            processor.append(used)
            bare.append(self.bare(rows))
            assert {t: len(v[1]) for t, v in self.rows().items()} == counts
            self.delete()
            print(
                f"round {number + 1}: ours {seconds:.2f} s (processor {used:.2f} s), "
                f"bare {bare[-1]:.2f} s, {counts}",
                file=sys.stderr,
            )
        seconds, plain = statistics.median(ours), statistics.median(bare)
        return {
            "calls_per_s": round(CALLS / seconds, 1),
            "events_per_s": round(self.events / seconds),
            "ratio_to_bare_insert": round(plain / seconds, 3),
            "bare_calls_per_s": round(CALLS / plain, 1),
            "processor_ms_per_call": round(
                statistics.median(processor) / CALLS * 1000, 2
            ),
            "rows_per_call": round(sum(counts.values()) / CALLS, 2),
            "calls": CALLS,
            "agents": AGENTS,
            "python": platform.python_version(),
        }


if __name__ == "__main__":
    print(json.dumps(Bench().run()))
