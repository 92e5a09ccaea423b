"""Judges an underlying: first the conditions that stop it at once, then a score with each of its factors (rules 5)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum

from core.domain.market.indicators import MIN_CANDLES, Indicators, compute_indicators
from core.domain.market.quotes import Candle
from core.domain.operation.amounts import ratio as shown_ratio
from core.domain.operation.reasons import Reason, Refusal, refuse

BASE_SCORE = Decimal(50)
DEFAULT_MINIMUM_SCORE = Decimal(40)
MAX_DATA_AGE_S = 300.0
IV_LOW, IV_HIGH = Decimal("0.02"), Decimal(3)
EARNINGS_DAYS = 7
EX_DIVIDEND_DAYS = 5


class Direction(Enum):
    """Which way the market leans, and how strongly."""

    STRONG_BULLISH = "strong bullish"
    BULLISH = "bullish"
    BULLISH_EXHAUSTED = "bullish exhausted"
    NEUTRAL = "neutral"
    BEARISH_EXHAUSTED = "bearish exhausted"
    BEARISH = "bearish"
    STRONG_BEARISH = "strong bearish"


class Regime(Enum):
    """The kind of market, shown beside the score."""

    CRISIS = "crisis"
    HIGH_VOLATILITY = "high volatility"
    RANGE = "range"
    BULL = "bull"
    BEAR = "bear"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Metrics:
    """The broker's metrics. `iv_rank` and `iv_percentile` are 0..100; `iv30` is a fraction (0.18 is 18 %).

    `ex_dividend` may lie in the past: it stays until the next one is declared (broker 2.2). `dividend` is what is paid
    for it, in $ per share, None when unknown; no judgement rests on it. `age_s` is None when the metrics carry no time.
    """

    symbol: str
    iv_rank: Decimal | None
    iv30: Decimal | None
    iv_percentile: Decimal | None
    ex_dividend: date | None
    dividend: Decimal | None
    earnings: date | None
    beta: Decimal | None
    age_s: float | None


@dataclass(frozen=True, slots=True)
class Factor:
    """One factor of the score: its name, its input as text, and its points.

    The screen draws the factors as a waterfall.
    """

    name: str
    shown: str
    points: Decimal


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on one underlying.

    `refusal` is None when it passed. `factors` is empty when something stopped it at once.
    """

    symbol: str
    refusal: Refusal | None
    score: Decimal | None = None
    minimum: Decimal = DEFAULT_MINIMUM_SCORE
    factors: tuple[Factor, ...] = ()
    direction: Direction | None = None
    stress: Decimal | None = None
    regime: Regime = Regime.NONE

    @property
    def passed(self) -> bool:
        return self.refusal is None


def judge(
    symbol: str,
    *,
    price: Decimal | None,
    price_age_s: float | None,
    halted: bool,
    metrics: Metrics | None,
    candles: Sequence[Candle],
    sessions: Sequence[date],
    today: date,
    minimum: Decimal = DEFAULT_MINIMUM_SCORE,
) -> Judgement:
    """Judges one underlying by its live price ($), its metrics and the daily candles of its completed sessions.

    `sessions` are the exchange's dates of those sessions, newest last: only candles without a gap up to the newest of
    them count. `today` is the date of the session that is judged. Missing data refuses, and so does a value that is not
    a number. An underlying without earnings or dividend dates is not missing data.
    """
    candles = unbroken(candles, sessions)
    refusal = _stop(symbol, price, price_age_s, halted, metrics, candles, sessions, today)
    if refusal is not None or metrics is None or price is None or metrics.iv_rank is None or metrics.iv30 is None:
        return Judgement(symbol, refusal or refuse(Reason.METRICS_MISSING, symbol=symbol), minimum=minimum)
    indicators = compute_indicators(candles, price)
    rank = metrics.iv_rank
    direction = direction_of(indicators)
    stress = stress_of(rank, indicators)
    factors = score_factors(rank, metrics.iv30, indicators, direction, stress)
    score = max(Decimal(0), BASE_SCORE + sum((f.points for f in factors), Decimal(0)))
    return Judgement(
        symbol=symbol,
        refusal=None if score >= minimum else refuse(Reason.LOW_SCORE, symbol=symbol, score=score, needed=minimum),
        score=score,
        minimum=minimum,
        factors=factors,
        direction=direction,
        stress=stress,
        regime=regime_of(rank, stress, direction, indicators),
    )


