# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
from odoo import api, fields, models
from odoo.exceptions import UserError


class CallcenterPbx(models.Model):
    """One Asterisk, and how to reach it.

    Only the connector (``odoo callcenter``) opens connections with what is kept
    here; web workers never do.
    """

    _name = "callcenter.pbx"
    _description = "PBX"
    _order = "sequence, name, id"
    _check_company_auto = True

    name = fields.Char(required=True)
    active = fields.Boolean(default=True)
    sequence = fields.Integer(default=10)
    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        index=True,
        default=lambda self: self.env.company,
    )

    # manager interface
    host = fields.Char(
        required=True,
        default="127.0.0.1",
        help="Name or address of the machine on which Asterisk's manager interface "
        "listens: bindaddr in /etc/asterisk/manager.conf.",
    )
    port = fields.Integer(
        required=True,
        default=5038,
        help="Port of the manager interface: port (or tlsbindaddr's port, with TLS) "
        "in /etc/asterisk/manager.conf.",
    )
    use_tls = fields.Boolean(
        string="Use TLS",
        help="Encrypt the connection: tlsenable, tlsbindaddr and tlscertfile in "
        "/etc/asterisk/manager.conf.",
    )
    tls_ca = fields.Text(
        string="TLS Authority",
        help="Certificate (PEM) of the authority that signed the file named by "
        "tlscertfile in /etc/asterisk/manager.conf; empty for the authorities that "
        "the connector's machine trusts.",
    )
    username = fields.Char(
        required=True,
        default="odoo",
        groups="callcenter_core.group_administrator",
        help="Name of the section of this user in /etc/asterisk/manager.conf, "
        "for example [odoo].",
    )
    password = fields.Char(
        exportable=False,
        copy=False,
        groups="callcenter_core.group_administrator",
        help="secret of this user in /etc/asterisk/manager.conf.",
    )

    # dial rules
    country_id = fields.Many2one(
        comodel_name="res.country",
        default=lambda self: self.env.company.country_id,
        help="Country whose national numbers the PBX sends and dials, as the context "
        "of the trunk in /etc/asterisk/extensions.conf expects them.",
    )
    area_code = fields.Char(
        help="Area code of the PBX's own numbers without its leading zero, for example "
        "30; numbers without one are read as of this area.",
    )
    extension_length = fields.Integer(
        default=4,
        help="Most digits that an extension's number has, as in "
        "/etc/asterisk/extensions.conf; longer numbers are outside ones.",
    )
    outside_prefix = fields.Char(
        help="Digits dialled to get an outside line, for example 9; empty if the "
        "dialplan in /etc/asterisk/extensions.conf expects none.",
    )
    internal_prefix = fields.Char(
        help="Digits dialled before an extension's number, for example 5; empty if the "
        "dialplan in /etc/asterisk/extensions.conf expects none.",
    )
    long_distance_prefix = fields.Char(
        help="Digits dialled before a number outside the own area, for example 0; "
        "empty to dial every number as it is usually written in the country. "
        "The dialplan in /etc/asterisk/extensions.conf must expect the same.",
    )
    outbound_context = fields.Char(
        required=True,
        default="callcenter-out",
        help="Context in /etc/asterisk/extensions.conf that dials a number for an "
        "agent.",
    )
    outbound_number = fields.Char(
        string="Caller Number Shown",
        help="Number that called people see, in the form your carrier expects; "
        "CALLERID(num) in /etc/asterisk/extensions.conf.",
    )

    # journal
    journal_host = fields.Char(
        help="Host of the PostgreSQL database in which Asterisk keeps its journal of "
        "channel events: hostname in /etc/asterisk/cel_pgsql.conf. Empty: no journal, "
        "what happens while the connector is away is lost.",
    )
    journal_port = fields.Integer(
        default=5432, help="port in /etc/asterisk/cel_pgsql.conf."
    )
    journal_database = fields.Char(
        default="asterisk", help="dbname in /etc/asterisk/cel_pgsql.conf."
    )
    journal_username = fields.Char(
        default="callcenter",
        groups="callcenter_core.group_administrator",
        help="Database role that may read and clean the journal; not the one in "
        "/etc/asterisk/cel_pgsql.conf, which may only add to it.",
    )
    journal_password = fields.Char(
        exportable=False,
        copy=False,
        groups="callcenter_core.group_administrator",
        help="Password of that role; not the one in /etc/asterisk/cel_pgsql.conf.",
    )
    journal_table = fields.Char(
        default="cel", help="table in /etc/asterisk/cel_pgsql.conf."
    )

    extension_ids = fields.One2many(
        comodel_name="callcenter.extension", inverse_name="pbx_id"
    )
    queue_ids = fields.One2many(comodel_name="callcenter.queue", inverse_name="pbx_id")
    connector_ids = fields.One2many(
        comodel_name="callcenter.connector", inverse_name="pbx_id", string="Connectors"
    )
    extension_count = fields.Integer(compute="_compute_extension_count")
    queue_count = fields.Integer(compute="_compute_queue_count")
    failure_count = fields.Integer(compute="_compute_failure_count")

    # health, told by the connector
    health = fields.Selection(
        selection=[
            ("not_running", "No Connector"),
            ("connecting", "Connecting"),
            ("connected", "Connected"),
            ("error", "Error"),
        ],
        compute="_compute_connector",
    )
    health_message = fields.Char(compute="_compute_connector")
    connector_place = fields.Char(string="Runs On", compute="_compute_connector")
    connected_since = fields.Datetime(related="connector_ids.connected_since")
    last_event = fields.Datetime(related="connector_ids.last_event")
    heartbeat = fields.Datetime(related="connector_ids.heartbeat")
    events_per_second = fields.Float(related="connector_ids.events_per_second")
    commit_lag = fields.Float(related="connector_ids.commit_lag")
    backlog = fields.Integer(related="connector_ids.backlog")
    reconnects = fields.Integer(related="connector_ids.reconnects")
    gap_ids = fields.One2many(related="connector_ids.gap_ids")

    _name_company_unique = models.UniqueIndex(
        "(name, company_id) WHERE active", "A PBX with this name exists already."
    )
    _check_port = models.Constraint(
        "CHECK (port BETWEEN 1 AND 65535)", "A port is a number from 1 to 65535."
    )

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    @api.depends("extension_ids")
    def _compute_extension_count(self):
        counts = dict(
            self.env["callcenter.extension"]._read_group(
                [("pbx_id", "in", self.ids)], ["pbx_id"], ["__count"]
            )
        )
        for pbx in self:
            pbx.extension_count = counts.get(pbx, 0)

    @api.depends("queue_ids")
    def _compute_queue_count(self):
        counts = dict(
            self.env["callcenter.queue"]._read_group(
                [("pbx_id", "in", self.ids)], ["pbx_id"], ["__count"]
            )
        )
        for pbx in self:
            pbx.queue_count = counts.get(pbx, 0)

    @api.depends_context("uid")
    def _compute_failure_count(self):
        counts = {}
        if self.env["callcenter.fact.failure"].has_access("read"):
            counts = dict(
                self.env["callcenter.fact.failure"]._read_group(
                    [("pbx_id", "in", self.ids), ("state", "=", "open")],
                    ["pbx_id"],
                    ["__count"],
                )
            )
        for pbx in self:
            pbx.failure_count = counts.get(pbx, 0)

    @api.depends(
        "connector_ids.state", "connector_ids.error", "connector_ids.heartbeat"
    )
    def _compute_connector(self):
        for pbx in self:
            connector = pbx.connector_ids[:1]
            pbx.connector_place = (
                connector.host and f"{connector.host}:{connector.pid}" or False
            )
            if not connector._is_alive():
                pbx.health = "not_running"
                pbx.health_message = self.env._(
                    "No connector is running for this PBX. Start “odoo callcenter” on "
                    "a machine that reaches the PBX and this database."
                )
            elif connector.state == "error":
                pbx.health = "error"
                pbx.health_message = connector.error
            elif connector.state == "connected":
                pbx.health = "connected"
                pbx.health_message = connector.error
            else:
                pbx.health = "connecting"
                pbx.health_message = connector.error

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    @api.ondelete(at_uninstall=False)
    def _unlink_except_with_calls(self):
        # sudo: callcenter.call - whoever may see them, calls are not to be lost
        calls = self.env["callcenter.call"].sudo()
        if calls.search_count([("pbx_id", "in", self.ids)], limit=1):
            raise UserError(
                self.env._(
                    "A PBX cannot be deleted with its calls. Archive it instead."
                )
            )

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_test_connection(self):
        """Have the connector try everything that it needs, and tell the result."""
        return self._send_to_connector(
            "test_connection",
            self.env._("The connector tests its connections to %s.", self.name),
        )

    def action_resync(self):
        """Have the connector compare the calls and agents here with the PBX."""
        return self._send_to_connector(
            "resync",
            self.env._("The connector compares calls and agents with %s.", self.name),
        )

    def action_view_extensions(self):
        """Open the extensions of this PBX."""
        return self._action_view("callcenter_core.callcenter_extension_action")

    def action_view_queues(self):
        """Open the queues of this PBX."""
        return self._action_view("callcenter_core.callcenter_queue_action")

    def action_view_failures(self):
        """Open what could not be applied of this PBX's facts."""
        return self._action_view("callcenter_core.callcenter_fact_failure_action")

    def _action_view(self, xml_id):
        action = self.env["ir.actions.act_window"]._for_xml_id(xml_id)
        action["domain"] = [("pbx_id", "in", self.ids)]
        action["context"] = {"default_pbx_id": self.id}
        return action

    def _send_to_connector(self, command, message):
        """Send an administrator's command and have its answer shown.

        :param command: name of the command
        :param message: what to tell until the answer comes
        :return: a client action: why it is of no use, or waiting for the answer
        """
        self.ensure_one()
        command_uuid = self.env["callcenter.command"]._send(self, command, {})
        if self.health == "not_running":
            return {
                "type": "ir.actions.client",
                "tag": "display_notification",
                "params": {
                    "type": "danger",
                    "title": self.name,
                    "message": self.health_message,
                    "sticky": True,
                    "next": {"type": "ir.actions.client", "tag": "soft_reload"},
                },
            }
        return {
            "type": "ir.actions.client",
            "tag": "callcenter_core.await_answer",
            "params": {"uuid": command_uuid, "title": self.name, "message": message},
        }
