"""Turns the broker's JSON of accounts, positions, sessions, metrics and marks into our values (broker 2, 12).

Each raises Unreadable. Orders are read by `order_mapping`, the chain by `chain`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from core.broker.port import AccountReads, BrokerAccount, MarketState, Position
from core.broker.tastytrade.broker_time import BrokerDates
from core.broker.tastytrade.fields import (
    JsonObject,
    Unreadable,
    flag,
    instant,
    number,
    optional_date,
    optional_figure,
    optional_flag,
    optional_instant,
    optional_object,
    shown_instant,
    shown_number,
    shown_signed,
    shown_text,
    text,
)
from core.domain.market.judgement import Metrics
from core.domain.market.quotes import Quote, event_age_s

HUNDRED = Decimal(100)
OPEN, CLOSED = "Open", "Closed"
OPTION, SHARES = "Equity Option", "Equity"
DIRECTIONS = ("Long", "Short")


def broker_account(o: JsonObject) -> BrokerAccount:
    return BrokerAccount(
        text(o, "account-number"), shown_text(o, "nickname"), shown_text(o, "margin-or-cash"), flag(o, "is-closed")
    )


def account_reads(
    account: str, balances: JsonObject, positions: Iterable[Position], status: JsonObject
) -> AccountReads:
    return AccountReads(
        number=account,
        derivative_buying_power=number(balances, "derivative-buying-power"),
        net_liquidating_value=number(balances, "net-liquidating-value"),
        positions=tuple(positions),
        restriction=_restriction(status),
        options_level=text(status, "options-level"),
        exits_barred=next(iter(_barring_all(status)), ""),
    )


def position(o: JsonObject) -> Position | None:
    """The position; None when it is of no contracts, as a closed one is."""
    symbol, quantity = text(o, "symbol"), number(o, "quantity")
    if quantity == 0:
        return None
    direction = text(o, "quantity-direction")
    if direction not in DIRECTIONS:
        raise Unreadable("quantity-direction")
    return Position(
        symbol=symbol,
        underlying=shown_text(o, "underlying-symbol"),
        quantity=quantity,
        direction=direction,
        average_open_price=shown_number(o, "average-open-price"),
        # `mark-price` is per share, like the open price; `mark` is the value of the whole position.
        mark=shown_number(o, "mark-price"),
        instrument_type=shown_text(o, "instrument-type"),
        realized_today=shown_signed(o, "realized-today"),
    )


def may_be_ours(item: object) -> bool:
    """Whether a position may be in options, or in the shares that an assignment leaves: its kind says so, or says
    nothing that can be read."""
    kind = item.get("instrument-type") if isinstance(item, dict) else None
    return not isinstance(kind, str) or kind in ("", OPTION, SHARES)


def market_state(o: JsonObject, now: datetime) -> MarketState:
    """The state of a session. It is open only within its times: a word that stayed behind opens nothing.

    Raises Unreadable for an open session without a close, and for times that cannot be read.
    """
    word = text(o, "state")
    if word != OPEN:
        return MarketState(False, word, shown_instant(o, "open-at"), shown_instant(o, "close-at"))
    open_at, close_at = optional_instant(o, "open-at"), instant(o, "close-at")
    is_open = now < close_at and (open_at is None or open_at <= now)
    return MarketState(is_open, OPEN if is_open else CLOSED, open_at, close_at)


def metrics_of(o: JsonObject, dates: BrokerDates) -> Metrics:
    """Our metrics from the broker's. `age_s` is in wall seconds, as the ages of quotes are.

    IV rank and percentile arrive as fractions and become 0..100; 30-day IV arrives in percent and becomes a fraction.
    The IV rank is the `tos-` one, else the general one (rules 5).
    """
    rank = optional_figure(o, "tos-implied-volatility-index-rank")
    if rank is None:
        rank = optional_figure(o, "implied-volatility-index-rank")
    iv30 = optional_figure(o, "implied-volatility-30-day")
    earnings = optional_object(o, "earnings")
    now, updated = dates.clock.monotonic(), dates.second_of(instant(o, "updated-at"))
    return Metrics(
        symbol=text(o, "symbol"),
        iv_rank=_scaled(rank),
        iv30=iv30 / HUNDRED if iv30 is not None else None,
        iv_percentile=_scaled(optional_figure(o, "implied-volatility-percentile")),
        ex_dividend=optional_date(o, "dividend-ex-date"),
        dividend=shown_number(o, "dividend-rate-per-share"),
        earnings=optional_date(earnings, "expected-report-date") if earnings is not None else None,
        beta=shown_number(o, "beta"),
        age_s=event_age_s(now, updated, now),
    )


def mark(o: JsonObject) -> tuple[str, Decimal, datetime] | None:
    """Symbol, mark in $ and the instant of the mark; None where the broker has no mark."""
    symbol, price = text(o, "symbol"), optional_figure(o, "mark")
    return None if price is None else (symbol, price, instant(o, "updated-at"))


def option_quote(o: JsonObject, dates: BrokerDates) -> Quote | None:
    """Bid and ask of an option by its OCC symbol, dated by the broker; None where it has neither."""
    symbol, bid, ask = text(o, "symbol"), optional_figure(o, "bid"), optional_figure(o, "ask")
    if bid is None and ask is None:
        return None
    return Quote(symbol, bid, ask, dates.clock.monotonic(), dates.second_of(instant(o, "updated-at")))


def _restriction(status: JsonObject) -> str | None:
    """Why the broker bars entries, in words; None when it does not."""
    barred = (
        (flag(status, "is-closing-only"), "closing only"),
        (flag(status, "is-in-margin-call"), "margin call"),
        (optional_flag(status, "is-risk-reducing-only"), "risk reducing only"),
    )
    words = [*_barring_all(status), *(word for holds, word in barred if holds)]
    return next(iter(words), None)


def _barring_all(status: JsonObject) -> list[str]:
    """Why the broker takes no order at all, in words."""
    barred = ((flag(status, "is-closed"), "closed"), (flag(status, "is-frozen"), "frozen"))
    return [word for holds, word in barred if holds]


def _scaled(fraction: Decimal | None) -> Decimal | None:
    return fraction * HUNDRED if fraction is not None else None
