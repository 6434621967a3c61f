# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""``make run``: the whole call centre in one terminal, until Ctrl-C."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

from .console import Problem, step
from .databases import SHIM, digest
from .install import setup
from .instance import COMPONENTS
from .odoo import addons, run_odoo, write_configuration
from .paths import PYTHON, ROOT

LOGINS = (
    ("admin", "everything"),
    ("lena", "leads the team"),
    ("anna, ben, chen", "agents; their telephones are 1001, 1002, 1003"),
)


def run(instance, workers=0):
    """Prepare everything, then hand the terminal over to the supervisor."""
    setup()
    running = [name for name in COMPONENTS if instance.component(name).pid]
    if running:
        raise Problem(f"Instance {instance.name} runs already: {' '.join(running)}.")
    _check_ports(instance)
    prepare_database(instance)
    instance.postgres.stop()
    procfile = instance.home / "Procfile"
    procfile.write_text(_procfile(workers))
    environment = {
        **os.environ,
        "INSTANCE": instance.name,
        "PORT_OFFSET": str(instance.offset),
        "WORKERS": str(workers),
        "PYTHONUNBUFFERED": "1",
    }
    # honcho names the lines' origin, and stops all when one ends or on Ctrl-C.
    words = [str(PYTHON), "-m", "honcho", "start", "-f", str(procfile), "-d", str(ROOT)]
    process = subprocess.Popen(words, env=environment, cwd=ROOT)
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    asked = False
    while process.poll() is None:
        try:
            process.wait()
        except KeyboardInterrupt:
            # Ctrl-C reaches honcho too, which then needs a moment to stop the rest.
            asked = True
    # honcho gives its processes five seconds, a busy machine may need longer.
    instance.stop()
    return 0 if asked or process.returncode in (130, 143) else process.returncode


def _check_ports(instance):
    """Say at once what would end all of it a minute later."""
    ports = [instance.odoo_port, instance.ami_port, instance.asterisk_http_port]
    for port in ports:
        with socket.socket() as probe:
            if not probe.connect_ex((instance.host, port)):
                raise Problem(
                    f"Port {port} is taken by another program; use other ones: "
                    "make run INSTANCE=mine PORT_OFFSET=3000"
                )


def _procfile(workers):
    """The processes, each under the name that its lines carry."""
    names = ["postgres", "asterisk", "odoo", "connector", "phones"]
    if workers:
        names.append("nginx")
    words = f"exec {sys.executable} -m sandbox exec"
    return "".join(f"{name}: {words} {name}\n" for name in names)


def exec_component(instance, name, workers=0):
    """Become one process of the Procfile, once what it needs is there."""
    if name == "phones":
        return ring_demo_phones(instance, workers)
    instance.odoo.workers = workers
    component = instance.component(name)
    if name in ("odoo", "connector"):
        _wait(instance.postgres)
    if name == "postgres":
        return _supervise_postgres(component)
    return component.run_in_foreground()


def _supervise_postgres(component):
    """On SIGTERM PostgreSQL would wait for its clients to leave; tell it better."""
    component.start(wait=False)
    pid = component.pid
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    signal.signal(signal.SIGINT, lambda *_: sys.exit())
    try:
        while component.pid == pid:
            time.sleep(0.5)
    finally:
        # The clients were told at the same moment and hang up first.
        time.sleep(0.5)
        component.stop()


def _wait(component, timeout=60):
    deadline = time.monotonic() + timeout
    while not component.is_ready():
        if time.monotonic() > deadline:
            raise Problem(f"{component.name} does not answer.")
        time.sleep(0.2)


# ------------------------------------------------------------
# DATABASE
# ------------------------------------------------------------


def prepare_database(instance):
    """A database with demo data and all addons, as they are on the disk now."""
    instance.make_home()
    instance.postgres.start()
    instance.postgres.create_roles()
    write_configuration(instance)
    state = instance.home / "installed.json"
    fresh = not instance.postgres.exists(instance.database)
    known = {} if fresh or not state.exists() else json.loads(state.read_text())
    present = {name: digest(name) for name in addons()}
    new = sorted(present.keys() - known.keys())
    changed = sorted(name for name in known if known[name] != present.get(name))
    changed = [name for name in changed if name in present]
    words = ["-d", instance.database, "--stop-after-init", "--log-level=warn"]
    if fresh:
        with step("database with demo data, about a minute"):
            install = ",".join([*new, SHIM])
            run_odoo(instance, *words, "--with-demo", "-i", install)
    elif new or changed:
        with step(f"update of {' '.join(new + changed)}"):
            options = ["-i", ",".join(new)] if new else []
            options += ["-u", ",".join(changed)] if changed else []
            run_odoo(instance, *words, *options)
    state.write_text(json.dumps(present))
    connect_pbx(instance)


def connect_pbx(instance, database=None):
    """Tell the demo PBX of a database where this instance's Asterisk is."""
    database = database or instance.database
    table = "SELECT to_regclass('callcenter_pbx') IS NOT NULL"
    if instance.postgres.query(table, database) != "t":
        return
    values = {
        "host": instance.host,
        "port": instance.ami_port,
        "username": instance.ami_user,
        "password": instance.ami_secret,
        "journal_host": instance.pg_socket_dir,
        "journal_port": 5432,
        "journal_database": instance.journal_database,
        "journal_username": instance.db_user,
    }
    changes = ", ".join(f"{name} = '{value}'" for name, value in values.items())
    first = "SELECT min(id) FROM callcenter_pbx"
    sql = f"UPDATE callcenter_pbx SET {changes} WHERE id = ({first})"
    instance.postgres.query(sql, database)


# ------------------------------------------------------------
# TELEPHONES
# ------------------------------------------------------------


def ring_demo_phones(instance, workers=0):
    """Agents' telephones that pick up by themselves, and the greeting."""
    from tests.sip.phone import Phone, answer

    _wait(instance.asterisk)
    phones = []
    for number in (1001, 1002, 1003):
        # Time enough to see on the screen who is calling.
        phone = Phone(str(number), port=instance.sip_port, on_call=answer(after=6))
        phones.append(phone.register(timeout=30))
    _wait(instance.odoo, 120)
    port = instance.proxy_port if workers else instance.odoo_port
    print(f"\nReady: http://{instance.host}:{port}")
    for login, what in LOGINS:
        print(f"  {login:16} {what} (password = login)")
    print("  make call        places a call from a demo customer; Ctrl-C stops all\n")
    while True:
        time.sleep(60)
        for phone in phones:
            phone.register(timeout=30)
