# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""Where things are, for every part of the sandbox."""

import os
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "sandbox"
ADDONS = ROOT / "addons"
SANDBOX = Path(os.environ.get("SANDBOX_DIR", ROOT / ".sandbox")).resolve()

VENV = SANDBOX / "venv"
PYTHON = VENV / "bin" / "python"
ODOO_SCRIPT = VENV / "bin" / "odoo"
ODOO_TREE = SANDBOX / "odoo"
ASTERISK_TREE = SANDBOX / "asterisk"

CACHES = {
    "HYPOTHESIS_STORAGE_DIRECTORY": "hypothesis",
    "PIP_CACHE_DIR": "pip",
    "PYLINTHOME": "pylint",
    "RUFF_CACHE_DIR": "ruff",
    "XDG_CACHE_HOME": "xdg",
    "npm_config_cache": "npm",
}
"""Where tools would write into the home directory if they were not told better."""


def keep_caches_inside():
    """Tell the tools that we start to leave nothing outside the sandbox."""
    for variable, folder in CACHES.items():
        os.environ[variable] = str(SANDBOX / "cache" / folder)


PLACEHOLDER = re.compile(r"@([A-Z_]+)@")


def fill(template, values):
    """A configuration file with its ``@PLACEHOLDERS@`` filled in."""
    return PLACEHOLDER.sub(lambda match: str(values[match[1]]), template)
