# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""The PBX's journal (CEL, *channel event logging*) as events for the tracker.

A row of the journal says less than the event of AMI that went with it. What the tracker
needs and a row does not say is inferred from other rows, of the past or of the future;
where that is a guess, the method says so. The journal knows

* no ringing: a phone counts as dialled until it is answered;
* no SIP codes: only the cause decides how a leg ended;
* no hold as such: that a party hears music while bridged with one other is taken as a
  hold by that one;
* the number of an outbound call only if a dialplan's ``Dial`` called it;
* no ``ChanSpy``, unless ``apps`` in ``cel.conf`` names it: a supervisor's channel then
  looks like a call in which nobody else took part.

What the columns mean: https://docs.asterisk.org/Configuration/Reporting/
Channel-Event-Logging-CEL/. ``cel.conf`` needs ``events=ALL`` and at least
``apps=dial,queue,park,confbridge``.
"""

import json
from collections import defaultdict
from datetime import datetime, timezone

from .channel import interface_of
from .switchboard import RING, UP

#: ``ChannelState`` of a channel that nobody answered and nothing is known of.
_DOWN = "0"
#: Seconds between what one thing causes on several channels.
_MOMENT = 0.1
#: Seconds from leaving the queue to the hang-up of a caller who gave up.
_SOON = 1.0
_SPIES = ("ChanSpy", "ExtenSpy")


def events(rows):
    """Yield the AMI events that would have announced what ``rows`` say.

    :param rows: dicts with the columns of the journal's table, of whole calls: all rows
        of each ``linkedid``, for the end of a call tells how it began. In any order,
        if ``eventtime`` (naive UTC :class:`~datetime.datetime` or ISO 8601 text) has
        fractions of a second; rows of the same time stay in the order given
    :return: dicts, in the order of time
    """
    rows = sorted(map(_Row, rows), key=lambda row: row.time)
    return _Journal(rows).events()


class _Row:
    """One row, its time in seconds since the epoch and its ``extra`` parsed."""

    __slots__ = ("_columns", "extra", "kind", "time", "uid")

    def __init__(self, columns):
        self._columns = columns
        self.kind = columns.get("eventtype") or ""
        self.time = _epoch(columns.get("eventtime"))
        self.uid = columns.get("uniqueid") or ""
        self.extra = _object(columns.get("extra"))

    def __getitem__(self, column):
        return self._columns.get(column) or ""

    def event(self, name, prefix="", **headers):
        """Return an AMI event about the row's channel.

        :param prefix: ``Dest``, ``Transferer`` … where the event has several channels
        """
        return {
            "Event": name,
            "Timestamp": f"{self.time:.6f}",
            f"{prefix}Channel": self["channame"],
            f"{prefix}Uniqueid": self.uid,
            f"{prefix}Linkedid": self["linkedid"],
            f"{prefix}CallerIDNum": self["cid_num"],
            f"{prefix}CallerIDName": self["cid_name"],
            f"{prefix}Context": self["context"],
            f"{prefix}Exten": self["exten"],
            **headers,
        }


class _Journal:
    """Reads rows forward, with an eye on how each channel will end.

    :param rows: all rows, in the order of time
    """

    def __init__(self, rows):
        self._rows = rows
        self._ends = {}
        self._answers = {}
        self._callers = set()
        self._calls = defaultdict(dict)
        for row in rows:
            self._look_ahead(row)
        self._dials = defaultdict(list)
        self._queueing = set()
        self._bridges = defaultdict(set)
        self._technologies = {}
        self._music = {}

    def _look_ahead(self, row):
        self._calls[row["linkedid"]][row.uid] = True
        if row.kind == "CHAN_START" and self._calls_us(row):
            self._callers.add(row.uid)
        elif row.kind == "ANSWER":
            self._answers.setdefault(row.uid, row.time)
        elif row.kind == "HANGUP":
            self._ends.setdefault(row.uid, row)
        elif row.kind == "CHAN_END" and row.uid not in self._ends:
            self._ends[row.uid] = row

    @staticmethod
    def _calls_us(row):
        """Guess whether the party of a new channel calls, rather than is called.

        A channel that the PBX makes begins at extension ``s``.
        """
        name = row["channame"]
        if name.startswith("Local/"):
            return name.endswith(";2")
        return row["exten"] not in ("", "s")

    def events(self):
        for row in self._rows:
            handler = _HANDLERS.get(row.kind)
            if handler:
                yield from handler(self, row)

    # ------------------------------------------------------------
    # CHANNELS
    # ------------------------------------------------------------

    def _started(self, row):
        state = RING if row.uid in self._callers else _DOWN
        yield row.event("Newchannel", ChannelState=state)
        dials = self._dials[row["linkedid"]]
        for dial in dials:
            caller, target = dial
            if state == _DOWN and _leads_to(target, interface_of(row["channame"])):
                dials.remove(dial)
                yield row.event(
                    "DialBegin",
                    prefix="Dest",
                    DestChannelState=state,
                    Uniqueid=caller,
                    DialString=target,
                )
                break

    def _answered(self, row):
        yield row.event("Newstate", ChannelState=UP)

    def _app_started(self, row):
        if row["appname"] == "Queue":
            self._queueing.add(row.uid)
            state = UP if row.uid in self._answers else RING
            queue = row["appdata"].partition(",")[0]
            yield row.event("QueueCallerJoin", ChannelState=state, Queue=queue)
        elif row["appname"] == "Dial":
            targets = row["appdata"].partition(",")[0].split("&")
            calls = self._dials[row["linkedid"]]
            calls += ((row.uid, target) for target in targets if target)
        elif row["appname"] in _SPIES:
            yield row.event("ChanSpyStart", prefix="Spyer")

    def _app_ended(self, row):
        if row["appname"] == "Queue" and row.uid in self._queueing:
            self._queueing.remove(row.uid)
            yield from self._hung_up(row, _SOON)
            yield row.event("QueueCallerAbandon")
        elif row["appname"] == "Dial":
            calls = self._dials[row["linkedid"]]
            calls[:] = [dial for dial in calls if dial[0] != row.uid]

    def _hung_up(self, row, within=0.0):
        """Say that the party hung up, if it is about to end by its own doing."""
        end = self._ends.get(row.uid)
        if (
            end is not None
            and end.extra.get("hangupsource") == end["channame"]
            and end.time - row.time <= within
        ):
            yield row.event("HangupRequest")

    def _ended(self, row):
        if self._ends.get(row.uid) is not row:
            return
        self._queueing.discard(row.uid)
        yield from self._hung_up(row)
        if row.uid not in self._answers and row.uid not in self._callers:
            status = "CANCEL" if self._was_cancelled(row) else "NOANSWER"
            yield row.event("DialEnd", prefix="Dest", DialStatus=status)
        cause = row.extra.get("hangupcause") or 0
        yield row.event("Hangup", Cause=str(cause))

    def _was_cancelled(self, row):
        """Guess whether a phone ceased to ring because it was no longer wanted.

        It was if, at that moment, somebody else of the call answered or a party that
        was calling or talking left; else the time to ring had run out.
        """
        for uid in self._calls[row["linkedid"]]:
            end, answer = self._ends.get(uid), self._answers.get(uid)
            if uid == row.uid:
                continue
            if answer is not None and abs(row.time - answer) <= _MOMENT:
                return True
            if end is not None and abs(end.time - row.time) <= _MOMENT:
                if answer is not None or uid in self._callers:
                    return True
        return False

    # ------------------------------------------------------------
    # BRIDGES, HOLD, TRANSFERS
    # ------------------------------------------------------------

    def _bridge_entered(self, row):
        bridge = row.extra.get("bridge_id") or ""
        technology = row.extra.get("bridge_technology") or ""
        self._queueing.discard(row.uid)
        self._bridges[bridge].add(row.uid)
        self._technologies[bridge] = technology
        yield row.event(
            "BridgeEnter",
            ChannelState=UP,
            BridgeUniqueid=bridge,
            BridgeTechnology=technology,
        )

    def _bridge_left(self, row):
        bridge = row.extra.get("bridge_id") or ""
        self._bridges[bridge].discard(row.uid)
        yield row.event("BridgeLeave", BridgeUniqueid=bridge)

    def _stream_began(self, row):
        if "class" not in row.extra:
            return
        holder = self._partner(row.uid)
        self._music[row.uid] = holder
        yield row.event("MusicOnHoldStart")
        if holder:
            yield {**row.event("Hold"), "Uniqueid": holder}

    def _stream_ended(self, row):
        # Music and prompts share these rows; what ends is what began last.
        if row.uid not in self._music:
            return
        holder = self._music.pop(row.uid)
        yield row.event("MusicOnHoldStop")
        if holder:
            yield {**row.event("Unhold"), "Uniqueid": holder}

    def _partner(self, uid):
        """Return the only other channel that ``uid`` is bridged with, else empty."""
        for bridge, members in self._bridges.items():
            if uid in members and self._technologies[bridge] != "holding_bridge":
                others = members - {uid}
                return others.pop() if len(others) == 1 else ""
        return ""

    def _parked(self, row):
        yield row.event("ParkedCall", prefix="Parkee")

    def _unparked(self, row):
        yield row.event("UnParkedCall", prefix="Parkee")

    def _transferred_blindly(self, row):
        yield row.event(
            "BlindTransfer",
            prefix="Transferer",
            Result="Success",
            Extension=row.extra.get("extension") or "",
        )

    def _transferred(self, row):
        extra = row.extra
        yield row.event(
            "AttendedTransfer",
            prefix="OrigTransferer",
            Result="Success",
            SecondTransfererUniqueid=extra.get("channel2_uniqueid") or "",
            TransfereeUniqueid=extra.get("transferee_channel_uniqueid") or "",
            TransferTargetUniqueid=extra.get("transfer_target_channel_uniqueid") or "",
        )

    def _keyed(self, row):
        yield row.event(
            "DTMFEnd",
            Direction="Received",
            Digit=str(row.extra.get("digit") or ""),
            DurationMs=str(row.extra.get("duration_ms") or 0),
        )


_HANDLERS = {
    "CHAN_START": _Journal._started,
    "ANSWER": _Journal._answered,
    "APP_START": _Journal._app_started,
    "APP_END": _Journal._app_ended,
    "HANGUP": _Journal._ended,
    "CHAN_END": _Journal._ended,
    "BRIDGE_ENTER": _Journal._bridge_entered,
    "BRIDGE_EXIT": _Journal._bridge_left,
    "STREAM_BEGIN": _Journal._stream_began,
    "STREAM_END": _Journal._stream_ended,
    "PARK_START": _Journal._parked,
    "PARK_END": _Journal._unparked,
    "BLINDTRANSFER": _Journal._transferred_blindly,
    "ATTENDEDTRANSFER": _Journal._transferred,
    "DTMF": _Journal._keyed,
}


def _epoch(value):
    """Return naive UTC, or ISO 8601 text of it, as seconds since the epoch."""
    if isinstance(value, str):
        try:
            # Python 3.10 does not know the Z.
            value = datetime.fromisoformat(value.strip().replace("Z", "+00:00"))
        except ValueError:
            value = None
    if not isinstance(value, datetime):
        return 0.0
    if value.tzinfo is None:
        value = value.replace(tzinfo=timezone.utc)
    return value.timestamp()


def _object(text):
    """Return the JSON object in ``text``, an empty one if there is none."""
    if isinstance(text, dict):
        return text
    try:
        value = json.loads(text or "{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _leads_to(target, interface):
    """Return whether the dial string ``target`` calls ``interface``.

    ``PJSIP/1002`` and ``PJSIP/4930555@carrier`` call ``PJSIP/1002`` and
    ``PJSIP/carrier``; other drivers write ``SIP/carrier/4930555``.
    """
    technology, _slash, resource = target.partition("/")
    device = interface.partition("/")[2]
    names = (resource.rpartition("@")[2], resource.partition("/")[0])
    return interface.startswith(technology + "/") and device in names
