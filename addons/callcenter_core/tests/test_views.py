# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
from odoo.tests import Form, tagged

from .common import CallcenterCase


@tagged("post_install", "-at_install")
class TestViews(CallcenterCase):
    """Calls on the forms of contacts and leads; menus and actions."""

    def test_contact(self):
        """A company's form counts the calls with its people, too."""
        company = self._create_partner("030 5559067", is_company=True)
        person = self._create_partner("0171 5550123", parent_id=company.id)
        calls = self._create_call(partner_id=company.id)
        calls |= self._create_call(partner_id=person.id)
        self._create_call(self.agent_2, partner_id=company.id)
        as_agent = company.with_user(self.agent_user)
        self.assertEqual(as_agent.callcenter_call_count, 2)
        action = as_agent.action_view_callcenter_calls()
        found = self.env["callcenter.call"].search(action["domain"])
        self.assertEqual(found & calls, calls)
        self.assertEqual(as_agent.callcenter_call_ids, calls.sorted("id", reverse=True))
        supervisor = company.with_user(self.supervisor_user)
        self.assertEqual(supervisor.callcenter_call_count, 3)

    def test_lead(self):
        """A lead's form shows its calls, and its contact's."""
        self.agent_user.group_ids += self.env.ref(
            "sales_team.group_sale_salesman_all_leads"
        )
        partner = self._create_partner("030 5559067")
        lead, other = self.env["crm.lead"].create(
            [
                {
                    "name": "Deal",
                    "company_id": self.company.id,
                    "partner_id": partner_id,
                }
                for partner_id in (partner.id, False)
            ]
        )
        call = self._create_call(lead_id=lead.id, start=self._ago(hours=1))
        of_contact = self._create_call(partner_id=partner.id)
        lead, other = (lead | other).with_user(self.agent_user)
        self.assertEqual(lead.callcenter_call_count, 2)
        self.assertEqual(lead.callcenter_call_ids, of_contact | call)
        self.assertFalse(other.callcenter_call_ids)

    def test_forms_of_others(self):
        """Who has nothing to do with the call center sees nothing of it."""
        partner = self._create_partner("030 5559067")
        view = partner.with_user(self.internal_user).get_view(view_type="form")
        self.assertNotIn("callcenter_call", view["arch"])
        view = partner.with_user(self.agent_user).get_view(view_type="form")
        self.assertIn("callcenter_call_ids", view["arch"])
        self.internal_user.group_ids += self.env.ref("base.group_partner_manager")
        form = Form(partner.with_user(self.internal_user))
        form.name = "Weber"
        form.save()

    def test_paths(self):
        """The main actions have addresses of their own."""
        actions = self.env["ir.actions.act_window"].search(
            [("res_model", "=like", "callcenter.%")]
        )
        self.assertIn("calls", actions.mapped("path"))
        self.assertTrue(all(actions.mapped("path")), "an action has no path")

    def test_menus(self):
        """Each role sees its menus."""
        menus = {
            "agent": {"callcenter_menu_calls_my"},
            "leader": {"callcenter_menu_calls_all", "callcenter_menu_teams"},
            "supervisor": {"callcenter_menu_pbx", "callcenter_menu_blocks"},
            "administrator": {"callcenter_menu_failures", "callcenter_menu_numbers"},
        }
        seen_before = set()
        for role, names in menus.items():
            visible = (
                self.env["ir.ui.menu"]
                .with_user(getattr(self, f"{role}_user"))
                .load_menus(debug=False)
            )
            for name in names:
                menu = self.env.ref(f"callcenter_core.{name}")
                self.assertIn(menu.id, visible, f"{role} misses {name}")
                self.assertNotIn(menu.id, seen_before, f"{name} is not for {role} only")
            seen_before.update(visible)
