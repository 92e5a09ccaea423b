"""Open tridents: their value, their break-evens, and warnings about them (rules 7). Pure.

What the console does about them besides depends on whether exits are on (rules 15).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum

from core.domain.market.chain import Right
from core.domain.market.quotes import Quote
from core.domain.market.underlying import Underlying
from core.domain.operation import amounts
from core.domain.operation.figures import Figures, FigureValue
from core.domain.positions.tridents import ExitMode
from core.domain.trident.book_payoff import LeftAtExpiry
from core.domain.trident.sides import Direction
from core.domain.trident.trident import CALL_SPREADS, PUT_SPREADS, SHARES_PER_CONTRACT, break_evens

WARN_FROM_DTE = 7
EX_DIVIDEND_DAYS = 5
"""Days before an ex-dividend date from which a short call in the money may be exercised early for the dividend."""


@dataclass(frozen=True, slots=True)
class HeldContract:
    """One leg of an open trident. `streamer` is the chain's symbol for quotes; `quantity` is in contracts."""

    streamer: str
    direction: Direction
    quantity: int


@dataclass(frozen=True, slots=True)
class OpenTrident:
    """A filled entry that the account still holds. `body` and `width` are in dollars per share.

    `credit` is that of the fills, per share and package; None while a fill record is missing. `max_risk` is in $ for
    all packages, None when it is unknown. `packages` is how many the order is of; None for other legs than a trident's,
    which have no mark. `differs` says what of it the broker does not hold, or is empty. `exits` is what this console
    sends to close it. `opened_at` is when its last fill came, None while no fill is on record.
    """

    entry_id: str
    account: str
    underlying: Underlying
    expiration: date
    strikes: str
    body: Decimal
    width: Decimal
    credit: Decimal | None
    max_risk: Decimal | None
    legs: tuple[HeldContract, ...]
    packages: int | None = 1
    differs: str = ""
    exits: ExitMode = ExitMode.OFF
    opened_at: datetime | None = None

    @property
    def break_evens(self) -> tuple[Decimal | None, Decimal | None]:
        """The settlements below and above the body at which P&L is zero, from the fills; None where there is none."""
        return (None, None) if self.credit is None else break_evens(self.body, self.width, self.credit)

    @property
    def at_expiry(self) -> LeftAtExpiry | None:
        """Its payoff while all of it is held; None while its credit or the number of its packages is not known."""
        if self.credit is None or self.packages is None:
            return None
        puts, calls = self.packages * PUT_SPREADS, self.packages * CALL_SPREADS
        return LeftAtExpiry(self.body, self.width, puts, calls, self.packages * SHARES_PER_CONTRACT * self.credit)

    def dte(self, today: date) -> int:
        """Calendar days to expiration."""
        return (self.expiration - today).days


@dataclass(frozen=True, slots=True)
class Mark:
    """The cost of closing one package, per share.

    `mid` is the cost at the midpoints; `natural` the cost of buying at the ask and selling at the bid. `natural_credit`
    is what the market would pay at once for entering it now: selling at the bid, buying at the ask. `age_s` is the age
    of the oldest leg's quote in wall seconds.
    """

    mid: Decimal
    natural: Decimal
    natural_credit: Decimal
    age_s: float


def mark_trident(trident: OpenTrident, quotes: Mapping[str, Quote], now: float) -> Mark | None:
    """The mark from quotes by streamer symbol; None when a leg has no usable quote, or the legs are no trident's.

    `now` is the clock's monotonic second. Old quotes are used too: the caller shows how old they are.
    """
    if trident.packages is None:
        return None
    mid, natural, credit = Decimal(0), Decimal(0), Decimal(0)
    age_s = 0.0
    for leg in trident.legs:
        quote = quotes.get(leg.streamer)
        leg_age_s = None if quote is None else quote.age(now)
        if quote is None or leg_age_s is None or not _usable(quote):
            return None
        bid, ask = quote.bid or Decimal(0), quote.ask or Decimal(0)
        short = leg.direction is Direction.SHORT
        sign = leg.quantity if short else -leg.quantity
        mid += sign * (bid + ask) / 2
        natural += sign * (ask if short else bid)
        credit += sign * (bid if short else ask)
        age_s = max(age_s, leg_age_s)
    return Mark(mid / trident.packages, natural / trident.packages, credit / trident.packages, age_s)


