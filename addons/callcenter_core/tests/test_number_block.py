# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
from datetime import timedelta

from psycopg2 import IntegrityError

from odoo import fields
from odoo.exceptions import ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import CallcenterCase


@tagged("post_install", "-at_install")
class TestNumberBlock(CallcenterCase):
    """Callers that are not wanted."""

    def _block(self, pattern, **values):
        return self.env["callcenter.number.block"].create(
            {"pattern": pattern, "company_id": self.company.id, **values}
        )

    def _is_blocked(self, number, pbx=None):
        return self.env["callcenter.number.block"]._is_blocked(number, pbx or self.pbx)

    def test_number(self):
        """A number is blocked in whatever form it was entered and comes."""
        self.assertFalse(self._is_blocked("+49305559067"))
        self._block("030 / 555 90 67")
        for number in ("+49305559067", "0049305559067", "0305559067"):
            with self.subTest(number=number):
                self.assertTrue(self._is_blocked(number))
        for number in ("+49305559068", "+493055590678", "", "5559067"):
            with self.subTest(number=number):
                self.assertFalse(self._is_blocked(number))

    def test_wildcards(self):
        """Some digits may be any."""
        self._block("0049 30 999*")
        self._block("+4989555010?")
        self.assertTrue(self._is_blocked("030999"))
        self.assertTrue(self._is_blocked("+4930999123"))
        self.assertFalse(self._is_blocked("+4930998123"))
        self.assertTrue(self._is_blocked("+49895550107"))
        self.assertFalse(self._is_blocked("+498955501077"))
        self._block("0221 55*")
        self.assertTrue(self._is_blocked("+49221551234"))

    def test_everybody(self):
        """A pattern without a digit would block everybody."""
        for pattern in ("*", "+*", "???", "anonymous"):
            with self.assertRaises(ValidationError):
                self._block(pattern)

    def test_expiry(self):
        """A block holds until its end, and not when it is archived."""
        now = fields.Datetime.now()
        block = self._block("+49305559067", expiry=now + timedelta(hours=1))
        self.assertTrue(self._is_blocked("+49305559067"))
        block.expiry = now - timedelta(seconds=1)
        self.assertFalse(self._is_blocked("+49305559067"))
        block.write({"expiry": False, "active": False})
        self.assertFalse(self._is_blocked("+49305559067"))
        block.active = True
        self.assertTrue(self._is_blocked("+49305559067"))
        block.unlink()
        self.assertFalse(self._is_blocked("+49305559067"))

    def test_company(self):
        """One company's list does not hold for the other."""
        self._block("+49305559067")
        other_pbx = self._create_pbx(self.other_company)
        self.assertFalse(self._is_blocked("+49305559067", other_pbx))

    @mute_logger("odoo.sql_db")
    def test_unique(self):
        """The same number is blocked once, however it is written."""
        self._block("030 5559067")
        with self.assertRaises(IntegrityError), self.cr.savepoint():
            self._block("+49 30 5559067")

    def test_no_query(self):
        """A caller is checked without a query: it happens at every call."""
        self._block("+49305559067")
        self._is_blocked("+49305559067")
        with self.assertQueryCount(0):
            self.assertTrue(self._is_blocked("+49305559067"))
