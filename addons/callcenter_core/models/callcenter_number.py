# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
import logging
import re
from collections import defaultdict
from functools import lru_cache

import phonenumbers

from odoo import api, fields, models, tools
from odoo.tools import SQL

from ..telephony.numbers import DialPlan

_logger = logging.getLogger(__name__)

#: Fewest digits at the end that two numbers share to be taken for the same when one
#: of them lacks its area code; shorter numbers (extensions) must be equal.
SUFFIX_LENGTH = 7

#: Records indexed at a time.
BATCH = 2000

#: Set while everything is to be indexed anew: what was indexed before this time.
REBUILD_PARAMETER = "callcenter_core.number_rebuild"

#: What a look-up asks PostgreSQL. Written out, as composing costs as much as asking.
FIND_WHOLE = """
    SELECT res_model, res_id, company_id FROM callcenter_number
     WHERE number = %s LIMIT 200"""
FIND_SHORT = """
    SELECT res_model, res_id, company_id FROM callcenter_number
     WHERE reversed = %s LIMIT 200"""
FIND_END = """
    SELECT res_model, res_id, company_id FROM callcenter_number
     WHERE (reversed LIKE %s OR reversed = ANY(%s))
       AND (number IS NULL OR number LIKE %s)
        OR number = %s LIMIT 200"""


#: A caller's number is read several times within moments, and to read it is costly.
_search_keys = lru_cache(maxsize=4096)(DialPlan.search_keys)


