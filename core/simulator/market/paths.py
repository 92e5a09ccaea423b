"""Random price and volatility paths from a seed: a bar for each session, then a price for each of its seconds.

A session is known by its offset from the first session of the simulation. The paths depend on seed and offset, not on
dates: a simulation meets the same prices on whatever date it begins. Prices are floats here; the market rounds them to
Decimal before it returns them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

HISTORY = 330
"""Sessions before the start: enough for daily candles, and for a year of volatilities to rank against."""
KNOTS = 78
"""Segments of a session, 5 minutes each on a full day. A bar fixes the price at both ends of each."""
SESSIONS_PER_YEAR = 252
ANNUAL_DRIFT = 0.07
RAMP = 20
"""Sessions over which the volatilities of the future grow from those of the past."""
_STREAM = 324
"""Mixed into every seed. Chosen so that the default seed begins in an ordinary market that can be traded."""
_SESSION, _SECONDS, _AFTER_CLOSE, _NIGHT = 0, 1, 3, 9
"""What random numbers of a session are for. Each underlying adds its index to _SECONDS."""
AFTER_CLOSE_SHARE = 0.25
"""Deviation of the price's moves after the close, as a part of that at midday."""


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


@dataclass(frozen=True, slots=True)
class Regime:
    """How markets move, common to all underlyings.

    The volatility of a session is `exp(volatility)` times the typical one; the log moves from session to session by
    its persistence, a shock and the leverage: it rises when the market falls.
    """

    overnight_share: float
    """Part of a day's variance that falls between the previous close and the open, jumps aside."""
    jump_chance: float
    """How probable a jump is in one night; its mean and deviation are in standard deviations of a day."""
    jump_mean: float
    jump_deviation: float
    persistence: float
    shock: float
    leverage: float
    cap: float
    """The largest absolute log volatility."""
    slow_shock: float
    """Deviation of the daily change of the slow level, which moves the implied volatility of all terms."""
    realized: float
    """Factor of the models' realized volatility, reached after RAMP sessions; `implied` that of their implied one."""
    implied: float
    implied_at_open: float
    """The part of a session's change of the implied volatility that is there at the open."""
    slow_long_run: float
    """The part of the slow level that moves the long end of the volatility's term."""


PAST = Regime(
    overnight_share=0.22,
    jump_chance=0.0,
    jump_mean=0.0,
    jump_deviation=0.0,
    persistence=0.92,
    shock=0.075,
    leverage=-0.055,
    cap=inf,
    slow_shock=0.02,
    realized=1.0,
    implied=1.0,
    implied_at_open=0.0,
    slow_long_run=0.0,
)
"""The history and the first session. Its numbers stay: seeds are known by them."""
AHEAD = Regime(
    overnight_share=0.27,
    jump_chance=0.04,
    jump_mean=-0.2,
    jump_deviation=1.2,
    persistence=0.94,
    shock=0.06,
    leverage=-0.06,
    cap=0.9,
    slow_shock=0.015,
    realized=1.20,
    implied=1.12,
    implied_at_open=0.35,
    slow_long_run=0.5,
)
"""Every session after the first: months of these resemble real ones (broker 13)."""
_SLOW_PERSISTENCE = 0.985


def regime(offset: int) -> Regime:
    """How the market moves in the session with this offset, the night before it included."""
    return AHEAD if offset >= 1 else PAST