def _stop(
    symbol: str,
    price: Decimal | None,
    price_age_s: float | None,
    halted: bool,
    metrics: Metrics | None,
    candles: Sequence[Candle],
    sessions: Sequence[date],
    today: date,
) -> Refusal | None:
    """What stops the underlying at once, before any score; None when nothing does."""
    if halted:
        return refuse(Reason.TRADING_HALTED, symbol=symbol)
    if price is None or price_age_s is None or not price.is_finite() or price <= 0:
        return refuse(Reason.PRICE_MISSING, symbol=symbol)
    if price_age_s > MAX_DATA_AGE_S:
        return refuse(Reason.PRICE_STALE, symbol=symbol, age_s=f"{price_age_s:.0f}", limit_s=f"{MAX_DATA_AGE_S:.0f}")
    if metrics is None:
        return refuse(Reason.METRICS_MISSING, symbol=symbol)
    if metrics.age_s is None:
        return refuse(Reason.METRICS_UNTIMED, symbol=symbol)
    if metrics.age_s > MAX_DATA_AGE_S:
        return refuse(
            Reason.METRICS_STALE, symbol=symbol, age_s=f"{metrics.age_s:.0f}", limit_s=f"{MAX_DATA_AGE_S:.0f}"
        )
    return _dates(symbol, metrics, today) or _volatility(symbol, metrics) or _candles(symbol, candles, sessions)


def _dates(symbol: str, metrics: Metrics, today: date) -> Refusal | None:
    for when, within, reason in (
        (metrics.earnings, EARNINGS_DAYS, Reason.EARNINGS_NEAR),
        (metrics.ex_dividend, EX_DIVIDEND_DAYS, Reason.EX_DIVIDEND_NEAR),
    ):
        if when is not None and 0 <= (when - today).days <= within:
            return refuse(reason, symbol=symbol, days=(when - today).days)
    return None


def _volatility(symbol: str, metrics: Metrics) -> Refusal | None:
    if metrics.iv_rank is None or not metrics.iv_rank.is_finite():
        return refuse(Reason.IV_MISSING, symbol=symbol, what="IV rank")
    if metrics.iv30 is None or not metrics.iv30.is_finite():
        return refuse(Reason.IV_MISSING, symbol=symbol, what="30-day implied volatility")
    if not IV_LOW <= metrics.iv30 <= IV_HIGH:
        return refuse(Reason.IV_IMPLAUSIBLE, symbol=symbol, iv=metrics.iv30, low=IV_LOW, high=IV_HIGH)
    return None


def unbroken(candles: Sequence[Candle], sessions: Sequence[date]) -> list[Candle]:
    """The candles of the newest of these sessions (newest last) back to the first that has none; oldest first.

    A candle with a price that is no number above zero is none: the feed sends it for a session without prices.
    """
    usable = {c.day: c for c in candles if all(math.isfinite(p) and p > 0 for p in (c.high, c.low, c.close))}
    run: list[Candle] = []
    for day in reversed(sessions):
        if day not in usable:
            break
        run.append(usable[day])
    return run[::-1]


def _candles(symbol: str, candles: Sequence[Candle], sessions: Sequence[date]) -> Refusal | None:
    """`candles` is the unbroken run that counts."""
    if len(candles) >= MIN_CANDLES:
        return None
    return refuse(
        Reason.CANDLES_MISSING,
        symbol=symbol,
        count=len(candles),
        newest=sessions[-1] if sessions else None,
        needed=MIN_CANDLES,
        missing=sessions[-1 - len(candles)] if len(candles) < len(sessions) else None,
    )


