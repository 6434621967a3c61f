# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""Demo data of which there is too much to write it down."""

import random
from datetime import datetime, timedelta

from odoo import api, models
from odoo.fields import Command

#: Days that are played, and calls on a day from Monday to Sunday.
DAYS = 7
CALLS = [13, 11, 10, 12, 9, 4, 3]


class CallcenterDemo(models.AbstractModel):
    _name = "callcenter.demo"
    _description = "Demo Data of the Call Center"

    @api.model
    def _install_extensions(self, pbx_id):
        """Create twenty extensions, 1001 to 1020."""
        self.env["callcenter.extension"].create(
            [
                {
                    "pbx_id": pbx_id,
                    "number": str(number),
                    "interface": f"PJSIP/{number}",
                    "name": f"Desk {number - 1000}",
                }
                for number in range(1001, 1021)
            ]
        )

    @api.model
    def _install_calls(self):
        """Create the calls of the last week, with legs and what the agents did."""
        # the same week for everybody, so that pictures of it can be compared
        dice = random.Random(19)
        today = datetime.now().replace(hour=0, minute=0, second=0, microsecond=0)
        agents = [
            self.env.ref(f"callcenter_core.agent_{name}")
            for name in ("anna", "ben", "chen")
        ]
        history = _History(self.env, dice, agents)
        for day in range(DAYS, 0, -1):
            history.play_day(today - timedelta(days=day))
        self.env["callcenter.call"].create(history.calls)
        self.env["callcenter.agent.interval"].create(history.intervals)


