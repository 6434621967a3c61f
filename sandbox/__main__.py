# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""``python3 -m sandbox <command>``: what the Makefile's targets call."""

import sys

from .commands import main

sys.exit(main(sys.argv[1:]))
