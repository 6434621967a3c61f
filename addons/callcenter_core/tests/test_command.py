# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .common import CallcenterCase

NAMES = (
    "apply_failures dial hangup identify pause resync sign_in sign_out test_connection "
    "unpause"
).split()


@tagged("post_install", "-at_install")
class TestCommand(CallcenterCase):
    """What web workers ask the connector to do."""

    def setUp(self):
        super().setUp()
        self.sent = self._capture_commands()
        self._sign_in(self.agent, self.extension)
        self.env.flush_all()
        # what the connector does is tested with the connector
        commands = type(self.env["callcenter.command"])
        for name in NAMES:
            self.startPatcher(
                patch.object(commands, f"_run_{name}", lambda *args: None, create=True)
            )

    @property
    def agents(self):
        return self.env["callcenter.agent"].with_user(self.agent_user)

    def _assert_sent(self, answer, name, params):
        self.assertEqual(
            self.sent,
            [
                {
                    "uuid": answer["uuid"],
                    "pbx": self.pbx.id,
                    "name": name,
                    "params": params,
                    "uid": self.agent_user.id,
                }
            ],
        )

    # ------------------------------------------------------------
    # SENDING
    # ------------------------------------------------------------

    def test_unknown_command(self):
        """Only what the connector can run is sent."""
        commands = self.env["callcenter.command"].with_user(self.agent_user)
        for name in ("explode", "", "__class__"):
            with self.assertRaises(UserError):
                commands._send(self.pbx, name, {})
        self.assertFalse(self.sent)

    def test_too_long(self):
        """PostgreSQL takes no longer notification; bytes count, not letters."""
        commands = self.env["callcenter.command"].with_user(self.agent_user)
        with self.assertRaises(UserError):
            commands._send(self.pbx, "pause", {"reason": "忙" * 2700})
        commands._send(self.pbx, "pause", {"reason": "忙" * 2500})
        self.assertEqual(len(self.sent), 1)

    def test_who_may(self):
        """The commands of supervisors and administrators are not for agents."""
        commands = self.env["callcenter.command"]
        for name, user in (
            ("dial", self.internal_user),
            ("resync", self.leader_user),
            ("test_connection", self.supervisor_user),
            ("apply_failures", self.supervisor_user),
            ("resync", self.foreign_user),
        ):
            with self.subTest(name=name, user=user.login):
                with self.assertRaises(UserError):
                    commands.with_user(user)._send(self.pbx, name, {})
        self.assertFalse(self.sent)
        commands.with_user(self.supervisor_user)._send(self.pbx, "resync", {})
        self.assertEqual(len(self.sent), 1)

    # ------------------------------------------------------------
    # THE AGENT'S OWN
    # ------------------------------------------------------------

    def test_sign_in(self):
        """Sign in at an extension, to the chosen queues."""
        answer = self.agents.sign_in(self.extension.id, self.queue.ids)
        params = {"extension_id": self.extension.id, "queue_ids": self.queue.ids}
        self._assert_sent(answer, "sign_in", params)

    def test_sign_in_refused(self):
        """What is wrong is said in a sentence, and nothing is sent."""
        self._sign_in(self.agent_2, self.extension_2)
        with self.assertRaisesRegex(UserError, "is signed in at extension 2002"):
            self.agents.sign_in(self.extension_2.id, [])
        with self.assertRaisesRegex(UserError, "not a member"):
            self.agents.sign_in(self.extension.id, self.queue_2.ids)
        other_pbx = self._create_pbx(self.company, name="Second")
        with self.assertRaisesRegex(UserError, "another PBX"):
            self.agents.sign_in(
                self._create_extension("2001", other_pbx).id, self.queue.ids
            )
        gone = self._create_extension("2009")
        gone.active = False
        with self.assertRaisesRegex(UserError, "does not exist"):
            self.agents.sign_in(gone.id, [])
        foreign_pbx = self._create_pbx(self.other_company)
        with self.assertRaises(AccessError):
            self.agents.sign_in(self._create_extension("1", foreign_pbx).id, [])
        self.assertFalse(self.sent)

    def test_pause_and_ready(self):
        """Pause with a reason, and be ready again."""
        self._assert_sent(self.agents.set_pause("Lunch"), "pause", {"reason": "Lunch"})
        self.sent.clear()
        self._assert_sent(self.agents.set_ready(), "unpause", {})
        self.sent.clear()
        self._assert_sent(self.agents.sign_out(), "sign_out", {})

    def test_not_signed_in(self):
        """Who sits nowhere is asked to sign in first."""
        self.agent.extension_id = False
        for call in (
            self.agents.sign_out,
            self.agents.set_pause,
            self.agents.set_ready,
            lambda: self.agents.dial("030 5559067"),
        ):
            with self.assertRaisesRegex(UserError, "sign in"):
                call()

    def test_dial(self):
        """A number is dialled by the rules of the PBX."""
        partner = self._create_partner("+49 (0)30 / 55590-67")
        answer = self.agents.dial(partner.phone, "res.partner", partner.id)
        params = {
            "number": "90305559067",
            "res_model": "res.partner",
            "res_id": partner.id,
        }
        self._assert_sent(answer, "dial", params)

    def test_dial_refused(self):
        """Nothing is dialled that is no number, or from a record that is hidden."""
        for number in ("", False, "call me", "1234@pbx", "12\r\nAction: Originate"):
            with self.subTest(number=number), self.assertRaises(UserError):
                self.agents.dial(number)
        foreign = self._create_partner("030 1", company_id=self.other_company.id)
        with self.assertRaises(AccessError):
            self.agents.dial("030 5559067", "res.partner", foreign.id)
        with self.assertRaises(UserError):
            self.agents.dial("030 5559067", "res.users", self.agent_user.id)
        self.assertFalse(self.sent)

    def test_hang_up(self):
        """An agent ends his own part of a call that goes on, and no other."""
        call = self._create_call()
        self._assert_sent(self.agents.hang_up(call.id), "hangup", {"call_id": call.id})
        self.sent.clear()
        for other in (
            self._create_call(self.agent_2),
            self._create_call(state="ended", stop=call.start),
            self.env["callcenter.call"].browse(0x7FFFFFFF),
        ):
            with self.assertRaises(UserError):
                self.agents.hang_up(other.id)
        self.assertFalse(self.sent)

    def test_call_of_a_colleague(self):
        """To see a call, as a leader does, is not to be in it."""
        self.agent_user.group_ids += self.env.ref("callcenter_core.group_leader")
        self.team_2.leader_ids = self.agent_user
        call = self._create_call(self.agent_2)
        partner = self._create_partner("030 5559067")
        call.with_user(self.agent_user).check_access("read")
        with self.assertRaisesRegex(UserError, "no part"):
            self.agents.hang_up(call.id)
        with self.assertRaisesRegex(UserError, "no part"):
            self.agents.identify(call.id, "res.partner", partner.id)
        self.assertFalse(self.sent)

    def test_identify(self):
        """An agent says whose his call is, also after its end."""
        call = self._create_call(state="ended", stop=self._ago(seconds=1))
        partner = self._create_partner("030 5559067")
        answer = self.agents.identify(call.id, "res.partner", partner.id)
        params = {
            "call_id": call.id,
            "res_model": "res.partner",
            "res_id": partner.id,
        }
        self._assert_sent(answer, "identify", params)
        with self.assertRaises(UserError):
            self.agents.identify(call.id, "ir.model", 1)
        with self.assertRaises(UserError):
            self.agents.identify(call.id, "res.partner", 0x7FFFFFFF)
        with self.assertRaises(AccessError):
            self.agents.identify(
                self._create_call(self.agent_2).id, "res.partner", partner.id
            )
