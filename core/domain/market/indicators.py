"""Standard indicators from a maintained library (TA-Lib), on completed sessions plus the live price (rules 5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

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
    # Deferred: numpy and TA-Lib take half a second to load, and the first paint needs only this module's types.
    import numpy as np
    import talib

    if len(candles) < MIN_CANDLES:
        raise ValueError(f"{len(candles)} candles; at least {MIN_CANDLES} needed")
    live = float(price)
    close = np.array([c.close for c in candles] + [live])
    high = np.array([c.high for c in candles] + [live])
    low = np.array([c.low for c in candles] + [live])
    upper, middle, lower = talib.BBANDS(close, timeperiod=20, nbdevup=2, nbdevdn=2)
    _, _, histogram = talib.MACD(close, fastperiod=12, slowperiod=26, signalperiod=9)
    returns = np.diff(np.log(close[-(HISTORICAL_VOLATILITY_DAYS + 1) :]))
    return Indicators(
        price=price,
        rsi=_decimal(talib.RSI(close, timeperiod=14)[-1]),
        adx=_decimal(talib.ADX(high, low, close, timeperiod=14)[-1]),
        upper_band=_decimal(upper[-1]),
        middle_band=_decimal(middle[-1]),
        lower_band=_decimal(lower[-1]),
        macd_histogram=_decimal(histogram[-1]),
        sma20=_decimal(talib.SMA(close, timeperiod=20)[-1]),
        historical_volatility=_decimal(returns.std(ddof=1) * np.sqrt(TRADING_DAYS_PER_YEAR)),
        range5=_decimal((high[-5:].max() - low[-5:].min()) / close[-1]),
        low20=_decimal(low[-21:-1].min()),
        high20=_decimal(high[-21:-1].max()),
        last_closes=(_decimal(close[-3]), _decimal(close[-2]), _decimal(close[-1])),
    )


def _decimal(value: float) -> Decimal:
    """A float as a Decimal of six places. Indicators are estimates, and equal inputs must give equal values."""
    return Decimal(f"{value:.6f}")
