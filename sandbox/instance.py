# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""One running call centre: its folder, its ports, and the processes in it.

The tests and benchmarks import this too: ``Instance("test")``. Several instances run
side by side, each on ports of its own, all on the loopback interface.
"""

import os
from functools import cached_property

from .component import Component
from .console import Problem
from .nginx import Nginx
from .odoo import Connector, OdooServer
from .paths import SANDBOX
from .pbx import Asterisk
from .postgres import Postgres

OFFSETS = {"run": 0, "test": 1000, "bench": 2000}
COMPONENTS = ("nginx", "connector", "odoo", "asterisk", "postgres")
"""In the order of stopping."""
DATABASE = "callcenter"
JOURNAL = "callcenter_journal"
CARRIER_HOST = "127.0.0.2"
"""The trunk has an address of its own: that is how Asterisk tells it from phones."""


class Instance:
    def __init__(self, name=None, offset=None):
        self.name = name or os.environ.get("INSTANCE", "run")
        if offset is None:
            told = os.environ.get("PORT_OFFSET") if self.name not in OFFSETS else None
            offset = int(told) if told else OFFSETS.get(self.name)
        if offset is None:
            raise Problem(f"Instance {self.name} needs ports: set PORT_OFFSET=3000.")
        self.offset = offset
        self.home = SANDBOX / self.name
        self.logs = self.home / "logs"

        self.host = "127.0.0.1"
        self.odoo_port = 8069 + offset
        self.gevent_port = 8072 + offset
        self.proxy_port = 8080 + offset
        self.sip_port = 5160 + offset
        self.ami_port = 5138 + offset
        self.asterisk_http_port = 8188 + offset
        self.rtp_start, self.rtp_end = 12000 + offset, 12999 + offset
        self.carrier_host, self.carrier_port = CARRIER_HOST, 5170 + offset

        self.odoo_conf = self.home / "odoo.conf"
        self.data_dir = self.home / "odoo-data"
        self.pg_dir = self.home / "postgres"
        self.pg_socket_dir = self.home / "pg"
        self.asterisk_dir = self.home / "asterisk"

        self.ami_user, self.ami_secret = "odoo", "odoo"
        self.database, self.journal_database = DATABASE, JOURNAL
        self.db_user = "odoo"

    def __repr__(self):
        return f"Instance({self.name!r}, {self.offset})"

    @property
    def url(self):
        return f"http://{self.host}:{self.odoo_port}"

    def dsn(self, database=DATABASE, user=None):
        """A libpq connection string, as ``psycopg2.connect`` takes it."""
        user = user or self.db_user
        return f"host={self.pg_socket_dir} dbname={database} user={user}"

    @property
    def pg_environment(self):
        """For ``psql`` and friends."""
        return {
            **os.environ,
            "PGHOST": str(self.pg_socket_dir),
            "PGPORT": "5432",
            "PGUSER": self.db_user,
        }

    # ------------------------------------------------------------
    # COMPONENTS
    # ------------------------------------------------------------

    @cached_property
    def postgres(self):
        return Postgres(self)

    @cached_property
    def asterisk(self):
        return Asterisk(self)

    @cached_property
    def odoo(self):
        return OdooServer(self)

    @cached_property
    def connector(self):
        return Connector(self)

    @cached_property
    def nginx(self):
        return Nginx(self)

    def component(self, name):
        component = getattr(self, name, None)
        if not isinstance(component, Component):
            raise Problem(f"No such component: {name}")
        return component

    def make_home(self):
        for folder in (self.home, self.logs, self.home / "pids"):
            folder.mkdir(parents=True, exist_ok=True)
        longest = len(str(self.pg_socket_dir / ".s.PGSQL.5432.lock"))
        if longest > 100:
            raise Problem(f"{self.home} is too long a path for a Unix socket.")

    def stop(self):
        """Stop whatever of this instance was left running in the background."""
        for name in COMPONENTS:
            self.component(name).stop()
