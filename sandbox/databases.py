# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""Odoo databases, and templates of them.

To install Odoo's own modules takes most of a minute, to copy a database a fraction of
a second. What was installed is noted as the database's comment, so that a template is
made again when a module list or the addons' code has changed, and only then.
"""

import ast
import hashlib

from .console import step
from .odoo import addons, run_odoo
from .paths import ADDONS

SHIM = "callcenter_dev_shim"
QUIET = ("--stop-after-init", "--log-level=warn")
READ_AT_USE = {"static", "tests", "asterisk", "readme", "telephony", "service", "cli"}
"""Folders of an addon whose files are read when used, not when it is installed."""


def digest(addon):
    """Changes with whatever an installation of the addon would read."""
    found = hashlib.sha256()
    for path in sorted((ADDONS / addon).rglob("*")):
        relative = path.relative_to(ADDONS / addon)
        if relative.parts[0] in READ_AT_USE or path.suffix == ".pyc":
            continue
        if path.is_file():
            found.update(str(relative).encode() + path.read_bytes())
    return found.hexdigest()[:16]


def dependencies(names):
    """The modules of Odoo itself that the addons need."""
    needed = set()
    for name in names:
        manifest = ast.literal_eval((ADDONS / name / "__manifest__.py").read_text())
        needed.update(manifest.get("depends", ()))
    return sorted(needed - set(addons())) or ["base"]


class Databases:
    """The databases of an instance, whose PostgreSQL runs."""

    def __init__(self, instance):
        self.instance = instance
        self.postgres = instance.postgres

    def bare(self):
        """A template with no more than every Odoo has."""
        return self._template("template_bare", "web", ["web"])

    def prepared(self):
        """A template with all that the suite needs of Odoo, with demo data."""
        modules = [*dependencies(addons()), SHIM]
        return self._template("template_prepared", ",".join(modules), modules, True)

    def suite(self):
        """A template with all addons of the suite and demo data."""
        names = addons()
        content = " ".join(f"{name}={digest(name)}" for name in names)
        return self._template(
            "template_suite", content, names, True, source=self.prepared
        )

    def clone(self, template, database):
        """A database like the template, with its attachments."""
        self.postgres.clone(template, database)
        self.instance.odoo.copy_filestore(template, database)

    def _template(self, name, content, modules, demo=False, source=None):
        if self.postgres.exists(name) and self._comment(name) == content:
            return name
        template = source() if source else None
        self.postgres.drop(name)
        with step(f"database {name}"):
            if template:
                self.clone(template, name)
            options = ["--with-demo"] if demo else []
            install = ",".join(modules)
            run_odoo(self.instance, "-d", name, "-i", install, *options, *QUIET)
        self.postgres.query(f"COMMENT ON DATABASE \"{name}\" IS '{content}'")
        return name

    def _comment(self, name):
        return self.postgres.query(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database "
            f"WHERE datname = '{name}'"
        )
