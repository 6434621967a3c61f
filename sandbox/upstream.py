# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""``make test-upstream``: what of Odoo's own tests fails only with our addons.

Some of Odoo's tests fail on any given machine. Those are listed; what counts is that
no test fails with the addons that passes without them.
"""

import re

from .databases import SHIM, Databases
from .odoo import addons, write_configuration
from .testing import ODOO_RESULT, TEST_LOG, _alone, _odoo

FAILED = re.compile(r"(?:FAIL|ERROR): (?:Subtest )?(\w+\.\w+)")


def compare(instance, modules):
    """Test *modules* of Odoo in two databases and compare what fails."""
    with _alone(instance):
        try:
            instance.postgres.start()
            instance.postgres.create_roles()
            write_configuration(instance)
            without = _failures(instance, "upstream_without", modules, ())
            ours = _failures(instance, "upstream_with", modules, addons())
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
    databases = Databases(instance)
    databases.clone(databases.bare(), database)
    tags = ",".join(f"/{name}" for name in tested)
    modules = [*tested, *installed]
    words = ["-d", database, "-i", ",".join([*modules, SHIM]), "--test-tags", tags]
    words += ["--with-demo", "--stop-after-init", *TEST_LOG]
    print(f"── {' '.join(modules)}", flush=True)
    text, _code = _odoo(instance, database, *words)
    counts = ODOO_RESULT.findall(text)
    total = int(counts[-1][2]) if counts else 0
    found = set(FAILED.findall(text))
    print(f"{total} tests, {len(found)} failed", flush=True)
    return found if total else {"no test ran"}
