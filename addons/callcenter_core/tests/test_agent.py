# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
from psycopg2 import IntegrityError

from odoo.exceptions import AccessError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import CallcenterCase


@tagged("post_install", "-at_install")
class TestAgent(CallcenterCase):
    """Agents, their states, and what the web client is given."""

    def _desktop(self, user):
        return self.env["callcenter.agent"].with_user(user).desktop()

    def test_state(self):
        """An agent's state is that of his open interval."""
        self.assertEqual(self.agent.state, "offline")
        self._create_interval(self.agent, "ready", stop=self._ago(seconds=1))
        current = self._create_interval(self.agent, "paused", reason="Lunch")
        self.agent.invalidate_recordset()
        self.assertRecordValues(
            self.agent,
            [
                {
                    "state": "paused",
                    "state_since": current.start,
                    "pause_reason": "Lunch",
                }
            ],
        )

    def test_search_state(self):
        """Agents are found by state; who has no interval is offline."""
        self._create_interval(self.agent, "ready")
        ours = [("company_id", "=", self.company.id)]
        agents = self.env["callcenter.agent"]
        self.assertEqual(agents.search([*ours, ("state", "=", "ready")]), self.agent)
        self.assertEqual(
            agents.search([*ours, ("state", "=", "offline")]), self.agent_2
        )
        self.assertEqual(
            agents.search([*ours, ("state", "not in", ["offline", "signed_out"])]),
            self.agent,
        )
        self.assertEqual(
            agents.search([*ours, ("state", "in", ["offline", "ready"])]),
            self.agent | self.agent_2,
        )

    def test_states_in_one_query(self):
        """The states of many agents cost no more queries than that of one."""
        agents = self.agent | self.agent_2
        self._create_interval(self.agent, "ready")
        self._create_interval(self.agent_2, "paused")
        self.env.flush_all()
        agents.invalidate_recordset()
        with self.assertQueryCount(2):
            self.assertEqual(agents.mapped("state"), ["ready", "paused"])

    @mute_logger("odoo.sql_db")
    def test_constraints(self):
        """One agent a user, one open interval an agent, codes unique."""
        with self.assertRaises(IntegrityError), self.cr.savepoint():
            self._create_agent(self.agent_user, self.team, self.extension)
        self._create_interval(self.agent, "ready")
        self._create_interval(self.agent_2, "ready")
        with self.assertRaises(IntegrityError), self.cr.savepoint():
            self._create_interval(self.agent, "paused")
        self.agent.code = "7"
        self.env.flush_all()
        with self.assertRaises(IntegrityError), self.cr.savepoint():
            self.agent_2.code = "7"
            self.env.flush_all()

    # ------------------------------------------------------------
    # DESKTOP
    # ------------------------------------------------------------

    def test_desktop_of_none(self):
        """Who is no agent is told so, and nothing else."""
        self.assertEqual(self._desktop(self.internal_user), {"agent": False})
        self.assertEqual(self._desktop(self.leader_user), {"agent": False})
        # the role was taken away, the agent is still there
        group = self.env.ref("callcenter_core.group_agent")
        self.agent_user.group_ids -= group
        self.assertEqual(self._desktop(self.agent_user), {"agent": False})

    def test_desktop_signed_out(self):
        """Before signing in: where to sit, and what queues there are."""
        self._sign_in(self.agent_2, self.extension_2)
        desktop = self._desktop(self.agent_user)
        self.assertEqual(
            desktop["agent"],
            {
                "agent_id": self.agent.id,
                "name": self.agent_user.name,
                "state": "offline",
                "since": False,
                "reason": "",
                "extension": False,
                "queues": [],
            },
        )
        self.assertEqual(desktop["seq"], 0)
        self.assertEqual(desktop["default_extension_id"], self.extension.id)
        self.assertEqual(desktop["queues"], [{"id": self.queue.id, "name": "Orders"}])
        self.assertEqual(
            [
                (extension["number"], extension["agent"])
                for extension in desktop["extensions"]
            ],
            [("2001", False), ("2002", self.agent_user_2.name)],
        )
        self.assertIn("Lunch", desktop["pause_reasons"])
        self.assertFalse(desktop["calls"])

    def test_desktop_in_a_call(self):
        """Signed in and in a call: the agent's state and the call are there."""
        self._sign_in(self.agent, self.extension)
        self.extension.write({"reachable": True, "latency": 12.5})
        self._create_interval(self.agent, "talking")
        call = self._create_call()
        self._create_leg(call, self.agent, answer=call.start)
        self._create_call(stop=call.start, state="ended")
        self._create_call(self.agent_2)
        desktop = self._desktop(self.agent_user)
        self.assertEqual(desktop["agent"]["state"], "talking")
        self.assertEqual(
            desktop["agent"]["extension"],
            {
                "id": self.extension.id,
                "number": "2001",
                "name": "",
                "reachable": True,
                "latency": 12.5,
            },
        )
        self.assertEqual(
            desktop["agent"]["queues"], [{"id": self.queue.id, "name": "Orders"}]
        )
        self.assertEqual([call["call_id"] for call in desktop["calls"]], call.ids)
        self.assertEqual(desktop["calls"][0]["own_leg"]["state"], "talking")

    def test_message_numbers(self):
        """Messages to an agent are numbered without a gap."""
        agents = self.agent | self.agent_2
        self.assertEqual(agents._next_seq(), {self.agent.id: 1, self.agent_2.id: 1})
        self.assertEqual(self.agent._next_seq(), {self.agent.id: 2})
        self.assertEqual(self._desktop(self.agent_user)["seq"], 2)
        self.assertEqual(self.env["callcenter.agent"]._next_seq(), {})

    def test_session_info(self):
        """The web client knows from the start whether to work for an agent."""
        agents = self.env["callcenter.agent"]
        self.assertEqual(agents.with_user(self.agent_user)._get_own(), self.agent)
        self.assertFalse(agents.with_user(self.internal_user)._get_own())

    def test_commands_need_an_agent(self):
        """Who is no agent cannot use the telephone."""
        agents = self.env["callcenter.agent"].with_user(self.leader_user)
        for call in (
            lambda: agents.sign_in(self.extension.id, []),
            agents.sign_out,
            agents.set_pause,
            agents.set_ready,
            lambda: agents.dial("030 5559067"),
            lambda: agents.hang_up(1),
            lambda: agents.identify(1, "res.partner", 1),
        ):
            with self.assertRaises(AccessError):
                call()
