# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""``make test-upstream``: what of Odoo's own tests fails only with our addons.

Some of Odoo's tests fail on any given machine. Those are listed; what counts is that
no test fails with the addons that passes without them. A browser test that ran out of
time on a busy machine gets a second chance on its own.
"""

import re

from .databases import SHIM, Databases
from .odoo import addons, write_configuration
from .testing import ODOO_RESULT, TEST_LOG, _alone, _odoo

LIMIT = 3 * 3600
"""Seconds: mail has some hundred tests in a browser."""
FAILED = re.compile(r"odoo\.addons\.(\w+)\.\S+: (?:FAIL|ERROR): (?:Subtest )?([\w.]+)")


def compare(instance, modules):
    """Test *modules* of Odoo in two databases and compare what fails."""
    with _alone(instance):
        try:
            instance.postgres.start()
            instance.postgres.create_roles()
            write_configuration(instance)
            without = _failures(instance, "upstream_without", modules, ())
            ours = _failures(instance, "upstream_with", modules, addons())
            if only := ours - without:
                passed = only - _again(instance, "upstream_with", only)
                ours -= passed
        finally:
            instance.stop()
    for title, names in (
        ("fail without the addons too", without & ours),
        ("fail only without the addons", without - ours),
        ("fail only with the addons", ours - without),
    ):
        print(f"\n{len(names)} {title}")
        for name in sorted(names):
            print(f"  {name}")
    return 1 if ours - without else 0


def _failures(instance, database, tested, installed):
    """The tests that fail when *tested* is tested with *installed* beside it."""
    databases = Databases(instance)
    databases.clone(databases.bare(), database)
    modules = ",".join([*tested, *installed, SHIM])
    options = ["-i", modules, "--with-demo"]
    tags = ",".join(f"/{name}" for name in tested)
    print(f"── {' '.join([*tested, *installed])}", flush=True)
    failed = _run(instance, database, tags, options)
    return {"no test ran"} if failed is None else failed


def _again(instance, database, names):
    """Those of the failed tests that fail once more, alone."""
    modules = {name.removeprefix("/").partition(":")[0] for name in names}
    print(f"── once more: {' '.join(sorted(names))}", flush=True)
    failed = _run(instance, database, ",".join(names), ["-u", ",".join(modules)])
    return names if failed is None else failed


def _run(instance, database, tags, options):
    words = ["-d", database, *options, "--test-tags", tags, "--stop-after-init"]
    text, _code = _odoo(instance, database, *words, *TEST_LOG, limit=LIMIT)
    counts = ODOO_RESULT.findall(text)
    if not counts or counts[-1][2] == "0":
        return None
    failed = {f"/{module}:{test}" for module, test in FAILED.findall(text)}
    print(f"{counts[-1][2]} tests, {len(failed)} failed", flush=True)
    return failed
