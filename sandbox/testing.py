# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""``make test``: every kind of test, each in a stage of its own.

A stage in which no test ran has failed: a suite that finds nothing proves nothing.
"""

import contextlib
import fcntl
import os
import re
import subprocess
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass

from . import lint
from .console import Problem
from .databases import SHIM, Databases
from .odoo import addons, command, write_configuration
from .paths import ADDONS, PYTHON, ROOT
from .supervisor import connect_pbx

ODOO_RESULT = re.compile(r"(\d+) failed, (\d+) error\(s\) of (\d+) tests")
HOOT_RESULT = re.compile(r"\[HOOT\] Passed (\d+) tests")
HOOT_FAILED = re.compile(r"\[HOOT\] Failed (\d+) tests|\[HOOT\] Test \".*\" failed")
LIMIT = 1800
"""Seconds after which a run of Odoo's test runner hangs rather than works."""
TROUBLE = re.compile(r"^\S+ \S+ \d+ (ERROR|CRITICAL) ")
PYTHON_TESTS = ("tests/telephony", "tests/sandbox")
TEST_LOG = ("--log-handler=:WARNING", "--log-handler=odoo.tests:INFO")


@dataclass
class Outcome:
    """What a stage came to."""

    stage: str
    passed: int = 0
    failed: int = 0
    seconds: float = 0.0

    def __str__(self):
        counts = f"{self.passed:7} {self.failed:7} {self.seconds:8.1f}"
        return f"{self.stage:34}{counts}"


def test(instance, stages=(), addon=None, tags=None):
    """Run the stages and print what they came to; returns the exit code."""
    with _alone(instance):
        try:
            instance.postgres.start()
            instance.postgres.create_roles()
            write_configuration(instance)
            outcomes = []
            for job in _jobs(instance, stages, addon, tags):
                # A stage that needs it stopped may have left it so.
                instance.postgres.start()
                outcomes.append(_run(job))
        finally:
            instance.stop()
    return _report(outcomes)


def _jobs(instance, stages, addon, tags):
    """(name, function that returns an Outcome) in order."""
    if addon:
        yield f"odoo: {addon} {tags or ''}", lambda: odoo_quick(instance, addon, tags)
        return
    names = addons()
    everything = {
        "lint": [("lint", lint_stage)],
        "python": [("python", lambda: pytest(instance, *PYTHON_TESTS))],
        "alone": [
            (f"odoo: {name} alone", lambda name=name: odoo_alone(instance, name))
            for name in names
        ],
        "together": [("odoo: all together", lambda: odoo_together(instance))],
        "js": [
            (f"javascript: {name}", lambda name=name: javascript(instance, name))
            for name in names
            if list((ADDONS / name / "static" / "tests").rglob("*.test.js"))
        ]
        or [("javascript", lambda: (0, 0))],
        "pbx": [("pbx", lambda: pytest(instance, "tests/pbx"))],
        "e2e": [("e2e", lambda: e2e(instance))],
    }
    if unknown := set(stages) - everything.keys():
        raise Problem(f"No stage {unknown.pop()}; there are {' '.join(everything)}.")
    for stage in stages or everything:
        yield from everything[stage]


def _run(job):
    """One stage; whatever goes wrong in it is a failure of that stage alone."""
    name, function = job
    print(f"\n── {name}", flush=True)
    start = time.monotonic()
    try:
        passed, failed = function()
    except (Problem, OSError, subprocess.SubprocessError) as problem:
        print(problem)
        passed, failed = 0, 1
    if not passed + failed:
        print("No test ran.")
        failed = 1
    outcome = Outcome(name, passed, failed, time.monotonic() - start)
    print(f"{passed} of {passed + failed} in {outcome.seconds:.1f} s", flush=True)
    return outcome


def _report(outcomes):
    print(f"\n{'stage':34}{'passed':>7} {'failed':>7} {'seconds':>8}")
    for outcome in outcomes:
        print(outcome)
    passed = sum(outcome.passed for outcome in outcomes)
    failed = sum(outcome.failed for outcome in outcomes)
    if not outcomes:
        failed = 1
    print(f"\n{passed} passed, {failed} failed", flush=True)
    return 1 if failed else 0


