"""From a path to quotes: the seconds of one session, and the spreads market makers put around a value."""

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
"""Quotes change at most this often a second."""
_NOISE_SIZE = 8191


def noise_table(seed: int) -> list[float]:
    """Seeded standard normals, clipped to +-2, that quotes index by their own quarter of a second."""
    values = np.random.default_rng([seed & 0xFFFFFFFF, 77]).standard_normal(_NOISE_SIZE)
    return [float(v) for v in np.clip(values, -2.0, 2.0)]


def cents(count: int) -> Decimal:
    """A whole number of cents as a price."""
    return Decimal(count).scaleb(-2)


def spread_factor(elapsed: float, length: float) -> float:
    """How much wider than usual spreads are: about 4x at the bell, usual after 10 minutes, wider into the close."""
    return 1.0 + 3.0 * exp(-elapsed / 240.0) + 0.25 * exp(-(length - elapsed) / 300.0)


class SessionPath:
    """One session's prices by the second. Instants are seconds of the epoch; outside the session its ends stand."""

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
        return self.length * QUARTERS_PER_SECOND

    def quarter(self, at: float, cadence: int = 1, phase: int = 0) -> int:
        """The quarter-second of the last change at or before the instant, one change every `cadence`."""
        index = int((min(max(at, self.open_at), self.close_at) - self.open_at) * QUARTERS_PER_SECOND + 1e-6)
        return max(0, index - (index + phase) % cadence)

    def price(self, symbol: str, quarter: int) -> float:
        """The value of an underlying at a quarter-second of the session."""
        seconds = self._seconds.get(symbol)
        if seconds is None:
            values = self._paths.seconds(symbol, self.offset, self.length)
            self._extremes[symbol] = (np.minimum.accumulate(values), np.maximum.accumulate(values))
            seconds = self._seconds[symbol] = values.tolist()
        whole, part = divmod(quarter, QUARTERS_PER_SECOND)
        value = seconds[whole]
        return value if part == 0 else value + (seconds[whole + 1] - value) * part / QUARTERS_PER_SECOND

    def extremes(self, symbol: str, quarter: int) -> tuple[float, float]:
        """Low and high of the session so far."""
        self.price(symbol, 0)
        low, high = self._extremes[symbol]
        return float(low[quarter // QUARTERS_PER_SECOND]), float(high[quarter // QUARTERS_PER_SECOND])

    def implied(self, symbol: str, quarter: int) -> float:
        """30-day implied volatility, moving from the previous close's to this close's."""
        first, last = self._log_implied[symbol]
        return exp(first + (last - first) * quarter / self.quarters)

    def instant(self, quarter: int) -> datetime:
        return datetime.fromtimestamp(self.open_at + quarter / QUARTERS_PER_SECOND, UTC)

    def jitter(self, quarter: int, salt: int) -> float:
        return self.noise[(quarter * 7919 + salt) % _NOISE_SIZE]


def equity_quote(path: SessionPath, symbol: str, at: float) -> MarketQuote:
    """An ETF's quote: a cent or two wide, several around the open."""
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
    """A tick table in cents: `fine` below `threshold`, `coarse` from there."""

    fine: int
    coarse: int
    threshold: int

    def at(self, price_in_cents: float) -> int:
        return self.fine if price_in_cents < self.threshold else self.coarse


TICKS = {"QQQ": Ticks(1, 1, 0), "SPX": Ticks(5, 10, 300)}
_SPREADS = {"QQQ": (0.020, 0.0016), "SPX": (0.08, 0.0022)}
"""Usual spread: a base, and a share of the time value."""


@dataclass(frozen=True, slots=True)
class OptionValue:
    """The worth of a contract at an instant, before any spread."""

    value: float
    volatility: float
    spot: float
    years: float


class OptionQuoter:
    """Quotes one contract."""

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
        """Quarter-seconds between changes: two near the money, up to twelve far away."""
        return min(12, 2 + int(abs(self._strike / spot - 1.0) * 60.0))

    def last_quarter(self, path: SessionPath, at: float) -> int:
        opened = path.price(self._symbol, 0)
        return path.quarter(at, self.cadence(opened), self.salt % 12)

    def value(self, path: SessionPath, quarter: int) -> OptionValue:
        spot = path.price(self._symbol, quarter)
        years = (self._expiry - path.open_at - quarter / QUARTERS_PER_SECOND) / YEAR_SECONDS
        sigma = implied_volatility(self._shape, path.implied(self._symbol, quarter), spot, self._strike, years)
        worth = black_scholes(spot, self._strike, years, sigma, self._shape.dividend_yield, self._call)
        return OptionValue(worth, sigma, spot, years)

    def quote(self, path: SessionPath, at: float) -> MarketQuote:
        """Bid and ask on the tick grid, the bid never negative and always below the ask."""
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

    def middle(self, path: SessionPath, quarter: int) -> Decimal:
        """The worth at an instant, on the tick grid."""
        worth = max(0.0, self.value(path, quarter).value) * 100.0
        tick = self._ticks.at(worth)
        return cents(round(worth / tick) * tick)
