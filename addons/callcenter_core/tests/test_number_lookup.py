# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
from odoo.tests import tagged

from .common import CallcenterCase


@tagged("post_install", "-at_install")
class TestNumberLookup(CallcenterCase):
    """Who is calling."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.deal = {"type": "opportunity", "company_id": cls.company.id}

    def _choose(self, number, record, user=None):
        return (
            self.env["callcenter.number.choice"]
            .with_user(user or self.agent_user)
            ._remember(number, record, self.company, self.pbx)
        )

    # ------------------------------------------------------------
    # FORMS
    # ------------------------------------------------------------

    def test_forms_of_the_caller(self):
        """The same number is found in whatever form the PBX sends it."""
        partner = self._create_partner("+49 30 5559067")
        for number in (
            "+49305559067",
            "0049305559067",
            "0305559067",
            "5559067",
            "90305559067",
            "49305559067",
            "+49 (0) 30 555-9067",
        ):
            with self.subTest(number=number):
                self.assertEqual(self._lookup(number), [partner])

    def test_forms_of_the_contact(self):
        """The same number is found in whatever form it was written."""
        for phone in (
            "+49 30 5559067",
            "0049 30 5559067",
            "030 5559067",
            "(030) 555 90 67",
            "+49 (0)30/5559067",
            "5559067",
        ):
            with self.subTest(phone=phone):
                partner = self._create_partner(phone)
                self.assertEqual(self._lookup("+49305559067"), [partner])
                self.assertEqual(self._lookup("0305559067"), [partner])
                partner.unlink()

    def test_extension(self):
        """A short number must be equal; it is no end of a longer one."""
        self._create_partner("+49 30 5559067")
        self.assertFalse(self._lookup("4567"))
        self.assertFalse(self._lookup("7"))
        partner = self._create_partner("4567")
        self.assertEqual(self._lookup("4567"), [partner])

    def test_unknown(self):
        """Nobody is found by nothing, and by no part of a number."""
        self._create_partner("+49 30 5559067")
        self._create_partner(False)
        self._create_partner("ask reception")
        for number in ("", None, "anonymous", "+4930555906", "305559068", "%", "_" * 9):
            with self.subTest(number=number):
                self.assertFalse(self._lookup(number))

    def test_exact_before_suffix(self):
        """Who has the whole number is not mixed with who has only its end."""
        exact = self._create_partner("+49 30 5559067")
        self._create_partner("5559067")
        self.assertEqual(self._lookup("+49305559067"), [exact])

    def test_same_transaction(self):
        """Who was created a moment ago is found already."""
        partner = self.env["res.partner"].create(
            {"name": "New", "phone": "+49 30 5559067"}
        )
        self.assertEqual(self._lookup("+49305559067"), [partner])

    def test_archived(self):
        """Who was archived is not proposed."""
        partner = self._create_partner("+49 30 5559067")
        partner.active = False
        self.assertFalse(self._lookup("+49305559067"))

    # ------------------------------------------------------------
    # SEVERAL
    # ------------------------------------------------------------

    def test_open_lead_first(self):
        """Of several, who has open business comes first; all are returned."""
        self.agent_user.group_ids += self.env.ref(
            "sales_team.group_sale_salesman_all_leads"
        )
        first = self._create_partner("+49 30 5559067", name="A")
        second = self._create_partner("+49 30 5559067", name="B")
        self.assertEqual(self._lookup("0305559067"), [first, second])
        lead = self.env["crm.lead"].create(
            {"name": "Deal", "partner_id": second.id, **self.deal}
        )
        self.assertEqual(self._lookup("0305559067"), [second, first])
        lead.action_set_won()
        self.assertEqual(self._lookup("0305559067"), [first, second, lead])

    def test_contact_and_lead(self):
        """A contact and his open lead are one caller."""
        self.agent_user.group_ids += self.env.ref(
            "sales_team.group_sale_salesman_all_leads"
        )
        partner = self._create_partner("+49 30 5559067")
        lead = self.env["crm.lead"].create(
            {"name": "Deal", "partner_id": partner.id, **self.deal}
        )
        self._index()
        matches = (
            self.env["callcenter.number"]
            .with_user(self.agent_user)
            ._lookup("+49305559067", self.pbx)
        )
        self.assertEqual([match["res_id"] for match in matches], partner.ids)
        self.assertEqual(
            matches[0]["open"],
            [{"res_model": "crm.lead", "res_id": lead.id, "name": "Deal"}],
        )

    def test_activity_first(self):
        """Who is waiting for something comes before who is not."""
        first = self._create_partner("+49 30 5559067", name="A")
        second = self._create_partner("+49 30 5559067", name="B")
        second.with_user(self.agent_user).activity_schedule(
            "mail.mail_activity_data_call"
        )
        self.assertEqual(self._lookup("0305559067"), [second, first])

    def test_last_call_first(self):
        """Without open business, who called last comes first, and is told when."""
        first = self._create_partner("+49 30 5559067", name="A")
        second = self._create_partner("+49 30 5559067", name="B")
        call = self._create_call(
            self.agent_2,
            partner_id=second.id,
            start="2026-01-31 09:00:00",
            stop="2026-01-31 09:05:00",
            state="ended",
            result="answered",
        )
        self.assertEqual(self._lookup("0305559067"), [second, first])
        matches = (
            self.env["callcenter.number"]
            .with_user(self.agent_user)
            ._lookup(call.number, self.pbx)
        )
        self.assertEqual(
            matches[0]["last_call"],
            {
                "date": "2026-01-31 09:00:00",
                "direction": "inbound",
                "result": "answered",
                "agent": self.agent_user_2.name,
            },
        )

    def test_choice(self):
        """What an agent chose comes first, his own choice before a colleague's."""
        first = self._create_partner("+49 30 5559067", name="A")
        second = self._create_partner("+49 30 5559067", name="B")
        third = self._create_partner("+49 30 5559067", name="C")
        self._choose("0305559067", second, self.agent_user_2)
        self.assertEqual(self._lookup("+49305559067"), [second, first, third])
        self._choose("+49305559067", third)
        self._choose("+49305559067", second, self.supervisor_user)
        self.assertEqual(self._lookup("+49305559067"), [third, second, first])
        self.assertEqual(
            self._lookup("+49305559067", self.leader_user), [second, third, first]
        )

    def test_choice_changes(self):
        """A user's later choice replaces his earlier one."""
        first = self._create_partner("+49 30 5559067", name="A")
        second = self._create_partner("+49 30 5559067", name="B")
        choice = self._choose("+49305559067", second)
        self.assertEqual(self._choose("0305559067", first), choice)
        self.assertEqual(choice.res_id, first.id)
        self.assertFalse(self._choose("", first))

    def test_choice_of_deleted(self):
        """A choice goes with its record."""
        partner = self._create_partner("+49 30 5559067")
        choice = self._choose("+49305559067", partner)
        partner.unlink()
        self.assertFalse(choice.exists())

    # ------------------------------------------------------------
    # MERGE
    # ------------------------------------------------------------

    def test_merge_contacts(self):
        """Merged contacts keep their calls and numbers as one."""
        kept = self._create_partner("+49 30 5559068")
        merged = self._create_partner("+49 30 5559067")
        other = self._create_partner("+49 30 5559067")
        call = self._create_call(
            partner_id=merged.id, res_model="res.partner", res_id=merged.id
        )
        choice = self._choose("+49305559067", merged)
        self.env["base.partner.merge.automatic.wizard"]._merge(
            (kept | merged).ids, kept
        )
        self._index()
        self.assertRecordValues(call, [{"partner_id": kept.id, "res_id": kept.id}])
        self.assertEqual(choice.res_id, kept.id)
        self.assertEqual(self._lookup("+49305559068"), [kept])
        self.assertEqual(self._lookup("+49305559067"), [other])

    def test_merge_leads(self):
        """The lead that is kept has the calls of those that were merged into it."""
        leads = self.env["crm.lead"].create(
            [
                {"name": f"Deal {n}", "phone": f"030 555906{n}", **self.deal}
                for n in range(2)
            ]
        )
        calls = self.env["callcenter.call"]
        for lead in leads:
            calls |= self._create_call(
                lead_id=lead.id, res_model="crm.lead", res_id=lead.id
            )
        choices = self._choose("+49305559060", leads[0])
        choices |= self._choose("+49305559061", leads[1])
        kept = leads.merge_opportunity()
        self.assertEqual(calls.lead_id, kept)
        self.assertEqual(calls.mapped("res_id"), [kept.id] * 2)
        self.assertEqual(choices.mapped("res_id"), [kept.id] * 2)

    # ------------------------------------------------------------
    # COST
    # ------------------------------------------------------------

    def test_index_is_used(self):
        """Neither way to find a number reads the whole table."""
        self.env.cr.execute("SET LOCAL enable_seqscan = off")
        for condition in (
            "number = '+49305559067'",
            "(reversed LIKE '7654321%' OR reversed = ANY('{7654321,76543210}'))",
        ):
            self.env.cr.execute(
                f"EXPLAIN SELECT res_id FROM callcenter_number WHERE {condition}"
            )
            plan = "\n".join(row[0] for row in self.env.cr.fetchall())
            self.assertIn("Index", plan)
            self.assertNotIn("Seq Scan", plan)
            self.assertIn("Index Cond", plan)

    def test_queries(self):
        """One query finds a number exactly, one more by its end."""
        self._create_partner("+49 30 5559067")
        self._create_partner("7654321")
        numbers = self.env["callcenter.number"]
        numbers._find("+49305559067", self.pbx)
        with self.assertQueryCount(1):
            self.assertTrue(numbers._find("+49305559067", self.pbx))
        with self.assertQueryCount(2):
            self.assertTrue(numbers._find("+49307654321", self.pbx))
