"""Random price and volatility paths from a seed: a bar for each session, then a price for each of its seconds.

A session is known by its offset from the first session of the simulation. The paths depend on seed and offset, not on
dates: a simulation meets the same prices on whatever date it begins. Prices are floats here; the market rounds them to
Decimal before it returns them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

HISTORY = 330
"""Sessions before the start: enough for daily candles, and for a year of volatilities to rank against."""
KNOTS = 78
"""Segments of a session, 5 minutes each on a full day. A bar fixes the price at both ends of each."""
SESSIONS_PER_YEAR = 252
OVERNIGHT_SHARE = 0.22
"""Part of a day's variance that falls between the previous close and the open."""
ANNUAL_DRIFT = 0.07
_STREAM = 324
"""Mixed into every seed. Chosen so that the default seed begins in an ordinary market that can be traded."""


@dataclass(frozen=True, slots=True)
class UnderlyingModel:
    """The parameters of one underlying: its price at the start and how it moves. Volatilities are annual fractions."""

    symbol: str
    level: float
    """Close of the session before the start, in $."""
    beta: float
    """How strongly it follows the move that all underlyings have in common."""
    idiosyncratic: float
    """Volatility of the rest of its moves, as a fraction of the common volatility."""
    implied: float
    """Typical 30-day implied volatility."""
    realized: float
    """Typical volatility of the common move for this underlying."""
    volume: float
    """Typical number of shares traded in a session."""


MODELS = {
    "QQQ": UnderlyingModel("QQQ", 621.46, 1.0, 0.12, 0.186, 0.138, 46e6),
    "SPX": UnderlyingModel("SPX", 6848.20, 0.93, 0.20, 0.152, 0.109, 2.6e9),
}
SYMBOLS = tuple(MODELS)


def intraday_variance(u: Floats) -> Floats:
    """Relative variance at fractions (0 to 1) of the session: high at the open, low at midday, higher at the close."""
    return np.asarray(0.55 + 2.6 * np.exp(-u / 0.045) + 0.8 * np.exp(-(1.0 - u) / 0.07), dtype=np.float64)


_EDGES = np.linspace(0.0, 1.0, KNOTS + 1)
_WEIGHTS = intraday_variance((_EDGES[:-1] + _EDGES[1:]) / 2)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()
_CUMULATIVE = np.concatenate(([0.0], np.cumsum(np.sqrt(_WEIGHTS) / np.sqrt(_WEIGHTS).sum())))


def volume_share(fraction: float) -> float:
    """The part of a session's volume (0 to 1) that has traded once this fraction of the session is over."""
    return float(np.interp(fraction, _EDGES, _CUMULATIVE))


@dataclass(frozen=True, slots=True)
class DayBar:
    """One session of one underlying."""

    knots: Floats
    """Log prices at the ends of the segments, KNOTS + 1 of them."""
    implied: float
    """30-day implied volatility at the close, an annual fraction."""
    sigma: float
    """Standard deviation of the intraday log return."""
    volume: float

    @property
    def open(self) -> float:
        return float(np.exp(self.knots[0]))

    @property
    def close(self) -> float:
        return float(np.exp(self.knots[-1]))

    @property
    def high(self) -> float:
        return float(np.exp(self.knots.max()))

    @property
    def low(self) -> float:
        return float(np.exp(self.knots.min()))


@dataclass(slots=True)
class _CarriedState:
    """The state that carries over from one session to the next."""

    volatility: float
    slow: float
    levels: dict[str, float]


