# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""How long from an event on the AMI's socket to the caller's name on the screen.

Odoo, the connector, PostgreSQL and Chromium are real; the PBX is a server that sends
the events of a recorded queue call, so that the moment they left is known to the
millisecond. 200 customers call one after the other: the clock runs from the bytes that
say that the agent's phone rings to the first moment at which the customer's *name* is
in the page's DOM.

In between, in rounds, 200 bare notifications take the same road without us: a process
sends one by ``bus.bus`` in a transaction of its own, and the clock runs from its commit
to the callback in the same page. Both times are taken on one machine's one clock.
"""

import json
import statistics
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import psycopg2

from sandbox.instance import Instance

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "telephony")]

import fake_ami  # noqa: E402
from e2e.browser import Browser  # noqa: E402
from ingest import recording  # noqa: E402

ROUNDS = 5
CALLS = 40
#: Seconds of the recording until the agent's phone rings.
RINGS = 0.5
PATIENCE = 10
AGENT, EXTENSION = "anna", "1001"
WATCH = """
    () => {
        window.seen = {};
        const look = () => {
            const pop = document.querySelector(".o_callcenter_pop");
            const found = pop && pop.textContent.match(/Benchmark customer \\d+/);
            if (found && !(found[0] in window.seen)) {
                window.seen[found[0]] = Date.now();
            }
        };
        new MutationObserver(look).observe(document.body, {
            subtree: true, childList: true, characterData: true,
        });
        const { bus_service } = odoo.__WOWL_DEBUG__.root.env.services;
        bus_service.subscribe("benchmark", ({ key }) => {
            window.seen[key] = Date.now();
        });
    }
"""


def customer(number):
    return f"Benchmark customer {number}", f"+4930{6_000_000 + number}"


@contextmanager
def environment(dbname):
    from odoo import SUPERUSER_ID, api
    from odoo.modules.registry import Registry

    with Registry(dbname).cursor() as cr:
        yield api.Environment(cr, SUPERUSER_ID, {})


def prepare(instance, port):
    """Point the first PBX at our server and make the customers."""
    from odoo.tools import config

    config.parse_config(["--no-http", "-d", instance.database], setup_logging=False)
    with environment(instance.database) as env:
        pbx = env["callcenter.pbx"].search([], limit=1)
        pbx.write({"port": port, "password": fake_ami.SECRET, "journal_host": False})
        known = env["res.partner"].search([("name", "=like", "Benchmark customer %")])
        known.unlink()
        env["res.partner"].create(
            [
                {"name": name, "phone": phone}
                for name, phone in map(customer, range(ROUNDS * CALLS))
            ]
        )
        agent = env["callcenter.agent"].search([("user_id.login", "=", AGENT)])
        agent.extension_id = env["callcenter.extension"].search(
            [("pbx_id", "=", pbx.id), ("number", "=", EXTENSION)]
        )


def events(number):
    """Return the bytes that let the agent's phone ring, and those that follow."""
    parts = ["", ""]
    for after, text in recording():
        parts[after > RINGS] += text
    start = time.time()
    fields = {
        "time": start,
        "number": number,
        "caller": f"pop-{start:.3f}.0",
        "callee": f"pop-{start:.3f}.1",
        "agent": EXTENSION,
        "customer": customer(number)[1],
    }
    return [
        part.replace("PJSIP/b{", "PJSIP/{")
        .replace("Queue: bench", "Queue: sales")
        .format(**fields)
        .encode()
        for part in parts
    ]


