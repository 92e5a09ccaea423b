"""Market data as the feed delivers it. Prices are in dollars, ages in wall seconds (rules 14)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

MAX_AHEAD_S = 2.0
"""An event that is dated further ahead of its receipt than this has no age: its time, or the clock, is wrong."""


def event_age_s(now: float, as_of: float, received: float) -> float | None:
    """Wall seconds at `now` since `as_of`, both monotonic; None when that lies too far ahead of the receipt."""
    age_s = max(0.0, now - as_of)
    return None if as_of - received > MAX_AHEAD_S else age_s


@dataclass(frozen=True, slots=True)
class Quote:
    """A bid and an ask. A side that is missing or not a number is None.

    `received` is the clock's monotonic second of arrival. `as_of` is the monotonic second at which the older of the two
    sides was set, where the event carries the times of its sides, else `received`. It is later than `received` where
    the event is dated ahead (rules 4.3).
    """

    symbol: str
    bid: Decimal | None
    ask: Decimal | None
    received: float
    as_of: float
    bid_size: Decimal | None = None
    ask_size: Decimal | None = None

    def age(self, now: float) -> float | None:
        """Wall seconds since the older side was set, None when it is dated ahead; `now` is monotonic."""
        return event_age_s(now, self.as_of, self.received)

    @property
    def ahead_s(self) -> float | None:
        """How many seconds ahead of its receipt it is dated, where it has no age for that; else None."""
        ahead = self.as_of - self.received
        return ahead if ahead > MAX_AHEAD_S else None

    @property
    def crossed(self) -> bool:
        """Whether the bid is above the ask."""
        return self.bid is not None and self.ask is not None and self.bid > self.ask

    @property
    def mid(self) -> Decimal | None:
        """The midpoint; None when a side is missing or the bid is above the ask."""
        if self.bid is None or self.ask is None or self.crossed:
            return None
        return (self.bid + self.ask) / 2


@dataclass(frozen=True, slots=True)
class Trade:
    """The last trade.

    `as_of` is the trade's own time on the monotonic scale where the event carries it, as for Quote.
    """

    symbol: str
    price: Decimal
    received: float
    as_of: float
    day_volume: Decimal | None = None

    def age(self, now: float) -> float | None:
        """Wall seconds since the trade, None when it is dated ahead; `now` is monotonic."""
        return event_age_s(now, self.as_of, self.received)


@dataclass(frozen=True, slots=True)
class DaySummary:
    """The session's open, high and low so far, and the previous close. `day` is the session's date; None when the feed
    does not say it."""

    symbol: str
    previous_close: Decimal | None
    day_open: Decimal | None
    day_high: Decimal | None
    day_low: Decimal | None
    received: float
    day: date | None = None


@dataclass(frozen=True, slots=True)
class TradingHalt:
    """Whether the exchange has halted the symbol, from the symbol's profile."""

    symbol: str
    halted: bool
    received: float


@dataclass(frozen=True, slots=True)
class Candle:
    """One session's bar; `day` is the session's date. Prices are floats, because only indicators use them."""

    day: date
    open: float
    high: float
    low: float
    close: float
