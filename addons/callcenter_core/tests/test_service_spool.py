# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
import os
import tempfile

from odoo.tests import BaseCase, tagged
from odoo.tools import mute_logger

from ..service.spool import Spool
from ..telephony.facts import CallStarted, LegConnected


def fact(number):
    return CallStarted(
        time=number, call=f"c{number}", direction="inbound", name="Zoë\n"
    )


@tagged("post_install", "-at_install")
class TestSpool(BaseCase):
    """Facts in a file."""

    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "db", "1.spool")

    def all(self):
        return [fact for batch in Spool(self.path).batches(2) for fact in batch]

    def test_kept_in_order(self):
        """Another process reads what was appended, in its order."""
        connected = LegConnected(time=9, call="c", leg="l", peers=("a", "b"))
        spool = Spool(self.path)
        self.assertEqual(len(spool), 0)
        self.assertTrue(spool.append([fact(1), fact(2)]))
        self.assertTrue(spool.append([connected]))
        self.assertEqual(len(spool), 3)
        self.assertEqual(len(Spool(self.path)), 3)
        self.assertEqual(self.all(), [fact(1), fact(2), connected])
        self.assertEqual(os.stat(self.path).st_mode & 0o077, 0, "others may read it")

    def test_clear(self):
        spool = Spool(self.path)
        spool.append([fact(1)])
        spool.clear()
        self.assertEqual((len(spool), self.all()), (0, []))
        spool.append([fact(2)])
        self.assertEqual(self.all(), [fact(2)])

    @mute_logger("odoo.addons.callcenter_core.service.spool")
    def test_broken_line(self):
        """A line that a crash cut short costs itself alone."""
        Spool(self.path).append([fact(1)])
        with open(self.path, "ab") as file:
            file.write(b'{"fact": "CallStar')
        Spool(self.path).append([fact(2)])
        with open(self.path, "ab") as file:
            file.write(b'\xff\xfe[]\n"fact"\n{"fact": "Unknown"}\n')
        self.assertEqual(self.all(), [fact(1), fact(2)])

    def test_full(self):
        """What does not fit is counted, and what is there stays."""
        spool = Spool(self.path, limit=250)
        self.assertTrue(spool.append([fact(1)]))
        self.assertFalse(spool.append([fact(2), fact(3), fact(4)]))
        self.assertEqual((len(spool), spool.dropped), (1, 3))
        self.assertEqual(self.all(), [fact(1)])
