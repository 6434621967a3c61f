# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""Odoo and the connector, both from one configuration file."""

import configparser
import os
import shutil
import urllib.error
import urllib.request

from .component import Component
from .console import run
from .paths import ADDONS, HERE, ODOO_SCRIPT, PYTHON, ROOT

SHIM = HERE / "odoo_shim"


def addons():
    """The names of the suite's addons."""
    return sorted(path.parent.name for path in ADDONS.glob("*/__manifest__.py"))


def write_configuration(instance, workers=0):
    """The user's own ``odoo.conf``, with this instance's places put in."""
    parser = configparser.RawConfigParser()
    parser.read(ROOT / "odoo.conf")
    parser["options"].update(
        {
            "addons_path": f"{ADDONS},{SHIM}",
            "data_dir": str(instance.data_dir),
            "db_host": str(instance.pg_socket_dir),
            "db_port": "5432",
            "db_user": instance.db_user,
            "db_password": "",
            "db_name": instance.database,
            # Whatever -d says is served: the tests use databases of many names.
            "dbfilter": "",
            "http_interface": instance.host,
            "http_port": str(instance.odoo_port),
            "gevent_port": str(instance.gevent_port),
            "workers": str(workers),
            "proxy_mode": str(bool(workers)),
        }
    )
    instance.make_home()
    with instance.odoo_conf.open("w") as file:
        parser.write(file)


def command(instance, *words):
    """``odoo`` of the virtual environment; the addons are known before the words.

    Odoo looks for an addon's own commands before it reads any option, so that the
    addons path has to come in the environment.
    """
    environment = {**os.environ, "ODOO_RC": str(instance.odoo_conf)}
    return [str(PYTHON), str(ODOO_SCRIPT), *words], environment


def run_odoo(instance, *words):
    """Run to the end, e.g. to install; raises with the end of the log on failure."""
    line, environment = command(instance, *words)
    return run(line, env=environment, cwd=instance.home)


class OdooServer(Component):
    name = "odoo"
    workers = 0

    def prepare(self):
        write_configuration(self.instance, self.workers)

    def command(self):
        return command(self.instance)

    def is_ready(self):
        try:
            with urllib.request.urlopen(f"{self.instance.url}/web/health", timeout=5):
                return True
        except (urllib.error.URLError, OSError):
            return False

    def copy_filestore(self, template, database):
        """A cloned database looks for the attachments of the one it came from."""
        folder = self.instance.data_dir / "filestore"
        shutil.rmtree(folder / database, ignore_errors=True)
        if (folder / template).exists():
            shutil.copytree(folder / template, folder / database)


class Connector(Component):
    """``odoo callcenter``: the one that speaks with the PBX."""

    name = "connector"

    def prepare(self):
        if not self.instance.odoo_conf.exists():
            write_configuration(self.instance)

    def command(self):
        instance = self.instance
        options = ["-c", str(instance.odoo_conf), "-d", instance.database]
        return command(instance, "callcenter", *options)
