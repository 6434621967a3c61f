# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
from datetime import timedelta

from odoo import fields, models

#: Seconds without a heartbeat after which a connector is taken for dead.
HEARTBEAT_LIMIT = 20


class CallcenterConnector(models.Model):
    """The connector that serves a PBX: how it is, and its lease.

    Written by the connector alone. The row is also the lease: whoever leads raises
    ``epoch``, and checks it in every transaction.
    """

    _name = "callcenter.connector"
    _description = "PBX Connector"
    _rec_name = "pbx_id"

    pbx_id = fields.Many2one(
        comodel_name="callcenter.pbx",
        string="PBX",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(related="pbx_id.company_id", store=True, index=True)
    epoch = fields.Integer(
        readonly=True, help="Grows by one each time another connector takes over."
    )
    host = fields.Char(readonly=True)
    pid = fields.Integer(string="Process", readonly=True)
    state = fields.Selection(
        selection=[
            ("offline", "Offline"),
            ("connecting", "Connecting"),
            ("standby", "Standing By"),
            ("connected", "Connected"),
            ("error", "Error"),
        ],
        required=True,
        default="offline",
        readonly=True,
    )
    error = fields.Text(readonly=True)
    connected_since = fields.Datetime(readonly=True)
    last_event = fields.Datetime(readonly=True)
    heartbeat = fields.Datetime(readonly=True)
    events_per_second = fields.Float(string="Events/s", digits=(12, 1), readonly=True)
    commit_lag = fields.Float(
        string="Commit Lag (ms)",
        digits=(12, 1),
        readonly=True,
        help="From an event's arrival to the commit of what it says.",
    )
    backlog = fields.Integer(
        readonly=True, help="Facts that wait, in memory or in the spool file."
    )
    reconnects = fields.Integer(readonly=True)
    gap_ids = fields.One2many(
        comodel_name="callcenter.connector.gap",
        inverse_name="connector_id",
        readonly=True,
    )

    _pbx_unique = models.UniqueIndex(
        "(pbx_id)", "A PBX is served by one connector at a time."
    )

    # ------------------------------------------------------------
    # BUSINESS
    # ------------------------------------------------------------

    def _is_alive(self):
        """Tell whether the connector still says that it lives."""
        limit = fields.Datetime.now() - timedelta(seconds=HEARTBEAT_LIMIT)
        return bool(
            self and self.state != "offline" and (self.heartbeat or limit) > limit
        )


class CallcenterConnectorGap(models.Model):
    """A time in which nobody listened to the PBX, and what was found of it."""

    _name = "callcenter.connector.gap"
    _description = "Gap of a PBX Connector"
    _order = "start desc, id desc"
    _rec_name = "start"

    connector_id = fields.Many2one(
        comodel_name="callcenter.connector",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(
        related="connector_id.company_id", store=True, index=True
    )
    start = fields.Datetime(required=True, readonly=True)
    stop = fields.Datetime(readonly=True)
    reason = fields.Char(readonly=True)
    found = fields.Integer(
        string="Calls Found",
        readonly=True,
        help="Calls of this time that the journal told.",
    )
    closed = fields.Integer(
        string="Calls Closed",
        readonly=True,
        help="Calls that had ended unseen.",
    )
    note = fields.Text(readonly=True)
