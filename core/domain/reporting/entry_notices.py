"""The mails about an entry, and about the order that a dry run validated (rules 11).

What an entry has come to is told by its fate alone. Times are exchange time, credits per share, risks in $ for all
packages. Account numbers are masked, also inside the broker's words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Protocol

from core.domain.operation.amounts import counted, credit, dollars
from core.domain.operation.breakers import BreakerKind
from core.domain.operation.events import masked
from core.domain.operation.times import EXCHANGE_ZONE, moment, weekday
from core.domain.orders.fate import Fate, FateKind, day_words, fate_of
from core.domain.orders.fills import filled_by_symbol, is_complete
from core.domain.orders.order_states import TERMINAL_STATES, OrderState
from core.domain.orders.orders import Entry
from core.domain.orders.packages import risk_at
from core.domain.orders.way_out import way_out
from core.domain.reporting.notices import Letterhead, Notice, Part, page
from core.domain.trident.trident import max_profit, max_risk

Rows = list[tuple[str, str]]

_ACKNOWLEDGED = frozenset(
    {FateKind.WORKING, FateKind.PARTLY, FateKind.FILLED, FateKind.CANCELLED, FateKind.EXPIRED}
)  # fmt: skip
_ENDINGS = frozenset(
    {
        FateKind.FILLED,
        FateKind.REJECTED,
        FateKind.CANCELLED,
        FateKind.EXPIRED,
        FateKind.UNKNOWN,
        FateKind.ABSENT,
        FateKind.INCIDENT,
    }
)
"""Kinds of fates with a mail of their own. Its word is the kind's."""
_ALWAYS = frozenset({"unknown", "incident"})
_SUBJECTS = {
    "sent": "entry sent",
    "partial": "entry partially filled",
    "filled": "entry filled",
    "price": "entry filled, its fills are known",
    "rejected": "entry REJECTED",
    "cancelled": "entry cancelled",
    "expired": "entry expired unfilled",
    "unknown": "entry UNKNOWN, look at the broker",
    "absent": "entry is not at the broker",
    "incident": "INCIDENT, look at the broker",
}


@dataclass(frozen=True, slots=True)
class AskedOffset:
    """The offset below the mid that was asked for, per share, None when it is not known.

    `floored` says whether natural was the floor of the limit; None when that is not known.
    """

    offset: Decimal | None = None
    floored: bool | None = None


def asked_offset(offset: Decimal | None, evidence: Mapping[str, object]) -> AskedOffset:
    """The offset of a recorded suggestion, with what its evidence says of the floor."""
    price = evidence.get("entry_price")
    floored = price.get("floored") if isinstance(price, Mapping) else None
    return AskedOffset(offset, floored if isinstance(floored, bool) else None)


class _Terms(Protocol):
    """The terms of an order that an entry and a suggestion share. Credits and `width` are per share."""

    @property
    def account(self) -> str: ...
    @property
    def underlying(self) -> str: ...
    @property
    def session_day(self) -> date: ...
    @property
    def expiration(self) -> date: ...
    @property
    def strikes(self) -> str: ...
    @property
    def natural(self) -> Decimal: ...
    @property
    def mid(self) -> Decimal: ...
    @property
    def width(self) -> Decimal: ...


class ValidatedSuggestion(_Terms, Protocol):
    """The suggestion that a dry run validated. `offset` is per share."""

    @property
    def id(self) -> str: ...
    @property
    def cycle(self) -> int: ...
    @property
    def limit(self) -> Decimal | None: ...
    @property
    def offset(self) -> Decimal | None: ...
    @property
    def evidence(self) -> Mapping[str, object]: ...


def entry_notices(entry: Entry, asked: AskedOffset, head: Letterhead) -> tuple[Notice, ...]:
    """The messages about the present state of an entry, oldest first.

    "Sent" is mailed once the broker has acknowledged the order: only then it has an order id and is sure to have been
    sent. An order that has ended by then gets both messages.
    """
    fate = fate_of(entry)
    words = ["sent"] if fate.kind in _ACKNOWLEDGED and fate.order_id else []
    if fate.kind in _ENDINGS:
        words.append(fate.kind.value)
    return tuple(_entry_notice(entry, fate, word, asked, head) for word in words)


