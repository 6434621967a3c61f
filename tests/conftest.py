# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""Makes ``tests`` mean this folder, before an addon's own ``tests`` is on the path."""
