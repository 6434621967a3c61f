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

PLACEHOLDER = re.compile(r"@([A-Z_]+)@")


def fill(template, values):
    """A configuration file with its ``@PLACEHOLDERS@`` filled in."""
    return PLACEHOLDER.sub(lambda match: str(values[match[1]]), template)