def fills_notice(entry: Entry, asked: AskedOffset, head: Letterhead, *, rest_is_open: bool) -> Notice | None:
    """The message about fills just recorded: a part of the order is filled, or the price of a filled order is known.

    `rest_is_open` says whether the broker still works the rest. None when it does not, and for fills that complete an
    order: the message about the state that follows covers them.
    """
    fate = fate_of(entry)
    if is_complete(entry.terms, entry.fills):
        return _entry_notice(entry, fate, "price", asked, head) if entry.state is OrderState.FILLED else None
    if not entry.fills or not rest_is_open or entry.state in TERMINAL_STATES:
        return None
    return _entry_notice(entry, fate, "partial", asked, head)


def validated_notice(suggestion: ValidatedSuggestion, head: Letterhead) -> Notice:
    """The message about the order that the broker validated in a dry run. Raises ValueError without a limit."""
    limit = suggestion.limit
    if limit is None:
        raise ValueError(f"suggestion {suggestion.id} was validated without a limit")
    asked = asked_offset(suggestion.offset, suggestion.evidence)
    natural = dollars(max_risk(suggestion.width, suggestion.natural))
    rows = [
        *_who_and_what(suggestion),
        *_prices(suggestion, limit, asked),
        ("Max risk", f"{dollars(max_risk(suggestion.width, limit))} at the limit, {natural} at natural"),
        ("Order", "none: a dry run sends nothing"),
        ("Cycle", f"#{suggestion.cycle}"),
        ("Suggestion", suggestion.id),
    ]
    account = masked(suggestion.account)
    return page(
        key=f"validated:{suggestion.id}",
        kind="suggestion.validated",
        account=suggestion.account,
        subject=f"{suggestion.underlying} entry validated, not sent, at {credit(limit)} limit, account {account}",
        parts=(
            Part(lines=("The broker validated the order. This is a dry run: nothing was sent, nothing is open.",)),
            Part(rows=tuple(rows)),
        ),
        head=head,
        link="Orders at the broker",
    )


def _entry_notice(entry: Entry, fate: Fate, word: str, asked: AskedOffset, head: Letterhead) -> Notice:
    price = f" at {credit(fate.limit)} limit" if word == "sent" else ""
    if word in ("filled", "price") and fate.credit is not None:
        price = f" at {credit(fate.credit)} credit"
    subject = "entry expired, partly filled" if word == "expired" and fate.traded else _SUBJECTS[word]
    return page(
        key=f"entry:{entry.id}:{word}",
        kind=f"entry.{word}",
        account=entry.account,
        subject=f"{entry.underlying} {subject}{price}, account {masked(entry.account)}",
        parts=(
            Part(lines=_lead(fate, word, (entry.terminal_at or entry.prepared_at).astimezone(EXCHANGE_ZONE).date())),
            Part(rows=tuple(_figures(entry, fate, word, asked))),
        ),
        head=head,
        link="Orders at the broker",
        always=word in _ALWAYS,
    )


def _lead(fate: Fate, word: str, told_on: date) -> tuple[str, ...]:
    """`told_on` is the exchange's date of the mail."""
    because = f": {fate.why}" if fate.why else ""
    day = day_words(fate, today=told_on)
    part = f"{fate.filled} of {fate.contracts} contracts filled"
    match word:
        case "sent" if fate.kind is FateKind.PARTLY:
            return (f"The broker has the order, with {part}. The rest is open.",)
        case "sent" if fate.kind is not FateKind.WORKING:
            return ("The broker took the order. Another mail will say what became of it.",)
        case "sent":
            return ("The broker has the order. It is not filled yet; another mail will tell you when it is.",)
        case "partial":
            return ("A part of the order is filled, and the rest is still open.",)
        case "price":
            return ("All fill records of the filled order have come.",)
        case "filled" if fate.fills_missing:
            return ("The broker says that the order is filled. Its fill records have not all come yet.",)
        case "filled":
            return ("The order is filled. The trident is open.",)
        case "rejected":
            return (f"The broker rejected the order{because}.", f"Nothing is open from it; {day}.")
        case "cancelled":
            ended = f"with {part}" if fate.traded else "and is not filled"
            who = f"{fate.by} asked to cancel it." if fate.by else f"It was cancelled {fate.cancel}."
            return (f"The order was cancelled {ended}.", f"{who} {day[:1].upper()}{day[1:]}.")
        case "expired" if fate.traded:
            return (f"The order expired at the close with {part}.",)
        case "expired":
            return ("The order was not filled and expired at the close. Nothing is open from it.",)
        case "absent":
            return (
                f"The order whose fate was unknown is not at the broker{because}.",
                f"Nothing is open from it, and {day}.",
            )
        case "unknown":
            return (
                f"Whether the broker took this order is not known{because}.",
                "It holds the day and nothing is sent again. The console keeps looking for it by itself.",
                f"Look at the broker's orders page. Then {way_out(fate)}.",
            )
    return (
        f"The broker and the records contradict each other{because}.",
        f"The account enters nothing before this is settled: {way_out(fate, (BreakerKind.INCIDENT,))}.",
    )