class CallcenterNumber(models.Model):
    """Index of the telephone numbers of contacts, leads and other records.

    One row for each number of a record, kept by ``callcenter.number.mixin``. Found by
    equality of the international form, else from the last digits on: both are look-ups
    in a B-tree, whatever the number of contacts.
    """

    _name = "callcenter.number"
    _description = "Telephone Number"
    _order = "id"
    _rec_name = "number"
    _log_access = False

    number = fields.Char(
        readonly=True,
        index="btree_not_null",
        help="International form (E.164), if the number has one.",
    )
    reversed = fields.Char(readonly=True, help="The number's digits backwards.")
    res_model = fields.Char(string="Model", required=True, readonly=True)
    res_id = fields.Many2oneReference(
        string="Record", model_field="res_model", required=True, readonly=True
    )
    field = fields.Char(required=True, readonly=True)
    company_id = fields.Many2one(
        comodel_name="res.company",
        readonly=True,
        index="btree_not_null",
        ondelete="cascade",
    )
    date = fields.Datetime(string="Indexed On", readonly=True)

    _record_unique = models.UniqueIndex("(res_id, res_model, field)")
    _reversed_index = models.Index("(reversed text_pattern_ops)")

    # ------------------------------------------------------------
    # LOOK-UP
    # ------------------------------------------------------------

    @api.model
    def _lookup(self, number, pbx=None, known=(), limit=20):
        """Return the records that a number may belong to, the likeliest first.

        Only records that the user may read, of the allowed companies, are returned. The
        one that somebody chose for this number comes first, then those with open
        business, then who called last.

        :param number: the number in any form
        :param pbx: the PBX that sent it, whose dial rules apply
        :param known: records that are known to be right: they come first
        :param limit: how many rows of the index to look at
        :return: list of dicts, see ``_callcenter_match_values``
        """
        return self._lookup_all({number: (number, known)}, pbx, limit)[number]

    @api.model
    def _lookup_all(self, requests, pbx=None, limit=20, user_ids=None):
        """Look up several numbers, in not more queries than one needs.

        :param requests: (number, known records) by any key
        :param user_ids: by key, whose own choices go before others'; the user's own,
            if not given
        :return: what ``_lookup`` returns, by the same key
        """
        self._index_scheduled()
        found = self._find_all(
            {number for number, _known in requests.values()}, pbx, limit
        )
        wanted, known = {}, {}
        for key, (number, records) in requests.items():
            known[key] = [(record._name, record.id) for record in records if record]
            wanted[key] = dict.fromkeys([*found[number], *known[key]])
        ids_by_model = defaultdict(set)
        for pairs in wanted.values():
            for res_model, res_id in pairs:
                ids_by_model[res_model].add(res_id)
        matches = {}
        for res_model, res_ids in ids_by_model.items():
            model = self.env.get(res_model)
            if model is None or not model.has_access("read"):
                continue
            records = model.search_fetch(
                [("id", "in", sorted(res_ids))], model._callcenter_match_fields
            )
            for match in records._callcenter_match_values():
                matches[res_model, match["res_id"]] = match
        result = {}
        for key, (number, _known) in requests.items():
            result[key] = [matches[pair] for pair in wanted[key] if pair in matches]
            if len(result[key]) > 1:
                user_id = (user_ids or {}).get(key, self.env.uid)
                chosen = self._get_choices(number, pbx, user_id)
                result[key] = self._rank(result[key], known[key], chosen)
        return result

    @api.model
    @tools.ormcache("user_id", "company_ids")
    def _get_viewer(self, user_id, company_ids):
        """Return a key that is the same for users who may read the same records.

        Kept as long as the rules are, which it is made of.

        :param company_ids: tuple of ids of the companies whose records are looked for
        """
        numbers = self.with_user(user_id).with_context(
            allowed_company_ids=list(company_ids)
        )
        rules = numbers.env["ir.rule"]
        return company_ids, *(
            (
                name,
                numbers.env[name].has_access("read"),
                repr(rules._compute_domain(name)),
            )
            for name in self._get_models()
        )

    @api.model
    def _rank(self, matches, known, chosen):
        """Return matches, the likeliest first.

        A record that another one shows as its open business is left out, unless it is
        known or chosen itself: a contact and their lead are one caller.

        :param known: pairs (model, id) that come first
        :param chosen: weights of what users chose by (model, id)
        """

        def get_key(match):
            return match["res_model"], match["res_id"]

        shown = {
            get_key(record)
            for match in matches
            for record in match["open"]
            if get_key(record) != get_key(match)
        }
        shown.difference_update(known, chosen)
        ranked = [match for match in matches if get_key(match) not in shown]
        ranked.sort(key=lambda match: match["name"])
        ranked.sort(
            key=lambda match: (
                get_key(match) in known,
                chosen.get(get_key(match), 0),
                bool(match["open"] or match["activities"]),
                match["last_call"]["date"] if match["last_call"] else "",
            ),
            reverse=True,
        )
        return ranked

    @api.model
    def _find_all(self, numbers, pbx=None, limit=20):
        """Return the index's rows for several numbers.

        Those that are found by their international form cost one query for all.

        :return: what ``_find`` returns, by number
        """
        plan = self._get_plan(pbx)
        keys = {}
        for number in numbers:
            e164, backwards = self._get_keys(plan, number)
            keys[number] = e164 if self._is_whole(e164, backwards) else ""
        rows = defaultdict(list)
        if len(keys) > 1:
            for e164, res_model, res_id in self.env.execute_query(
                SQL(
                    """SELECT e164, found.res_model, found.res_id
                         FROM unnest(%s::text[]) AS e164 CROSS JOIN LATERAL (
                              SELECT DISTINCT res_model, res_id FROM callcenter_number
                               WHERE number = e164 AND %s LIMIT %s) AS found""",
                    sorted(filter(None, set(keys.values()))),
                    self._get_company_condition(pbx),
                    limit,
                )
            ):
                rows[e164].append((res_model, res_id))
        return {
            number: rows.get(e164) or self._find(number, pbx, limit)
            for number, e164 in keys.items()
        }

    @api.model
    def _get_company_condition(self, pbx):
        return SQL(
            "(company_id IS NULL OR company_id = ANY(%s))", self._get_companies(pbx).ids
        )

    @api.model
    def _find(self, number, pbx=None, limit=20):
        """Return the index's rows for a number.

        The whole number first. If nobody has it, those who have its end: one of the two
        lacks its area code. What may lack it itself is looked up both ways at once.

        :param number: the number in any form
        :param pbx: the PBX that sent it, whose dial rules apply
        :return: list of pairs (model, id)
        """
        plan = self._get_plan(pbx)
        e164, backwards = self._get_keys(plan, number)
        if not backwards:
            return []
        if len(backwards) < SUFFIX_LENGTH:
            return self._select(FIND_SHORT, [backwards], pbx, limit)
        found = []
        if self._is_whole(e164, backwards):
            found = self._select(FIND_WHOLE, [e164], pbx, limit)
        if not found:
            shorter = [
                backwards[:length] for length in range(SUFFIX_LENGTH, len(backwards))
            ]
            # a number without its area code is one of the caller's own country
            country = f"{self._get_country_prefix(plan, e164)}%"
            values = [f"{backwards}%", shorter, country, e164 or None]
            found = self._select(FIND_END, values, pbx, limit)
        return found

    def _is_whole(self, e164, backwards):
        """Tell whether a number surely has its area code."""
        return bool(e164) and len(backwards) == len(e164) - 1

    def _select(self, query, values, pbx, limit):
        # Companies are told apart here: as a condition of the query they would cost
        # PostgreSQL's planner half as much again as all the rest.
        companies = {None, *self._get_companies(pbx).ids}
        self.env.cr.execute(query, values)
        found = dict.fromkeys(
            (res_model, res_id)
            for res_model, res_id, company_id in self.env.cr.fetchall()
            if company_id in companies
        )
        return list(found)[:limit]

    @api.model
    def _get_choices(self, number, pbx, user_id=None):
        """Return how much to prefer what users chose for a number.

        :param user_id: whose choice goes before others', the user's by default
        :return: dict of numbers by (model, id); greater is better
        """
        key = self._get_choice_key(number, pbx)
        if not key:
            return {}
        # sudo: callcenter.number.choice - what colleagues chose counts too
        choices = (
            self.env["callcenter.number.choice"]
            .sudo()
            .search(
                [
                    ("number", "=", key),
                    ("company_id", "in", self._get_companies(pbx).ids),
                ],
                order="date, id",
                limit=50,
            )
        )
        weights = {}
        for position, choice in enumerate(choices, start=1):
            own = choice.user_id.id == (user_id or self.env.uid)
            weight = position + own * len(choices)
            record = choice.res_model, choice.res_id
            weights[record] = max(weight, weights.get(record, 0))
        return weights

    @api.model
    def _get_choice_key(self, number, pbx=None):
        """Return the form of a number under which choices are remembered."""
        e164, backwards = self._get_keys(self._get_plan(pbx), number)
        return e164 or backwards[::-1]

    @api.model
    def _get_companies(self, pbx):
        """Return the companies whose records may be found."""
        if not self.env.su or "allowed_company_ids" in self.env.context:
            return self.env.companies
        return (pbx and pbx.company_id) or self.env.company

    # ------------------------------------------------------------
    # NUMBERS
    # ------------------------------------------------------------

    @api.model
    def _get_plan(self, pbx=None, country=None):
        """Return the rules by which numbers are read.

        :param pbx: PBX that sends the numbers; without one they come from an address
            book and have no prefixes
        :param country: country of the numbers, the PBX's or company's by default
        """
        if not pbx:
            return DialPlan(country=(country or self.env.company.country_id).code or "")
        # sudo: callcenter.pbx - its dial rules are no secret
        pbx = pbx.sudo()
        country = country or pbx.country_id or pbx.company_id.country_id
        return DialPlan(
            country=country.code or "",
            area_code=pbx.area_code or "",
            outside_prefix=pbx.outside_prefix or "",
            internal_prefix=pbx.internal_prefix or "",
            long_distance_prefix=pbx.long_distance_prefix or "",
            extension_length=pbx.extension_length,
        )

    @api.model
    def _get_keys(self, plan, number):
        """Return the forms of a number under which it is stored and looked up.

        As ``DialPlan.search_keys``, but the digits of a number that was written without
        any prefix are left as they are: it may be a whole one or lack its area code,
        and where numbers differ in length nobody can tell.

        :return: international form or an empty string, and digits backwards
        """
        e164, backwards = _search_keys(plan, number)
        if e164:
            digits = re.sub(r"\D", "", number)
            if digits != e164[1:] and e164.endswith(digits):
                backwards = digits[::-1]
        return e164, backwards

    @api.model
    def _get_country_prefix(self, plan, e164):
        """Return how all international forms of a number's country begin."""
        code = (
            phonenumbers.parse(e164).country_code
            if e164
            else phonenumbers.country_code_for_region(plan.country)
        )
        return f"+{code or ''}"

    @api.model
    def _get_models(self):
        """Return the names of the models whose numbers are indexed."""
        return [
            name
            for name in self.env.registry.descendants(
                ["callcenter.number.mixin"], "_inherit"
            )
            if not self.env[name]._abstract and self.env[name]._auto
        ]

    # ------------------------------------------------------------
    # INDEXING
    # ------------------------------------------------------------

    @api.model
    def _index_scheduled(self):
        """Index the records that were scheduled in this transaction, in one go."""
        scheduled = self.env.cr.precommit.data.pop("callcenter_core.numbers", {})
        for res_model, ids in scheduled.items():
            # sudo: every model with numbers - the index is kept for all users
            records = self.env[res_model].sudo().browse(ids).exists()
            records._callcenter_index_numbers()

    @api.model
    def _store(self, rows, empty):
        """Write rows of the index.

        :param rows: list of (number, reversed, res_model, res_id, field, company)
        :param empty: list of (res_model, res_id, field) that have no number any more
        """
        if empty:
            self.env.cr.execute_values(
                """DELETE FROM callcenter_number n
                    USING (VALUES %s) AS gone (res_model, res_id, field)
                    WHERE n.res_id = gone.res_id AND n.res_model = gone.res_model
                    AND n.field = gone.field""",
                empty,
                page_size=BATCH,
            )
        if rows:
            self.env.cr.execute_values(
                """INSERT INTO callcenter_number
                        (number, reversed, res_model, res_id, field, company_id, date)
                    VALUES %s
                    ON CONFLICT (res_id, res_model, field) DO UPDATE
                    SET number = excluded.number, reversed = excluded.reversed,
                        company_id = excluded.company_id, date = excluded.date""",
                rows,
                template="(%s, %s, %s, %s, %s, %s, now() AT TIME ZONE 'UTC')",
                page_size=BATCH,
            )
        if rows or empty:
            self.invalidate_model(flush=False)

    @api.model
    def _remove(self, res_model, ids):
        """Forget records that are deleted."""
        self.env.execute_query(
            SQL(
                """WITH gone AS (
                        DELETE FROM callcenter_number_choice
                        WHERE res_model = %(model)s AND res_id = ANY(%(ids)s)
                    )
                    DELETE FROM callcenter_number
                    WHERE res_model = %(model)s AND res_id = ANY(%(ids)s)
                    RETURNING id""",
                model=res_model,
                ids=list(ids),
            )
        )
        self.invalidate_model(flush=False)

    @api.model
    def _get_missing(self, model, after, before, limit):
        """Return ids of records of which a number is not, or not freshly, indexed.

        :param model: a model with numbers
        :param after: only ids greater than this
        :param before: what was indexed before this time is indexed again, if given
        """
        return [
            res_id
            for (res_id,) in self.env.execute_query(
                SQL(
                    """SELECT r.id FROM %(table)s r
                        WHERE r.id > %(after)s AND (%(missing)s)
                        ORDER BY r.id LIMIT %(limit)s""",
                    table=SQL.identifier(model._table),
                    after=after,
                    missing=SQL(" OR ").join(
                        self._get_missing_condition(model, field, before)
                        for field in model._callcenter_number_fields
                    ),
                    limit=limit,
                )
            )
        ]

    @api.model
    def _get_missing_condition(self, model, field, before):
        fresh = SQL("AND n.date >= %s", before) if before else SQL()
        return SQL(
            """%(column)s > '' AND NOT EXISTS (
                SELECT FROM callcenter_number n WHERE n.res_id = r.id
                AND n.res_model = %(model)s AND n.field = %(field)s %(fresh)s)""",
            column=SQL.identifier("r", field),
            model=model._name,
            field=field,
            fresh=fresh,
        )

    @api.model
    def _index_missing(self, limit=None):
        """Index what is not indexed, in batches, each one committed.

        Data that was there before the addon, that was loaded past the ORM, or all of it
        after ``action_rebuild``. Goes on where it stopped when called again.

        :param limit: stop after about this many records
        :return: whether all is done
        """
        # sudo: ir.config_parameter - set by action_rebuild
        parameters = self.env["ir.config_parameter"].sudo()
        before = parameters.get_param(REBUILD_PARAMETER) or None
        done = 0
        for name in self._get_models():
            # sudo: every model with numbers - the index is kept for all users
            model = self.env[name].sudo()
            model.flush_model(model._callcenter_number_fields)
            after = 0
            while ids := self._get_missing(model, after, before, BATCH):
                model.browse(ids)._callcenter_index_numbers()
                self.env.invalidate_all()
                after = ids[-1]
                done += len(ids)
                _logger.info("Indexed the numbers of %d records, %s", done, name)
                if not self._commit_progress(len(ids)):
                    return False
                if limit and done >= limit:
                    return False
            self._remove_orphans(model)
        if before:
            parameters.set_param(REBUILD_PARAMETER, False)
        return True

    @api.model
    def _commit_progress(self, processed):
        """Commit a batch where this is possible; return the seconds left."""
        if self.env.context.get("callcenter_no_commit"):
            return float("inf")
        return self.env["ir.cron"]._commit_progress(processed)

    @api.model
    def _remove_orphans(self, model):
        """Forget records that were deleted past the ORM."""
        self.env.cr.execute(
            SQL(
                """DELETE FROM callcenter_number n WHERE n.res_model = %s
                    AND NOT EXISTS (SELECT FROM %s r WHERE r.id = n.res_id)""",
                model._name,
                SQL.identifier(model._table),
            )
        )

    @api.model
    def _cron_index(self):
        """Index what is missing; called again by the scheduler until all is done."""
        remaining = sum(
            len(self._get_missing(self.env[name], 0, None, 1))
            for name in self._get_models()
        )
        self.env["ir.cron"]._commit_progress(remaining=remaining)
        if not self._index_missing():
            self.env["ir.cron"]._commit_progress(remaining=1)

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    @api.model
    def action_rebuild(self):
        """Read all numbers again, in the background; look-ups go on meanwhile.

        Of use after the country of a company or many contacts was changed past Odoo.
        """
        self.browse().check_access("read")
        # sudo: ir.config_parameter, ir.cron - administrators of the call center may
        # start this job without being administrators of Odoo
        self.env["ir.config_parameter"].sudo().set_param(
            REBUILD_PARAMETER, fields.Datetime.to_string(fields.Datetime.now())
        )
        self.env.ref("callcenter_core.ir_cron_number_index").sudo()._trigger()
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "info",
                "message": self.env._("All numbers are read again in the background."),
            },
        }