@contextlib.contextmanager
def _alone(instance):
    """Two runs in one instance would drop each other's databases."""
    instance.make_home()
    with (instance.home / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Problem(
                "Tests are running already; beside them: "
                "make test INSTANCE=mine PORT_OFFSET=4000"
            ) from None
        yield


# ------------------------------------------------------------
# STAGES
# ------------------------------------------------------------


def lint_stage():
    passed = failed = 0
    for name, check in lint.checks():
        complaints = check()
        print(f"  {name}: {len(complaints) and 'failed' or 'ok'}", flush=True)
        for line in complaints[-40:]:
            print(f"    {line}")
        passed, failed = passed + (not complaints), failed + bool(complaints)
    return passed, failed


def pytest(instance, *words):
    """Run pytest and count its tests; one that was skipped has not run."""
    report = instance.home / "pytest.xml"
    report.unlink(missing_ok=True)
    environment = {
        **os.environ,
        "INSTANCE": instance.name,
        "PORT_OFFSET": str(instance.offset),
    }
    options = [f"--junitxml={report}", "-p", "no:cacheprovider"]
    line = [str(PYTHON), "-m", "pytest", *options, *words]
    done = subprocess.run(line, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL)
    if not report.exists():
        raise Problem(f"pytest ended with {done.returncode}.")
    suite = ElementTree.parse(report).getroot().find("testsuite")
    total, failures, errors, skipped = (
        int(suite.get(name)) for name in ("tests", "failures", "errors", "skipped")
    )
    failed = failures + errors
    if done.returncode not in (0, 1, 5):
        failed += 1
    return total - failed - skipped, failed


def odoo_alone(instance, addon):
    """One addon with nothing but what it says it depends on, without demo data."""
    databases = Databases(instance)
    databases.clone(databases.bare(), "alone")
    modules = f"{addon},{SHIM}"
    return odoo_tests(instance, addon, "alone", "-i", modules, tags=f"/{addon}")


def odoo_together(instance):
    """All addons in one database, with demo data."""
    databases = Databases(instance)
    databases.clone(databases.bare(), "together")
    names = addons()
    tags = ",".join(f"/{name}" for name in names)
    modules = ",".join([*names, SHIM])
    options = ("-i", modules, "--with-demo")
    return odoo_tests(instance, "together", "together", *options, tags=tags)


def odoo_quick(instance, addon, tags):
    """For daily work: one addon's tests on a copy of a prepared database."""
    databases = Databases(instance)
    databases.clone(databases.prepared(), "quick")
    wanted = tags or f"/{addon}"
    if wanted[0] in ":.":
        wanted = f"/{addon}{wanted}"
    return odoo_tests(instance, "quick", "quick", "-i", addon, tags=wanted)


def odoo_tests(instance, name, database, *options, tags):
    """Run Odoo's test runner; an error in the log counts as a failed test."""
    words = ["-d", database, *options, "--test-tags", tags, "--stop-after-init"]
    text, code = _odoo(instance, name, *words, *TEST_LOG)
    found = ODOO_RESULT.findall(text)
    failures, errors, total = map(int, found[-1]) if found else (0, 0, 0)
    failed = failures + errors
    if not failed and (code or any(map(TROUBLE.match, text.splitlines()))):
        failed = 1
        total += 1
    if failed or not total:
        _show(text)
    return total - failed, failed


def javascript(instance, addon):
    """The addon's unit tests of the web client, in a browser (Hoot)."""
    databases = Databases(instance)
    databases.clone(databases.suite(), "javascript")
    tags = f"/web:WebSuite.test_unit_desktop[@{addon}]"
    words = ["-d", "javascript", "--test-tags", tags, "--stop-after-init"]
    text, code = _odoo(instance, f"javascript-{addon}", *words, "--log-level=info")
    passed = sum(map(int, HOOT_RESULT.findall(text)))
    failed = len(HOOT_FAILED.findall(text)) if code else 0
    if code:
        _show(text)
        failed = failed or 1
    return passed, failed


def prepare_e2e(instance):
    """The database that the end-to-end tests start from; PostgreSQL has to run."""
    databases = Databases(instance)
    databases.clone(databases.suite(), instance.database)
    connect_pbx(instance)
    # Or the connector would find the calls of an earlier run and add them.
    instance.postgres.query("TRUNCATE cel", instance.journal_database)


def e2e(instance, *words):
    instance.asterisk.clean()
    return pytest(instance, "tests/e2e", *words)


def shots(instance):
    """Walk through the screens as ``test_screens.py`` does and keep the pictures."""
    os.environ["SHOTS"] = "1"
    with _alone(instance):
        try:
            instance.postgres.start()
            instance.postgres.create_roles()
            write_configuration(instance)
            words = ("tests/e2e/test_screens.py", "-k", "en_US and 1366")
            _passed, failed = pytest(instance, *words)
        finally:
            instance.stop()
    return 1 if failed else 0


def _odoo(instance, name, *words, limit=LIMIT):
    line, environment = command(instance, *words)
    log = instance.logs / f"test-{name}.log"
    with log.open("wb") as file:
        done = subprocess.run(
            line,
            env=environment,
            cwd=instance.home,
            stdout=file,
            stderr=file,
            timeout=limit,
        )
    return log.read_text(errors="replace"), done.returncode


def _show(text, limit=150):
    """Of a failed run, all from the first complaint on, as far as is readable."""
    lines = text.splitlines()
    first = next((i for i, line in enumerate(lines) if TROUBLE.match(line)), -30)
    for line in lines[first:][:limit]:
        print(f"    {line}")