class DailyPaths:
    """The bars of all sessions by offset. Later ones are made when read; the order of reads does not matter."""

    def __init__(self, seed: int, stream: int = _STREAM) -> None:
        self._seed = seed
        self._stream = stream
        self._bars: dict[str, list[DayBar]] = {symbol: [] for symbol in SYMBOLS}
        self._carried = _CarriedState(0.0, 0.0, dict.fromkeys(SYMBOLS, 0.0))
        for offset in range(-HISTORY, 0):
            self._append(offset)
        for symbol, model in MODELS.items():
            shift = float(np.log(model.level)) - self._carried.levels[symbol]
            self._carried.levels[symbol] += shift
            self._bars[symbol] = [DayBar(b.knots + shift, b.implied, b.sigma, b.volume) for b in self._bars[symbol]]

    def bar(self, symbol: str, offset: int) -> DayBar:
        """The bar of one session. Raises IndexError for an offset before the history."""
        if offset < -HISTORY:
            raise IndexError(f"session offset {offset} lies before the world's history")
        bars = self._bars[symbol]
        while len(bars) <= offset + HISTORY:
            self._append(len(bars) - HISTORY)
        return bars[offset + HISTORY]

    def bars(self, symbol: str, first: int, last: int) -> list[DayBar]:
        """The bars of the sessions `first` to `last`, both included, as far back as the history goes."""
        self.bar(symbol, max(last, -HISTORY))
        return self._bars[symbol][max(first, -HISTORY) + HISTORY : last + HISTORY + 1]

    def seconds(self, symbol: str, offset: int, length: int) -> Floats:
        """The prices at every second of a session that lasts `length` seconds: an array of `length` + 1 values."""
        bar = self.bar(symbol, offset)
        rng = self._generator(offset, 1 + SYMBOLS.index(symbol))
        at = np.rint(_EDGES * length).astype(np.int64)
        second = np.arange(length + 1, dtype=np.float64)
        spread = intraday_variance(second[1:] / length)
        steps = rng.standard_normal(length) * bar.sigma * np.sqrt(spread / spread.sum())
        walk = np.concatenate(([0.0], np.cumsum(steps)))
        # A Brownian bridge inside each segment meets the bar's prices at both ends exactly.
        log_price = np.interp(second, at, bar.knots) + walk - np.interp(second, at, walk[at])
        low, high = float(bar.knots.min()), float(bar.knots.max())
        log_price = np.where(log_price > high, 2 * high - log_price, log_price)
        log_price = np.where(log_price < low, 2 * low - log_price, log_price)
        return np.asarray(np.exp(np.clip(log_price, low, high)), dtype=np.float64)

    def _generator(self, offset: int, purpose: int) -> np.random.Generator:
        return np.random.default_rng([self._seed & 0xFFFFFFFF, self._stream, offset + 100_000, purpose])

    def _append(self, offset: int) -> None:
        rng = self._generator(offset, 0)
        carried = self._carried
        sigma_shape = float(np.exp(carried.volatility))
        gap = float(rng.standard_normal()) * np.sqrt(OVERNIGHT_SHARE)
        common = rng.standard_normal(KNOTS)
        # A few jumps, most of them soon after the open.
        jumps = (rng.random(KNOTS) < 0.25 * _WEIGHTS) * rng.standard_normal(KNOTS) * 3.0
        common = (common + jumps) * np.sqrt(_WEIGHTS * (1 - OVERNIGHT_SHARE))
        move = gap + float(common.sum())
        fast_shock, slow_shock, implied_shock = rng.standard_normal(3)
        carried.volatility = 0.92 * carried.volatility + 0.075 * fast_shock - 0.055 * move
        carried.slow = 0.985 * carried.slow + 0.02 * slow_shock
        volume = float(np.exp(0.18 * rng.standard_normal() + 0.5 * carried.volatility))
        for symbol, model in MODELS.items():
            daily = model.realized * sigma_shape / np.sqrt(SESSIONS_PER_YEAR)
            idiosyncratic = rng.standard_normal(KNOTS + 1)
            steps = daily * (
                model.beta * common
                + model.idiosyncratic * np.sqrt(_WEIGHTS * (1 - OVERNIGHT_SHARE)) * idiosyncratic[1:]
            )
            steps += ANNUAL_DRIFT / SESSIONS_PER_YEAR / KNOTS
            opened = carried.levels[symbol] + daily * (
                model.beta * gap + model.idiosyncratic * np.sqrt(OVERNIGHT_SHARE) * idiosyncratic[0]
            )
            knots = opened + np.concatenate(([0.0], np.cumsum(steps)))
            carried.levels[symbol] = float(knots[-1])
            implied = model.implied * float(np.exp(0.8 * carried.volatility + carried.slow + 0.015 * implied_shock))
            sigma = float(daily * np.sqrt(1 - OVERNIGHT_SHARE))
            self._bars[symbol].append(DayBar(knots, implied, sigma, model.volume * volume))
