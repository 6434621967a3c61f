# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .common import CallcenterCase


@tagged("post_install", "-at_install")
class TestFactFailure(CallcenterCase):
    """Facts that could not be applied."""

    def _create_failure(self, **values):
        return self.env["callcenter.fact.failure"].create(
            {
                "pbx_id": self.pbx.id,
                "fact": {"fact": "CallEnded", "call": "1.1", "time": 1.5, "name": ""},
                "error": "ValueError: no",
                **values,
            }
        )

    def test_name_and_text(self):
        """A fact is shown by its name and its values."""
        failure = self._create_failure()
        self.assertEqual(failure.name, "CallEnded")
        self.assertEqual(failure.fact_text, "fact: CallEnded\ncall: 1.1\ntime: 1.5")

    def test_apply(self):
        """Facts are applied again by the connector of their PBX."""
        commands = type(self.env["callcenter.command"])
        self.startPatcher(
            patch.object(
                commands, "_run_apply_failures", lambda *args: None, create=True
            )
        )
        sent = self._capture_commands()
        other_pbx = self._create_pbx(self.company, name="Second")
        failures = self._create_failure() | self._create_failure()
        done = self._create_failure(state="done")
        other = self._create_failure(pbx_id=other_pbx.id)
        (failures | done | other).with_user(self.administrator_user).action_apply()
        self.assertEqual(
            [(command["pbx"], command["params"]) for command in sent],
            [
                (self.pbx.id, {"failure_ids": failures.ids}),
                (other_pbx.id, {"failure_ids": other.ids}),
            ],
        )
        with self.assertRaises(UserError):
            done.with_user(self.administrator_user).action_apply()
        with self.assertRaises(AccessError):
            failures.with_user(self.supervisor_user).action_apply()

    def test_discard(self):
        """An administrator settles a fact without applying it."""
        failure = self._create_failure()
        with self.assertRaises(AccessError):
            failure.with_user(self.supervisor_user).action_discard()
        failure.with_user(self.administrator_user).action_discard()
        self.assertRecordValues(failure, [{"state": "done", "resolution": "discarded"}])

    def test_retention(self):
        """Settled facts are forgotten after a while, open ones never."""
        long_ago = fields.Datetime.now() - timedelta(days=31)
        gone = self._create_failure(state="done", date=long_ago)
        kept = self._create_failure(date=long_ago) | self._create_failure(state="done")
        self.env["callcenter.fact.failure"]._gc_done()
        self.assertFalse(gone.exists())
        self.assertEqual(kept.exists(), kept)

    def test_count(self):
        """The PBX shows how many are open, to those who may know."""
        self._create_failure()
        self._create_failure(state="done")
        pbx = self.pbx.with_user(self.administrator_user)
        self.assertEqual(pbx.failure_count, 1)
        self.assertEqual(self.pbx.with_user(self.supervisor_user).failure_count, 0)
