# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .common import CallcenterCase


@tagged("post_install", "-at_install")
class TestCompany(CallcenterCase):
    """Two companies in one database do not see, nor mix with, each other."""

    def test_records_of_other_companies(self):
        """A supervisor of another company sees nothing of ours."""
        self._create_connector()
        self._create_interval(self.agent, "ready")
        self.env["callcenter.number.block"].create(
            {"pattern": "+49301111111", "company_id": self.company.id}
        )
        for model in (
            "callcenter.agent",
            "callcenter.agent.interval",
            "callcenter.connector",
            "callcenter.extension",
            "callcenter.number.block",
            "callcenter.pbx",
            "callcenter.queue",
            "callcenter.queue.member",
            "callcenter.team",
        ):
            with self.subTest(model=model):
                records = self.env[model].search([("company_id", "=", self.company.id)])
                self.assertTrue(records)
                self.assertFalse(
                    self.env[model]
                    .with_user(self.foreign_user)
                    .search([("company_id", "=", self.company.id)])
                )
                with self.assertRaises(AccessError):
                    records[0].with_user(self.foreign_user).read(["display_name"])

    def test_relations_between_companies(self):
        """Records of two companies cannot be joined."""
        other_team = self.env["callcenter.team"].create(
            {"name": "Elsewhere", "company_id": self.other_company.id}
        )
        with self.assertRaises(UserError):
            self.agent.team_id = other_team
        other_pbx = self._create_pbx(self.other_company)
        other_extension = self._create_extension("3001", other_pbx)
        with self.assertRaises(UserError):
            self.agent.default_extension_id = other_extension
        other_queue = self.env["callcenter.queue"].create(
            {"name": "Elsewhere", "code": "elsewhere", "pbx_id": other_pbx.id}
        )
        self.assertEqual(other_queue.company_id, self.other_company)
        with self.assertRaises(UserError):
            self.env["callcenter.queue.member"].create(
                {"queue_id": other_queue.id, "agent_id": self.agent.id}
            )

    def test_agent_looks_at_another_company(self):
        """A telephone works whatever company its agent has chosen to look at."""
        commands = type(self.env["callcenter.command"])
        for name in ("sign_in", "hangup"):
            self.startPatcher(patch.object(commands, f"_run_{name}", create=True))
        sent = self._capture_commands()
        self.agent_user.company_ids += self.other_company
        self._sign_in(self.agent, self.extension)
        call = self._create_call()
        self.env.flush_all()
        self.env.invalidate_all()
        elsewhere = self.env(
            user=self.agent_user,
            context={"allowed_company_ids": self.other_company.ids},
        )
        agents = elsewhere["callcenter.agent"]
        desktop = agents.desktop()
        self.assertEqual(desktop["agent"]["extension"]["number"], "2001")
        self.assertEqual([each["call_id"] for each in desktop["calls"]], call.ids)
        screen = elsewhere["callcenter.call"].get_screen(call.id)
        self.assertEqual(screen["call_id"], call.id)
        agents.sign_in(self.extension.id, self.queue.ids)
        agents.hang_up(call.id)
        self.assertEqual([each["name"] for each in sent], ["sign_in", "hangup"])

    def test_lookup(self):
        """A caller is looked up among the company's and the shared contacts."""
        shared = self._create_partner("+49 30 7654321")
        own = self._create_partner("+49 30 7654321", company_id=self.company.id)
        foreign = self._create_partner(
            "+49 30 7654321", company_id=self.other_company.id
        )
        self.assertCountEqual(self._lookup("+49307654321"), [shared, own])
        other_pbx = self._create_pbx(self.other_company)
        self.assertCountEqual(
            self._lookup("+49307654321", self.foreign_user, other_pbx),
            [shared, foreign],
        )

    def test_lookup_of_the_connector(self):
        """Without a user's companies the PBX's company counts."""
        self._create_partner("+49 30 7654321", company_id=self.other_company.id)
        found = self.env(su=True, context={})["callcenter.number"]._find(
            "+49307654321", self.pbx
        )
        self.assertFalse(found)
