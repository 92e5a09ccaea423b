"""What became of an entry: its fate, read from its record alone, with figures and words (rules 9).

Every place that shows or counts a run which made an entry shows and counts the entry's fate, and not what the cycle
came to when it ended.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from core.domain.operation.amounts import credit as shown
from core.domain.operation.amounts import risk
from core.domain.operation.broker_words import without_codes
from core.domain.operation.events import masked
from core.domain.operation.outcomes import Outcome, outcome_for
from core.domain.operation.reasons import Reason
from core.domain.orders.fills import is_complete
from core.domain.orders.opposing import was_opposed
from core.domain.orders.order_states import TERMINAL_STATES, OrderState
from core.domain.orders.orders import ADOPTED, Entry, Intent
from core.domain.orders.packages import fill_credit, packages_at_risk, risk_in


class FateKind(StrEnum):
    """What an entry or an exit has come to. The value is the word that people read."""

    SENDING = "sending"
    NOT_SENT = "not sent"
    WORKING = "working"
    PARTLY = "partly filled"
    FILLED = "filled"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    UNKNOWN = "unknown"
    ABSENT = "absent"
    INCIDENT = "incident"


_K = FateKind

_KINDS = {
    OrderState.PREPARED: _K.SENDING,
    OrderState.SENT: _K.SENDING,
    OrderState.WORKING: _K.WORKING,
    OrderState.FILLED: _K.FILLED,
    OrderState.REJECTED: _K.REJECTED,
    OrderState.CANCELLED: _K.CANCELLED,
    OrderState.EXPIRED: _K.EXPIRED,
    OrderState.NOT_SENT: _K.NOT_SENT,
    OrderState.UNKNOWN: _K.UNKNOWN,
    OrderState.ABSENT: _K.ABSENT,
    OrderState.INCIDENT: _K.INCIDENT,
}
_GOES_WELL = frozenset({_K.SENDING, _K.WORKING, _K.PARTLY, _K.FILLED})
"""Kinds that need no explanation, whatever detail the record still keeps of an earlier state."""
_FREED_BY_PROOF = frozenset({_K.CANCELLED, _K.EXPIRED})
_MAY_STILL_CHANGE = frozenset({_K.SENDING, _K.WORKING, _K.UNKNOWN})

FATE_REASONS = frozenset(
    {
        Reason.REJECTED,
        Reason.OPPOSING_ORDER,
        Reason.OUTCOME_UNKNOWN,
        Reason.ENTRY_ABSENT,
        Reason.ENTRY_INCIDENT,
        Reason.CANCELLED_HERE,
        Reason.ENTRY_CANCELLED,
        Reason.ENTRY_EXPIRED,
    }
)
"""Every reason that a fate may have."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of an entry. Credits are per share, `max_risk` is in $ for all packages, None when it is
    unknown.

    `filled` and `contracts` count contracts over all legs. `credit` is None until every leg is filled, and with it
    `slippage`, the credit less the mid at the decision. `max_risk` is at the fill, else at the limit. `fills_missing`:
    the broker says that the order is filled, and not all of its fill records are here. `is_over`: nothing more is
    expected. `why` is empty while all goes well; account numbers in it are masked. `by` is who asked here to cancel.
    `needs_word`: the day stays held until an operator allows re-entry. `cancel` tells in words who cancelled the order.
    `day` is the entry's session date, `packages` how many it has filled or may fill, None when that is unknown.
    `is_opposed`: the broker refused it beside an order of the other direction.
    """

    kind: FateKind
    filled: int
    contracts: int
    limit: Decimal
    credit: Decimal | None
    max_risk: Decimal | None
    slippage: Decimal | None
    fills_missing: bool
    is_over: bool
    holds_day: bool
    order_id: str | None
    why: str
    by: str
    needs_word: bool
    entry_id: str = ""
    cancel: str = ""
    day: date | None = None
    packages: int | None = 1
    is_opposed: bool = False

    @property
    def traded(self) -> bool:
        """Whether at least one contract is filled."""
        return self.filled > 0

    @property
    def reason(self) -> Reason | None:
        """The reason for which the entry did not trade; None while it may, when it did, and when it never left."""
        match self.kind:
            case FateKind.REJECTED:
                return Reason.OPPOSING_ORDER if self.is_opposed else Reason.REJECTED
            case FateKind.UNKNOWN:
                return Reason.OUTCOME_UNKNOWN
            case FateKind.ABSENT:
                return Reason.ENTRY_ABSENT
            case FateKind.INCIDENT:
                return Reason.ENTRY_INCIDENT
            case FateKind.CANCELLED | FateKind.EXPIRED if self.traded:
                return None
            case FateKind.CANCELLED | FateKind.EXPIRED if self.by:
                return Reason.CANCELLED_HERE
            case FateKind.CANCELLED:
                return Reason.ENTRY_CANCELLED
            case FateKind.EXPIRED:
                return Reason.ENTRY_EXPIRED
        return None

    @property
    def outcome(self) -> Outcome | None:
        """The outcome of the run that made the entry (rules 4.4); None when nothing left, so that the run's own stands.

        A working order is succeeded, because the broker acknowledged it, and not yet traded. A cancel that an operator
        asked for is a decision and no fault: skipped.
        """
        if self.kind is FateKind.NOT_SENT:
            return None
        if self.kind is FateKind.SENDING:
            return Outcome.UNKNOWN
        return Outcome.SUCCEEDED if self.reason is None else outcome_for(self.reason)


def kind_of(intent: Intent) -> FateKind:
    """What an intent, entry or exit, has come to by its record alone."""
    kind = _KINDS[intent.state]
    is_partly = kind is FateKind.WORKING and intent.fills and not is_complete(intent.terms, intent.fills)
    return FateKind.PARTLY if is_partly else kind


def why_of(intent: Intent) -> str:
    """Why it came to that: one line, without the account's number, without a full stop. Empty while all goes well."""
    if kind_of(intent) in _GOES_WELL:
        return ""
    words = without_codes(intent.detail).replace(intent.account, masked(intent.account))
    return " ".join(words.split()).rstrip(".")


