# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""What agents' screens are told, on their users' own bus channels."""

from collections import Counter
from datetime import timedelta

from odoo.fields import Datetime

#: A call that ended longer ago is no news to a screen.
NEWS = timedelta(seconds=60)

#: Events in the order in which one outweighs the other when both are in one batch.
_WEIGHT = {
    "changed": 0,
    "ringing": 1,
    "answered": 1,
    "held": 1,
    "resumed": 1,
    "ended": 2,
}

#: What the look-up of a caller depends on: it holds until one of these changes.
_IDENTITY = ("direction", "number", "partner_id", "lead_id")


def _identity(call):
    return [call.values.get(column) for column in _IDENTITY]


class Messages:
    """The messages of one batch; of each call one to each agent, with its last event.

    They travel in the transaction that writes what they tell.
    """

    def __init__(self):
        self._agents = {}
        self._calls = {}

    def agent(self, agent_id):
        """Tell an agent (0 for nobody) that their state or phone changed."""
        if agent_id:
            self._agents[agent_id] = None

    def call(self, agent_id, call, event):
        """Tell an agent of a call; ``call`` gets its ``id`` before :meth:`send`."""
        calls = self._calls.setdefault(agent_id, {})
        if _WEIGHT[event] >= _WEIGHT[calls.get(call, "changed")]:
            calls[call] = event

    def send(self, env, changed):
        """Send everything.

        :param changed: ids of the agents whose state changed
        """
        messages = [*self._call_messages(env), *self._agent_messages(env, changed)]
        counts = Counter(agent.id for agent, _kind, _payload in messages)
        seq = env["callcenter.agent"].browse(counts)._next_seq(counts)
        for agent, kind, payload in messages:
            payload["seq"] = seq[agent.id]
            seq[agent.id] += 1
            agent.user_id._bus_send(f"callcenter_core/{kind}", payload)

    def _call_messages(self, env):
        recent = Datetime.now() - NEWS
        screens, shown, matches = {}, {}, {}
        for agent in env["callcenter.agent"].browse(self._calls):
            calls = [
                call
                for call in self._calls[agent.id]
                if not call.values["stop"] or call.values["stop"] > recent
            ]
            screens[agent] = env["callcenter.call"].browse([call.id for call in calls])
            for call in calls:
                shown[agent.id, call.id] = call
                identity, found = call.matches.get(agent.id, (None, None))
                if identity == _identity(call):
                    matches[agent.id, call.id] = found
        payloads = env["callcenter.call"]._screen_payloads(screens, matches)
        for agent, calls in screens.items():
            for call_id in calls.ids:
                call, payload = shown[agent.id, call_id], payloads[agent.id, call_id]
                # Looked up once a call, mostly: it costs more than all the rest.
                call.matches[agent.id] = _identity(call), payload["matches"]
                payload["event"] = self._calls[agent.id][call]
                yield agent, "call", payload

    def _agent_messages(self, env, changed):
        agents = env["callcenter.agent"].browse(
            dict.fromkeys([*self._agents, *changed])
        )
        agents.invalidate_recordset(["state", "state_since", "pause_reason"])
        for agent_id, payload in agents._desktop_payload().items():
            yield agents.browse(agent_id).with_prefetch(agents._ids), "agent", payload
