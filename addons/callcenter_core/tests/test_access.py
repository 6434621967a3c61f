# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
from odoo.exceptions import AccessError
from odoo.service.model import get_public_method
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import CallcenterCase

#: What only the connector, or nobody at all, creates and writes.
CONNECTORS = [
    "callcenter.agent.interval",
    "callcenter.call",
    "callcenter.call.leg",
    "callcenter.connector",
    "callcenter.connector.gap",
    "callcenter.fact.failure",
    "callcenter.number",
    "callcenter.number.choice",
]

#: What a supervisor manages and an agent reads.
SUPERVISORS = [
    "callcenter.agent",
    "callcenter.number.block",
    "callcenter.queue",
    "callcenter.queue.member",
    "callcenter.team",
]

#: What an administrator manages and an agent reads.
ADMINISTRATORS = ["callcenter.extension", "callcenter.pbx"]

SECRETS = ["password", "journal_password", "username", "journal_username"]


@tagged("post_install", "-at_install")
class TestAccess(CallcenterCase):
    """What each role may, and may not."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.own_call = cls._create_call()
        cls.own_leg = cls._create_leg(cls.own_call, cls.agent)
        cls.other_call = cls._create_call(cls.agent_2)
        cls.other_leg = cls._create_leg(cls.other_call, cls.agent_2)
        cls.env.flush_all()

    def _readable(self, user, model):
        return self.env[model].with_user(user).search([("company_id", "!=", False)])

    # ------------------------------------------------------------
    # CALLS
    # ------------------------------------------------------------

    def test_agent_reads_own_calls(self):
        """An agent sees the calls that he took part in, and no others."""
        user = self.agent_user
        self.assertEqual(self._readable(user, "callcenter.call"), self.own_call)
        self.assertEqual(self._readable(user, "callcenter.call.leg"), self.own_leg)
        self.assertEqual(self.own_call.with_user(user).leg_ids, self.own_leg)
        with self.assertRaises(AccessError):
            self.other_call.with_user(user).read(["number"])
        with self.assertRaises(AccessError):
            self.other_leg.with_user(user).read(["number"])
        with self.assertRaises(AccessError):
            self.env["callcenter.call"].with_user(user).get_screen(self.other_call.id)

    def test_leader_reads_team_calls(self):
        """A leader sees the calls of the teams that he leads."""
        user = self.leader_user
        self.assertEqual(self._readable(user, "callcenter.call"), self.own_call)
        self.assertEqual(self._readable(user, "callcenter.call.leg"), self.own_leg)
        # a rule that kept the teams of its first evaluation would miss this
        self.team_2.leader_ids = user
        self.assertEqual(
            self._readable(user, "callcenter.call"), self.own_call | self.other_call
        )

    def test_supervisor_reads_company_calls(self):
        """A supervisor sees all calls of his company, and of no other."""
        calls = self.own_call | self.other_call
        self.assertEqual(self._readable(self.supervisor_user, "callcenter.call"), calls)
        self.assertFalse(self._readable(self.foreign_user, "callcenter.call"))
        self.assertFalse(self._readable(self.foreign_user, "callcenter.call.leg"))
        with self.assertRaises(AccessError):
            self.own_call.with_user(self.foreign_user).read(["number"])

    def test_intervals(self):
        """States: one's own, the team's, the company's."""
        own = self._create_interval(self.agent, "ready")
        other = self._create_interval(self.agent_2, "paused")
        model = "callcenter.agent.interval"
        self.assertEqual(self._readable(self.agent_user, model), own)
        self.assertEqual(self._readable(self.leader_user, model), own)
        self.assertEqual(self._readable(self.supervisor_user, model), own | other)
        self.assertFalse(self._readable(self.foreign_user, model))

    # ------------------------------------------------------------
    # WRITING
    # ------------------------------------------------------------

    def _permissions(self, user, model):
        records = self.env[model].with_user(user)
        return {
            operation
            for operation in ("read", "write", "create", "unlink")
            if records.has_access(operation)
        }

    def test_what_the_connector_writes(self):
        """Nobody writes what the connector writes; outsiders do not read it."""
        may = {
            "callcenter.fact.failure": {"administrator": {"read", "write"}},
            "callcenter.number": {"administrator": {"read"}},
            "callcenter.number.choice": {"administrator": {"read", "unlink"}},
            "callcenter.connector.gap": {
                "supervisor": {"read"},
                "administrator": {"read"},
            },
        }
        for model in CONNECTORS:
            for role in ("agent", "leader", "supervisor", "administrator"):
                with self.subTest(model=model, role=role):
                    expected = may[model].get(role, set()) if model in may else {"read"}
                    user = getattr(self, f"{role}_user")
                    self.assertEqual(self._permissions(user, model), expected)

    def test_what_people_manage(self):
        """Agents and leaders only read settings."""
        everything = {"read", "write", "create", "unlink"}
        for model in SUPERVISORS + ADMINISTRATORS:
            with self.subTest(model=model):
                self.assertEqual(self._permissions(self.agent_user, model), {"read"})
                self.assertEqual(self._permissions(self.leader_user, model), {"read"})
                self.assertEqual(
                    self._permissions(self.supervisor_user, model),
                    everything if model in SUPERVISORS else {"read"},
                )
                self.assertEqual(
                    self._permissions(self.administrator_user, model), everything
                )

    def test_outsiders(self):
        """Users without a role see nothing of the call center."""
        for model in CONNECTORS + SUPERVISORS + ADMINISTRATORS:
            with self.subTest(model=model):
                self.assertFalse(self._permissions(self.internal_user, model))

    def test_calls_cannot_be_forged(self):
        """Not even an administrator creates or changes a call."""
        for user in (self.agent_user, self.administrator_user):
            calls = self.env["callcenter.call"].with_user(user)
            with self.assertRaises(AccessError), mute_logger("odoo.addons.base"):
                calls.create({"uniqueid": "x", "direction": "inbound"})
            with self.assertRaises(AccessError):
                self.own_call.with_user(user).write({"talk": 1000})
            with self.assertRaises(AccessError):
                self.own_call.with_user(user).unlink()

    # ------------------------------------------------------------
    # SECRETS
    # ------------------------------------------------------------

    def test_secrets(self):
        """Passwords are for administrators, and are not exported."""
        for user in (self.agent_user, self.leader_user, self.supervisor_user):
            pbx = self.pbx.with_user(user)
            for name in SECRETS:
                with self.subTest(user=user.login, name=name):
                    with self.assertRaises(AccessError):
                        pbx.read([name])
                    # a secret could be guessed letter by letter
                    with self.assertRaises(AccessError):
                        pbx.search([(name, "=like", "s%")])
                    self.assertNotIn(name, pbx.fields_get())
            self.assertNotIn("password", pbx.read()[0])
        administrator = self.pbx.with_user(self.administrator_user)
        self.assertEqual(administrator.password, "sesame")
        described = administrator.fields_get(["password", "journal_password"])
        self.assertFalse(described["password"]["exportable"])
        self.assertFalse(described["journal_password"]["exportable"])
        self.assertFalse(self.pbx.copy({"name": "Copy"}).password)

    # ------------------------------------------------------------
    # REMOTE CALLS
    # ------------------------------------------------------------

    def test_private_methods(self):
        """What is not meant for the web client cannot be called by it."""
        private = {
            "callcenter.agent": ["_next_seq", "_desktop_payload", "_command"],
            "callcenter.call": ["_screen_payload", "_get_matches"],
            "callcenter.command": ["_send", "_check_command"],
            "callcenter.number": ["_lookup", "_find", "_index_missing", "_store"],
            "callcenter.number.block": ["_is_blocked", "_get_blocks"],
            "callcenter.number.choice": ["_remember"],
        }
        for model, names in private.items():
            for name in names:
                with self.subTest(model=model, name=name):
                    with self.assertRaises(AccessError):
                        get_public_method(self.env[model], name)
        for name in ("desktop", "sign_in", "sign_out", "dial", "hang_up", "identify"):
            get_public_method(self.env["callcenter.agent"], name)
        get_public_method(self.env["callcenter.call"], "get_screen")

    def test_rebuild_is_for_administrators(self):
        """Reading all numbers again costs time: administrators decide."""
        numbers = self.env["callcenter.number"]
        with self.assertRaises(AccessError):
            numbers.with_user(self.supervisor_user).action_rebuild()
        numbers.with_user(self.administrator_user).action_rebuild()
