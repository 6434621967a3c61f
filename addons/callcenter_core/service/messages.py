# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""What agents' screens are told, on their users' own bus channels."""

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
        agents = env["callcenter.agent"]
        recent = Datetime.now() - NEWS
        for agent_id, events in self._calls.items():
            agent = agents.browse(agent_id)
            events = {
                call.id: event
                for call, event in events.items()
                if not call.values["stop"] or call.values["stop"] > recent
            }
            calls = env["callcenter.call"].browse(events)
            for call_id, payload in calls._screen_payload(agent).items():
                self._send(agent, "call", {**payload, "event": events[call_id]})
        agents = agents.browse(dict.fromkeys([*self._agents, *changed]))
        agents.invalidate_recordset(["state", "state_since", "pause_reason"])
        for agent_id, payload in agents._desktop_payload().items():
            self._send(agents.browse(agent_id), "agent", payload)

    def _send(self, agent, kind, payload):
        payload["seq"] = agent._next_seq()[agent.id]
        agent.user_id._bus_send(f"callcenter_core/{kind}", payload)
