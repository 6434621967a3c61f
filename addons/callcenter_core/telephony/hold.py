# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""Who holds whom. Two kinds of hold look quite different in the events:

* the phone's re-INVITE, or the first step of AMI's ``Atxfer``: ``Hold`` and ``Unhold``
  of the one who holds;
* a ``Redirect`` to music, or ``Park``: nothing but the music of the one who is held.
"""

from .facts import AGENT


def is_kept(leg, bridge):
    """Return whether ``leg`` is on hold by music or parking.

    That is an outside party that had talked and now hears music: alone, in no queue,
    and while no phone is called for it. Music in a conference only says that nobody
    else is there yet.

    :param bridge: the bridge it is in, None if in none
    """
    return leg.parked or (
        leg.music
        and leg.party != AGENT
        and not (leg.waiting or leg.dialling)
        and bool(leg.partners)
        and (bridge is None or bridge.holds)
    )


def keepers(leg):
    """Return the ``Uniqueid`` of those who keep ``leg`` so: its last partners."""
    live = leg.call.channels
    return {
        uid
        for uid in leg.partners
        if uid in live and live[uid].is_agent() and not live[uid].transferred
    }


def holds(leg, legs):
    """Return whether ``leg`` holds others, in one way or the other.

    :param legs: the live legs of its call
    """
    return leg.holds is not None or any(
        other.keepers and leg.uid in other.keepers for other in legs
    )


def is_on_hold(leg, legs):
    """Return whether ``leg`` is on hold: all that it could hear hold it.

    :param legs: the live legs of its call
    """
    if leg.keepers is not None:
        return True
    holders = {one.uid for one in legs if one.holds and leg.uid in one.holds}
    return bool(holders) and leg.peers <= holders
