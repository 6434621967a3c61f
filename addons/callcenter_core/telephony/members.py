# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""Facts about queue members and phones, which belong to no call."""

from dataclasses import replace

from .facts import MemberChanged, MemberRemoved, PhoneChanged

#: Contacts whose phone does not answer. One that is never asked counts as reachable.
_AWAY = frozenset({"Unreachable", "Removed", "Unavailable", "Unknown"})


def number(value):
    """Return the whole number in ``value``, 0 where it is none that a PBX counts."""
    try:
        value = int(value)
    except (TypeError, ValueError):
        return 0
    return value if abs(value) < 2**53 else 0


class Directory:
    """What is known of members and phones, so that only changes become facts."""

    def __init__(self):
        self._members = {}
        self._phones = {}
        self._contacts = {}

    def member_changed(self, event, time):
        """Take a ``QueueMember…`` event or the ``QueueMember`` of a list."""
        queue = event.get("Queue") or ""
        interface = event.get("Interface") or event.get("Location") or ""
        if not queue or not interface:
            return []
        fact = MemberChanged(
            time=time,
            queue=queue,
            interface=interface,
            name=event.get("MemberName") or event.get("Name") or "",
            paused=event.get("Paused") == "1",
            pause_reason=event.get("PausedReason") or "",
            penalty=number(event.get("Penalty")),
            status=number(event.get("Status")),
            login_time=number(event.get("LoginTime")),
        )
        return self._unless_known(self._members, (queue, interface), fact)

    def member_removed(self, event, time):
        """Take ``QueueMemberRemoved``."""
        queue = event.get("Queue") or ""
        interface = event.get("Interface") or event.get("Location") or ""
        if not queue or not interface:
            return []
        fact = MemberRemoved(time=time, queue=queue, interface=interface)
        return self._unless_known(self._members, (queue, interface), fact)

    def phone_changed(self, event, time):
        """Take ``ContactStatus`` or the ``ContactList`` of a list.

        A phone is reachable while any of its contacts is.
        """
        endpoint = event.get("EndpointName") or event.get("Endpoint")
        endpoint = endpoint or event.get("AOR")
        if not endpoint:
            return []
        uri = event.get("URI") or event.get("Uri") or ""
        status = event.get("ContactStatus") or event.get("Status") or ""
        contacts = self._contacts.setdefault(endpoint, {})
        if status in _AWAY:
            contacts.pop(uri, None)
        else:
            contacts[uri] = (
                number(event.get("RoundtripUsec")) / 1000,
                event.get("UserAgent") or contacts.get(uri, (0, ""))[1],
            )
        # The contact just told about, else the one that was told about last.
        uri = uri if uri in contacts or not contacts else next(reversed(contacts))
        latency, user_agent = contacts.get(uri, (0.0, ""))
        fact = PhoneChanged(
            time=time,
            interface=f"PJSIP/{endpoint}",
            reachable=bool(contacts),
            latency=latency,
            uri=uri,
            user_agent=user_agent,
        )
        return self._unless_known(self._phones, endpoint, fact)

    @staticmethod
    def _unless_known(facts, key, fact):
        """Return ``fact`` in a list, empty if it says nothing new or comes too late."""
        last = facts.get(key)
        if last and (fact.time < last.time or fact == replace(last, time=fact.time)):
            return []
        facts[key] = fact
        return [fact]
