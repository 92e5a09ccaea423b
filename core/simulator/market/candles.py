"""The daily candles of an underlying: those of the sessions before, and the one that still changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from functools import lru_cache

from core.simulator.market.adjusted_paths import AdjustedPaths
from core.simulator.market.market_data import MarketCandle
from core.simulator.market.paths import HISTORY, volume_share
from core.simulator.market.quoting import money
from core.simulator.market.session_path import SessionPath
from core.simulator.market.sessions import SessionIndex

CANDLES = 300
"""How many daily bars before the current session there are at most."""


def daily_candles(
    symbol: str, path: SessionPath, quarter: int, paths: AdjustedPaths, sessions: SessionIndex
) -> list[MarketCandle]:
    """The candles at a quarter of a second of a session, oldest first; the last one is that session's so far."""
    found = []
    for offset in range(max(path.offset - CANDLES, -HISTORY), path.offset):
        bar = paths.bar(symbol, offset, path.offset)
        values = bar.open, bar.high, bar.low, bar.close
        found.append(_candle(symbol, sessions.session(offset).day, values, bar.volume, bar.implied))
    low, high = path.extremes(symbol, quarter)
    values = path.price(symbol, 0), high, low, path.price(symbol, quarter)
    traded = paths.bar(symbol, path.offset).volume * volume_share(quarter / path.quarters)
    found.append(_candle(symbol, path.session.day, values, traded, path.implied(symbol, quarter)))
    return found


@lru_cache(maxsize=16_384)  # each start reads some hundred again, of which only the newest have changed
def _candle(
    symbol: str, day: date, values: tuple[float, float, float, float], volume: float, implied: float
) -> MarketCandle:
    opened, high, low, close = (money(value) for value in values)
    midnight = datetime.combine(day, time(), UTC)
    return MarketCandle(symbol, day, midnight, opened, high, low, close, int(volume), round(implied, 6))
