"""Open tridents: what they are worth, where they break even, and what to watch (SPEC 7). Pure.

There are no automatic exits yet: a warning is all the console does about an open trident.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum

from core.domain.market.chain import Right
from core.domain.market.quotes import Quote
from core.domain.market.underlying import Underlying
from core.domain.operation.reasons import Figures, FigureValue
from core.domain.risk.risk import Direction
from core.domain.trident.trident import SHARES_PER_CONTRACT, break_evens

WARN_FROM_DTE = 7
EX_DIVIDEND_DAYS = 5
"""Days ahead of an ex-dividend date from which a short call in the money is worth exercising early."""


@dataclass(frozen=True, slots=True)
class HeldContract:
    """One leg of an open trident. `streamer` is the chain's own symbol for quotes."""

    streamer: str
    direction: Direction
    quantity: int


@dataclass(frozen=True, slots=True)
class OpenTrident:
    """A filled entry the account still holds. `credit` is the fill's, per share, None while a fill record is missing;
    `max_risk` in $."""

    entry_id: str
    account: str
    underlying: Underlying
    expiration: date
    strikes: str
    body: Decimal
    width: Decimal
    credit: Decimal | None
    max_risk: Decimal
    legs: tuple[HeldContract, ...]

    @property
    def break_evens(self) -> tuple[Decimal | None, Decimal | None]:
        """Settlements with zero P&L below and above the body, from the fill; None where there is none."""
        return (None, None) if self.credit is None else break_evens(self.body, self.width, self.credit)

    def dte(self, today: date) -> int:
        """Calendar days to expiration."""
        return (self.expiration - today).days


@dataclass(frozen=True, slots=True)
class Mark:
    """What closing the package costs, per share: at the midpoints, and in the worst case (buy at ask, sell at bid).

    `natural_credit` is what entering it now would bring in the worst case; `age_s` is that of the oldest leg, in wall
    seconds.
    """

    mid: Decimal
    natural: Decimal
    natural_credit: Decimal
    age_s: float


def mark_trident(trident: OpenTrident, quotes: Mapping[str, Quote], now: float) -> Mark | None:
    """The mark from these quotes by streamer symbol, or None when a leg has no usable one.

    `now` is the clock's monotonic second. Old quotes count: the caller says how old they are.
    """
    mid, natural, credit = Decimal(0), Decimal(0), Decimal(0)
    age_s = 0.0
    for leg in trident.legs:
        quote = quotes.get(leg.streamer)
        if quote is None or not _usable(quote):
            return None
        bid, ask = quote.bid or Decimal(0), quote.ask or Decimal(0)
        short = leg.direction is Direction.SHORT
        sign = leg.quantity if short else -leg.quantity
        mid += sign * (bid + ask) / 2
        natural += sign * (ask if short else bid)
        credit += sign * (bid if short else ask)
        age_s = max(age_s, quote.age(now))
    return Mark(mid, natural, credit, age_s)


def profit(credit: Decimal | None, cost: Decimal | None) -> Decimal | None:
    """P&L in $ of a package sold for this credit and closed at this cost, both per share."""
    return None if credit is None or cost is None else SHARES_PER_CONTRACT * (credit - cost)


def _usable(quote: Quote) -> bool:
    sides = (quote.bid, quote.ask)
    if any(side is None or not side.is_finite() or side < 0 for side in sides):
        return False
    return not quote.crossed and not (quote.ask or Decimal(0)).is_zero()


def body_of(strikes: str) -> Decimal:
    """The body of a trident's strikes as `Trident.strikes` writes them: 622 of 622P/619P/622C/625C."""
    return Decimal(strikes.partition("/")[0].rstrip("PC"))


class Watch(Enum):
    """What an operator should know of an open trident: (stable code, sentence)."""

    code: str
    sentence: str

    def __init__(self, code: str, sentence: str) -> None:
        self.code = code
        self.sentence = sentence

    EXPIRES_TODAY = ("expires_today", "expires today, no automatic exit")
    EXPIRES_SOON = ("expires_soon", "{days} days to expiration, no automatic exit")
    ASSIGNMENT = ("assignment", "the short {leg} is {depth} in the money and can be assigned any day")
    EX_DIVIDEND = (
        "ex_dividend_assignment",
        "the short {leg} is {depth} in the money: it can be assigned before {symbol} goes ex-dividend on {day}",
    )


@dataclass(frozen=True, slots=True)
class PositionWarning:
    """A warning with its figures."""

    watch: Watch
    figures: Figures = ()

    def sentence(self) -> str:
        """For a trader to read."""
        return self.watch.sentence.format_map({name: str(value) for name, value in self.figures})


def warnings_of(
    trident: OpenTrident, today: date, price: Decimal | None, ex_dividend: date | None
) -> tuple[PositionWarning, ...]:
    """From 7 days to expiration, and when a short leg may be assigned early (SPEC 7).

    Only American options are: an index's are European and settle in cash. `price` is the underlying's; without one
    nothing is said of assignment.
    """
    told: list[PositionWarning] = []
    days = trident.dte(today)
    if days <= 0:
        told.append(_warn(Watch.EXPIRES_TODAY))
    elif days <= WARN_FROM_DTE:
        told.append(_warn(Watch.EXPIRES_SOON, days=days))
    if price is None or trident.underlying.is_index or price == trident.body:
        return tuple(told)
    right = Right.CALL if price > trident.body else Right.PUT
    leg, depth = f"{right.name.lower()} {trident.body.normalize():f}", f"{abs(price - trident.body):.2f}"
    if days <= WARN_FROM_DTE:
        told.append(_warn(Watch.ASSIGNMENT, leg=leg, depth=depth))
    elif right is Right.CALL and ex_dividend is not None and 0 <= (ex_dividend - today).days <= EX_DIVIDEND_DAYS:
        symbol = trident.underlying.symbol
        told.append(_warn(Watch.EX_DIVIDEND, leg=leg, depth=depth, symbol=symbol, day=ex_dividend))
    return tuple(told)


def _warn(watch: Watch, **figures: FigureValue) -> PositionWarning:
    return PositionWarning(watch, tuple(figures.items()))
