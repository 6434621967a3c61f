# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""A PBX that says what it is told to say, for what no recording has."""

from ledger import Ledger

from telephony.tracker import Tracker

EXTENSIONS = {"PJSIP/1001", "PJSIP/1002", "PJSIP/1003"}


class Pbx:
    """Sends events to a tracker, one millisecond apart; keeps facts and a ledger.

    Channels are named by their ``Uniqueid``, which tests choose.
    """

    def __init__(self, extensions=EXTENSIONS):
        self.time = 1000.0
        self.tracker = Tracker(extensions)
        self.ledger = Ledger()
        self.facts = []
        self.channels = {}

    def send(self, event, **headers):
        self.time = round(self.time + 0.001, 3)
        message = {"Event": event, "Timestamp": f"{self.time:.6f}", **headers}
        found = self.tracker.feed(message)
        self.facts += found
        self.ledger.apply(found)
        return found

    def wait(self, seconds):
        self.time += seconds

    def about(self, uid, prefix=""):
        """Return the headers that describe a channel."""
        return {
            prefix + key: value for key, value in self.channels.get(uid, {}).items()
        }

    def on(self, event, uid, **headers):
        """Send an event about a channel."""
        return self.send(event, **{**self.about(uid), **headers})

    def new(self, uid, name, state="0", linkedid=None, number="", exten="s"):
        """Make a channel; state 4 is one that calls in, 0 one that is called."""
        self.channels[uid] = {
            "Channel": f"{name}-{len(self.channels):08x}"
            if not name.startswith("Local/")
            else name,
            "ChannelState": state,
            "Uniqueid": uid,
            "Linkedid": linkedid or uid,
            "CallerIDNum": number or "<unknown>",
            "CallerIDName": "<unknown>",
            "Exten": exten,
        }
        return self.on("Newchannel", uid)

    def state(self, uid, state):
        self.channels[uid]["ChannelState"] = state
        return self.on("Newstate", uid)

    def ring(self, uid):
        return self.state(uid, "5")

    def answer(self, uid):
        return self.state(uid, "6")

    def dial(self, caller, callee, string=""):
        return self.send(
            "DialBegin",
            **self.about(caller),
            **self.about(callee, "Dest"),
            DialString=string,
        )

    def dialled(self, caller, callee, status):
        return self.send(
            "DialEnd",
            **self.about(caller),
            **self.about(callee, "Dest"),
            DialStatus=status,
        )

    def bridge(self, bridge, *uids, technology="simple_bridge"):
        for uid in uids:
            self.on(
                "BridgeEnter",
                uid,
                BridgeUniqueid=bridge,
                BridgeTechnology=technology,
            )

    def unbridge(self, bridge, *uids):
        for uid in uids:
            self.on("BridgeLeave", uid, BridgeUniqueid=bridge)

    def hang_up(self, uid):
        """The party hangs up."""
        return self.on("HangupRequest", uid)

    def end(self, *uids, cause="16", sip=""):
        for uid in uids:
            self.on("Hangup", uid, Cause=cause, TechCause=sip)

    # ------------------------------------------------------------
    # WHOLE SCENES
    # ------------------------------------------------------------

    def inbound(self, uid="c", number="+49301234567", exten="800"):
        """A customer calls in and the PBX answers."""
        self.new(uid, "PJSIP/carrier", "4", number=number, exten=exten)
        self.answer(uid)

    def talk(self, caller, callee, name="PJSIP/1001", seconds=5.0, bridge="b"):
        """``caller`` is connected with a new channel, for some seconds."""
        self.new(callee, name, linkedid=self.channels[caller]["Linkedid"])
        self.dial(caller, callee)
        self.ring(callee)
        self.wait(1.0)
        self.answer(callee)
        self.dialled(caller, callee, "ANSWER")
        self.bridge(bridge, callee, caller)
        self.wait(seconds)

    def call(self, key="c"):
        return self.ledger.calls[key]

    def leg(self, uid):
        return self.ledger.legs[uid]

    def of(self, kind):
        return [fact for fact in self.facts if isinstance(fact, kind)]
