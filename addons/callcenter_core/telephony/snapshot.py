# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""Answers of the PBX's list actions as events for the tracker, after a gap."""

#: Name of the event that stands for one channel of a list. The PBX sends none such.
SNAPSHOT = "ChannelSnapshot"


def snapshot_event(message, time):
    """Return the event that makes the tracker know what ``message`` describes.

    What the PBX cannot tell is taken from when it was asked: a channel that is up or
    connected counts as such from ``time`` on, never for longer than is known.

    :param message: an item of ``Status`` or ``CoreShowChannels``, or a ``QueueEntry``
        of ``QueueStatus``; items of other lists (``QueueMember``, ``ContactList``,
        ``BridgeListItem``) are returned with the time added, if they have none
    :param time: when the PBX answered, seconds since the epoch on its own clock
    :return: a dict to be fed to the tracker
    """
    event = dict(message.items())
    event["Timestamp"] = repr(float(time))
    if event.get("Event") in ("Status", "CoreShowChannel"):
        _describe(event)
    elif event.get("Event") == "QueueEntry":
        joined = float(time) - _seconds(event.get("Wait"))
        event.update(Event="QueueCallerJoin", Timestamp=repr(joined))
    return event


def _seconds(text):
    """Return ``12`` or ``00:00:12`` as seconds, 0 if it is neither."""
    seconds = 0
    for part in (text or "").split(":"):
        if not part.isdecimal():
            return 0
        seconds = seconds * 60 + int(part)
    return seconds


def _describe(event):
    """Turn an item of ``Status`` or ``CoreShowChannels`` into a snapshot, in place."""
    application = event.get("ApplicationData") or event.get("Data")
    if application == "(Outgoing Line)":
        event["Incoming"] = ""
    elif "DNID" in event:
        # Only a channel that called us has a dialled number, which never changes.
        event["Incoming"] = event["DNID"]
        event["Exten"] = event["DNID"]
    event["Event"] = SNAPSHOT
    event["BridgeUniqueid"] = event.get("BridgeID") or event.get("BridgeId") or ""
    event["Age"] = str(_seconds(event.get("Seconds") or event.get("Duration")))
