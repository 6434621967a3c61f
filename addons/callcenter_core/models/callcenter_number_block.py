# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
import re

from odoo import api, fields, models, tools
from odoo.exceptions import ValidationError

#: Characters that stand for any one digit, and for any digits.
WILDCARDS = {"?": ".", "*": ".*"}


class CallcenterNumberBlock(models.Model):
    """Callers that are not wanted."""

    _name = "callcenter.number.block"
    _description = "Blocked Caller"
    _order = "pattern, id"
    _rec_name = "pattern"

    pattern = fields.Char(
        string="Number",
        required=True,
        help="A number in any form; ? stands for any digit, * for any digits.",
    )
    match = fields.Char(
        string="Compared As", compute="_compute_match", store=True, index=True
    )
    reason = fields.Char()
    expiry = fields.Datetime(
        string="Blocked Until", help="Until when the block holds; empty: for ever."
    )
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        index=True,
        default=lambda self: self.env.company,
    )

    _match_unique = models.UniqueIndex(
        "(match, company_id) WHERE active", "This number is blocked already."
    )

    # ------------------------------------------------------------
    # CONSTRAINTS
    # ------------------------------------------------------------

    @api.constrains("pattern")
    def _check_pattern(self):
        for block in self:
            if not re.search(r"\d", block.pattern):
                raise ValidationError(
                    self.env._(
                        "“%s” has no digit in it and would block every caller.",
                        block.pattern,
                    )
                )

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    @api.depends("pattern", "company_id")
    def _compute_match(self):
        for block in self:
            block.match = block._get_match()

    def _get_match(self):
        """Return the pattern in the form in which callers' numbers are compared."""
        pattern = re.sub(r"[^\d+*?]", "", (self.pattern or "").replace("(0)", ""))
        country = self.company_id.country_id
        if not re.search(r"[*?]", pattern):
            plan = self.env["callcenter.number"]._get_plan(country=country)
            e164, backwards = plan.search_keys(pattern)
            return e164 or backwards[::-1]
        if pattern.startswith("00"):
            return f"+{pattern[2:]}"
        if pattern.startswith("0") and country.phone_code:
            return f"+{country.phone_code}{pattern[1:]}"
        return pattern

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        blocks = super().create(vals_list)
        self.env.registry.clear_cache()
        return blocks

    def write(self, vals):
        result = super().write(vals)
        self.env.registry.clear_cache()
        return result

    def unlink(self):
        result = super().unlink()
        self.env.registry.clear_cache()
        return result

    # ------------------------------------------------------------
    # BUSINESS
    # ------------------------------------------------------------

    @api.model
    def _is_blocked(self, number, pbx=None):
        """Tell whether a caller is not wanted.

        :param number: the caller's number as the PBX sent it
        :param pbx: the PBX, whose company's list and dial rules apply
        """
        company = pbx.company_id if pbx else self.env.company
        numbers, patterns = self._get_blocks(company.id)
        if not numbers and not patterns:
            return False
        e164, backwards = (
            self.env["callcenter.number"]._get_plan(pbx).search_keys(number)
        )
        now = fields.Datetime.now()
        forms = {e164, backwards[::-1]} - {""}
        return any(
            form in numbers and _holds(numbers[form], now) for form in forms
        ) or any(
            _holds(expiry, now) and any(re.fullmatch(regex, form) for form in forms)
            for regex, expiry in patterns
        )

    @api.model
    @tools.ormcache("company_id")
    def _get_blocks(self, company_id):
        """Return a company's list, ready to compare with.

        :return: dict of expiry by number, and pairs (regular expression, expiry)
        """
        # sudo: callcenter.number.block - the list holds for every caller of the company
        blocks = self.sudo().search_fetch(
            [("company_id", "=", company_id)], ["match", "expiry"]
        )
        numbers, patterns = {}, []
        for block in blocks:
            if re.search(r"[*?]", block.match):
                regex = "".join(
                    WILDCARDS.get(character, re.escape(character))
                    for character in block.match
                )
                patterns.append((regex, block.expiry))
            else:
                numbers[block.match] = block.expiry
        return numbers, tuple(patterns)


def _holds(expiry, now):
    return not expiry or expiry > now
