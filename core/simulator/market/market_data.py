"""The values that the simulated market returns. Times are aware, in UTC and market time; prices are Decimal $."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import overload

OPTIONS_AFTER_CLOSE = timedelta(minutes=15)
"""For how long after the close of a session its options trade."""


@dataclass(frozen=True, slots=True)
class MarketQuote:
    """Best bid and ask of a streamer symbol, per share. An index has neither: both are None."""

    symbol: str
    bid: Decimal | None
    ask: Decimal | None
    bid_size: int
    ask_size: int
    bid_time: datetime
    ask_time: datetime


@dataclass(frozen=True, slots=True)
class MarketTrade:
    """The last trade. `change` is the price less the previous close; `tick` is UP, DOWN or ZERO_UP, as in the feed."""

    symbol: str
    price: Decimal
    size: int
    time: datetime
    day_volume: int
    change: Decimal
    tick: str


@dataclass(frozen=True, slots=True)
class MarketSummary:
    """The open, and the high and low so far, of the session on `day`; and the close of the session before it."""

    symbol: str
    day_open: Decimal | None
    day_high: Decimal | None
    day_low: Decimal | None
    previous_close: Decimal | None
    day: date
    previous_day: date
    open_interest: int


@dataclass(frozen=True, slots=True)
class MarketGreeks:
    """A contract's greeks. Theta is per calendar day, vega and rho per percentage point. Volatility is a fraction."""

    symbol: str
    time: datetime
    price: float
    volatility: float
    delta: float
    gamma: float
    theta: float
    rho: float
    vega: float


@dataclass(frozen=True, slots=True)
class MarketCandle:
    """The bar of one session. `time` is midnight UTC of its date, as in the feed's daily candles."""

    symbol: str
    day: date
    time: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: int
    implied_volatility: float | None


@dataclass(frozen=True, slots=True)
class TradingSession:
    """One session of the exchange. `open` and `close` are in UTC; options trade until `options_close`."""

    day: date
    open: datetime
    close: datetime
    half_day: bool

    @property
    def options_close(self) -> datetime:
        """Until when options trade that do not stop earlier on their last day: 15 minutes after the close."""
        return self.close + OPTIONS_AFTER_CLOSE


@dataclass(frozen=True, slots=True)
class TickSize:
    """One band of a tick table (broker 9). It applies below its threshold; without one, at any price."""

    value: Decimal
    threshold: Decimal | None = None


@dataclass(frozen=True, slots=True)
class ListedStrike:
    """One strike of an expiration, with the symbols of its call and its put."""

    strike: Decimal
    call_occ: str
    call_streamer: str
    put_occ: str
    put_streamer: str


@lru_cache(maxsize=65_536)
def listed_strike(root: str, day: date, strike: int) -> ListedStrike:
    """One strike of the expiration on a day, in $, with the symbols by which it is listed."""
    when, price = day.strftime("%y%m%d"), f"{strike * 1000:08d}"
    occ, streamer = f"{root:<6}{when}", f".{root}{when}"
    return ListedStrike(
        Decimal(strike), f"{occ}C{price}", f"{streamer}C{strike}", f"{occ}P{price}", f"{streamer}P{strike}"
    )


@dataclass(frozen=True, slots=True)
class ListedStrikes(Sequence[ListedStrike]):
    """The strikes of an expiration, ascending. Each is named only when it is asked for: a chain has ten thousand."""

    root: str
    day: date
    prices: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.prices)

    @overload
    def __getitem__(self, index: int) -> ListedStrike: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[ListedStrike, ...]: ...

    def __getitem__(self, index: int | slice) -> ListedStrike | tuple[ListedStrike, ...]:
        if isinstance(index, slice):
            return tuple(listed_strike(self.root, self.day, price) for price in self.prices[index])
        return listed_strike(self.root, self.day, self.prices[index])

    def at(self, price: Decimal) -> ListedStrike | None:
        """The strike at this price, None if it is not listed."""
        index = bisect_left(self.prices, price)
        return self[index] if index < len(self.prices) and self.prices[index] == price else None


@dataclass(frozen=True, slots=True)
class ListedExpiration:
    """One listed expiration of a root.

    `expiration_type` is Regular, Weekly, End-Of-Month or Quarterly; `settlement_type` AM or PM.
    """

    day: date
    expiration_type: str
    settlement_type: str
    days_to_expiration: int
    stops_trading_at: datetime
    expires_at: datetime
    strikes: ListedStrikes


@dataclass(frozen=True, slots=True)
class ListedRoot:
    """One root of an underlying's option chain, as listed on one date."""

    underlying: str
    root: str
    option_chain_type: str
    shares_per_contract: int
    tick_sizes: tuple[TickSize, ...]
    expirations: tuple[ListedExpiration, ...]


@dataclass(frozen=True, slots=True)
class ListedOption:
    """One option contract, with everything its symbol says."""

    occ: str
    streamer: str
    underlying: str
    root: str
    expiration: date
    strike: Decimal
    right: str  # "P" or "C"
    settlement_type: str
    stops_trading_at: datetime
    expires_at: datetime
    deliverable: Decimal = Decimal(1)
    """How many shares each share of the contract delivers: other than 1 after a split of the underlying."""


@dataclass(frozen=True, slots=True)
class Dividend:
    """One cash dividend: who holds a share at the close before `ex` is paid `amount` $ on `pay`."""

    ex: date
    pay: date
    amount: Decimal


@dataclass(frozen=True, slots=True)
class ExpirationVolatility:
    """The at-the-money implied volatility of one expiration, as a fraction."""

    day: date
    settlement_type: str
    implied_volatility: Decimal


@dataclass(frozen=True, slots=True)
class MarketMetricsRow:
    """The broker's volatility metrics (broker 2.2, 12).

    The 30, 60 and 90-day figures are in percent; every other rank, percentile and volatility is a fraction. The broker
    sends them in these units.
    """

    symbol: str
    updated_at: datetime
    market_cap: Decimal
    implied_volatility_index: Decimal
    implied_volatility_index_5_day_change: Decimal
    implied_volatility_index_rank: Decimal
    tos_implied_volatility_index_rank: Decimal
    tw_implied_volatility_index_rank: Decimal
    implied_volatility_percentile: Decimal
    implied_volatility_30_day: Decimal
    historical_volatility_30_day: Decimal
    historical_volatility_60_day: Decimal
    historical_volatility_90_day: Decimal
    iv_hv_30_day_difference: Decimal
    beta: Decimal
    corr_spy_3month: Decimal
    liquidity_rating: int
    dividend: Dividend | None
    """The next one, the ex-date of today included."""
    listed_market: str
    expirations: tuple[ExpirationVolatility, ...]
