# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
import json
import uuid

from odoo import api, models
from odoo.exceptions import UserError

#: PostgreSQL channel on which the connectors listen.
CHANNEL = "callcenter_command"

#: PostgreSQL takes less than 8000 bytes in a notification.
PAYLOAD_LIMIT = 7999


class CallcenterCommand(models.AbstractModel):
    """What web workers ask the connector to do.

    A command is a notification of the caller's own transaction: nothing is stored,
    nothing is sent if the transaction fails. The connector that leads the PBX runs
    ``_run_<name>(session, params)`` as the user who sent it; an addon adds a command
    by adding that method.
    """

    _name = "callcenter.command"
    _description = "Telephony Command"

    @api.model
    def _send(self, pbx, name, params):
        """Send a command to the connector of a PBX, once the transaction commits.

        :param pbx: the PBX
        :param name: name of a command: a method ``_run_<name>`` exists
        :param params: JSON-serialisable dict
        :return: the UUID that the answer on the user's bus channel will name
        """
        self._check_command(pbx, name)
        command_uuid = str(uuid.uuid4())
        payload = json.dumps(
            {
                "uuid": command_uuid,
                "pbx": pbx.id,
                "name": name,
                "params": params,
                "uid": self.env.uid,
            },
            ensure_ascii=False,
            separators=(",", ":"),
        )
        if len(payload.encode()) > PAYLOAD_LIMIT:
            raise UserError(self.env._("This is too long to be sent to the PBX."))
        self.env.cr.execute("SELECT pg_notify(%s, %s)", (CHANNEL, payload))
        return command_uuid

    @api.model
    def _get_command_groups(self):
        """Return who may send which command: XML ids of groups by name.

        Commands that are not named here need ``callcenter_core.group_agent``.
        """
        administrator = "callcenter_core.group_administrator"
        return {
            "apply_failures": administrator,
            "resync": "callcenter_core.group_supervisor",
            "test_connection": administrator,
        }

    @api.model
    def _check_command(self, pbx, name):
        """Raise unless the user may send this command to this PBX."""
        if not callable(getattr(self, f"_run_{name}", None)):
            raise UserError(self.env._("There is no command “%s”.", name))
        pbx.ensure_one()
        # whoever fetched the record: the rights of who sends the command count
        pbx.with_env(self.env).check_access("read")
        group = self._get_command_groups().get(name, "callcenter_core.group_agent")
        if not self.env.su and not self.env.user.has_group(group):
            raise UserError(
                self.env._("You are not permitted to do this (command “%s”).", name)
            )
