# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""A whole call centre for the end-to-end tests: nothing in it is a stand-in.

Odoo, the connector, PostgreSQL and Asterisk of one sandbox instance. The tests act
as people do (a browser, SIP phones) and read the outcome from the database.
"""

import json
import time
import urllib.request
from contextlib import contextmanager
from http.cookiejar import CookieJar

import psycopg2
import psycopg2.extras

from sandbox.odoo import write_configuration
from sandbox.testing import prepare_e2e


class NotInTime(AssertionError):
    """Something that must happen within a time did not."""


def wait_for(condition, timeout, what):
    """Return the first true value of *condition()*.

    :raises NotInTime: none within *timeout* seconds; *what* says of what
    """
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise NotInTime(f"{what}: not within {timeout:g} s")
        time.sleep(0.05)


class Site:
    """:param instance: the sandbox instance; everything of it is started and stopped"""

    def __init__(self, instance):
        self.instance = instance

    def start(self):
        instance = self.instance
        instance.postgres.start()
        instance.postgres.create_roles()
        instance.asterisk.start()
        write_configuration(instance)
        prepare_e2e(instance)
        instance.odoo.start()
        instance.connector.start()
        self.wait_connected()

    def stop(self):
        self.instance.stop()

    # ------------------------------------------------------------
    # DATABASE
    # ------------------------------------------------------------

    @contextmanager
    def _cursor(self):
        connection = psycopg2.connect(self.instance.dsn())
        connection.autocommit = True
        try:
            with connection.cursor(
                cursor_factory=psycopg2.extras.RealDictCursor
            ) as cursor:
                yield cursor
        finally:
            connection.close()

    def rows(self, query, *values):
        """Return the rows of a query as dicts; times as seconds since the epoch
        where the query says ``extract(epoch from …)``."""
        with self._cursor() as cursor:
            cursor.execute(query, values)
            return [dict(row) for row in cursor.fetchall()]

    def execute(self, query, *values):
        with self._cursor() as cursor:
            cursor.execute(query, values)

    def calls(self, number):
        """Return the calls with a number, oldest first; times also as epoch seconds."""
        return self.rows(
            """
            SELECT c.*, p.name AS partner, q.code AS queue, u.login AS agent,
                   extract(epoch FROM c.start)::float AS started,
                   extract(epoch FROM c.stop)::float AS stopped
              FROM callcenter_call c
              LEFT JOIN res_partner p ON p.id = c.partner_id
              LEFT JOIN callcenter_queue q ON q.id = c.queue_id
              LEFT JOIN callcenter_agent a ON a.id = c.agent_id
              LEFT JOIN res_users u ON u.id = a.user_id
             WHERE %s IN (c.number, c.number_e164) AND c.merged_into_id IS NULL
             ORDER BY c.start
            """,
            number,
        )

    def legs(self, call):
        return self.rows(
            """
            SELECT l.*, u.login AS agent,
                   extract(epoch FROM l.start)::float AS started,
                   extract(epoch FROM l.stop)::float AS stopped
              FROM callcenter_call_leg l
              LEFT JOIN callcenter_agent a ON a.id = l.agent_id
              LEFT JOIN res_users u ON u.id = a.user_id
             WHERE l.call_id = %s ORDER BY l.start, l.id
            """,
            call["id"],
        )

    def ended_call(self, number, since=None, timeout=5):
        """Return the newest call of *number* once it has ended.

        :param since: when it began at the earliest, seconds since the epoch; by
            default a minute ago, so that the demo data's calls do not count
        """
        since = since or time.time() - 60

        def ended():
            calls = [c for c in self.calls(number) if c["started"] >= since]
            return calls and calls[-1]["state"] == "ended" and calls[-1]

        return wait_for(ended, timeout, f"call of {number} ended in Odoo")

    def wait_connected(self, timeout=30):
        def connected():
            return self.rows(
                """
                SELECT 1 FROM callcenter_connector WHERE state = 'connected'
                   AND heartbeat > now() at time zone 'UTC' - interval '15 s'
                """
            )

        wait_for(connected, timeout, "connector connected to the PBX")

    # ------------------------------------------------------------
    # PEOPLE
    # ------------------------------------------------------------

    def login(self, name):
        """Return a session of the demo user *name*, whose password is the same."""
        return Session(self.instance.url, self.instance.database, name, name)


class Session:
    """A user's web session, as the browser's: JSON-RPC with a cookie."""

    def __init__(self, url, database, login, password):
        self.url = url
        cookies = urllib.request.HTTPCookieProcessor(CookieJar())
        self.opener = urllib.request.build_opener(cookies)
        self._rpc(
            "/web/session/authenticate",
            {"db": database, "login": login, "password": password},
        )

    def call(self, model, method, *args, **kwargs):
        """Call a model's method as the web client does.

        :raises RuntimeError: the server's error message
        """
        params = {"model": model, "method": method, "args": args, "kwargs": kwargs}
        return self._rpc(f"/web/dataset/call_kw/{model}/{method}", params)

    def _rpc(self, path, params):
        request = urllib.request.Request(
            self.url + path,
            json.dumps({"jsonrpc": "2.0", "params": params}).encode(),
            {"Content-Type": "application/json"},
        )
        with self.opener.open(request, timeout=30) as response:
            answer = json.load(response)
        if "error" in answer:
            raise RuntimeError(answer["error"]["data"]["message"])
        return answer["result"]
