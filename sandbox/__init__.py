# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""A call centre on one machine: Odoo, PostgreSQL, Asterisk and telephones.

Nothing but the standard library is imported here, because this package is what
installs everything else. All that it makes lives under ``.sandbox/`` in the
checkout, one folder for each instance.
"""
