# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
import json
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.fields import Command
from odoo.tests import TransactionCase, new_test_user

NOISELESS = {
    "mail_create_nolog": True,
    "mail_create_nosubscribe": True,
    "mail_notrack": True,
    "no_reset_password": True,
    "tracking_disable": True,
}


class CallcenterCase(TransactionCase):
    """A small call centre: a user per role, one PBX, two queues, two teams.

    :cvar company: where they all work, in Germany
    :cvar other_company: where only ``foreign_user`` works, as a supervisor
    :cvar agent: of ``team``, which ``leader_user`` leads; ``agent_2`` is of ``team_2``
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env = cls.env(context={**cls.env.context, **NOISELESS})
        cls.germany = cls.env.ref("base.de")
        cls.company = cls.env["res.company"].create(
            {"name": "Kontor", "country_id": cls.germany.id}
        )
        cls.other_company = cls.env["res.company"].create(
            {"name": "Elsewhere", "country_id": cls.env.ref("base.cn").id}
        )
        # no user needs a partner's number of the demo data in these tests
        cls.agent_user = cls._create_user("agent")
        cls.agent_user_2 = cls._create_user("agent")
        cls.leader_user = cls._create_user("leader")
        cls.supervisor_user = cls._create_user("supervisor")
        cls.administrator_user = cls._create_user("administrator")
        cls.internal_user = cls._create_user(None)
        cls.foreign_user = cls._create_user("supervisor", cls.other_company)

        cls.pbx = cls._create_pbx(cls.company)
        cls.extension = cls._create_extension("2001")
        cls.extension_2 = cls._create_extension("2002")
        cls.team, cls.team_2 = cls.env["callcenter.team"].create(
            [
                {
                    "name": "Front",
                    "company_id": cls.company.id,
                    "leader_ids": [Command.set(cls.leader_user.ids)],
                },
                {"name": "Back", "company_id": cls.company.id},
            ]
        )
        cls.agent = cls._create_agent(cls.agent_user, cls.team, cls.extension)
        cls.agent_2 = cls._create_agent(cls.agent_user_2, cls.team_2, cls.extension_2)
        cls.queue, cls.queue_2 = cls.env["callcenter.queue"].create(
            [
                {
                    "name": "Orders",
                    "code": "orders",
                    "pbx_id": cls.pbx.id,
                    "member_ids": [
                        Command.create({"agent_id": agent.id})
                        for agent in cls.agent | cls.agent_2
                    ],
                },
                {"name": "Complaints", "code": "complaints", "pbx_id": cls.pbx.id},
            ]
        )
        cls.env.flush_all()

    # ------------------------------------------------------------
    # RECORDS
    # ------------------------------------------------------------

    @classmethod
    def _create_user(cls, role, company=None):
        company = company or cls.company
        count = cls.env["res.users"].search_count([("login", "=like", "cc\\_%")])
        groups = f"callcenter_core.group_{role}" if role else "base.group_user"
        return new_test_user(
            cls.env,
            login=f"cc_{role}_{count}",
            groups=groups,
            company_id=company.id,
            company_ids=[Command.set(company.ids)],
        )

    @classmethod
    def _create_pbx(cls, company, **values):
        return cls.env["callcenter.pbx"].create(
            {
                "name": f"PBX of {company.name}",
                "company_id": company.id,
                "country_id": company.country_id.id,
                "outside_prefix": "9",
                "password": "sesame",
                **values,
            }
        )

    @classmethod
    def _create_extension(cls, number, pbx=None, **values):
        return cls.env["callcenter.extension"].create(
            {
                "number": number,
                "interface": f"PJSIP/{number}",
                "pbx_id": (pbx or cls.pbx).id,
                **values,
            }
        )

    @classmethod
    def _create_agent(cls, user, team, extension):
        return cls.env["callcenter.agent"].create(
            {
                "user_id": user.id,
                "team_id": team.id,
                "company_id": user.company_id.id,
                "default_extension_id": extension.id,
            }
        )

    @classmethod
    def _create_call(cls, agent=None, **values):
        """Create a call that ``agent`` talks in, as the connector would."""
        agent = cls.agent if agent is None else agent
        count = cls.env["callcenter.call"].search_count([])
        return cls.env["callcenter.call"].create(
            {
                "pbx_id": cls.pbx.id,
                "company_id": cls.company.id,
                "uniqueid": f"1700000000.{count}",
                "direction": "inbound",
                "number": "+49305559067",
                "number_e164": "+49305559067",
                "start": fields.Datetime.now(),
                "state": "talking",
                "agent_id": agent.id,
                "agent_ids": [Command.set(agent.ids)],
                "user_ids": [Command.set(agent.user_id.ids)],
                "team_id": agent.team_id.id,
                **values,
            }
        )

    @classmethod
    def _create_leg(cls, call, agent=None, **values):
        count = cls.env["callcenter.call.leg"].search_count([])
        return cls.env["callcenter.call.leg"].create(
            {
                "call_id": call.id,
                "pbx_id": call.pbx_id.id,
                "company_id": call.company_id.id,
                "uniqueid": f"1700000001.{count}",
                "party": "agent" if agent else "customer",
                "agent_id": agent.id if agent else False,
                "start": call.start,
                **values,
            }
        )

    @classmethod
    def _create_interval(cls, agent, state, **values):
        return cls.env["callcenter.agent.interval"].create(
            {
                "agent_id": agent.id,
                "user_id": agent.user_id.id,
                "team_id": agent.team_id.id,
                "company_id": agent.company_id.id,
                "state": state,
                "start": fields.Datetime.now(),
                **values,
            }
        )

    @classmethod
    def _create_partner(cls, phone, **values):
        partner = cls.env["res.partner"].create(
            {
                "name": f"Partner {phone}",
                "phone": phone,
                "country_id": cls.germany.id,
                **values,
            }
        )
        cls._index()
        return partner

    @classmethod
    def _create_connector(cls, **values):
        return cls.env["callcenter.connector"].create(
            {
                "pbx_id": cls.pbx.id,
                "state": "connected",
                "host": "pbx-host",
                "pid": 42,
                "heartbeat": fields.Datetime.now(),
                **values,
            }
        )

    @classmethod
    def _sign_in(cls, agent, extension):
        """Have an agent sit at an extension, as the connector notes it."""
        agent.extension_id = extension
        agent.queue_member_ids.signed_in = True

    # ------------------------------------------------------------
    # HELPERS
    # ------------------------------------------------------------

    @classmethod
    def _index(cls):
        """Do what happens before a commit."""
        cls.env.cr.flush()

    @classmethod
    def _numbers(cls, record):
        """Return the index's rows of a record, as (field, number, reversed)."""
        cls._index()
        rows = cls.env["callcenter.number"].search(
            [("res_model", "=", record._name), ("res_id", "=", record.id)]
        )
        return [(row.field, row.number, row.reversed) for row in rows]

    def _lookup(self, number, user=None, pbx=None):
        """Return who a user is told to be calling, as records."""
        user = user or self.agent_user
        matches = (
            self.env["callcenter.number"]
            .with_user(user)
            .with_context(allowed_company_ids=user.company_ids.ids)
            ._lookup(number, self.pbx if pbx is None else pbx)
        )
        return [
            self.env[match["res_model"]].browse(match["res_id"]) for match in matches
        ]

    def _capture_commands(self):
        """Return a list in which the commands appear that are sent in a test."""
        sent = []
        cursor_class = type(self.env.cr)
        execute = cursor_class.execute

        def listen(cursor, query, params=None, *args, **kwargs):
            if isinstance(query, str) and "pg_notify" in query:
                channel, payload = params
                self.assertEqual(channel, "callcenter_command")
                sent.append(json.loads(payload))
            return execute(cursor, query, params, *args, **kwargs)

        self.startPatcher(patch.object(cursor_class, "execute", listen))
        return sent

    def _ago(self, **duration):
        return fields.Datetime.now() - timedelta(**duration)