def direction_of(i: Indicators) -> Direction:
    """The direction, from the signs of price, MACD and momentum, weighted by the strength of the trend (rules 5)."""
    side = _sign(i.price - i.sma20)
    macd = _sign(i.macd_histogram)
    momentum = side if i.range5 > Decimal("0.03") else 0
    if i.adx > 25:
        weights = (Decimal("0.6"), Decimal("0.2"), Decimal("0.2"))
    elif i.adx > 15:
        weights = (Decimal("0.4"), Decimal("0.4"), Decimal("0.2"))
    else:
        weights = (Decimal("0.3"), Decimal("0.5"), Decimal("0.2"))
    total = weights[0] * side + weights[1] * macd + weights[2] * momentum
    if abs(total) > Decimal("0.6") and i.adx > 25:
        return Direction.STRONG_BULLISH if total > 0 else Direction.STRONG_BEARISH
    if total > Decimal("0.3"):
        exhausted = i.adx < 25 and i.rsi > 70 and i.price >= i.upper_band
        return Direction.BULLISH_EXHAUSTED if exhausted else Direction.BULLISH
    if total < Decimal("-0.3"):
        exhausted = i.adx < 25 and i.rsi < 30 and i.price <= i.lower_band
        return Direction.BEARISH_EXHAUSTED if exhausted else Direction.BEARISH
    return Direction.NEUTRAL


def stress_of(rank: Decimal, i: Indicators) -> Decimal:
    """Stress 0..100 (rules 5)."""
    stress = Decimal(0)
    if rank > 70:
        stress += 40 * rank / 100
    elif rank > 50:
        stress += 20 * rank / 100
    move = i.range5 * 100
    if move > 5:
        stress += 30 * min(move / 10, Decimal(1))
    elif move > 3:
        stress += 15
    if i.price < Decimal("0.98") * i.low20:
        stress += 15
    if i.price > Decimal("1.02") * i.high20:
        stress += 15
    return min(stress, Decimal(100))


def regime_of(rank: Decimal, stress: Decimal, direction: Direction, i: Indicators) -> Regime:
    """The regime, shown beside the score. It blocks nothing (rules 5)."""
    if stress >= 80:
        return Regime.CRISIS
    if rank >= 75:
        return Regime.HIGH_VOLATILITY
    if (max(i.last_closes) - min(i.last_closes)) / i.last_closes[-1] <= Decimal("0.0033"):
        return Regime.RANGE
    if i.adx > 30 and direction in (Direction.BULLISH, Direction.STRONG_BULLISH):
        return Regime.BULL
    if i.adx > 30 and direction in (Direction.BEARISH, Direction.STRONG_BEARISH):
        return Regime.BEAR
    return Regime.NONE


_DIRECTION_POINTS = {
    Direction.NEUTRAL: 15,
    Direction.BEARISH_EXHAUSTED: 12,
    Direction.BULLISH_EXHAUSTED: 10,
    Direction.BEARISH: 8,
    Direction.BULLISH: 5,
    Direction.STRONG_BEARISH: 0,
    Direction.STRONG_BULLISH: -5,
}


def score_factors(
    rank: Decimal, iv30: Decimal, i: Indicators, direction: Direction, stress: Decimal
) -> tuple[Factor, ...]:
    """The seven factors in the order of the table of rules 5, each with its input and points."""
    ratio = i.historical_volatility / iv30
    inside = i.lower_band < i.price < i.upper_band
    return (
        Factor("IV rank", f"{rank:.1f}", _iv_rank_points(rank)),
        Factor("ADX", f"{i.adx:.1f}", Decimal(-20 if i.adx > 30 else 10 if i.adx < 20 else 0)),
        Factor(
            "HV/IV", shown_ratio(ratio), Decimal(15 if ratio < Decimal("0.8") else -8 if ratio > Decimal("1.2") else 0)
        ),
        Factor("direction", direction.value, Decimal(_DIRECTION_POINTS[direction])),
        Factor("stress", f"{stress:.0f}", Decimal(10 if stress < 30 else -15 if stress > 70 else 0)),
        Factor("Bollinger", "inside" if inside else "at or beyond a band", Decimal(5 if inside else -5)),
        Factor("RSI", f"{i.rsi:.1f}", _rsi_points(i.rsi)),
    )


def _iv_rank_points(rank: Decimal) -> Decimal:
    if rank >= 25:
        return min(Decimal(30), (rank - 25) * Decimal("0.5"))
    return -(25 - rank) * Decimal("0.8")


def _rsi_points(rsi: Decimal) -> Decimal:
    if rsi > 70 or rsi < 30:
        return Decimal(-15)
    if rsi > 60 or rsi < 40:
        return Decimal(-5)
    return Decimal(10 if 45 <= rsi <= 55 else 0)


def _sign(value: Decimal) -> int:
    return (value > 0) - (value < 0)
