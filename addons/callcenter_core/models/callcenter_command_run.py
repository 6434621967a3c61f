# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
import uuid
from concurrent.futures import TimeoutError as NotInTime
from functools import partial

from odoo import models
from odoo.exceptions import UserError

from ..service.cel import Cel, CelAway
from ..service.recorder import Identified
from ..service.session import Settings
from ..service.states import CALL_STATES, PauseSet
from ..telephony import ami
from ..telephony.facts import OUTBOUND, LegEnded, from_dict
from ..telephony.numbers import NotDialable

#: Seconds in which an agent's phone must ring for a dial to be a success.
RING_LIMIT = 2.0
#: Seconds for which an agent's phone rings when he dials by a click.
RING_TIME = 30
#: Seconds for which a command waits for the connector's own thread.
THREAD_LIMIT = 2.5

#: Actions without which the connector cannot do its work, by the class they need.
NEEDED_ACTIONS = {
    "Originate": "originate",
    "Hangup": "call",
    "Status": "call",
    "Atxfer": "call",
    "QueueAdd": "agent",
    "QueueStatus": "agent",
    "PJSIPShowContacts": "system",
}

#: Where the shipped dialplan finds the PBX's own extensions.
INSIDE = "callcenter-transfer"


class CallcenterCommand(models.AbstractModel):
    """What the connector does when it is asked to.

    Each method runs in a worker of the connector, as the user who sent the command and
    in a transaction of its own that may be tried again on a conflict: what reaches the
    PBX must bear to be done twice. It returns a JSON-serialisable result, and raises
    a :class:`UserError` with a sentence for the user.
    """

    _inherit = "callcenter.command"

    # ------------------------------------------------------------
    # SIGN IN, PAUSE
    # ------------------------------------------------------------

    def _run_sign_in(self, session, params):
        """Sign the user in at an extension, to queues.

        The phone becomes a member of these queues and of no others.
        """
        agent = self._get_own_agent()
        # sudo: callcenter.extension - who sits there and its device are needed
        extension = (
            self.env["callcenter.extension"].sudo().browse(params["extension_id"])
        )
        if not extension.reachable:
            raise UserError(
                self.env._(
                    "The phone %s is not reachable: it is switched off or not "
                    "registered at the PBX.",
                    extension.number,
                )
            )
        previous = agent.extension_id
        occupant = session.call(
            partial(session.sign_in, agent.id, extension.interface), THREAD_LIMIT
        )
        if occupant:
            raise UserError(
                self.env._(
                    "%(agent)s is signed in at extension %(extension)s.",
                    agent=agent.browse(occupant).name,
                    extension=extension.number,
                )
            )
        if previous and previous != extension:
            self._leave_queues(session, previous.interface)
        lines = agent.queue_member_ids.filtered(
            lambda line: line.queue_id.id in (params["queue_ids"] or ())
        )
        wanted = {line.queue_id.code: line.penalty for line in lines}
        present = session.recorder.states.queues(extension.interface)
        for queue in present - wanted.keys():
            self._remove_member(session, queue, extension.interface)
        for queue in wanted.keys() - present:
            self._add_member(session, queue, extension, agent, wanted[queue])
        return {"outcome": "signed_in", "extension_id": extension.id}

    def _run_sign_out(self, session, params):
        """Take the user's phone out of all queues and let him leave it."""
        agent = self._get_own_agent()
        if agent.extension_id:
            self._leave_queues(session, agent.extension_id.interface)
        session.call(partial(session.sign_out, agent.id), THREAD_LIMIT)

    def _run_pause(self, session, params):
        """Pause the user's phone in all its queues."""
        self._set_pause(session, params.get("reason") or "")

    def _run_unpause(self, session, params):
        """End the user's pause, or his work after a call."""
        self._set_pause(session, None)

    def _set_pause(self, session, reason):
        agent = self._get_own_agent()
        interface = self._get_own_interface(agent)
        if session.recorder.states.queues(interface):
            session.ami.action(
                "QueuePause",
                {
                    "Interface": interface,
                    "Paused": "false" if reason is None else "true",
                    "Reason": reason or None,
                },
            )
        note = PauseSet(time=session.now(), agent=agent.id, reason=reason)
        session.post(session.record, [note])

    def _leave_queues(self, session, interface):
        for queue in session.recorder.states.queues(interface):
            self._remove_member(session, queue, interface)

    def _add_member(self, session, queue, extension, agent, penalty):
        try:
            session.ami.action(
                "QueueAdd",
                {
                    "Queue": queue,
                    "Interface": extension.interface,
                    "MemberName": agent.name,
                    "Penalty": penalty,
                },
            )
        except ami.ActionRefused as error:
            if "Already there" not in str(error):
                raise

    def _remove_member(self, session, queue, interface):
        try:
            session.ami.action("QueueRemove", {"Queue": queue, "Interface": interface})
        except ami.ActionRefused as error:
            if "Not there" not in str(error):
                raise

    # ------------------------------------------------------------
    # CALLS
    # ------------------------------------------------------------

    def _run_dial(self, session, params):
        """Ring the user's phone, then call a number.

        Succeeds once the phone rings; what becomes of the call the screen tells.
        """
        agent = self._get_own_agent()
        interface = self._get_own_interface(agent)
        if session.recorder.states.state(agent.id) in CALL_STATES:
            raise UserError(self.env._("You are in a call already."))
        # sudo: callcenter.extension, callcenter.pbx - where and how to dial
        extension = agent.sudo().extension_id
        pbx = extension.pbx_id
        number = params["number"]
        plan = self.env["callcenter.number"]._get_plan(pbx)
        try:
            dialled = plan.dial_string(number)
        except NotDialable:
            raise UserError(
                self.env._("“%s” is not a number that can be dialled.", number)
            ) from None
        leg = f"odoo-{uuid.uuid4()}"
        is_outside = not plan.parse(number).is_extension
        session.recorder.origins[leg] = self._get_origin(params, is_outside)
        fate = session.watches.watch(leg)
        try:
            session.ami.action(
                "Originate",
                {
                    "Channel": interface,
                    "ActionID": leg,
                    "ChannelId": leg,
                    "Context": pbx.outbound_context if is_outside else INSIDE,
                    "Exten": dialled,
                    "Priority": 1,
                    # What the agent's phone shows; the dialplan sets our own number.
                    "CallerID": f'"{number}" <{number}>',
                    "Timeout": RING_TIME * 1000,
                    "Variable": self._get_dial_variables(leg, params),
                    "Async": "true",
                },
            )
            fact = fate.result(RING_LIMIT)
        except NotInTime:
            raise UserError(
                self.env._("The phone %s does not ring.", extension.number)
            ) from None
        finally:
            session.watches.forget(leg)
        if fact is None or isinstance(fact, LegEnded):
            session.recorder.origins.pop(leg, None)
            raise UserError(self._get_dial_error(fact, extension))
        return {"call": leg}

    def _get_origin(self, params, is_outside):
        """Return the columns of a call that say from where it was dialled.

        Its number is the customer's, without the prefixes by which the PBX dials it. By
        itself the PBX knows that a call goes outside only when it takes a line.
        """
        columns = {"number": params["number"]}
        if is_outside:
            columns["direction"] = OUTBOUND
        if params.get("res_model"):
            columns.update(res_model=params["res_model"], res_id=params["res_id"])
        return columns

    def _get_dial_variables(self, leg, params):
        """Return channel variables by which the call can be told again."""
        variables = {"__CALLCENTER_CALL": leg}
        if params.get("res_model"):
            record = f"{params['res_model']},{params['res_id']}"
            variables["__CALLCENTER_RECORD"] = record
        return variables

    def _get_dial_error(self, fact, extension):
        """Return in words why an agent's own phone did not ring."""
        if fact is None:
            return self.env._(
                "The phone %s cannot be reached: it is switched off or not registered.",
                extension.number,
            )
        if fact.result == "busy":
            return self.env._("The phone %s is busy.", extension.number)
        if fact.result == "rejected":
            return self.env._("The phone %s rejected the call.", extension.number)
        return self.env._(
            "The phone %(extension)s cannot be rung (cause %(cause)s).",
            extension=extension.number,
            cause=fact.tech_cause or fact.cause,
        )

    def _run_hangup(self, session, params):
        """Hang up the user's own part of a call."""
        agent = self._get_own_agent()
        # sudo: callcenter.call.leg - the channel is told to the PBX, not to the user
        legs = (
            self.env["callcenter.call.leg"]
            .sudo()
            .search(
                [
                    ("call_id", "=", params["call_id"]),
                    ("agent_id", "=", agent.id),
                    ("stop", "=", False),
                ]
            )
        )
        if not legs:
            raise UserError(self.env._("You have no part in this call any more."))
        for leg in legs:
            session.ami.action("Hangup", {"Channel": leg.channel, "Cause": 16})

    def _run_identify(self, session, params):
        """Note whose call it is, and whose its number."""
        call = self.env["callcenter.call"].browse(params["call_id"])
        call.check_access("read")
        record = self.env[params["res_model"]].browse(params["res_id"])
        record.check_access("read")
        self.env["callcenter.number.choice"]._remember(
            call.number, record, call.company_id, call.pbx_id
        )
        # sudo: callcenter.call - the columns to set belong to what the user chose
        note = Identified(
            time=session.now(),
            call=call.uniqueid,
            columns=call.sudo()._get_identity(record),
        )
        self.env.cr.postcommit.add(lambda: session.post(session.record, [note]))

    # ------------------------------------------------------------
    # ADMINISTRATION
    # ------------------------------------------------------------

    def _run_resync(self, session, params):
        """Compare calls and agents with the PBX; return what was found.

        :return: the findings' figures, and ``summary`` and ``problems`` as sentences
        """
        findings = session.call(session.resync, THREAD_LIMIT)
        told = [
            (findings.live, self.env._("Calls that go on: %s", findings.live)),
            (
                findings.found,
                self.env._("Calls found in the journal: %s", findings.found),
            ),
            (findings.closed, self.env._("Calls closed: %s", findings.closed)),
            (findings.dials, self.env._("Half-open dials cleared: %s", findings.dials)),
            (findings.agents, self.env._("Agents set free: %s", findings.agents)),
        ]
        summary = [text for count, text in told if count]
        if not (findings.closed or findings.agents):
            summary.insert(0, self.env._("Calls and agents agree with the PBX."))
        return {
            **findings.to_dict(),
            "summary": ["\n".join(summary)],
            "problems": findings.notes,
        }

    def _run_apply_failures(self, session, params):
        """Apply again what could not be applied."""
        # sudo: callcenter.fact.failure - the sender was checked to be an administrator
        failures = (
            self.env["callcenter.fact.failure"]
            .sudo()
            .search(
                [
                    ("id", "in", params["failure_ids"]),
                    ("pbx_id", "=", session.pbx_id),
                    ("state", "=", "open"),
                ],
                order="date, id",
            )
        )
        facts = [from_dict(failure.fact) for failure in failures]
        failures.write({"state": "done", "resolution": "applied"})
        self.env.cr.postcommit.add(lambda: session.post(session.record, facts))
        return {"facts": len(facts)}

    def _run_test_connection(self, session, params):
        """Try all that the connector needs of the PBX; return what was found.

        :return: the AMI's ``version``, and ``summary`` and ``problems`` as sentences
        """
        problems = []
        states = []
        # sudo: callcenter.pbx - as saved a moment ago, not as the connector has it yet
        settings = Settings.of_all(self.sudo().env)[session.pbx_id]
        client = settings.client(
            timeout=1.5, on_state=lambda state, reason: states.append((state, reason))
        )
        version = ""
        with client:
            if client.wait_connected(2.0):
                version = client.version
                problems += self._find_missing_actions(client)
            else:
                problems.append(states[-1][1] if states else self.env._("No answer."))
        try:
            Cel(settings).check()
        except CelAway as error:
            problems.append(str(error))
        summary = []
        if not problems:
            summary.append(
                self.env._("All is well: AMI %s, all permissions, journal.", version)
                if settings.journal_host
                else self.env._("All is well: AMI %s, all permissions.", version)
            )
        return {"version": version, "summary": summary, "problems": problems}

    def _find_missing_actions(self, client):
        """Return sentences about what the manager's user may not do."""
        actions = client.action("ListCommands")
        return [
            self.env._(
                "The manager's user may not do %(action)s: write = %(permission)s is "
                "missing in manager.conf.",
                action=action,
                permission=permission,
            )
            for action, permission in NEEDED_ACTIONS.items()
            if action not in actions
        ]

    # ------------------------------------------------------------
    # TOOLS
    # ------------------------------------------------------------

    def _get_own_agent(self):
        """Return the user's agent, with the rights to sign in and out."""
        agent = self.env["callcenter.agent"]._get_own()
        if not agent:
            raise UserError(self.env._("You are not an agent of the call center."))
        # sudo: callcenter.agent - where an agent sits is not for himself to write
        return agent.sudo()

    def _get_own_interface(self, agent):
        if not agent.extension_id:
            raise UserError(self.env._("Please sign in at an extension first."))
        return agent.extension_id.interface