class Bench:
    def __init__(self):
        self.instance = Instance()
        self.server = fake_ami.Server(
            {
                "QueueStatus": lambda request: request.list(
                    (
                        "QueueMember",
                        {
                            "Queue": "sales",
                            "Location": f"PJSIP/{EXTENSION}",
                            "Name": AGENT,
                            "Status": 1,
                            "Paused": 0,
                        },
                    )
                ),
                "Status": lambda request: request.list(),
                "BridgeList": lambda request: request.list(),
                "PJSIPShowContacts": lambda request: request.list(
                    (
                        "ContactList",
                        {
                            "Endpoint": EXTENSION,
                            "Uri": f"sip:{EXTENSION}@127.0.0.1",
                            "Status": "Reachable",
                            "RoundtripUsec": 900,
                        },
                    )
                ),
            }
        )

    def seen(self, page, key):
        """Return when a key was seen, in milliseconds since the epoch."""
        deadline = time.monotonic() + PATIENCE
        while True:
            moment = page.evaluate("key => window.seen[key]", key)
            if moment:
                return moment
            if time.monotonic() > deadline:
                raise SystemExit(f"not on the screen within {PATIENCE} s: {key}")
            time.sleep(0.02)

    def pop(self, page, number):
        """Return the milliseconds from the event to the name in the DOM."""
        rings, rest = events(number)
        sent = time.time() * 1000
        self.server.send(rings)
        taken = self.seen(page, customer(number)[0]) - sent
        self.server.send(rest)
        # Connectors are idle between real calls, too.
        time.sleep(0.1)
        return taken

    def bus(self, page, number):
        """Return the milliseconds from a commit to the callback in the page."""
        key = f"bus {number}"
        with environment(self.instance.database) as env:
            user = env["res.users"].search([("login", "=", AGENT)])
            env["bus.bus"]._sendone(user.partner_id, "benchmark", {"key": key})
            sent = time.time() * 1000
            env.cr.commit()
        taken = self.seen(page, key) - sent
        time.sleep(0.1)
        return taken

    def run(self):
        instance = self.instance
        with self.server:
            prepare(instance, self.server.port)
            instance.odoo.start()
            instance.connector.start()
            self.wait_ready()
            with Browser(instance.url) as browser:
                _context, page = browser.person(AGENT)
                page.goto("/odoo?debug=1")
                page.wait_for_selector(".o_callcenter_agent_menu")
                page.evaluate(WATCH)
                time.sleep(2)
                return self.measure(page)

    def wait_ready(self):
        deadline = time.monotonic() + 60
        database = psycopg2.connect(self.instance.dsn())
        database.autocommit = True
        with database.cursor() as cr:
            while True:
                cr.execute(
                    "SELECT 1 FROM callcenter_agent_interval i JOIN callcenter_agent a"
                    " ON a.id = i.agent_id JOIN res_users u ON u.id = a.user_id"
                    " WHERE u.login = %s AND i.stop IS NULL AND i.state = 'ready'",
                    [AGENT],
                )
                if cr.fetchone():
                    return
                if time.monotonic() > deadline:
                    raise SystemExit("the agent is not ready")
                time.sleep(0.2)

    def measure(self, page):
        pops, buses = [], []
        # What is compiled and cached at the first use is not measured.
        for number in range(3):
            self.bus(page, f"warm-up {number}")
        for each in range(ROUNDS):
            numbers = range(each * CALLS, (each + 1) * CALLS)
            pops += [self.pop(page, number) for number in numbers]
            buses += [self.bus(page, number) for number in numbers]
            print(
                f"round {each + 1}: pop {statistics.median(pops[-CALLS:]):.0f} ms, "
                f"bus {statistics.median(buses[-CALLS:]):.0f} ms",
                file=sys.stderr,
            )
        pop, bus = (statistics.quantiles(times, n=20) for times in (pops, buses))
        return {
            "p50_ms": round(statistics.median(pops), 1),
            "p95_ms": round(pop[-1], 1),
            "bus_p50_ms": round(statistics.median(buses), 1),
            "bus_p95_ms": round(bus[-1], 1),
            "ratio_to_bus_p95": round(pop[-1] / bus[-1], 2),
            "calls": len(pops),
        }


if __name__ == "__main__":
    print(json.dumps(Bench().run()))