def profit(trident: OpenTrident, cost: Decimal | None) -> Decimal | None:
    """The P&L in $ of all packages of the trident when each is closed for `cost` per share; None when its credit, the
    cost or the number of packages is not known."""
    if trident.credit is None or cost is None or trident.packages is None:
        return None
    return trident.packages * SHARES_PER_CONTRACT * (trident.credit - cost)


def _usable(quote: Quote) -> bool:
    """Whether the quote has both sides, is not crossed, and has an ask above 0."""
    sides = (quote.bid, quote.ask)
    if any(side is None or not side.is_finite() or side < 0 for side in sides):
        return False
    return not quote.crossed and not (quote.ask or Decimal(0)).is_zero()


def body_of(strikes: str) -> Decimal:
    """The body (the shared short strike) in strikes written like 622P/619P/622C/625C (`Trident.strikes`): 622."""
    return Decimal(strikes.partition("/")[0].rstrip("PC"))


class Watch(Enum):
    """The kinds of warnings about an open trident. The value is (stable code, sentence)."""

    code: str
    sentence: str

    def __init__(self, code: str, sentence: str) -> None:
        self.code = code
        self.sentence = sentence

    EXPIRES_TODAY = ("expires_today", "expires today, {exit}")
    EXPIRES_SOON = ("expires_soon", "{days} to expiration, {exit}")
    ASSIGNMENT = ("assignment", "the short {leg} is {depth} in the money and can be assigned any day")
    EX_DIVIDEND = (
        "ex_dividend_assignment",
        "the short {leg} is {depth} in the money: it can be assigned before {symbol} goes ex-dividend on {day}",
    )


@dataclass(frozen=True, slots=True)
class PositionWarning:
    """A warning about an open trident, with the figures that fill its sentence."""

    watch: Watch
    figures: Figures = ()

    def sentence(self) -> str:
        """The sentence with the figures filled in, for a trader."""
        return self.watch.sentence.format_map({name: _shown(name, value) for name, value in self.figures})


_EXITS = {
    ExitMode.OFF: "no automatic exit",
    ExitMode.TARGETS: "its targets rest, no time exit",
    ExitMode.ALL: "its time exit closes it",
}
"""What this console does about a trident that expires."""


def warnings_of(
    trident: OpenTrident, today: date, price: Decimal | None, ex_dividend: date | None
) -> tuple[PositionWarning, ...]:
    """The warnings about a trident: from 7 days to expiration on, and when a short leg may be assigned early (rules 7).

    One that nears its expiration says what closes it: a warning stays where nothing of this console does.

    Only American options can be assigned early; those on an index are European and settle in cash. `price` is the
    underlying's; without it there is no warning about assignment.
    """
    due: list[PositionWarning] = []
    days = trident.dte(today)
    if days <= 0:
        due.append(_warn(Watch.EXPIRES_TODAY, exit=_EXITS[trident.exits]))
    elif days <= WARN_FROM_DTE:
        due.append(_warn(Watch.EXPIRES_SOON, days=days, exit=_EXITS[trident.exits]))
    if price is None or trident.underlying.is_index or price == trident.body:
        return tuple(due)
    right = Right.CALL if price > trident.body else Right.PUT
    leg, depth = f"{right.name.lower()} {amounts.strike(trident.body)}", amounts.price(abs(price - trident.body))
    if days <= WARN_FROM_DTE:
        due.append(_warn(Watch.ASSIGNMENT, leg=leg, depth=depth))
    elif right is Right.CALL and ex_dividend is not None and 0 <= (ex_dividend - today).days <= EX_DIVIDEND_DAYS:
        symbol = trident.underlying.symbol
        due.append(_warn(Watch.EX_DIVIDEND, leg=leg, depth=depth, symbol=symbol, day=ex_dividend))
    return tuple(due)


def _shown(name: str, value: FigureValue) -> str:
    return amounts.counted(value, "day") if name == "days" and isinstance(value, int) else str(value)


def _warn(watch: Watch, **figures: FigureValue) -> PositionWarning:
    return PositionWarning(watch, tuple(figures.items()))
