"""The prices inside one session, and the quotes made from them by adding a spread."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from math import exp, log
from zlib import crc32

import numpy as np

from core.simulator.market.market_data import ListedOption, MarketQuote, TradingSession
from core.simulator.market.paths import SYMBOLS, DailyPaths, Floats
from core.simulator.market.surface import SHAPES, YEAR_SECONDS, black_scholes, implied_volatility

QUARTERS_PER_SECOND = 4
"""A session is divided into quarters of a second, counted from its open. A quote changes at most once in each."""
_NOISE_SIZE = 8191


def noise_table(seed: int) -> list[float]:
    """8191 standard normal values from a seed, clipped to +-2. Quotes look them up by their quarter of a second."""
    values = np.random.default_rng([seed & 0xFFFFFFFF, 77]).standard_normal(_NOISE_SIZE)
    return [float(v) for v in np.clip(values, -2.0, 2.0)]


def cents(count: int) -> Decimal:
    """A whole number of cents as a price in $."""
    return Decimal(count).scaleb(-2)


def spread_factor(elapsed: float, length: float) -> float:
    """How many times wider than usual a spread is, after `elapsed` of a session's `length` seconds.

    About 4 at the open, about 1.2 after 10 minutes, near 1 at midday and 1.25 at the close.
    """
    return 1.0 + 3.0 * exp(-elapsed / 240.0) + 0.25 * exp(-(length - elapsed) / 300.0)


class SessionPath:
    """The prices of one session.

    Instants are seconds since 1970 UTC. One outside the session counts as its open or its close, whichever is nearer.
    """

    def __init__(self, paths: DailyPaths, session: TradingSession, offset: int, noise: list[float]) -> None:
        self.session = session
        self.offset = offset
        self.open_at = session.open.timestamp()
        self.close_at = session.close.timestamp()
        self.length = round(self.close_at - self.open_at)
        self.noise = noise
        self._paths = paths
        self._seconds: dict[str, list[float]] = {}
        self._extremes: dict[str, tuple[Floats, Floats]] = {}
        self._log_implied = {
            symbol: (log(paths.bar(symbol, offset - 1).implied), log(paths.bar(symbol, offset).implied))
            for symbol in SYMBOLS
        }

    @cached_property
    def quarters(self) -> int:
        """How many quarters of a second the session has."""
        return self.length * QUARTERS_PER_SECOND

    def quarter(self, at: float, cadence: int = 1, phase: int = 0) -> int:
        """The quarter of a second in which a value last changed, at or before the instant.

        The value changes every `cadence` quarters; `phase` shifts those changes in time.
        """
        index = int((min(max(at, self.open_at), self.close_at) - self.open_at) * QUARTERS_PER_SECOND + 1e-6)
        return max(0, index - (index + phase) % cadence)

    def price(self, symbol: str, quarter: int) -> float:
        """The price of an underlying at a quarter of a second of the session."""
        seconds = self._seconds.get(symbol)
        if seconds is None:
            values = self._paths.seconds(symbol, self.offset, self.length)
            self._extremes[symbol] = (np.minimum.accumulate(values), np.maximum.accumulate(values))
            seconds = self._seconds[symbol] = values.tolist()
        whole, part = divmod(quarter, QUARTERS_PER_SECOND)
        value = seconds[whole]
        return value if part == 0 else value + (seconds[whole + 1] - value) * part / QUARTERS_PER_SECOND

    def extremes(self, symbol: str, quarter: int) -> tuple[float, float]:
        """The lowest and highest price of the session so far."""
        self.price(symbol, 0)
        low, high = self._extremes[symbol]
        return float(low[quarter // QUARTERS_PER_SECOND]), float(high[quarter // QUARTERS_PER_SECOND])

    def implied(self, symbol: str, quarter: int) -> float:
        """The 30-day implied volatility, an annual fraction. It moves evenly (in logs) from one close to the next."""
        first, last = self._log_implied[symbol]
        return exp(first + (last - first) * quarter / self.quarters)

    def instant(self, quarter: int) -> datetime:
        """The instant of a quarter of a second, in UTC."""
        return datetime.fromtimestamp(self.open_at + quarter / QUARTERS_PER_SECOND, UTC)

    def jitter(self, quarter: int, salt: int) -> float:
        """A noise value within +-2, always the same for one quarter and salt."""
        return self.noise[(quarter * 7919 + salt) % _NOISE_SIZE]


def equity_quote(path: SessionPath, symbol: str, at: float) -> MarketQuote:
    """The quote of an ETF: one or two cents wide, wider around the open."""
    salt = crc32(symbol.encode())
    quarter = path.quarter(at)
    wobble = path.jitter(quarter, salt)
    width = max(1, round((1.2 + 0.35 * wobble) * spread_factor(quarter / QUARTERS_PER_SECOND, path.length)))
    bid = round(path.price(symbol, quarter) * 100 - width / 2 + 0.3 * wobble)
    when = path.instant(quarter)
    sizes = abs(int(path.jitter(quarter, salt + 1) * 400)), abs(int(path.jitter(quarter, salt + 2) * 400))
    return MarketQuote(symbol, cents(bid), cents(bid + width), 100 + sizes[0], 100 + sizes[1], when, when)


@dataclass(frozen=True, slots=True)
class Ticks:
    """A tick table, all in cents: the tick is `fine` below `threshold` and `coarse` from there on."""

    fine: int
    coarse: int
    threshold: int

    def at(self, price_in_cents: float) -> int:
        return self.fine if price_in_cents < self.threshold else self.coarse


TICKS = {"QQQ": Ticks(1, 1, 0), "SPX": Ticks(5, 10, 300)}
_SPREADS = {"QQQ": (0.020, 0.0016), "SPX": (0.08, 0.0022)}
"""The usual spread of an option: an amount in $, and a share of its time value."""


@dataclass(frozen=True, slots=True)
class OptionValue:
    """The theoretical value of a contract at an instant, and what it was computed from."""

    value: float
    volatility: float
    spot: float
    years: float


class OptionQuoter:
    """Makes the quotes of one contract."""

    __slots__ = ("_call", "_expiry", "_shape", "_strike", "_symbol", "_ticks", "option", "salt")

    def __init__(self, option: ListedOption) -> None:
        self.option = option
        self.salt = crc32(option.streamer.encode())
        self._symbol = option.underlying
        self._shape = SHAPES[option.underlying]
        self._ticks = TICKS[option.underlying]
        self._strike = float(option.strike)
        self._expiry = option.expires_at.timestamp()
        self._call = option.right == "C"

    def cadence(self, spot: float) -> int:
        """Quarters of a second between two changes of the quote: two near the money, up to twelve far away."""
        return min(12, 2 + int(abs(self._strike / spot - 1.0) * 60.0))

    def last_quarter(self, path: SessionPath, at: float) -> int:
        """The quarter of a second in which the quote last changed, at or before the instant."""
        opened = path.price(self._symbol, 0)
        return path.quarter(at, self.cadence(opened), self.salt % 12)

    def value(self, path: SessionPath, quarter: int) -> OptionValue:
        """The theoretical value at a quarter of a second."""
        spot = path.price(self._symbol, quarter)
        years = (self._expiry - path.open_at - quarter / QUARTERS_PER_SECOND) / YEAR_SECONDS
        sigma = implied_volatility(self._shape, path.implied(self._symbol, quarter), spot, self._strike, years)
        worth = black_scholes(spot, self._strike, years, sigma, self._shape.dividend_yield, self._call)
        return OptionValue(worth, sigma, spot, years)

    def quote(self, path: SessionPath, at: float) -> MarketQuote:
        """Bid and ask as multiples of the tick. The bid is never negative and always below the ask."""
        quarter = self.last_quarter(path, at)
        state = self.value(path, quarter)
        wobble = path.jitter(quarter, self.salt)
        inside = (state.spot - self._strike) if self._call else (self._strike - state.spot)
        inside = max(0.0, inside)
        base, share = _SPREADS[self._symbol]
        spread = base + share * max(0.0, state.value - inside) + 0.004 * inside
        spread *= spread_factor(quarter / QUARTERS_PER_SECOND, path.length) * (1.0 + 0.15 * wobble)
        middle = max(0.0, state.value) * 100.0 + 10.0 * spread * path.jitter(quarter, self.salt + 1)
        tick = self._ticks.at(middle)
        bid = max(0, round((middle - 50.0 * spread) / tick) * tick)
        ask = max(round((middle + 50.0 * spread) / tick) * tick, bid + tick)
        when = path.instant(quarter)
        bid_size = 0 if bid == 0 else 5 + abs(int(path.jitter(quarter, self.salt + 2) * 60))
        ask_size = 5 + abs(int(path.jitter(quarter, self.salt + 3) * 60))
        return MarketQuote(self.option.streamer, cents(bid), cents(ask), bid_size, ask_size, when, when)

    def rounded_value(self, path: SessionPath, quarter: int) -> Decimal:
        """The theoretical value at an instant, rounded to the tick."""
        worth = max(0.0, self.value(path, quarter).value) * 100.0
        tick = self._ticks.at(worth)
        return cents(round(worth / tick) * tick)
