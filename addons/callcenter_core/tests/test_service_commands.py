# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
import re
from unittest.mock import Mock

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from ..models import callcenter_command_run
from ..service.session import Session, wrap_ups
from ..service.states import PauseSet
from ..service.watches import Watches
from ..telephony import ami
from ..telephony.facts import LegEnded, LegRang, MemberChanged
from .test_service_recorder import NUMBER, RecorderCase


class FakeSession:
    """A session without threads: what it is asked, it does at once.

    :ivar actions: what the PBX was asked: (name, fields)
    :ivar on_action: called with each, to answer or to refuse
    """

    sign_in = Session.sign_in
    sign_out = Session.sign_out

    def __init__(self, case):
        self.pbx_id = case.pbx.id
        self.recorder = case.recorder
        self.watches = Watches()
        self.ami = Mock(action=self._action)
        self.actions = []
        self.on_action = lambda name, fields: None
        self._case = case

    def _action(self, name, fields=None, timeout=None):
        fields = {key: each for key, each in (fields or {}).items() if each is not None}
        self.actions.append((name, fields))
        self.on_action(name, fields)
        return ami.Message()

    def now(self):
        return self._case.at(3)

    def post(self, job, *args):
        job(*args)

    def call(self, job, _timeout):
        results = []
        job(results.append)
        return results[0]

    def record(self, batch, reconstructed=False):
        self.watches.tell(batch)
        self.recorder.apply(batch, reconstructed)

    def refresh(self):
        return self.recorder.refresh(self.now())


