# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
from unittest.mock import patch

from odoo.tests import tagged

from odoo.addons.base.tests.test_ir_cron import CronMixinCase

from ..hooks import post_init_hook, uninstall_hook
from ..models.callcenter_number import REBUILD_PARAMETER
from .common import CallcenterCase

WEBER = [("phone", "+49305559067", "76095550394")]


@tagged("post_install", "-at_install")
class TestNumberIndex(CronMixinCase, CallcenterCase):
    """The index of numbers follows the records."""

    # ------------------------------------------------------------
    # RECORDS
    # ------------------------------------------------------------

    def test_create_write_unlink(self):
        """A contact's number is indexed as long as he has it."""
        partner = self._create_partner("030 5559067")
        self.assertEqual(self._numbers(partner), WEBER)
        partner.phone = "+49 89 7654321"
        self.assertEqual(
            self._numbers(partner), [("phone", "+49897654321", "12345679894")]
        )
        partner.phone = False
        self.assertFalse(self._numbers(partner))
        partner.phone = "030 5559067"
        self.assertEqual(self._numbers(partner), WEBER)
        record_id = partner.id
        partner.unlink()
        self.assertFalse(
            self.env["callcenter.number"].search([("res_id", "=", record_id)])
        )

    def test_country(self):
        """A national number is read by the country of its contact."""
        partner = self._create_partner("021 6888 1234")
        partner.country_id = self.env.ref("base.cn")
        self.assertEqual(self._numbers(partner)[0][1], "+862168881234")

    def test_company_country(self):
        """A contact without a country is read as one of his company's."""
        partner = self._create_partner(
            "021 6888 1234", country_id=False, company_id=self.other_company.id
        )
        self.assertEqual(self._numbers(partner)[0][1], "+862168881234")
        row = self.env["callcenter.number"].search([("res_id", "=", partner.id)])
        self.assertEqual(row.company_id, self.other_company)

    def test_unreadable(self):
        """What is no number is kept by its digits, what has none not found."""
        partner = self._create_partner("ext. 4711")
        ((_field, number, backwards),) = self._numbers(partner)
        self.assertFalse(number)
        self.assertEqual(backwards, "1174")
        partner.phone = "ask reception"
        self.assertEqual(self._numbers(partner), [("phone", False, False)])

    def test_lead(self):
        """A lead's number is indexed, also the one that it takes from its contact."""
        lead = self.env["crm.lead"].create(
            {"name": "Deal", "phone": "030 5559067", "country_id": self.germany.id}
        )
        self.assertEqual(self._numbers(lead), WEBER)
        partner = self._create_partner("+49 30 7654321")
        lead = self.env["crm.lead"].create({"name": "Deal", "partner_id": partner.id})
        self.assertEqual(self._numbers(lead)[0][1], "+49307654321")
        partner.phone = "+49 30 5559067"
        self.assertEqual(self._numbers(lead), WEBER)

    def test_rollback(self):
        """An import that is only tried leaves nothing behind."""
        with self.assertRaises(ZeroDivisionError), self.cr.savepoint():
            self.env["res.partner"].create({"name": "Try", "phone": "030 5550001"})
            raise ZeroDivisionError
        self._index()
        self.assertFalse(
            self.env["callcenter.number"].search([("number", "=", "+49305550001")])
        )

    def test_import(self):
        """Odoo's import indexes what it loads."""
        result = self.env["res.partner"].load(
            ["name", "phone", "country_id"],
            [[f"Row {n}", f"030 55500{n:02}", "Germany"] for n in range(20)],
        )
        self.assertFalse(result["messages"])
        self._index()
        self.assertEqual(
            self.env["callcenter.number"].search_count(
                [("res_id", "in", result["ids"]), ("number", "=like", "+493055500%")]
            ),
            20,
        )

    # ------------------------------------------------------------
    # COST
    # ------------------------------------------------------------

    def test_queries_create(self):
        """The numbers of many new contacts are one more query than none."""
        values = [
            {"name": f"Partner {n}", "phone": f"030 55500{n:02}"} for n in range(50)
        ]
        partners = self.env["res.partner"].create(values)
        self.env.flush_all()
        # exists and upsert
        with self.assertQueryCount(2):
            self.env["callcenter.number"]._index_scheduled()
        self.assertEqual(
            self.env["callcenter.number"].search_count(
                [("res_model", "=", "res.partner"), ("res_id", "in", partners.ids)]
            ),
            50,
        )

    def test_queries_write(self):
        """Many changes of many contacts are indexed at once."""
        partners = self.env["res.partner"].create(
            [{"name": f"Partner {n}", "phone": f"030 55500{n:02}"} for n in range(50)]
        )
        self._index()
        for partner in partners:
            partner.phone = f"{partner.phone}1"
        partners[:5].phone = False
        self.env.flush_all()
        # exists, delete and upsert
        with self.assertQueryCount(3):
            self.env["callcenter.number"]._index_scheduled()

    def test_queries_other_fields(self):
        """What has nothing to do with numbers costs nothing."""
        partner = self._create_partner("030 5559067")
        partner.write({"name": "Weber", "comment": "nice"})
        self.assertNotIn("callcenter_core.numbers", self.env.cr.precommit.data)
        self.env["res.partner"].create({"name": "No number"})
        self.assertNotIn("callcenter_core.numbers", self.env.cr.precommit.data)

    # ------------------------------------------------------------
    # EXISTING DATA
    # ------------------------------------------------------------

    def _load_past_the_orm(self, count=5):
        """Create contacts of which the index knows nothing; return their ids."""
        partners = self.env["res.partner"].create(
            [
                {
                    "name": f"Loaded {n}",
                    "phone": f"030 55500{n:02}",
                    "country_id": self.germany.id,
                }
                for n in range(count)
            ]
        )
        self._index()
        self.env["callcenter.number"]._remove("res.partner", partners.ids)
        return partners.ids

    def _index_missing(self, **kwargs):
        numbers = self.env["callcenter.number"].with_context(callcenter_no_commit=True)
        return numbers._index_missing(**kwargs)

    def _count(self, ids):
        return self.env["callcenter.number"].search_count(
            [("res_model", "=", "res.partner"), ("res_id", "in", ids)]
        )

    def test_missing(self):
        """What was there before the addon, or came past the ORM, is found."""
        self._index_missing()
        ids = self._load_past_the_orm()
        self.assertEqual(self._count(ids), 0)
        with patch("odoo.addons.callcenter_core.models.callcenter_number.BATCH", 2):
            self.assertTrue(self._index_missing())
        self.assertEqual(self._count(ids), 5)

    def test_missing_limit(self):
        """It stops in time, and goes on where it stopped."""
        self._index_missing()
        ids = self._load_past_the_orm()
        with patch("odoo.addons.callcenter_core.models.callcenter_number.BATCH", 2):
            self.assertFalse(self._index_missing(limit=2))
            self.assertEqual(self._count(ids), 2)
            self.assertTrue(self._index_missing())
        self.assertEqual(self._count(ids), 5)

    def test_orphans(self):
        """What was deleted past the ORM is forgotten."""
        ids = self._load_past_the_orm()
        self._index_missing()
        self.env.cr.execute("DELETE FROM res_partner WHERE id = ANY(%s)", (ids,))
        self._index_missing()
        self.assertEqual(self._count(ids), 0)

    def test_rebuild(self):
        """All is read again on demand; meanwhile the old rows are found."""
        partner = self._create_partner("030 5559067")
        self.env.cr.execute(
            "UPDATE res_partner SET phone = '030 7654321' WHERE id = %s", (partner.id,)
        )
        partner.invalidate_recordset()
        self.env.cr.execute("UPDATE callcenter_number SET date = date - interval '1 h'")
        self.assertTrue(self._index_missing())
        self.assertEqual(self._numbers(partner), WEBER)
        self.env["callcenter.number"].with_user(
            self.administrator_user
        ).action_rebuild()
        self.assertEqual(self._numbers(partner), WEBER)
        self.assertTrue(self._index_missing())
        self.assertEqual(self._numbers(partner)[0][1], "+49307654321")
        parameters = self.env["ir.config_parameter"]
        self.assertFalse(parameters.get_param(REBUILD_PARAMETER))

    def test_cron(self):
        """The scheduler indexes what is missing."""
        self._index_missing()
        ids = self._load_past_the_orm()
        with self.enter_registry_test_mode():
            self.env.ref("callcenter_core.ir_cron_number_index").method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual(self._count(ids), 5)

    def test_hooks(self):
        """Installing indexes what is there; uninstalling leaves nothing behind."""
        ids = self._load_past_the_orm()
        post_init_hook(self.env)
        self.assertEqual(self._count(ids), 5)
        parameters = self.env["ir.config_parameter"]
        parameters.set_param(REBUILD_PARAMETER, "2026-01-01 00:00:00")
        uninstall_hook(self.env)
        self.assertFalse(parameters.get_param(REBUILD_PARAMETER))

    def test_large_database(self):
        """Installing into a large database leaves the rest to the scheduler."""
        self._index_missing()
        self._load_past_the_orm()
        module = "odoo.addons.callcenter_core"
        cron = self.env.ref("callcenter_core.ir_cron_number_index")
        with (
            patch(f"{module}.models.callcenter_number.BATCH", 2),
            patch(f"{module}.hooks.INSTALL_LIMIT", 2),
            self.capture_triggers(cron.id) as triggers,
        ):
            post_init_hook(self.env)
        self.assertEqual(len(triggers.records), 1)
