# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""Who is calling, among a million contacts: ours, bare SQL, and a search by suffix.

Half of the contacts are German, half Chinese, their numbers written as people write
them. They are loaded past the ORM, and then indexed by the addon's own job
for existing data, whose time is told, too.

Callers are contacts drawn at random, and each calls in four forms: international with a
plus, international with zeros, national, and local without area code. In each round,
and for each caller in turn,

* ours is what a call costs: read the number by the rules of the PBX, and find rows of
  the index for the companies that may see them, in an open transaction of Odoo;
* bare is psycopg2 with the same rows at hand: one query by index for a number that
  somebody else has brought into its international form, or by the last digits for a
  local one. Both must find the same contacts;
* suffix is what OCA's ``base_phone`` does: ``replace(phone, ' ', '') ILIKE '%digits'``
  with the last eight digits. Nothing but a trigram index on just that expression would
  help it, and it has none.

``complete`` is ours together with what an agent sees of the matches: rights, ranking,
company, city, tags, last call and open leads, of records that are not in any cache.
"""

import io
import json
import platform
import random
import re
import statistics
import sys
import time
from contextlib import closing

import psycopg2

from sandbox.instance import Instance

CONTACTS = 1_000_000
DATABASE = "lookup"
ROUNDS = 7
#: Callers in a round, for each of the ways to find them.
CALLERS = {"ours": 400, "complete": 100, "suffix": 3}
AREAS = {
    "DE": ["30", "40", "89", "69", "221", "711", "351", "341", "511", "911"],
    "CN": ["10", "21", "20", "28", "755", "571", "25", "27", "22", "29"],
}
CODES = {"DE": "49", "CN": "86"}
#: How people write a number: international, national, and with whatever between.
WRITTEN = [
    "+{code} {area} {local}",
    "+{code}{area}{local}",
    "00{code} {area} {local}",
    "0{area} {local}",
    "0{area}/{local}",
    "(0{area}) {first}-{rest}",
    "+{code} (0){area} {first} {rest}",
    "0{area}{local}",
]
#: How a PBX sends it.
SENT = [
    "+{code}{area}{local}",
    "00{code}{area}{local}",
    "0{area}{local}",
    "{local}",
]
SUFFIX_DIGITS = 8


def contacts(count):
    """Yield contacts as (country, area code, local number, phone as written)."""
    dice = random.Random(1)
    for _number in range(count):
        country = dice.choice(("DE", "CN"))
        area = dice.choice(AREAS[country])
        length = 7 if country == "DE" else 8
        local = (
            f"{dice.randrange(2, 9)}{dice.randrange(10 ** (length - 1)):0{length - 1}}"
        )
        form = dice.choice(WRITTEN)
        parts = {"code": CODES[country], "area": area, "local": local}
        yield (
            country,
            area,
            local,
            form.format(first=local[:3], rest=local[3:], **parts),
        )


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


class Bench:
    def __init__(self):
        self.instance = Instance()
        self.contacts = list(contacts(CONTACTS))
        self.dice = random.Random(2)
        self.figures = {}

    # ------------------------------------------------------------
    # DATA
    # ------------------------------------------------------------

    def prepare(self):
        """Make a database of our own with the contacts in it."""
        self.instance.postgres.clone(self.instance.database, DATABASE)
        self.connection = psycopg2.connect(self.instance.dsn(DATABASE))
        with self.connection, self.connection.cursor() as cr:
            cr.execute("SELECT id, code FROM res_country WHERE code IN ('DE', 'CN')")
            countries = {code: country_id for country_id, code in cr.fetchall()}
            cr.execute("SELECT max(id) + 1 FROM res_partner")
            (self.first_id,) = cr.fetchone()
            lines = io.StringIO()
            for number, (country, _area, _local, phone) in enumerate(self.contacts):
                row_id = self.first_id + number
                lines.write(
                    f"{row_id}\tContact {number}\tContact {number}\t{phone}\t"
                    f"{countries[country]}\t{row_id}\tt\tcontact\tf\n"
                )
            lines.seek(0)
            cr.copy_expert(
                """COPY res_partner (id, name, complete_name, phone, country_id,
                    commercial_partner_id, active, type, is_company) FROM STDIN""",
                lines,
            )
            cr.execute("SELECT setval('res_partner_id_seq', max(id)) FROM res_partner")
        self.execute("ANALYZE res_partner")

    def execute(self, query):
        self.connection.autocommit = True
        with self.connection.cursor() as cr:
            cr.execute(query)
        self.connection.autocommit = False

    def index(self, env):
        """Have the addon's own job index everything; tell what it took."""
        began = time.perf_counter()
        done = env["callcenter.number"]._index_missing()
        seconds = time.perf_counter() - began
        env.cr.commit()
        assert done, "the job has not come to its end"
        self.execute("ANALYZE callcenter_number")
        with self.connection, self.connection.cursor() as cr:
            cr.execute(
                """SELECT count(*), pg_total_relation_size('callcenter_number')
                    FROM callcenter_number
                    WHERE res_model = 'res.partner' AND res_id >= %s""",
                (self.first_id,),
            )
            rows, size = cr.fetchone()
        assert rows == CONTACTS, rows
        self.figures["index_s"] = round(seconds, 1)
        self.figures["index_us_per_contact"] = round(1e6 * seconds / CONTACTS, 1)
        self.figures["index_mb"] = round(size / 2**20)

    def callers(self, count):
        """Return callers drawn at random, as (contact's id, country, form, number, …).

        :return: (id, country, number of the form, number as sent, international form,
            local number), each caller in all forms
        """
        drawn = []
        for number in self.dice.sample(range(CONTACTS), count):
            country, area, local, _phone = self.contacts[number]
            parts = {"code": CODES[country], "area": area, "local": local}
            for form, pattern in enumerate(SENT):
                drawn.append(
                    (
                        self.first_id + number,
                        country,
                        form,
                        pattern.format(**parts),
                        SENT[0].format(**parts),
                        local,
                    )
                )
        self.dice.shuffle(drawn)
        return drawn

    # ------------------------------------------------------------
    # WAYS TO FIND A CALLER
    # ------------------------------------------------------------

    def ours(self, caller):
        _id, country, _form, number, _e164, _local = caller
        return self.numbers._find(number, self.pbx[country])

    def bare(self, caller):
        _id, _country, form, _number, e164, local = caller
        if form < 3:
            query = "SELECT res_model, res_id FROM callcenter_number WHERE number = %s"
            self.cursor.execute(query, (e164,))
        else:
            query = """SELECT res_model, res_id FROM callcenter_number
                WHERE reversed LIKE %s AND number LIKE %s"""
            self.cursor.execute(query, (f"{local[::-1]}%", f"{e164[:3]}%"))
        return self.cursor.fetchall()

    def suffix(self, caller):
        digits = re.sub(r"\D", "", caller[3])[-SUFFIX_DIGITS:]
        self.cursor.execute(
            "SELECT id FROM res_partner WHERE replace(phone, ' ', '') ILIKE %s",
            (f"%{digits}",),
        )
        return [("res.partner", row[0]) for row in self.cursor.fetchall()]

    def complete(self, caller):
        _id, country, _form, number, _e164, _local = caller
        self.as_agent.env.invalidate_all()
        return [
            (match["res_model"], match["res_id"])
            for match in self.as_agent._lookup(number, self.pbx[country])
        ]

    # ------------------------------------------------------------
    # ROUNDS
    # ------------------------------------------------------------

    def set_up(self, env):
        """Make a PBX in each country, and an agent."""
        self.pbx = {
            country: env["callcenter.pbx"].create(
                {"name": country, "country_id": env.ref(f"base.{country.lower()}").id}
            )
            for country in CODES
        }
        user = env["res.users"].create(
            {
                "name": "Agent",
                "login": "bench",
                "group_ids": [
                    (4, env.ref("callcenter_core.group_agent").id),
                    (4, env.ref("sales_team.group_sale_salesman_all_leads").id),
                ],
            }
        )
        self.numbers = env["callcenter.number"]
        self.as_agent = self.numbers.with_user(user)
        env.flush_all()

    def time(self, find, caller):
        began = time.perf_counter()
        rows = find(caller)
        return 1000 * (time.perf_counter() - began), rows

    def round(self, found):
        """Time all ways in turns; return milliseconds by way."""
        times = {"ours": [], "bare": [], "complete": [], "suffix": []}
        for caller in self.callers(CALLERS["ours"] // len(SENT)):
            took, rows = self.time(self.ours, caller)
            times["ours"].append(took)
            took, same = self.time(self.bare, caller)
            times["bare"].append(took)
            assert sorted(rows) == sorted(same), (caller, rows, same)
            found["ours"].append(("res.partner", caller[0]) in rows)
        for caller in self.callers(CALLERS["complete"] // len(SENT)):
            took, rows = self.time(self.complete, caller)
            times["complete"].append(took)
            assert ("res.partner", caller[0]) in rows, caller
        for caller in self.callers(CALLERS["suffix"]):
            took, rows = self.time(self.suffix, caller)
            times["suffix"].append(took)
            found["suffix"].append(("res.partner", caller[0]) in rows)
        return times

    def measure(self, env):
        self.set_up(env)
        self.cursor = self.connection.cursor()
        found = {"ours": [], "suffix": []}
        self.round(found)  # warms the caches of both sides
        found = {"ours": [], "suffix": []}
        rounds = []
        for number in range(ROUNDS):
            times = self.round(found)
            rounds.append({way: statistics.median(times[way]) for way in times})
            rounds[-1]["p95"] = percentile(times["ours"], 0.95)
            rounds[-1]["bare_p95"] = percentile(times["bare"], 0.95)
            rounds[-1]["complete_p95"] = percentile(times["complete"], 0.95)
            print(
                f"round {number + 1}: "
                + ", ".join(f"{way} {ms:.3f} ms" for way, ms in rounds[-1].items()),
                file=sys.stderr,
            )

        def median(way):
            return statistics.median(each[way] for each in rounds)

        def ratio(one, other):
            return statistics.median(each[one] / each[other] for each in rounds)

        self.figures.update(
            p50_ms=round(median("ours"), 3),
            p95_ms=round(median("p95"), 3),
            ratio_to_bare_sql=round(ratio("ours", "bare"), 2),
            times_faster_than_suffix_search=round(ratio("suffix", "ours")),
            forms_found=round(statistics.mean(found["ours"]), 4),
            forms_found_by_suffix_search=round(statistics.mean(found["suffix"]), 3),
            bare_p50_ms=round(median("bare"), 3),
            bare_p95_ms=round(median("bare_p95"), 3),
            suffix_ms=round(median("suffix")),
            complete_p50_ms=round(median("complete"), 2),
            complete_p95_ms=round(median("complete_p95"), 2),
        )

    def run(self):
        from odoo import SUPERUSER_ID, api
        from odoo.modules.registry import Registry
        from odoo.tools import config

        self.prepare()
        config.parse_config(["--no-http", "-d", DATABASE], setup_logging=False)
        with closing(self.connection):
            with Registry(DATABASE).cursor() as cr:
                env = api.Environment(cr, SUPERUSER_ID, {})
                self.index(env)
                self.measure(env)
                cr.rollback()
            version = self.connection.server_version // 10000
        self.instance.postgres.drop(DATABASE)
        self.figures.update(
            contacts=CONTACTS, postgresql=version, python=platform.python_version()
        )
        return self.figures


if __name__ == "__main__":
    print(json.dumps(Bench().run()))
