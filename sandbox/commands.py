# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""The commands behind the Makefile's targets."""

import argparse
import os
import subprocess
import sys

from . import install
from .console import Problem, step, warn
from .instance import Instance
from .odoo import addons, command, run_odoo, write_configuration
from .paths import ADDONS, ROOT


def main(arguments):
    parser = argparse.ArgumentParser(prog="sandbox", description=__doc__)
    commands = parser.add_subparsers(dest="name", required=True)
    for name, function in COMMANDS.items():
        sub = commands.add_parser(name, help=function.__doc__)
        sub.set_defaults(function=function)
        for words, options in ARGUMENTS.get(name, ()):
            sub.add_argument(*words, **options)
    options = parser.parse_args(arguments)
    try:
        return options.function(options) or 0
    except Problem as problem:
        warn(f"\n{problem}")
        return 1
    except KeyboardInterrupt:
        return 130


def setup(options):
    """Fetch everything that is missing."""
    install.setup(development=not options.run_only)


def start(options):
    """Start components of the instance in the background."""
    instance = Instance()
    for name in options.component or ("postgres", "asterisk"):
        component = instance.component(name)
        if name == "postgres":
            component.start()
            component.create_roles()
        else:
            component.start()
        print(f"{name}: pid {component.pid}")


def stop(options):
    """Stop components of the instance."""
    instance = Instance()
    for name in options.component or ("connector", "odoo", "asterisk", "postgres"):
        instance.component(name).stop()


def psql(options):
    """Open a database of the instance."""
    instance = _with_postgres()
    database = options.database or instance.database
    program = install.postgresql_programs() / "psql"
    words = [str(program), "-d", database, *options.words]
    return subprocess.call(words, env=instance.pg_environment)


def odoo(options):
    """Run any command of Odoo on the instance, e.g. ``odoo -- -d mine -i crm``."""
    instance = _with_postgres()
    write_configuration(instance)
    given = options.words[options.words[:1] == ["--"] :]
    words, environment = command(instance, *given)
    return subprocess.call(words, env=environment)


def cli(options):
    """Ask the instance's Asterisk."""
    print(Instance().asterisk.cli(" ".join(options.words)), end="")


def _with_postgres():
    instance = Instance()
    instance.postgres.start()
    instance.postgres.create_roles()
    return instance


REST = {"nargs": argparse.REMAINDER}
COMPONENTS = [(["component"], {"nargs": "*"})]
COMMANDS = {
    "setup": setup,
    "start": start,
    "stop": stop,
    "psql": psql,
    "odoo": odoo,
    "cli": cli,
}
ARGUMENTS = {
    "setup": [(["--run-only"], {"action": "store_true"})],
    "start": COMPONENTS,
    "stop": COMPONENTS,
    "psql": [(["-d", "--database"], {}), (["words"], REST)],
    "odoo": [(["words"], REST)],
    "cli": [(["words"], REST)],
}
