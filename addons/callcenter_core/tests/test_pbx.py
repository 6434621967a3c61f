# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
from unittest.mock import patch

from psycopg2 import IntegrityError

from odoo.exceptions import UserError
from odoo.modules.neutralize import get_neutralization_queries
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from .common import CallcenterCase


@tagged("post_install", "-at_install")
class TestPbx(CallcenterCase):
    """The PBX, and how its connector is."""

    def test_health(self):
        """The form tells whether, and why not, the PBX is connected."""
        self.assertEqual(self.pbx.health, "not_running")
        self.assertIn("odoo callcenter", self.pbx.health_message)
        connector = self._create_connector(events_per_second=3.5, commit_lag=12)
        self.assertEqual(self.pbx.health, "connected")
        self.assertFalse(self.pbx.health_message)
        self.assertEqual(self.pbx.events_per_second, 3.5)
        self.assertEqual(self.pbx.connector_place, "pbx-host:42")
        connector.write({"state": "error", "error": "Wrong password."})
        self.assertEqual(self.pbx.health, "error")
        self.assertEqual(self.pbx.health_message, "Wrong password.")
        connector.state = "connecting"
        self.assertEqual(self.pbx.health, "connecting")
        # a connector that was killed says nothing any more
        connector.write({"state": "connected", "heartbeat": self._ago(minutes=1)})
        self.assertEqual(self.pbx.health, "not_running")
        connector.write({"state": "offline", "heartbeat": self._ago(seconds=0)})
        self.assertEqual(self.pbx.health, "not_running")

    def test_buttons(self):
        """Buttons send commands and wait for the answer, if anybody can give one."""
        sent = self._capture_commands()
        commands = type(self.env["callcenter.command"])
        for name in ("test_connection", "resync"):
            self.startPatcher(
                patch.object(commands, f"_run_{name}", lambda *args: None, create=True)
            )
        pbx = self.pbx.with_user(self.administrator_user)
        notification = pbx.action_test_connection()["params"]
        self.assertEqual(notification["type"], "danger")
        self.assertIn("No connector is running", notification["message"])
        self._create_connector(state="error", error="Wrong password.")
        action = pbx.action_resync()
        self.assertEqual(action["tag"], "callcenter_core.await_answer")
        self.assertEqual(action["params"]["uuid"], sent[-1]["uuid"])
        self.assertEqual(
            [command["name"] for command in sent],
            ["test_connection", "resync"],
        )
        with self.assertRaises(UserError):
            self.pbx.with_user(self.agent_user).action_resync()

    def test_counts(self):
        """Smart buttons count, and lead to what they counted."""
        self.assertEqual(self.pbx.extension_count, 2)
        self.assertEqual(self.pbx.queue_count, 2)
        for action, records in (
            (self.pbx.action_view_extensions(), self.pbx.extension_ids),
            (self.pbx.action_view_queues(), self.pbx.queue_ids),
        ):
            found = self.env[action["res_model"]].search(action["domain"])
            self.assertEqual(found, records)

    @mute_logger("odoo.sql_db")
    def test_constraints(self):
        """Extensions and queues are unique on their PBX."""
        for create in (
            lambda: self._create_extension("2001", interface="PJSIP/other"),
            lambda: self._create_extension("other", interface="PJSIP/2001"),
            lambda: self.env["callcenter.queue"].create(
                {"name": "Again", "code": "orders", "pbx_id": self.pbx.id}
            ),
            lambda: self._create_pbx(self.company, name="Odd", port=70000),
            lambda: self._create_pbx(self.company),
            lambda: self._create_connector() | self._create_connector(),
        ):
            with self.assertRaises(IntegrityError), self.cr.savepoint():
                create()
        second = self._create_pbx(self.company, name="Second")
        self._create_extension("2001", second)

    def test_delete(self):
        """A PBX is not deleted with its calls; it is archived."""
        self._create_call()
        with self.assertRaises(UserError):
            self.pbx.unlink()
        self.pbx.action_archive()
        self._create_pbx(self.company, name="Second").unlink()

    def test_forms(self):
        """Forms propose what can be known."""
        with Form(self.env["callcenter.pbx"]) as form:
            form.name = "New"
            form.host = "pbx.example.com"
        self.assertEqual(form.record.port, 5038)
        self.assertEqual(form.record.outbound_context, "callcenter-out")
        with Form(self.env["callcenter.extension"]) as form:
            form.pbx_id = self.pbx
            form.number = "2003"
        self.assertEqual(form.record.interface, "PJSIP/2003")

    def test_neutralize(self):
        """A copy of a database does not take part in the original's calls."""
        for query in get_neutralization_queries(["callcenter_core"]):
            self.env.cr.execute(query)
        self.env.invalidate_all()
        self.assertFalse(self.pbx.active)
        self.assertFalse(self.env["callcenter.pbx"].search([]))

    def test_help_names_files(self):
        """Each field of the connection says where Asterisk has it."""
        names = [
            name
            for name in self.env["callcenter.pbx"]._fields
            if name.startswith(("journal_", "outbound_", "tls_"))
        ]
        names += ["host", "port", "use_tls", "username", "password"]
        for name, field in self.env["callcenter.pbx"].fields_get(names).items():
            with self.subTest(name=name):
                self.assertRegex(field["help"], r"(/etc/asterisk/\w+\.conf)|that role")