def _figures(entry: Entry, fate: Fate, word: str, asked: AskedOffset) -> Rows:
    rows = _who_and_what(entry)
    if fate.credit is not None and word != "sent":
        gain = dollars((fate.packages or 1) * max_profit(fate.credit))
        rows.append(("Fill credit", f"{credit(fate.credit)} per share, {gain}; {_from_mid(fate.credit, entry.mid)}"))
    elif fate.traded and word != "sent":
        rows.append(("Filled so far", _filled_so_far(entry)))
    risk, natural = fate.max_risk, dollars(risk_at(entry, entry.natural))
    rows += [
        *_prices(entry, fate.limit, asked),
        ("Max risk", "unknown" if risk is None else f"{dollars(risk)} at the {_basis(fate)}, {natural} at natural"),
        ("Order", fate.order_id or "no order id from the broker"),
    ]
    if entry.broker_status and word != "sent":
        rows.append(("Broker says", entry.broker_status))
    if entry.sent_at is not None:
        rows.append(("Sent", moment(entry.sent_at)))
    rows += [("Cycle", f"#{entry.cycle}"), ("Entry", f"{entry.id}, at the broker {entry.identifier}")]
    return rows


def _basis(fate: Fate) -> str:
    return "limit" if fate.credit is None else "fill"


def _who_and_what(terms: _Terms) -> Rows:
    days = (terms.expiration - terms.session_day).days
    return [
        ("Account", masked(terms.account)),
        ("Underlying", terms.underlying),
        ("Expiration", f"{weekday(terms.expiration)}, {counted(days, 'day')}"),
        ("Strikes", f"{terms.strikes} (2 put spreads, 1 call spread)"),
    ]


def _prices(terms: _Terms, limit: Decimal, asked: AskedOffset) -> Rows:
    return [
        ("Limit", f"{credit(limit)} credit per share, {_offset_words(limit, terms.mid, asked)}"),
        ("Natural, mid", f"{credit(terms.natural)}, {credit(terms.mid)} credit per share"),
    ]


def _offset_words(limit: Decimal, mid: Decimal, asked: AskedOffset) -> str:
    """How far the limit is from the mid, and why when that is not the offset that was asked for."""
    if asked.offset is None:
        return _from_mid(limit, mid)
    if asked.floored:
        return f"{_from_mid(limit, mid)}: natural was the floor; {credit(asked.offset)} was asked"
    said = f"offset {credit(asked.offset)} below the mid" if asked.offset else "no offset"
    if mid - limit == asked.offset:
        return said
    return f"{_from_mid(limit, mid)}: {said} was asked, rounded to the tick"


def _from_mid(value: Decimal, mid: Decimal) -> str:
    off = value - mid
    return "at the mid" if not off else f"{credit(abs(off))} {'above' if off > 0 else 'below'} the mid"


def _filled_so_far(entry: Entry) -> str:
    filled = filled_by_symbol(entry.fills)
    names = entry.strikes.split("/")
    legs = zip(names, entry.terms.legs, strict=False)
    return ", ".join(f"{name} {filled.get(leg.symbol, Decimal(0)):f} of {leg.quantity}" for name, leg in legs)
