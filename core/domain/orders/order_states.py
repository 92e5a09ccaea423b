"""The states of an entry, the allowed changes between them, and the broker's statuses (rules 9).

An entry is the opening order of the day for one account. It holds the day while it forbids another entry of its account
on that session day.
"""

from __future__ import annotations

from enum import StrEnum


class OrderState(StrEnum):
    """The states of an intent, entry or exit; docs/order-path.md explains each."""

    PREPARED = "prepared"
    SENT = "sent"
    WORKING = "working"
    FILLED = "filled"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"
    ABSENT = "absent"
    INCIDENT = "incident"

    @property
    def words(self) -> str:
        """The state as a person reads it."""
        return self.value.replace("_", " ")


_S = OrderState

TRANSITIONS: dict[OrderState, frozenset[OrderState]] = {
    _S.PREPARED: frozenset({_S.SENT, _S.NOT_SENT}),
    # After a crash the outcome of a sent entry is not recorded: it is unknown until the broker answers.
    _S.SENT: frozenset(
        {_S.WORKING, _S.FILLED, _S.REJECTED, _S.CANCELLED, _S.EXPIRED, _S.NOT_SENT, _S.UNKNOWN, _S.INCIDENT}
    ),
    # It becomes unknown when the broker knows its order no longer: two complete reads without it and a 404.
    _S.WORKING: frozenset({_S.FILLED, _S.REJECTED, _S.CANCELLED, _S.EXPIRED, _S.UNKNOWN, _S.INCIDENT}),
    # Its order is at the broker after all: that contradicts the proof, so it is an incident.
    _S.NOT_SENT: frozenset({_S.INCIDENT}),
    _S.UNKNOWN: frozenset({_S.WORKING, _S.FILLED, _S.REJECTED, _S.CANCELLED, _S.EXPIRED, _S.ABSENT, _S.INCIDENT}),
    # The broker reports late: a fill after a cancel is real (rules 9).
    _S.CANCELLED: frozenset({_S.FILLED, _S.INCIDENT}),
    _S.EXPIRED: frozenset({_S.FILLED, _S.INCIDENT}),
    _S.REJECTED: frozenset({_S.FILLED, _S.INCIDENT}),
    _S.ABSENT: frozenset({_S.WORKING, _S.FILLED, _S.CANCELLED, _S.EXPIRED, _S.REJECTED, _S.INCIDENT}),
    _S.FILLED: frozenset({_S.INCIDENT}),
    _S.INCIDENT: frozenset(),
}

ATTESTED: dict[OrderState, frozenset[OrderState]] = {
    _S.INCIDENT: frozenset({_S.WORKING, _S.FILLED, _S.CANCELLED, _S.EXPIRED, _S.REJECTED, _S.ABSENT}),
}
"""What an operator's attestation may change besides: it says which order at the broker an incident is (rules 9)."""

TERMINAL_STATES = frozenset({_S.FILLED, _S.REJECTED, _S.CANCELLED, _S.EXPIRED, _S.NOT_SENT, _S.ABSENT, _S.INCIDENT})
"""States in which an entry is not polled any more."""

OPEN_STATES = frozenset(_S) - TERMINAL_STATES
"""States in which the order may still change at the broker, or is being sent."""

FREES_DAY = frozenset({_S.NOT_SENT, _S.REJECTED})
"""States that never hold the day. A cancelled or expired entry frees it only by proof (rules 9)."""

BROKER_STATUS: dict[str, OrderState] = {
    "Received": _S.WORKING,
    "Routed": _S.WORKING,
    "In Flight": _S.WORKING,
    "Live": _S.WORKING,
    "Contingent": _S.WORKING,
    "Cancel Requested": _S.WORKING,
    "Replace Requested": _S.WORKING,
    "Filled": _S.FILLED,
    "Rejected": _S.REJECTED,
    "Cancelled": _S.CANCELLED,
    "Removed": _S.CANCELLED,
    "Partially Removed": _S.CANCELLED,
    "Expired": _S.EXPIRED,
}


def state_for(broker_status: str) -> OrderState | None:
    """Our state for a broker status; None for a status we do not know: keep the state, alert, and go on polling."""
    return BROKER_STATUS.get(broker_status)


def may_become(old: OrderState, new: OrderState) -> bool:
    """Whether `TRANSITIONS` allows this change. Keeping the state is always allowed."""
    return old is new or new in TRANSITIONS[old]