MODELS = {
    "QQQ": UnderlyingModel("QQQ", 621.46, 1.0, 0.12, 0.186, 0.138, 46e6),
    "SPX": UnderlyingModel("SPX", 6848.20, 0.93, 0.20, 0.152, 0.109, 2.6e9),
}
SYMBOLS = tuple(MODELS)
FUNDS = frozenset({"QQQ"})
"""The underlyings that are shares: they are quoted and can be split; their options deliver them and are American."""


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
    implied_at_open: float = 0.0
    """The part (0 to 1) of the change of the implied volatility since the previous close that is there at the open."""
    long_run: float = 1.0
    """Factor of the volatility that long terms approach, at the close."""

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
            self._bars[symbol] = [replace(bar, knots=bar.knots + shift) for bar in self._bars[symbol]]

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

    def seconds(self, symbol: str, offset: int, length: int, after: int = 0) -> Floats:
        """The prices at every second of a session that lasts `length` seconds, and of `after` seconds that follow it.

        An array of `length` + `after` + 1 values. The bar ends with the session; what follows is nearly calm, common
        to all underlyings by their beta, and forgotten by the next session.
        """
        bar = self.bar(symbol, offset)
        rng = self._generator(offset, _SECONDS + SYMBOLS.index(symbol))
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
        log_price = np.clip(log_price, low, high)
        if after:
            midday = bar.sigma * float(np.sqrt(intraday_variance(np.array([0.5]))[0] / spread.sum()))
            moves = self._generator(offset, _AFTER_CLOSE).standard_normal(after) * AFTER_CLOSE_SHARE * midday
            later = log_price[-1] + MODELS[symbol].beta * np.cumsum(moves)
            log_price = np.concatenate((log_price, later))
        return np.asarray(np.exp(log_price), dtype=np.float64)

    def _generator(self, offset: int, purpose: int) -> np.random.Generator:
        return np.random.default_rng([self._seed & 0xFFFFFFFF, self._stream, offset + 100_000, purpose])

    def _append(self, offset: int) -> None:
        rng = self._generator(offset, _SESSION)
        carried, now = self._carried, regime(offset)
        ramp = min(1.0, max(0, offset) / RAMP)
        sigma_shape = float(np.exp(carried.volatility)) * (1 + (now.realized - 1) * ramp)
        gap = float(rng.standard_normal()) * np.sqrt(now.overnight_share)
        common = rng.standard_normal(KNOTS)
        # A few jumps, most of them soon after the open.
        jumps = (rng.random(KNOTS) < 0.25 * _WEIGHTS) * rng.standard_normal(KNOTS) * 3.0
        common = (common + jumps) * np.sqrt(_WEIGHTS * (1 - now.overnight_share))
        if now.jump_chance:
            night = self._generator(offset, _NIGHT)
            jumped, size = float(night.random()) < now.jump_chance, float(night.standard_normal())
            gap += (now.jump_mean + now.jump_deviation * size) * jumped
        move = gap + float(common.sum())
        fast_shock, slow_shock, implied_shock = rng.standard_normal(3)
        volatility = now.persistence * carried.volatility + now.shock * fast_shock + now.leverage * move
        carried.volatility = min(now.cap, max(-now.cap, volatility))
        carried.slow = _SLOW_PERSISTENCE * carried.slow + now.slow_shock * slow_shock
        volume = float(np.exp(0.18 * rng.standard_normal() + 0.5 * carried.volatility))
        for symbol, model in MODELS.items():
            daily = model.realized * sigma_shape / np.sqrt(SESSIONS_PER_YEAR)
            idiosyncratic = rng.standard_normal(KNOTS + 1)
            steps = daily * (
                model.beta * common
                + model.idiosyncratic * np.sqrt(_WEIGHTS * (1 - now.overnight_share)) * idiosyncratic[1:]
            )
            steps += ANNUAL_DRIFT / SESSIONS_PER_YEAR / KNOTS
            opened = carried.levels[symbol] + daily * (
                model.beta * gap + model.idiosyncratic * np.sqrt(now.overnight_share) * idiosyncratic[0]
            )
            knots = opened + np.concatenate(([0.0], np.cumsum(steps)))
            carried.levels[symbol] = float(knots[-1])
            implied = model.implied * float(np.exp(0.8 * carried.volatility + carried.slow + 0.015 * implied_shock))
            self._bars[symbol].append(
                DayBar(
                    knots,
                    implied * (1 + (now.implied - 1) * ramp),
                    float(daily * np.sqrt(1 - now.overnight_share)),
                    model.volume * volume,
                    now.implied_at_open,
                    float(np.exp(now.slow_long_run * carried.slow * ramp)),
                )
            )
