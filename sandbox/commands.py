# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""The commands behind the Makefile's targets."""

import argparse
import os
import subprocess

from . import benchmark, demo, install, supervisor, testing, upstream
from .console import Problem, warn
from .instance import COMPONENTS, Instance
from .odoo import command, write_configuration
from .paths import keep_caches_inside


def main(arguments):
    parser = argparse.ArgumentParser(prog="sandbox", description=__doc__)
    commands = parser.add_subparsers(dest="name", required=True)
    for name, function in COMMANDS.items():
        sub = commands.add_parser(name, help=function.__doc__)
        sub.set_defaults(function=function)
        for words, options in ARGUMENTS.get(name, ()):
            sub.add_argument(*words, **options)
    options = parser.parse_args(arguments)
    keep_caches_inside()
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


def run(options):
    """Run the call centre in this terminal."""
    return supervisor.run(Instance(), options.workers)


def execute(options):
    """Become one process of the instance; called by the supervisor."""
    workers = int(os.environ.get("WORKERS") or 0)
    return supervisor.exec_component(Instance(), options.component, workers)


def call(options):
    """Place a call from a demo customer."""
    instance = Instance()
    number, name = options.caller, "Demo caller"
    if not number:
        number, name = demo.customer(instance)
    print(f"{name} ({number}) calls {options.to} and hangs up after {options.stay} s.")
    for line in demo.place_call(instance, number, name, options.to, options.stay):
        print(line)


def test(options):
    """Run the tests; all of them, or one addon's."""
    install.setup(development=True)
    instance = Instance(os.environ.get("INSTANCE", "test"))
    stages = options.stages.split(",") if options.stages else ()
    return testing.test(instance, stages, options.addon, options.tags)


def shots(options):
    """Take the manual's pictures anew."""
    install.setup(development=True)
    return testing.shots(Instance(os.environ.get("INSTANCE", "test")))


def lint(options):
    """Check the code without running it."""
    install.setup(development=True)
    return 1 if testing.lint_stage()[1] else 0


def bench(options):
    """Run one benchmark of tests/bench."""
    install.setup(development=True)
    return benchmark.run(Instance(os.environ.get("INSTANCE", "bench")), options.name)


def test_upstream(options):
    """Run Odoo's own tests of crm and mail with the addons and without."""
    install.setup(development=True)
    return upstream.compare(
        Instance(os.environ.get("INSTANCE", "test")), options.modules.split(",")
    )


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
    for name in options.component or COMPONENTS:
        instance.component(name).stop()


def psql(options):
    """Open a database of the instance."""
    instance = _with_postgres()
    database = options.database or instance.database
    program = install.postgresql_programs() / "psql"
    words = [str(program), "-d", database, *_given(options)]
    return subprocess.call(words, env=instance.pg_environment)


def odoo(options):
    """Run any command of Odoo on the instance, e.g. ``odoo -- -d mine -i crm``."""
    instance = _with_postgres()
    write_configuration(instance)
    words, environment = command(instance, *_given(options))
    return subprocess.call(words, env=environment)


def cli(options):
    """Ask the instance's Asterisk."""
    print(Instance().asterisk.cli(" ".join(_given(options))), end="")


def _given(options):
    """The words after the command's own, of which ``--`` is only the mark."""
    return options.words[options.words[:1] == ["--"] :]


def _with_postgres():
    instance = Instance()
    instance.postgres.start()
    instance.postgres.create_roles()
    return instance


REST = {"nargs": argparse.REMAINDER}
COMPONENT = [(["component"], {"nargs": "*"})]
COMMANDS = {
    "setup": setup,
    "run": run,
    "exec": execute,
    "call": call,
    "test": test,
    "shots": shots,
    "lint": lint,
    "bench": bench,
    "test-upstream": test_upstream,
    "start": start,
    "stop": stop,
    "psql": psql,
    "odoo": odoo,
    "cli": cli,
}
ARGUMENTS = {
    "setup": [(["--run-only"], {"action": "store_true"})],
    "run": [(["--workers"], {"type": int, "default": 0})],
    "exec": [(["component"], {})],
    "call": [
        (["--from"], {"dest": "caller"}),
        (["--to"], {"default": "+49301234500"}),
        (["--stay"], {"type": int, "default": 30}),
    ],
    "test": [
        (["--stages"], {"help": "some of lint,python,alone,together,js,pbx,e2e"}),
        (["--addon"], {}),
        (["--tags"], {}),
    ],
    "bench": [(["name"], {})],
    "test-upstream": [(["--modules"], {"default": "crm,mail"})],
    "start": COMPONENT,
    "stop": COMPONENT,
    "psql": [(["-d", "--database"], {}), (["words"], REST)],
    "odoo": [(["words"], REST)],
    "cli": [(["words"], REST)],
}
