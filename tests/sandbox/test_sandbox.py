# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""What the sandbox promises: it hides no failure and touches nothing of others."""

import os
import subprocess
import sys

import pytest

from sandbox import lint, testing
from sandbox.component import Component
from sandbox.console import Problem
from sandbox.instance import OFFSETS, Instance
from sandbox.paths import ROOT, fill

PORTS = (
    "odoo_port",
    "gevent_port",
    "proxy_port",
    "ami_port",
    "asterisk_http_port",
    "sip_port",
    "carrier_port",
)


class Sleeper(Component):
    name = "sleeper"

    def command(self):
        return [sys.executable, "-c", "import time; time.sleep(60)"], os.environ


@pytest.fixture
def instance(tmp_path):
    instance = Instance("mine", 9000)
    instance.home = tmp_path
    instance.logs = tmp_path / "logs"
    instance.pg_socket_dir = tmp_path
    return instance


def test_instances_share_no_port():
    instances = [Instance(name) for name in OFFSETS]
    ports = [getattr(each, port) for each in instances for port in PORTS]
    assert len(set(ports)) == len(ports)
    ranges = sorted((each.rtp_start, each.rtp_end) for each in instances)
    assert all(ranges[i][1] < ranges[i + 1][0] for i in range(len(ranges) - 1))
    assert not any(low <= port <= high for port in ports for low, high in ranges)


def test_an_instance_of_another_name_has_to_say_its_ports(monkeypatch):
    monkeypatch.delenv("PORT_OFFSET", raising=False)
    with pytest.raises(Problem, match="PORT_OFFSET"):
        Instance("mine")
    monkeypatch.setenv("PORT_OFFSET", "4000")
    assert Instance("mine").odoo_port == 12069
    assert Instance("test").odoo_port == 9069


def test_a_component_starts_once_and_stops(instance):
    sleeper = Sleeper(instance).start()
    pid = sleeper.pid
    assert sleeper.start().pid == pid
    assert Sleeper(instance).pid == pid
    sleeper.stop()
    assert sleeper.pid is None
    sleeper.start().kill()
    assert sleeper.pid is None


def test_a_pid_that_was_given_to_another_process_is_left_alone(instance):
    instance.make_home()
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        sleeper = Sleeper(instance)
        sleeper.pid_file.write_text(f"{other.pid} 1")
        sleeper.stop()
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_component_that_ends_at_once_says_why(instance):
    class Broken(Sleeper):
        def command(self):
            return [sys.executable, "-c", "raise SystemExit('no such file')"], {}

        def is_ready(self):
            return False

    with pytest.raises(Problem, match="no such file"):
        Broken(instance).start()


def test_a_placeholder_without_value_is_an_error():
    assert fill("bind=@HOST@:@PORT@", {"HOST": "h", "PORT": 1}) == "bind=h:1"
    with pytest.raises(KeyError):
        fill("@NOTHING@", {})


@pytest.mark.parametrize(
    ("log", "code", "expected"),
    [
        ("0 failed, 0 error(s) of 7 tests when loading", 0, (7, 0)),
        ("1 failed, 2 error(s) of 7 tests when loading", 1, (4, 3)),
        ("0 failed, 0 error(s) of 0 tests when loading", 0, (0, 0)),
        ("nothing", 0, (0, 0)),
        ("nothing", 1, (0, 1)),
        (
            "2026-01-01 00:00:00,000 12 ERROR db odoo.sql_db: bad query\n"
            "0 failed, 0 error(s) of 7 tests when loading",
            0,
            (7, 1),
        ),
    ],
)
def test_what_odoo_says_of_its_tests(instance, monkeypatch, log, code, expected):
    monkeypatch.setattr(testing, "_odoo", lambda *words: (log, code))
    assert testing.odoo_tests(instance, "x", "db", tags="/x") == expected


def test_a_stage_without_tests_has_failed(capsys):
    outcome = testing._run(("nothing", lambda: (0, 0)))
    assert (outcome.passed, outcome.failed) == (0, 1)
    assert testing._report([outcome]) == 1
    assert capsys.readouterr().out.endswith("\n0 passed, 1 failed\n")
    assert testing._report([]) == 1
    assert testing._report([testing.Outcome("fine", 3)]) == 0


def test_a_promise_needs_its_test_and_its_page(tmp_path, monkeypatch):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "calls.md").write_text("# Calls\n\n## Missed calls\n")
    (tmp_path / "test_calls.py").write_text("class TestCall:\n    def test_a(self):\n")
    monkeypatch.setattr(lint, "ROOT", tmp_path)
    row = {"requirement": "C01", "promise": "pops", "test": "test_calls.py::test_a"}
    row["manual"] = "docs/calls.md#missed-calls"
    assert list(lint._row_problems(row)) == []
    for change, complaint in (
        ({"test": "test_calls.py::TestCall::test_a"}, None),
        ({"test": "test_calls.py::test_b"}, "has no test test_b"),
        ({"test": "gone.py"}, "no such test file"),
        ({"manual": "docs/gone.md"}, "no such page"),
        ({"manual": "docs/calls.md#lost"}, "has no section"),
        ({"promise": " "}, "empty: promise"),
    ):
        problems = " ".join(lint._row_problems(row | change))
        assert complaint in problems if complaint else not problems


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_requirement_is_pinned(name):
    lines = (ROOT / name).read_text().splitlines()
    wanted = [line for line in lines if line and not line.startswith("#")]
    assert wanted
    assert [line for line in wanted if "==" not in line] == []
