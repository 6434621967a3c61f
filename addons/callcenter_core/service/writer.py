# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""What a batch of facts comes to, written by the ORM, many rows at a time."""

from odoo.fields import Command

from ..telephony import facts
from .rows import moment

#: Share by which a round trip must change before it is worth a write.
LATENCY_CHANGE = 0.2


class Writer:
    """The writing half of the :class:`~.recorder.Recorder`, which has all it uses."""

    # ------------------------------------------------------------
    # ROWS
    # ------------------------------------------------------------

    def _write_calls(self, env):
        model = env["callcenter.call"]
        created = []
        for call in self._touched_calls:
            if not call.id:
                created.append(call)
            elif values := self._call_values(call):
                model.browse(call.id).write(values)
        records = model.create([self._call_values(call) for call in created])
        for call, record in zip(created, records, strict=True):
            call.id = record.id
        for call in self._touched_calls:
            if into := call.changes.get("merged_into_id"):
                model.browse(call.id).write({"merged_into_id": into.id})

    def _call_values(self, call):
        values = {
            column: value
            for column, value in call.pending().items()
            # May have no id yet.
            if column != "merged_into_id"
        }
        if call.joined:
            agents = self.directory.agents
            users = {agents[agent].user_id for agent in call.joined if agent in agents}
            values["agent_ids"] = [Command.link(agent) for agent in call.joined]
            values["user_ids"] = [Command.link(user) for user in users]
        return values

    def _write_legs(self, env):
        model = env["callcenter.call.leg"]
        created = []
        for leg in self._touched_legs:
            if "call_id" in leg.changes:
                leg.changes["call_id"] = leg.values["call_id"] = leg.call.id
            if not leg.id:
                created.append(leg)
            elif leg.changes:
                model.browse(leg.id).write(leg.pending())
        records = model.create([leg.changes for leg in created])
        for leg, record in zip(created, records, strict=True):
            leg.id = record.id

    def _write_intervals(self, env):
        model = env["callcenter.agent.interval"]
        created = []
        for interval in self.states.intervals():
            if not interval.id:
                created.append(interval)
            else:
                model.browse(interval.id).write(
                    {
                        "stop": moment(interval.stop),
                        "duration": interval.stop - interval.start,
                    }
                )
        # The index allows one open interval: first the old ones end.
        model.flush_model()
        calls = self._call_ids(env, {each.call for each in created if each.call})
        records = model.create(
            [self._interval_values(interval, calls) for interval in created]
        )
        for interval, record in zip(created, records, strict=True):
            interval.id = record.id

    def _interval_values(self, interval, calls):
        agent = self.directory.agents.get(interval.agent)
        extension = self.directory.extensions.get(interval.interface)
        return {
            "agent_id": interval.agent,
            "user_id": agent and agent.user_id,
            "team_id": agent and agent.team_id,
            "company_id": agent.company_id if agent else self.directory.company_id,
            "state": interval.state,
            "reason": interval.reason or False,
            "start": moment(interval.start),
            "stop": moment(interval.stop) if interval.stop else False,
            "duration": interval.stop - interval.start if interval.stop else 0.0,
            "extension_id": extension and extension.id,
            "call_id": calls.get(interval.call, False),
        }

    def _call_ids(self, env, keys):
        """Return the ids of calls by their keys."""
        ids = {key: self._calls[key].id for key in keys if key in self._calls}
        if missing := keys - ids.keys():
            for row in env["callcenter.call"].search_read(
                [("pbx_id", "=", self.pbx_id), ("uniqueid", "in", list(missing))],
                ["uniqueid"],
            ):
                ids[row["uniqueid"]] = row["id"]
        return ids

    def _discard(self, env):
        """Delete what turned out to be no call; its legs go with it."""
        env["callcenter.call"].browse([call.id for call in self._discarded]).unlink()

    def _write_phones(self, env):
        extensions = env["callcenter.extension"]
        for interface, fact in self._phones.items():
            if known := self.directory.extensions.get(interface):
                extension = extensions.browse(known.id)
                if values := self._phone_values(extension, fact):
                    extension.write(values)
                    self._messages.agent(self.states.seat(interface))

    def _phone_values(self, extension, fact):
        values = {}
        if extension.reachable != fact.reachable:
            values["reachable"] = fact.reachable
        change = abs(fact.latency - extension.latency)
        if fact.latency and change > LATENCY_CHANGE * extension.latency:
            values["latency"] = fact.latency
        if not fact.reachable and extension.latency:
            values["latency"] = 0.0
        if fact.uri and fact.uri != extension.contact_uri:
            values["contact_uri"] = fact.uri
        if fact.user_agent and fact.user_agent != extension.user_agent:
            values["user_agent"] = fact.user_agent
        return values

    def _write_seats(self, env):
        for agent_id, extension_id in self._seats.items():
            agent = env["callcenter.agent"].browse(agent_id)
            if agent.extension_id.id != extension_id:
                agent.extension_id = extension_id

    def _write_memberships(self, env):
        model = env["callcenter.queue.member"]
        members = self.directory.members
        for (queue_name, agent_id), signed_in in self._memberships.items():
            queue = self.directory.queues.get(queue_name)
            known = members.get((queue_name, agent_id))
            if queue is None or (known and known.signed_in == signed_in):
                continue
            if known:
                model.browse(known.id).signed_in = signed_in
            elif signed_in:
                # The PBX has the agent in this queue: so he may be.
                model.create(
                    {"queue_id": queue.id, "agent_id": agent_id, "signed_in": True}
                )
            self._messages.agent(agent_id)
            self._stale = True

    # ------------------------------------------------------------
    # WHO IS CALLING
    # ------------------------------------------------------------

    def _identify(self, env):
        """Fill in whose the calls are, where there is no doubt.

        A call is looked up once it is known to be with an outside number: a dialled one
        is internal until the outside line is taken.
        """
        outside = {}
        for call in self._touched_calls:
            if call.changes.get("res_model"):
                record = env[call.values["res_model"]].browse(call.values["res_id"])
                for column, value in (
                    env["callcenter.call"]._get_identity(record).items()
                ):
                    call.fill(column, value)
            if (
                call.values["direction"] != facts.INTERNAL
                and call.values.get("number")
                and not call.changes.keys().isdisjoint(("number", "direction"))
            ):
                outside[call] = call.values["number"]
        if outside:
            pbx = env["callcenter.pbx"].browse(self.pbx_id)
            found = env["callcenter.call"]._identify(set(outside.values()), pbx)
            for call, number in outside.items():
                for column, value in found.get(number, {}).items():
                    call.fill(column, value)