@tagged("post_install", "-at_install")
class TestServiceCommands(RecorderCase):
    """What the connector does when an agent clicks."""

    def setUp(self):
        super().setUp()
        self.session = FakeSession(self)

    def run_command(self, name, user=None, **params):
        command = self.env["callcenter.command"].with_user(user or self.agent_user)
        result = getattr(command, f"_run_{name}")(self.session, params)
        self.env.flush_all()
        self.env.cr.postcommit.run()
        return result

    def actions(self, name):
        return [fields for action, fields in self.session.actions if action == name]

    def refuse(self, refused, message):
        def on_action(name, _fields):
            if name == refused:
                raise ami.ActionRefused(name, ami.Message(Message=message))

        self.session.on_action = on_action

    # ------------------------------------------------------------
    # SIGN IN
    # ------------------------------------------------------------

    def test_sign_in(self):
        """The phone joins the queues, and the agent sits there."""
        self.agent.queue_member_ids.penalty = 2
        result = self.run_command(
            "sign_in", extension_id=self.extension.id, queue_ids=self.queue.ids
        )
        self.assertEqual(result["outcome"], "signed_in")
        self.assertEqual(
            self.session.actions,
            [
                (
                    "QueueAdd",
                    {
                        "Queue": "orders",
                        "Interface": "PJSIP/2001",
                        "MemberName": self.agent.name,
                        "Penalty": 2,
                    },
                )
            ],
        )
        self.assertEqual(self.agent.extension_id, self.extension)
        self.assertEqual(self.agent.state, "ready")

    def test_sign_in_elsewhere(self):
        """Whoever moves to another desk leaves the queues at the old one."""
        self.sign_in()
        self.session.actions.clear()
        self.run_command(
            "sign_in", extension_id=self.extension_2.id, queue_ids=self.queue.ids
        )
        self.assertEqual(
            [(name, fields["Interface"]) for name, fields in self.session.actions],
            [("QueueRemove", "PJSIP/2001"), ("QueueAdd", "PJSIP/2002")],
        )
        self.assertEqual(self.recorder.states.seats(), {"PJSIP/2002": self.agent.id})

    def test_sign_in_to_other_queues(self):
        """The phone is in the chosen queues and in no others."""
        self.sign_in()
        self.apply(
            MemberChanged(time=self.at(1), queue="stray", interface="PJSIP/2001")
        )
        self.run_command("sign_in", extension_id=self.extension.id, queue_ids=[])
        self.assertEqual(
            sorted(fields["Queue"] for fields in self.actions("QueueRemove")),
            ["orders", "stray"],
        )

    def test_sign_in_where_another_sits(self):
        self.sign_in(self.agent_2, self.extension)
        with self.assertRaisesRegex(UserError, re.escape(self.agent_2.name)):
            self.run_command("sign_in", extension_id=self.extension.id, queue_ids=[])
        self.assertFalse(self.session.actions)
        self.assertEqual(self.agent_2.extension_id, self.extension)

    def test_sign_in_without_phone(self):
        self.extension.reachable = False
        with self.assertRaisesRegex(UserError, "2001 is not reachable"):
            self.run_command("sign_in", extension_id=self.extension.id, queue_ids=[])

    def test_sign_in_twice(self):
        """A second click, or a command that is tried again, does no harm."""
        self.refuse("QueueAdd", "Unable to add interface: Already there")
        for _time in range(2):
            self.run_command(
                "sign_in", extension_id=self.extension.id, queue_ids=self.queue.ids
            )
        self.assertEqual(self.agent.state, "ready")

    def test_sign_in_refused(self):
        """Another refusal is told."""
        self.refuse("QueueAdd", "Unable to add interface to queue: No such queue")
        with self.assertRaisesRegex(ami.ActionRefused, "No such queue"):
            self.run_command(
                "sign_in", extension_id=self.extension.id, queue_ids=self.queue.ids
            )

    def test_sign_out(self):
        self.sign_in()
        self.run_command("sign_out")
        self.assertEqual(
            self.session.actions,
            [("QueueRemove", {"Queue": "orders", "Interface": "PJSIP/2001"})],
        )
        self.assertEqual(self.agent.state, "signed_out")
        self.assertFalse(self.agent.extension_id)

    def test_new_agent(self):
        """An agent who was made a moment ago may sign in at once."""
        agent = self._create_agent(
            self._create_user("agent"), self.team, self.extension_2
        )
        self.run_command(
            "sign_in",
            agent.user_id,
            extension_id=self._create_extension("2003", reachable=True).id,
            queue_ids=[],
        )
        self.assertEqual(agent.state, "ready")

    def test_no_agent(self):
        for name in ("sign_in", "sign_out", "pause", "unpause", "dial", "hangup"):
            with self.assertRaisesRegex(UserError, "not an agent"):
                self.run_command(name, self.leader_user)

    # ------------------------------------------------------------
    # PAUSE
    # ------------------------------------------------------------

    def test_pause(self):
        self.sign_in()
        self.run_command("pause", reason="Lunch")
        self.assertEqual(
            self.session.actions,
            [
                (
                    "QueuePause",
                    {"Interface": "PJSIP/2001", "Paused": "true", "Reason": "Lunch"},
                )
            ],
        )
        self.assertEqual(
            (self.agent.state, self.agent.pause_reason), ("paused", "Lunch")
        )
        self.run_command("unpause")
        self.assertEqual(self.actions("QueuePause")[1]["Paused"], "false")

    def test_pause_without_queue(self):
        """Who only dials is paused without asking the PBX."""
        self.run_command("sign_in", extension_id=self.extension.id, queue_ids=[])
        self.session.actions.clear()
        self.run_command("pause", reason="")
        self.assertEqual(self.agent.state, "paused")
        self.run_command("unpause")
        self.assertEqual(self.agent.state, "ready")
        self.assertFalse(self.session.actions)

    def test_not_signed_in(self):
        for name, params in (
            ("pause", {}),
            ("unpause", {}),
            ("dial", {"number": NUMBER}),
        ):
            with self.assertRaisesRegex(UserError, "sign in"):
                self.run_command(name, **params)

    # ------------------------------------------------------------
    # DIAL
    # ------------------------------------------------------------

    def dial(self, *facts, event=None, **params):
        """Dial; the PBX answers with facts about the channel, or with an event."""
        self.sign_in()

        def on_action(name, fields):
            if name == "Originate":
                leg = fields["ChannelId"]
                self.session.watches.tell([fact(leg) for fact in facts])
                if event:
                    self.session.watches.take(ami.Message(ActionID=leg, **event))

        self.session.on_action = on_action
        return self.run_command("dial", **{"number": NUMBER, **params})

    def rang(self, leg):
        return LegRang(time=self.at(3), call=leg, leg=leg)

    def ended(self, **values):
        return lambda leg: LegEnded(time=self.at(3), call=leg, leg=leg, **values)

    def test_dial(self):
        """The agent's phone rings, then the number is dialled by the PBX's rules."""
        partner = self._create_partner(NUMBER)
        self.pbx.outbound_context = "outside"
        result = self.dial(self.rang, res_model="res.partner", res_id=partner.id)
        [fields] = self.actions("Originate")
        self.assertTrue(fields["ChannelId"].startswith("odoo-"))
        self.assertEqual(result, {"call": fields["ChannelId"]})
        self.assertEqual(
            {
                key: fields[key]
                for key in ("Channel", "Context", "Exten", "Priority", "Async")
            },
            {
                "Channel": "PJSIP/2001",
                "Context": "outside",
                "Exten": "90305559067",
                "Priority": 1,
                "Async": "true",
            },
        )
        self.assertIn(NUMBER, fields["CallerID"])
        self.assertEqual(
            self.recorder.origins[fields["ChannelId"]],
            {
                "number": NUMBER,
                "direction": "outbound",
                "res_model": "res.partner",
                "res_id": partner.id,
            },
        )

    def test_dial_colleague(self):
        """A colleague is looked for among the extensions, not outside."""
        self.pbx.outbound_context = "outside"
        result = self.dial(self.rang, number="1002")
        [fields] = self.actions("Originate")
        self.assertEqual(fields["Context"], "callcenter-transfer")
        self.assertEqual(self.recorder.origins[result["call"]], {"number": "1002"})

    def test_dial_failures(self):
        """A click that comes to nothing says why."""
        for sentence, facts in (
            ("2001 is busy", [self.ended(result="busy", cause=17, tech_cause=486)]),
            ("rejected the call", [self.ended(result="rejected", cause=21)]),
            (
                "cannot be rung .cause 503",
                [self.ended(result="failed", tech_cause=503)],
            ),
        ):
            with self.assertRaisesRegex(UserError, sentence):
                self.dial(*facts)
        with self.assertRaisesRegex(UserError, "switched off or not registered"):
            self.dial(event={"Response": "Failure", "Reason": "0"})
        self.assertFalse(self.recorder.origins)

    def test_dial_nothing_heard(self):
        self.patch(callcenter_command_run, "RING_LIMIT", 0.01)
        with self.assertRaisesRegex(UserError, "does not ring"):
            self.dial()

    def test_dial_in_call(self):
        self.sign_in()
        self.apply(*self.started(), *self.rings(), *self.talks())
        with self.assertRaisesRegex(UserError, "in a call already"):
            self.run_command("dial", number=NUMBER)

    def test_dial_while_paused(self):
        self.sign_in()
        self.apply(PauseSet(time=self.at(1), agent=self.agent.id, reason="Lunch"))
        self.assertTrue(self.dial(self.rang))

    def test_dial_no_number(self):
        for number in ("", "49 30 ring me", "1" * 99, "4930\r\nAction: Logoff"):
            with self.assertRaisesRegex(UserError, "cannot|can be dialled|sign in"):
                self.sign_in()
                self.run_command("dial", number=number)
        self.assertFalse(self.actions("Originate"))

    # ------------------------------------------------------------
    # HANG UP, IDENTIFY
    # ------------------------------------------------------------

    def test_hangup(self):
        """An agent hangs up his own part, not a colleague's."""
        self.sign_in()
        self.sign_in(self.agent_2, self.extension_2)
        self.apply(*self.started(), *self.rings(), *self.talks())
        self.run_command("hangup", call_id=self.call().id)
        self.assertEqual(
            self.session.actions,
            [("Hangup", {"Channel": "PJSIP/2001-1", "Cause": 16})],
        )
        with self.assertRaisesRegex(UserError, "no part"):
            self.run_command("hangup", self.agent_user_2, call_id=self.call().id)
        self.apply(*self.ends())
        with self.assertRaisesRegex(UserError, "no part"):
            self.run_command("hangup", call_id=self.call().id)

    def test_identify(self):
        """The call is the record's, and the next call of the number, too."""
        first, second = (self._create_partner(NUMBER) for _time in range(2))
        self.sign_in()
        self.apply(*self.started(), *self.rings(), *self.talks())
        self.assertFalse(self.call().partner_id)
        self.run_command(
            "identify",
            call_id=self.call().id,
            res_model="res.partner",
            res_id=second.id,
        )
        self.assertEqual(self.call().partner_id, second)
        self.apply(*self.started("d", time=3))
        self.assertEqual(self.call("d").partner_id, second)
        with self.assertRaises(AccessError):
            self.run_command(
                "identify",
                self.agent_user_2,
                call_id=self.call().id,
                res_model="res.partner",
                res_id=first.id,
            )

    # ------------------------------------------------------------
    # ADMINISTRATION
    # ------------------------------------------------------------

    def test_apply_failures(self):
        """A fact that failed is applied; one that fails again is kept again."""
        failure = self.env["callcenter.fact.failure"].create(
            {
                "pbx_id": self.pbx.id,
                "fact": self.started()[0].to_dict(),
                "error": "once",
            }
        )
        self.run_command(
            "apply_failures", self.administrator_user, failure_ids=failure.ids
        )
        self.assertEqual((failure.state, failure.resolution), ("done", "applied"))
        self.assertEqual(self.call().number, NUMBER)


@tagged("post_install", "-at_install")
class TestQueuesConfig(RecorderCase):
    """What is read of the PBX's own configuration."""

    def test_wrap_ups(self):
        answer = ami.Message.parse(
            "Response: Success\r\n"
            "Category-000000: general\r\n"
            "Line-000000-000000: persistentmembers=yes\r\n"
            "Category-000001: sales\r\n"
            "Line-000001-000000: strategy=rrmemory\r\n"
            "Line-000001-000001: wrapuptime=15\r\n"
            "Category-000002: support\r\n"
            "Line-000002-000000: wrapuptime=soon"
        )
        self.assertEqual(wrap_ups(answer), {"sales": 15})
