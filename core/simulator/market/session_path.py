"""The prices and the implied volatility at each quarter of a second of one session."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cached_property
from math import exp, log

import numpy as np
from numpy.typing import NDArray

from core.simulator.market.adjusted_paths import AdjustedPaths
from core.simulator.market.market_data import MarketSummary, TradingSession
from core.simulator.market.paths import SYMBOLS, Floats

Quarters = NDArray[np.int64]

QUARTERS_PER_SECOND = 4
"""A session is divided into quarters of a second, counted from its open. A quote changes at most once in each."""
_NOISE_SIZE = 8191


class Noise:
    """8191 standard normal values from a seed, clipped to +-2. Quotes look them up by their quarter of a second."""

    def __init__(self, seed: int) -> None:
        values = np.random.default_rng([seed & 0xFFFFFFFF, 77]).standard_normal(_NOISE_SIZE)
        self._values = np.clip(values, -2.0, 2.0)
        self._listed: list[float] = self._values.tolist()

    def at(self, quarter: int, salt: int) -> float:
        """A noise value within +-2, always the same for one quarter and salt."""
        return self._listed[(quarter * 7919 + salt) % _NOISE_SIZE]

    def each(self, quarters: Quarters, salt: int) -> Floats:
        """The noise values of several quarters: as `at`, all at once."""
        return self._values[(quarters * 7919 + salt) % _NOISE_SIZE]


class SessionPath:
    """The prices of one session, and of the 15 minutes after its close in which options go on.

    Instants are seconds since 1970 UTC. One outside the session counts as its open or its close, whichever is nearer.
    """

    def __init__(self, paths: AdjustedPaths, session: TradingSession, offset: int, noise: Noise) -> None:
        self.session = session
        self.offset = offset
        self.open_at = session.open.timestamp()
        self.close_at = session.close.timestamp()
        self.options_close_at = session.options_close.timestamp()
        self.length = round(self.close_at - self.open_at)
        self.noise = noise
        self.paths = paths
        self.option_minutes: dict[str, Floats] = {}
        """What OptionQuoter.minutes has computed for this session, by streamer symbol."""
        self.option_summaries: dict[str, MarketSummary] = {}
        """What Market.summary has told of contracts in this session, by streamer symbol: it stays the same."""
        self._after = round(self.options_close_at - self.close_at)
        self._seconds: dict[str, list[float]] = {}
        self._prices: dict[str, Floats] = {}
        self._extremes: dict[str, tuple[Floats, Floats]] = {}
        self._log_implied: dict[str, tuple[float, float]] = {}
        self._long_run: dict[str, tuple[float, float]] = {}
        for symbol in SYMBOLS:
            before, bar = paths.bar(symbol, offset - 1), paths.bar(symbol, offset)
            first, last = log(before.implied), log(bar.implied)
            self._log_implied[symbol] = first + bar.implied_at_open * (last - first), last
            self._long_run[symbol] = before.long_run, bar.long_run

    @cached_property
    def quarters(self) -> int:
        """How many quarters of a second the session has, until its close."""
        return self.length * QUARTERS_PER_SECOND

    def quarter(self, at: float, cadence: int = 1, phase: int = 0, end: float | None = None) -> int:
        """The quarter of a second in which a value last changed, at or before the instant.

        The value changes every `cadence` quarters until the instant `end`, or else the close of the session; `phase`
        shifts those changes in time.
        """
        last = self.close_at if end is None else end
        index = int((min(max(at, self.open_at), last) - self.open_at) * QUARTERS_PER_SECOND + 1e-6)
        return max(0, index - (index + phase) % cadence)

    def price(self, symbol: str, quarter: int) -> float:
        """The price of an underlying at a quarter of a second of the session.

        After the close it is what the options go by: the index itself stays at its official close.
        """
        seconds = self._seconds.get(symbol)
        if seconds is None:
            seconds = self._walk(symbol)
        whole, part = divmod(quarter, QUARTERS_PER_SECOND)
        value = seconds[whole]
        return value if part == 0 else value + (seconds[whole + 1] - value) * part / QUARTERS_PER_SECOND

    def prices(self, symbol: str, quarters: Quarters) -> Floats:
        """The prices of an underlying at several quarters of a second: as `price`, all at once."""
        if symbol not in self._prices:
            self._walk(symbol)
        values = self._prices[symbol]
        whole, part = np.divmod(quarters, QUARTERS_PER_SECOND)
        before = values[whole]
        after = values[np.minimum(whole + 1, len(values) - 1)]
        return np.asarray(before + (after - before) * part / QUARTERS_PER_SECOND, dtype=np.float64)

    def extremes(self, symbol: str, quarter: int) -> tuple[float, float]:
        """The lowest and highest price of the session so far."""
        self.price(symbol, 0)
        low, high = self._extremes[symbol]
        return float(low[quarter // QUARTERS_PER_SECOND]), float(high[quarter // QUARTERS_PER_SECOND])

    def implied(self, symbol: str, quarter: int) -> float:
        """The 30-day implied volatility, an annual fraction. It moves evenly (in logs) from the open to the close."""
        first, last = self._log_implied[symbol]
        return exp(first + (last - first) * self._part(quarter))

    def long_run(self, symbol: str, quarter: int) -> float:
        """The factor of the volatility that long terms approach. It moves evenly from one close to the next."""
        first, last = self._long_run[symbol]
        return first + (last - first) * self._part(quarter)

    def implieds(self, symbol: str, quarters: Quarters) -> Floats:
        """The 30-day implied volatility at several quarters of a second: as `implied`, all at once."""
        first, last = self._log_implied[symbol]
        return np.asarray(np.exp(first + (last - first) * self._parts(quarters)), dtype=np.float64)

    def long_runs(self, symbol: str, quarters: Quarters) -> Floats:
        """The factors at several quarters of a second: as `long_run`, all at once."""
        first, last = self._long_run[symbol]
        return np.asarray(first + (last - first) * self._parts(quarters), dtype=np.float64)

    def instant(self, quarter: int) -> datetime:
        """The instant of a quarter of a second, in UTC."""
        return datetime.fromtimestamp(self.open_at + quarter / QUARTERS_PER_SECOND, UTC)

    def _part(self, quarter: int) -> float:
        """The part of the session that is over, 0 to 1."""
        return min(1.0, quarter / self.quarters)

    def _parts(self, quarters: Quarters) -> Floats:
        return np.asarray(np.minimum(1.0, quarters / self.quarters), dtype=np.float64)

    def _walk(self, symbol: str) -> list[float]:
        values = self.paths.seconds(symbol, self.offset, self.length, self._after)
        self._prices[symbol] = values
        regular = values[: self.length + 1]
        self._extremes[symbol] = (np.minimum.accumulate(regular), np.maximum.accumulate(regular))
        seconds: list[float] = values.tolist()
        self._seconds[symbol] = seconds
        return seconds
