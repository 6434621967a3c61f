# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""``make bench NAME=…``: one script of ``tests/bench``, in an instance of its own."""

import json
import os
import subprocess

from .console import Problem
from .paths import ADDONS, PYTHON, ROOT
from .supervisor import prepare_database

FOLDER = ROOT / "tests" / "bench"


def run(instance, name):
    """Run the script; its last line has to be one JSON object.

    It finds PostgreSQL running and a database with demo data and all addons, and
    starts whatever else it measures: ``Instance("bench")``.
    """
    script = FOLDER / f"{name}.py"
    if not script.exists():
        known = " ".join(sorted(path.stem for path in FOLDER.glob("[!_]*.py")))
        raise Problem(f"No benchmark {name}; there are: {known or 'none'}")
    prepare_database(instance)
    environment = {
        **os.environ,
        "INSTANCE": instance.name,
        "PORT_OFFSET": str(instance.offset),
        "ODOO_RC": str(instance.odoo_conf),
        "PYTHONPATH": f"{ROOT}:{ADDONS / 'callcenter_core'}",
    }
    last = ""
    try:
        process = subprocess.Popen(
            [str(PYTHON), str(script)],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        for line in process.stdout:
            print(line, end="", flush=True)
            last = line.strip() or last
        code = process.wait()
    finally:
        instance.stop()
    if code:
        return code
    try:
        json.loads(last)
    except ValueError:
        raise Problem("The benchmark's last line is no JSON object.") from None
    return 0
