# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""The connector: what runs as ``odoo callcenter``, beside the Odoo server."""

from .service import Service

__all__ = ["Service"]