class _History:
    """A week of a small call centre, as values for ``create``.

    :param dice: what decides; the same seed gives the same week
    """

    def __init__(self, env, dice, agents):
        self.env = env
        self.dice = dice
        self.agents = agents
        self.pbx = env.ref("callcenter_core.pbx_head_office")
        self.queues = [
            env.ref("callcenter_core.queue_sales"),
            env.ref("callcenter_core.queue_support"),
        ]
        self.partners = [
            env.ref(f"callcenter_core.partner_{name}")
            for name in (
                "weber weber_klaus sonnenhof nordlicht krause yilmaz shenjiang wang "
                "yanjing liu"
            ).split()
        ]
        self.lead = env.ref("callcenter_core.lead_vogel")
        self.calls = []
        self.intervals = []
        self.serial = 0

    def play_day(self, midnight):
        """Play one day; the centre works from seven to fifteen o'clock UTC."""
        opening = midnight + timedelta(hours=7)
        closing = midnight + timedelta(hours=15)
        busy = {agent.id: [] for agent in self.agents}
        # one call after the other: nobody is in two calls at a time
        slots = sorted(
            self.dice.sample(range(0, 8 * 3600 - 1800, 1200), CALLS[midnight.weekday()])
        )
        for slot in slots:
            start = opening + timedelta(seconds=slot + self.dice.randrange(300))
            agent = self.dice.choice(self.agents)
            kind = self.dice.choices(
                ["inbound", "missed_once", "abandoned", "outbound", "no_answer"],
                weights=[46, 12, 14, 20, 8],
            )[0]
            getattr(self, f"_play_{kind}")(start, agent, busy)
        for agent in self.agents:
            self._fill_intervals(agent, opening, closing, busy[agent.id])

    def _play_inbound(self, start, agent, busy, missed_by=None):
        queue = self.dice.choice(self.queues)
        wait = self.dice.randrange(4, 28)
        legs = []
        offered = start + timedelta(seconds=2)
        if missed_by:
            legs.append(
                self._leg("agent", offered, 15, 0, 0, agent=missed_by, queue=queue)
            )
            offered += timedelta(seconds=16)
            wait += 17
        ring = (start + timedelta(seconds=wait) - offered).total_seconds()
        talk = self.dice.randrange(40, 620)
        hold = self.dice.choice([0, 0, 0, 35, 80])
        legs.append(
            self._leg("agent", offered, ring, talk, hold, agent=agent, queue=queue)
        )
        total = wait + talk + hold
        legs.insert(0, self._leg("customer", start, 0, talk, hold, wait=wait))
        self._call(
            "inbound",
            start,
            legs,
            agent,
            queue=queue,
            result="answered",
            wait=wait,
            ring=ring,
            talk=talk,
            hold=hold,
            duration=total,
            ended_by=self.dice.choice(["customer", "agent"]),
            missed_by=missed_by,
        )
        self._busy(busy, agent, offered, ring, talk, hold, "ringing")
        if missed_by:
            first = start + timedelta(seconds=2)
            busy[missed_by.id].append(("ringing", first, first + timedelta(seconds=15)))

    def _play_missed_once(self, start, agent, busy):
        others = [other for other in self.agents if other != agent]
        self._play_inbound(start, agent, busy, missed_by=self.dice.choice(others))

    def _play_abandoned(self, start, agent, busy):
        queue = self.dice.choice(self.queues)
        wait = self.dice.randrange(8, 95)
        offered = start + timedelta(seconds=2)
        legs = [
            self._leg("customer", start, 0, 0, 0, wait=wait),
            self._leg(
                "agent", offered, min(wait - 2, 15), 0, 0, agent=agent, queue=queue
            ),
        ]
        self._call(
            "inbound",
            start,
            legs,
            agent,
            queue=queue,
            result="abandoned",
            wait=wait,
            ring=min(wait - 2, 15),
            talk=0,
            hold=0,
            duration=wait,
            ended_by="customer",
        )
        busy[agent.id].append(
            ("ringing", offered, offered + timedelta(seconds=min(wait - 2, 15)))
        )

    def _play_outbound(self, start, agent, busy, answered=True):
        ring = self.dice.randrange(5, 25)
        talk = self.dice.randrange(30, 480) if answered else 0
        pick_up = start + timedelta(seconds=3)
        legs = [
            self._leg("agent", start, 3, talk, 0, agent=agent, wait=ring),
            self._leg("customer", pick_up, ring, talk, 0),
        ]
        self._call(
            "outbound",
            start,
            legs,
            agent,
            result="answered" if answered else "no_answer",
            wait=ring,
            ring=ring,
            talk=talk,
            hold=0,
            duration=3 + ring + talk,
            ended_by="customer" if answered else "system",
        )
        self._busy(busy, agent, start, 3 + ring, talk, 0, "dialling")

    def _play_no_answer(self, start, agent, busy):
        self._play_outbound(start, agent, busy, answered=False)

    def _busy(self, busy, agent, start, ring, talk, hold, first):
        spans = busy[agent.id]
        for state, length in (
            (first, ring),
            ("talking", talk - talk // 2),
            ("holding", hold),
            ("talking", talk // 2),
            ("wrap_up", self.dice.randrange(10, 60) if talk else 0),
        ):
            if length:
                stop = start + timedelta(seconds=length)
                spans.append((state, start, stop))
                start = stop

    def _leg(self, party, start, ring, talk, hold, agent=None, queue=None, wait=0):
        """Return the values of a leg; ``wait`` is between its answer and its talk."""
        before = talk // 2 if hold else talk
        spans = [("ring", ring), ("wait", wait), ("talk", before)]
        spans += [("hold", hold), ("talk", talk - before)]
        segments, time = [], start.timestamp()
        for state, length in spans:
            if length:
                segments.append([state, time, time + length])
                time += length
        self.serial += 1
        extension = agent.default_extension_id if agent else None
        interface = extension.interface if extension else "PJSIP/carrier"
        answered = bool(talk or wait)
        return {
            "pbx_id": self.pbx.id,
            "company_id": self.pbx.company_id.id,
            "uniqueid": f"{int(start.timestamp())}.{self.serial}",
            "channel": f"{interface}-{self.serial:08x}",
            "interface": interface,
            "party": party,
            "agent_id": agent.id if agent else False,
            "extension_id": extension.id if extension else False,
            "number": extension.number if extension else False,
            "queue_id": queue.id if queue else False,
            "start": start,
            "ring_start": start if ring else False,
            "answer": start + timedelta(seconds=ring) if answered else False,
            "stop": start + timedelta(seconds=ring + wait + talk + hold),
            "result": "answered" if answered else "no_answer",
            "cause": 16 if answered else 0,
            "ring": ring,
            "talk": talk,
            "hold": hold,
            "segments": segments,
        }

    def _call(
        self, direction, start, legs, agent, queue=None, missed_by=None, **values
    ):
        partner, lead, number = self._pick_caller()
        for leg in legs:
            if leg["party"] == "customer":
                leg["number"] = number
        agents = agent | missed_by if missed_by else agent
        stop = start + timedelta(seconds=values["duration"])
        answer = stop - timedelta(seconds=values["talk"] + values["hold"])
        self.calls.append(
            {
                "pbx_id": self.pbx.id,
                "company_id": self.pbx.company_id.id,
                "uniqueid": legs[0]["uniqueid"],
                "direction": direction,
                "number": number,
                "number_e164": number,
                "did": "+49301234500" if direction == "inbound" else False,
                "partner_id": partner.id if partner else False,
                "lead_id": lead.id if lead else False,
                "queue_id": queue.id if queue else False,
                "queue_start": start if queue else False,
                "agent_id": agent.id,
                "agent_ids": [Command.set(agents.ids)],
                "user_ids": [Command.set(agents.user_id.ids)],
                "team_id": agent.team_id.id,
                "start": start,
                "answer": answer if values["talk"] else False,
                "stop": stop,
                "state": "ended",
                "leg_ids": [Command.create(leg) for leg in legs],
                **values,
            }
        )

    def _pick_caller(self):
        dice = self.dice.random()
        if dice < 0.12:
            return None, None, f"+4930{self.dice.randrange(2000000, 8999999)}"
        lead = self.lead if dice > 0.94 else None
        partner = None if lead else self.dice.choice(self.partners)
        return partner, lead, (partner or lead).phone.replace(" ", "")

    def _fill_intervals(self, agent, opening, closing, spans):
        """Make the day of an agent whole: ready between calls, a lunch, signed out."""
        lunch = opening + timedelta(hours=4, minutes=7 * self.agents.index(agent))
        lunch_end = lunch + timedelta(minutes=30)
        if not any(start < lunch_end and stop > lunch for _state, start, stop in spans):
            spans.append(("paused", lunch, lunch_end))
        time = opening
        for state, start, stop in sorted(spans, key=lambda span: span[1]):
            if start < time:
                continue
            self._interval(agent, "ready", time, start)
            self._interval(agent, state, start, stop)
            time = stop
        self._interval(agent, "ready", time, closing)
        next_morning = opening + timedelta(days=1)
        stop = next_morning if next_morning < datetime.now() else None
        self._interval(agent, "signed_out", max(time, closing), stop)

    def _interval(self, agent, state, start, stop):
        if stop and stop <= start:
            return
        # the last night goes on until the agent signs in
        last = stop is None or stop > datetime.now() - timedelta(hours=2)
        stop = None if state == "signed_out" and last else stop
        self.intervals.append(
            {
                "agent_id": agent.id,
                "user_id": agent.user_id.id,
                "team_id": agent.team_id.id,
                "company_id": agent.company_id.id,
                "state": state,
                "reason": "Lunch" if state == "paused" else False,
                "start": start,
                "stop": stop,
                "duration": (stop - start).total_seconds() if stop else 0,
                "extension_id": agent.default_extension_id.id
                if state != "signed_out"
                else False,
            }
        )
