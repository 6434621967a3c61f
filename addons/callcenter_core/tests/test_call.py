# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
import json

from lxml import etree
from psycopg2 import IntegrityError

from odoo import http
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger
from odoo.tools.safe_eval import safe_eval

from .common import CallcenterCase


@tagged("post_install", "-at_install")
class TestCall(CallcenterCase):
    """The log of calls."""

    def _search(self, fragment):
        return self.env["callcenter.call"].search(
            [
                ("number_search", "ilike", fragment),
                ("company_id", "=", self.company.id),
            ]
        )

    def test_search_by_fragment(self):
        """A call is found by any piece of its number, however it is written."""
        as_sent = self._create_call(number="0305559067", number_e164="+49305559067")
        as_sent |= self._create_call(number="+49305559067", number_e164="+49305559067")
        as_sent |= self._create_call(number="0049305559067", number_e164="+49305559067")
        other = self._create_call(number="+498912399999", number_e164=False)
        for fragment in (
            "5559 067",
            "0305559067",
            "030 / 555 90-67",
            "+49 30 5559067",
            "0049 30 5559067",
            "+49 (0)30 5559",
            "30555",
        ):
            with self.subTest(fragment=fragment):
                self.assertEqual(self._search(fragment), as_sent)
        self.assertEqual(self._search("123999"), other)
        self.assertFalse(self._search("30 7654"))
        self.assertEqual(
            self.env["callcenter.call"].search(
                [
                    ("number_search", "not ilike", "0305559"),
                    ("company_id", "=", self.company.id),
                ]
            ),
            other,
        )

    def test_search_short(self):
        """An extension is found by its first digits; wildcards are only letters."""
        call = self._create_call(number="11", number_e164=False, direction="internal")
        self.assertEqual(self._search("11"), call)
        self.assertFalse(self._search("%"))

    def test_search_number_or_name(self):
        """The search of the list finds numbers and names by one field."""
        view = self.env.ref("callcenter_core.callcenter_call_view_search")
        node = etree.fromstring(view.arch).find(".//field[@name='number_search']")
        partner = self._create_partner("030 5559067", name="Weber")
        calls = self._create_call(partner_id=partner.id)
        calls |= self._create_call(
            caller_name="WEBER GMBH", number="0891", number_e164=False
        )
        self._create_call(number="0892", number_e164=False)
        for text, found in (("weber", calls), ("5559067", calls[0])):
            domain = safe_eval(node.get("filter_domain"), {"self": text})
            ours = [("company_id", "=", self.company.id), *domain]
            self.assertEqual(self.env["callcenter.call"].search(ours), found)

    def test_search_uses_index(self):
        """The search does not read the whole table."""
        if not self.registry.has_trigram:
            self.skipTest("pg_trgm is not installed")
        self.env.cr.execute(
            """SELECT indexdef FROM pg_indexes WHERE tablename = 'callcenter_call'
                AND indexdef LIKE '%gin%' ORDER BY 1"""
        )
        definitions = " ".join(row[0] for row in self.env.cr.fetchall())
        self.assertIn("(number ", definitions)
        self.assertIn("(number_e164 ", definitions)

    def test_display_name(self):
        """A call is called by whom it was with."""
        call = self._create_call(caller_name="WEBER")
        self.assertEqual(call.display_name, "WEBER · +49305559067")
        call.partner_id = self._create_partner("030 5559067", name="Weber GmbH")
        self.assertEqual(call.display_name, "Weber GmbH · +49305559067")
        self.assertEqual(
            self._create_call(number=False).display_name, "Withheld number"
        )

    @mute_logger("odoo.sql_db")
    def test_unique(self):
        """Applying the same facts twice cannot make two calls or legs."""
        call = self._create_call()
        leg = self._create_leg(call)
        with self.assertRaises(IntegrityError), self.cr.savepoint():
            self._create_call(uniqueid=call.uniqueid)
        with self.assertRaises(IntegrityError), self.cr.savepoint():
            self._create_leg(call, uniqueid=leg.uniqueid)
        # two PBXs may have the same ids
        other_pbx = self._create_pbx(self.company, name="Second")
        self._create_call(uniqueid=call.uniqueid, pbx_id=other_pbx.id)

    # ------------------------------------------------------------
    # SCREEN
    # ------------------------------------------------------------

    def _screen(self, call, agent=None):
        return call._screen_payload(agent or self.agent)[call.id]

    def test_screen_payload(self):
        """All that the pop shows is in one message."""
        partner = self._create_partner("030 5559067", name="Weber", city="Berlin")
        call = self._create_call(
            state="queued",
            queue_id=self.queue.id,
            queue_start="2026-01-31 09:00:00",
            start="2026-01-31 08:59:50",
            did="+49305550100",
            caller_name="WEBER",
        )
        self.assertFalse(self._screen(call)["own_leg"])
        leg = self._create_leg(call, self.agent, ring_start="2026-01-31 09:00:05")
        payload = self._screen(call)
        matches = payload.pop("matches")
        self.assertEqual(
            payload,
            {
                "call_id": call.id,
                "event": "changed",
                "state": "queued",
                "direction": "inbound",
                "number": "+49305559067",
                "number_e164": "+49305559067",
                "name": "WEBER",
                "did": "+49305550100",
                "queue": "Orders",
                "queued_since": "2026-01-31 09:00:00",
                "start": "2026-01-31 08:59:50",
                "answer": False,
                "stop": False,
                "result": False,
                "hold": 0.0,
                "own_leg": {"id": leg.id, "state": "ringing", "channel": ""},
                "partner_id": False,
                "lead_id": False,
                "res_model": False,
                "res_id": False,
            },
        )
        self.assertEqual(
            matches,
            [
                {
                    "res_model": "res.partner",
                    "res_id": partner.id,
                    "name": "Weber",
                    "company": "",
                    "city": "Berlin",
                    "tags": [],
                    "last_call": False,
                    "open": [],
                    "activities": 0,
                }
            ],
        )
        json.dumps([payload, matches])

    def test_own_leg(self):
        """An agent's screen follows his own leg, not his colleague's."""
        call = self._create_call(state="talking", answer=self._ago(seconds=5))
        own = self._create_leg(call, self.agent, answer=self._ago(seconds=5))
        other = self._create_leg(call, self.agent_2, ring_start=self._ago(seconds=1))
        self.assertEqual(self._screen(call)["own_leg"]["state"], "talking")
        self.assertEqual(self._screen(call, self.agent_2)["own_leg"]["id"], other.id)
        call.state = "held"
        self.assertEqual(self._screen(call)["own_leg"]["state"], "held")
        own.stop = self._ago(seconds=0)
        self.assertEqual(self._screen(call)["own_leg"]["state"], "ended")

    def test_known_caller(self):
        """Whom somebody identified comes first, even with another number."""
        self._create_partner("030 5559067")
        known = self._create_partner("0171 5550123", name="Zoe")
        call = self._create_call(partner_id=known.id)
        matches = self._screen(call)["matches"]
        self.assertEqual(len(matches), 2)
        self.assertEqual(matches[0]["res_id"], known.id)

    def test_screen_leaves_out_what_is_hidden(self):
        """An agent is not told of contacts that he may not read."""
        self._create_partner("030 5559067", company_id=self.other_company.id)
        self.assertFalse(self._screen(self._create_call())["matches"])
        lead = self.env["crm.lead"].create(
            {
                "name": "Deal",
                "phone": "030 5559067",
                "country_id": self.germany.id,
                "company_id": self.company.id,
            }
        )
        self._index()
        self.assertFalse(self._screen(self._create_call())["matches"])
        self.agent_user.group_ids += self.env.ref(
            "sales_team.group_sale_salesman_all_leads"
        )
        matches = self._screen(self._create_call())["matches"]
        self.assertEqual([match["res_id"] for match in matches], lead.ids)

    def test_internal_calls_are_not_looked_up(self):
        """A colleague who calls is no customer, whatever his number."""
        self._create_partner("2002")
        call = self._create_call(number="2002", number_e164="", direction="internal")
        self.assertFalse(self._screen(call)["matches"])

    def test_get_screen(self):
        """The web client can ask for a call's screen."""
        call = self._create_call()
        calls = self.env["callcenter.call"].with_user(self.agent_user)
        self.assertEqual(calls.get_screen(call.id), self._screen(call))

    def test_screen_queries(self):
        """A pop is built in few queries, whatever the length of the log."""
        partner = self._create_partner("030 5559067")
        for _count in range(5):
            self._create_call(
                partner_id=partner.id, state="ended", stop=self._ago(seconds=1)
            )
        call = self._create_call(partner_id=partner.id, queue_id=self.queue.id)
        self._create_leg(call, self.agent)
        self._screen(call)
        self.env.flush_all()
        self.env.invalidate_all()
        with self.assertQueryCount(20):
            self._screen(call)

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def test_view_number(self):
        """From a call to all calls of its number."""
        call = self._create_call()
        self._create_call(number="+49895559067", number_e164="+49895559067")
        same = self._create_call(number="0305559067")
        action = call.action_view_number()
        ours = [("company_id", "=", self.company.id)]
        self.assertEqual(
            self.env["callcenter.call"].search([*ours, *action["domain"]]), call | same
        )


@tagged("post_install", "-at_install")
class TestCallExport(HttpCase):
    """Odoo's own export of the log."""

    def test_xlsx(self):
        """Calls can be exported as a spreadsheet."""
        self.authenticate("admin", "admin")
        calls = self.env["callcenter.call"]
        names = ("start", "number", "partner_id", "agent_id", "result", "talk")
        response = self.url_open(
            "/web/export/xlsx",
            data={
                "data": json.dumps(
                    {
                        "model": "callcenter.call",
                        "fields": [
                            {
                                "name": name,
                                "label": name,
                                "type": calls._fields[name].type,
                            }
                            for name in names
                        ],
                        "ids": False,
                        "domain": [],
                        "groupby": [],
                        "context": {},
                        "import_compat": False,
                    }
                ),
                "csrf_token": http.Request.csrf_token(self),
            },
        )
        response.raise_for_status()
        self.assertTrue(response.content.startswith(b"PK"), "this is no spreadsheet")