def fate_of(entry: Entry) -> Fate:
    """What became of this entry."""
    kind = kind_of(entry)
    complete = is_complete(entry.terms, entry.fills)
    credit = fill_credit(entry)
    limit, packages = entry.standing_limit, packages_at_risk(entry)
    fills_missing = kind is FateKind.FILLED and not complete
    return Fate(
        kind=kind,
        filled=int(sum(fill.quantity for fill in entry.fills)),
        contracts=sum(leg.quantity for leg in entry.terms.legs),
        limit=limit,
        credit=credit,
        max_risk=risk_in(packages, entry, limit if credit is None else credit),
        slippage=None if credit is None or entry.origin == ADOPTED else credit - entry.mid,
        fills_missing=fills_missing,
        is_over=entry.state in TERMINAL_STATES and not fills_missing,
        holds_day=entry.holds_day,
        order_id=entry.order_id,
        why=why_of(entry),
        by=entry.cancel_requested_by,
        needs_word=needs_operators_word(entry),
        is_opposed=was_opposed(entry),
        entry_id=entry.id,
        cancel=_cancel_words(entry),
        day=entry.session_day,
        packages=packages,
    )


def needs_operators_word(entry: Entry) -> bool:
    """Whether an entry that ended without a fill frees its day only after an operator allows re-entry (rules 9).

    It does not after the engine's own cancel that the broker took, nor when it expired, as long as nobody else asked
    for a cancel: any other cancel is a person's decision that this account is done for the day.
    """
    if entry.cancel_requested_by:
        return True
    return entry.state is OrderState.CANCELLED and (entry.engine_cancel_at is None or bool(entry.cancelled_by))


def _cancel_words(entry: Entry) -> str:
    """Who cancelled the order, as a phrase that follows `cancelled`; empty when it was not cancelled."""
    if entry.state is not OrderState.CANCELLED:
        return ""
    if entry.cancel_requested_by:
        return f"by {entry.cancel_requested_by}"
    if entry.cancelled_by:
        return f"at the broker by {entry.cancelled_by}"
    return "at the broker, not by this console" if entry.engine_cancel_at is None else "by this console"


def fate_words(fate: Fate) -> str:
    """The fate in a few words with its figures, the kind in capitals first: `WORKING 6.825, 0 of 6 filled`."""
    so_far = f"{fate.filled} of {fate.contracts}"
    match fate.kind:
        case FateKind.WORKING:
            return f"WORKING {shown(fate.limit)}, {so_far} filled"
        case FateKind.PARTLY:
            return f"PARTLY FILLED {so_far}, the rest works"
        case FateKind.FILLED if fate.max_risk is None:
            return f"FILLED with other legs than a trident's, {risk(None)}"
        case FateKind.FILLED if fate.fills_missing or fate.credit is None:
            return "FILLED, its fill records have not all come"
        case FateKind.FILLED:
            packages = f" in {fate.packages} packages" if (fate.packages or 1) > 1 else ""
            return f"FILLED {shown(fate.credit)}{packages}"
        case FateKind.SENDING:
            return f"SENDING {shown(fate.limit)}"
        case FateKind.UNKNOWN:
            return "UNKNOWN: the broker may have it or not"
        case FateKind.ABSENT:
            return "ABSENT: not at the broker"
        case FateKind.EXPIRED if not fate.traded:
            return "EXPIRED unfilled"
    cancel = f" {fate.cancel}" if fate.cancel else ""
    part = f", {so_far} filled" if fate.traded else ""
    asked_here = fate.by and fate.kind is FateKind.CANCELLED  # the reason would say so once more
    why = f": {fate.why}" if fate.why and not asked_here else ""
    unknown = f", {risk(None)}" if fate.max_risk is None else ""
    return f"{fate.kind.value.upper()}{cancel}{part}{unknown}{why}"


def day_words(fate: Fate, *, reentry_allowed: bool = False, today: date | None = None) -> str:
    """What the entry means for the rest of its account's day (rules 9). A later entry may hold a day it leaves free.

    `reentry_allowed`: an operator has allowed another entry after the cancel. `today` is the exchange's date when this
    is told; None where it may be told on any day, of which none is called today then.
    """
    is_past = today is not None and fate.day is not None and fate.day < today
    if not fate.holds_day:
        return "it did not hold its day" if is_past else "it does not hold the day"
    if fate.kind in _MAY_STILL_CHANGE:
        return "no other entry while this one stands"
    if is_past:
        return "no other entry followed that day"
    if fate.kind not in _FREED_BY_PROOF or fate.traded:
        return f"no other entry follows {'that day' if today is None else 'today'}"
    if fate.needs_word and not reentry_allowed:
        return "the day is free when an operator allows re-entry and two reads show no fill"
    return "the day is free when two reads show no fill"
