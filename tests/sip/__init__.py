# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""Telephones and a carrier for the tests, made of the standard library and SIPp."""
