# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""How a leg and a call ended, from what Asterisk tells about it.

The far end's SIP code decides first, then the hang-up cause (ITU-T Q.850), then the
status of the dialling; ``OriginateResponse`` and the names of events (a 486 comes as
*AgentRingNoAnswer*) are not reliable.
"""

from .facts import INBOUND, OUTBOUND

ANSWERED = "answered"
ABANDONED = "abandoned"
NO_ANSWER = "no_answer"
BUSY = "busy"
CANCELLED = "cancelled"
CONGESTION = "congestion"
INVALID = "invalid"
REJECTED = "rejected"
FAILED = "failed"
SELF_SERVICE = "self_service"

#: SIP status codes that decide. 487 does not: it answers our own CANCEL.
_BY_SIP = {
    403: FAILED,
    404: INVALID,
    408: NO_ANSWER,
    410: INVALID,
    480: NO_ANSWER,
    484: INVALID,
    485: INVALID,
    486: BUSY,
    503: CONGESTION,
    600: BUSY,
    603: REJECTED,
    604: INVALID,
}
#: Causes that decide. 0 (none), 16 (normal), 31 and 127 (unspecified) do not.
_BY_CAUSE = {
    1: INVALID,
    2: INVALID,
    3: INVALID,
    17: BUSY,
    18: NO_ANSWER,
    19: NO_ANSWER,
    20: FAILED,
    21: REJECTED,
    22: INVALID,
    26: CANCELLED,
    27: FAILED,
    28: INVALID,
    34: CONGESTION,
    38: CONGESTION,
    41: CONGESTION,
    42: CONGESTION,
    44: CONGESTION,
    58: FAILED,
}
_BY_DIAL = {
    "NOANSWER": NO_ANSWER,
    "CANCEL": CANCELLED,
    "BUSY": BUSY,
    "CONGESTION": CONGESTION,
    "CHANUNAVAIL": FAILED,
}


def of_leg(leg, cause, tech_cause, default=CANCELLED):
    """Return the result of ``leg``.

    :param cause: hang-up cause, 0 if none
    :param tech_cause: SIP status code of the far end, 0 if none
    :param default: result where nothing tells
    """
    if leg.up is not None:
        return ANSWERED
    result = (
        _BY_SIP.get(tech_cause)
        or _BY_CAUSE.get(cause)
        or _BY_DIAL.get(leg.dial_status)
        or default
    )
    if result == BUSY and leg.is_agent() and leg.rung:
        # A phone that was ringing is not busy: its owner pressed the red button.
        return REJECTED
    return result


def of_call(call):
    """Return the result of ``call``, whose last channel is gone."""
    if call.talked is not None:
        return ANSWERED
    if call.direction == INBOUND:
        return _of_inbound(call)
    if call.direction == OUTBOUND:
        return _of_outbound(call)
    return _of_others(call) or _of_lonely(call)


def _of_inbound(call):
    if call.gave_up:
        return ABANDONED
    if call.queued is not None:
        return NO_ANSWER
    return _of_others(call) or _of_lonely(call)


def _of_outbound(call):
    if call.principal.up is None:
        return _as_call(call.principal_result)
    if call.gave_up:
        return ABANDONED
    if call.queued is not None:
        return NO_ANSWER
    return CANCELLED if call.results else SELF_SERVICE


def _of_others(call):
    """Return the result of the last leg that was called, empty if none was."""
    if not call.results:
        return ""
    result = _as_call(call.results[-1])
    if call.direction != INBOUND:
        return CANCELLED if result == ANSWERED else result
    # Somebody picked up just when the caller had gone.
    if result == ANSWERED:
        return ABANDONED
    return NO_ANSWER if result == CANCELLED else result


def _of_lonely(call):
    """Return the result of a call in which no other phone was called."""
    if call.principal.up is not None:
        return SELF_SERVICE
    if call.direction == INBOUND and call.principal.requested:
        return ABANDONED
    return _as_call(call.principal_result)


def _as_call(result):
    """Return a leg's result as one of a call, which knows no rejection."""
    return BUSY if result == REJECTED else result or FAILED
