# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
import os

import psycopg2

from odoo.tests import tagged

from ..service import lease as lease_module
from ..service.database import connect
from ..service.lease import Deposed, Lease
from .common import CallcenterCase

#: No PBX has this id: the locks of these tests disturb nobody.
NO_PBX = 2**31 - 1


@tagged("post_install", "-at_install")
class TestLease(CallcenterCase):
    """Who serves a PBX."""

    def setUp(self):
        super().setUp()
        self.patch(lease_module, "transaction", lambda _db, work: work(self.env))

    def lease(self, pbx_id=None):
        lease = Lease(self.env.cr.dbname, pbx_id or NO_PBX)
        self.addCleanup(lease.release)
        return lease

    def test_one_leader(self):
        """One has the lock; another gets it once the first is gone."""
        first, second = self.lease(), self.lease()
        self.assertTrue(first._lock())
        self.assertTrue(first.held())
        self.assertFalse(second._lock())
        first.release()
        self.assertFalse(first.held())
        self.assertTrue(second._lock())

    def test_each_pbx(self):
        """Two PBXs are served by two."""
        self.assertTrue(self.lease()._lock())
        self.assertTrue(self.lease(NO_PBX - 1)._lock())

    def test_connection_lost(self):
        """A leader notices that its lock is gone with its connection."""
        lease = self.lease()
        self.assertTrue(lease._lock())
        with connect(self.env.cr.dbname) as connection, connection.cursor() as cr:
            cr.execute(
                "SELECT pg_terminate_backend(%s)",
                (lease._connection.get_backend_pid(),),
            )
        self.assertFalse(lease.held())
        self.assertTrue(lease._lock(), "it may try again")

    def test_epoch(self):
        """Each reign has a number of its own; a former one writes nothing."""
        first = self.lease(self.pbx.id)
        first.epoch = first._begin(self.env)
        self.env.flush_all()
        first.check(self.env.cr)
        second = self.lease(self.pbx.id)
        second.epoch = second._begin(self.env)
        self.env.flush_all()
        self.assertEqual(second.epoch, first.epoch + 1)
        second.check(self.env.cr)
        with self.assertRaises(Deposed):
            first.check(self.env.cr)

    def test_regain(self):
        """Who lost the connection goes on leading, unless another one began to."""
        with connect(self.env.cr.dbname) as connection, connection.cursor() as cr:
            # A table that the lease's own connection sees, too.
            cr.execute("SELECT max(pbx_id) FROM callcenter_connector")
            pbx_id = cr.fetchone()[0] or NO_PBX
            cr.execute(
                "SELECT epoch FROM callcenter_connector WHERE pbx_id = %s", (pbx_id,)
            )
            epoch = (cr.fetchone() or [None])[0]
        if epoch is None:
            self.skipTest("no connector ever ran on this database")
        lease, other = self.lease(pbx_id), self.lease(pbx_id)
        lease.epoch = epoch
        self.assertTrue(lease.regain())
        lease._close()
        self.assertTrue(lease.regain())
        other.epoch = epoch
        self.assertFalse(other.regain(), "the other one has the lock, but not begun")
        other.epoch = epoch - 1
        with self.assertRaises(Deposed):
            other.regain()

    def test_connector_told(self):
        lease = self.lease(self.pbx.id)
        lease._begin(self.env)
        self.assertEqual(self.pbx.connector_ids.pid, os.getpid())

    def test_no_database(self):
        lease = Lease("no_such_database", NO_PBX)
        with self.assertRaises(psycopg2.OperationalError):
            lease.acquire()
