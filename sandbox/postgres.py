# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""A private PostgreSQL server that listens on a Unix socket only."""

import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path

from .component import Component
from .console import Problem, run, step
from .install import postgresql_programs
from .paths import ADDONS

SUPERUSER = "postgres"
JOURNAL_SQL = ADDONS / "callcenter_core" / "asterisk" / "journal.sql"

SETTINGS = {
    "listen_addresses": "''",
    "max_connections": 200,
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "256MB",
    "random_page_cost": 1.1,
    "jit": "off",
    "log_min_duration_statement": "2s",
}
"""For a developer's machine; the defaults suppose a smaller one."""

UNSAFE_SETTINGS = {"fsync": "off", "full_page_writes": "off"}
"""For the tests: what is lost in a power cut is made again by the next run."""


class Postgres(Component):
    name = "postgres"
    # Disconnect the clients; SIGTERM would wait for them to leave.
    stop_signal = signal.SIGINT

    def __init__(self, instance):
        super().__init__(instance)
        self.directory = instance.pg_dir
        self.socket_dir = instance.pg_socket_dir

    def prepare(self):
        if not (self.directory / "PG_VERSION").exists():
            with step("PostgreSQL cluster"):
                self._initdb()
        settings = dict(SETTINGS)
        if self.instance.name == "test":
            settings |= UNSAFE_SETTINGS
        lines = [f"{name} = {value}\n" for name, value in settings.items()]
        (self.directory / "sandbox.conf").write_text("".join(lines))

    def command(self):
        server = self._program("postgres")
        words = [server, "-D", self.directory, "-k", self.socket_dir, "-p", "5432"]
        return self._unprivileged([str(word) for word in words]), os.environ

    def is_ready(self):
        ask = [self._program("pg_isready"), "-q", "-U", SUPERUSER]
        return subprocess.run([*ask, "-h", self.socket_dir]).returncode == 0

    def query(self, sql, database="postgres", user=SUPERUSER):
        """Run one statement; return its rows as ``psql`` prints them, unaligned."""
        words = [self._program("psql"), "-XAtq", "-v", "ON_ERROR_STOP=1"]
        words += ["-h", self.socket_dir, "-U", user, "-d", database, "-c", sql]
        return run(words).strip()

    def exists(self, database):
        sql = f"SELECT 1 FROM pg_database WHERE datname = '{database}'"
        return self.query(sql) == "1"

    def drop(self, database):
        self.query(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    def clone(self, template, database):
        """A copy in a fraction of a second, where an installation takes a minute."""
        self.drop(database)
        owner = self.instance.db_user
        options = f'TEMPLATE "{template}" OWNER "{owner}"'
        self.query(f'CREATE DATABASE "{database}" {options}')

    def create_roles(self):
        """Odoo's role and the journal's database; nothing if they are there."""
        user, journal = self.instance.db_user, self.instance.journal_database
        if self.query(f"SELECT 1 FROM pg_roles WHERE rolname = '{user}'") != "1":
            self.query(f'CREATE ROLE "{user}" LOGIN CREATEDB')
        if not self.exists(journal):
            self.query(f'CREATE DATABASE "{journal}" OWNER "{user}"')
        words = [self._program("psql"), "-Xq", "-h", self.socket_dir, "-U", SUPERUSER]
        words += ["-d", journal, "-v", f"reader={user}", "-f", JOURNAL_SQL]
        run(words)

    # ------------------------------------------------------------
    # FIRST START
    # ------------------------------------------------------------

    def _initdb(self):
        self.directory.mkdir(mode=0o700, exist_ok=True)
        self.socket_dir.mkdir(mode=0o755, exist_ok=True)
        if owner := self._owner():
            shutil.chown(self.directory, owner)
            shutil.chown(self.socket_dir, owner)
        words = [self._program("initdb"), "-D", self.directory, "-U", SUPERUSER]
        words += ["--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
        run(self._unprivileged([str(word) for word in words]), cwd="/")
        with (self.directory / "postgresql.conf").open("a") as conf:
            conf.write("include_if_exists = 'sandbox.conf'\n")

    def _program(self, name):
        folder = postgresql_programs()
        if not folder:
            raise Problem("PostgreSQL is not installed; run: make setup")
        return folder / name

    @staticmethod
    def _owner():
        """The user the server runs as when we are root, which it refuses to be."""
        if os.geteuid() != 0:
            return None
        known = {entry.pw_name for entry in pwd.getpwall()}
        return "postgres" if "postgres" in known else "nobody"

    def _unprivileged(self, words):
        owner = self._owner()
        if not owner:
            return words
        drop = ["setpriv", f"--reuid={owner}", "--clear-groups"]
        drop.append(f"--regid={pwd.getpwnam(owner).pw_gid}")
        if not _passable(self.directory):
            # A checkout in /root, say: nobody else may pass through it.
            keep = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
            drop += keep
        return [*drop, *words]


def _passable(folder):
    """Whether any user may reach what is in *folder*'s parents."""
    return all(parent.stat().st_mode & 0o001 for parent in Path(folder).parents)
