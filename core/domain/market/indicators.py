"""Standard indicators from a maintained library (talipp), on completed sessions plus the live price (rules 5)."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from core.domain.market.quotes import Candle

MIN_CANDLES = 60
HISTORICAL_VOLATILITY_DAYS = 30
TRADING_DAYS_PER_YEAR = 252


@dataclass(frozen=True, slots=True)
class Indicators:
    """Indicators with the live price as the last close.

    Ranges and volatilities are fractions; bands and prices in dollars.
    """

    price: Decimal
    rsi: Decimal
    adx: Decimal
    upper_band: Decimal
    middle_band: Decimal
    lower_band: Decimal
    macd_histogram: Decimal
    sma20: Decimal
    historical_volatility: Decimal
    range5: Decimal
    low20: Decimal
    high20: Decimal
    last_closes: tuple[Decimal, Decimal, Decimal]


def compute_indicators(candles: Sequence[Candle], price: Decimal) -> Indicators:
    """Wilder RSI and ADX 14, Bollinger 20/2, MACD 12/26/9, SMA 20, 30-day historical volatility.

    `candles` are completed sessions, oldest first; the live price is appended as the last close (and its high and
    low). `range5` spans the last 5 sessions, (highest high - lowest low) / last close; `low20` and `high20` span the
    last 20 completed sessions. Raises ValueError for fewer than 60 completed sessions.
    """
    # Deferred: the first paint needs only this module's types.
    from talipp.indicators import ADX, BB, MACD, RSI
    from talipp.ohlcv import OHLCV

    if len(candles) < MIN_CANDLES:
        raise ValueError(f"{len(candles)} candles; at least {MIN_CANDLES} needed")
    live = float(price)
    close = [*(candle.close for candle in candles), live]
    high = [*(candle.high for candle in candles), live]
    low = [*(candle.low for candle in candles), live]
    bars = [OHLCV(c, h, lo, c) for h, lo, c in zip(high, low, close, strict=True)]
    bands = BB(20, 2, close[-20:])[-1]
    returns = [math.log(b / a) for a, b in pairwise(close[-(HISTORICAL_VOLATILITY_DAYS + 1) :])]
    return Indicators(
        price=price,
        rsi=_decimal(RSI(14, close)[-1]),
        adx=_decimal(ADX(14, 14, bars)[-1].adx),
        upper_band=_decimal(bands.ub),
        middle_band=_decimal(bands.cb),
        lower_band=_decimal(bands.lb),
        macd_histogram=_decimal(MACD(12, 26, 9, close)[-1].histogram),
        sma20=_decimal(bands.cb),
        historical_volatility=_decimal(statistics.stdev(returns) * math.sqrt(TRADING_DAYS_PER_YEAR)),
        range5=_decimal((max(high[-5:]) - min(low[-5:])) / close[-1]),
        low20=_decimal(min(low[-21:-1])),
        high20=_decimal(max(high[-21:-1])),
        last_closes=(_decimal(close[-3]), _decimal(close[-2]), _decimal(close[-1])),
    )


def _decimal(value: float) -> Decimal:
    """A float as a Decimal of six places, zero without a sign: equal inputs must give equal values."""
    return Decimal(f"{value:z.6f}")
