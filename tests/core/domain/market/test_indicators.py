"""The indicators agree with their definitions, and do not change when prices are scaled or shifted (rules 5)."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Sequence
from dataclasses import fields, replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.market.indicators import MIN_CANDLES, Indicators, compute_indicators
from core.domain.market.quotes import Candle
from tests.support.domain_builders import D, candle, candles

TOLERANCE = D("0.00001")  # values carry six places


def walk(steps: Sequence[int]) -> list[float]:
    """Closing prices that start at 500 and move by these steps in cents."""
    level, path = 500.0, []
    for step in steps:
        level = max(50.0, level + step / 100)
        path.append(level)
    return path


paths = st.lists(st.integers(-900, 900), min_size=60, max_size=90).map(walk)


def scaled(bars: list[Candle], factor: float, shift: float = 0.0) -> list[Candle]:
    return [
        replace(
            c,
            open=c.open * factor + shift,
            high=c.high * factor + shift,
            low=c.low * factor + shift,
            close=c.close * factor + shift,
        )
        for c in bars
    ]


def near(a: Decimal, b: Decimal, tolerance: Decimal = TOLERANCE) -> bool:
    return abs(a - b) <= tolerance


def test_fewer_than_sixty_sessions_is_an_error() -> None:
    assert MIN_CANDLES == 60
    with pytest.raises(ValueError, match="59 candles"):
        compute_indicators(candles(59), D(600))


def test_every_value_is_a_number_at_the_minimum() -> None:
    i = compute_indicators(candles(60), D(600))
    for field in fields(i):
        value = getattr(i, field.name)
        assert all(v.is_finite() for v in (value if isinstance(value, tuple) else (value,))), field.name


def test_bands_and_average_are_of_19_sessions_and_the_live_price() -> None:
    bars = candles(80)
    i = compute_indicators(bars, D(610))
    window = [c.close for c in bars[-19:]] + [610.0]
    mean, spread = statistics.fmean(window), statistics.pstdev(window)
    assert near(i.sma20, D(mean))
    assert near(i.middle_band, D(mean))
    assert near(i.upper_band, D(mean + 2 * spread))
    assert near(i.lower_band, D(mean - 2 * spread))


def test_historical_volatility_is_of_thirty_returns_ending_live() -> None:
    bars = candles(80)
    closes = [c.close for c in bars[-30:]] + [610.0]
    returns = [math.log(b / a) for a, b in itertools.pairwise(closes)]
    assert len(returns) == 30
    i = compute_indicators(bars, D(610))
    assert near(i.historical_volatility, D(statistics.stdev(returns) * math.sqrt(252)))


def test_wilder_rsi_by_hand() -> None:
    bars = candles(80)
    closes = [c.close for c in bars] + [610.0]
    moves = [b - a for a, b in itertools.pairwise(closes)]
    gain = sum(max(m, 0) for m in moves[:14]) / 14
    loss = sum(max(-m, 0) for m in moves[:14]) / 14
    for move in moves[14:]:
        gain, loss = (gain * 13 + max(move, 0)) / 14, (loss * 13 + max(-move, 0)) / 14
    assert near(compute_indicators(bars, D(610)).rsi, D(100 * gain / (gain + loss)))


def test_the_macd_histogram_has_the_sign_of_an_accelerating_market() -> None:
    up = [500 + 0.02 * n * n for n in range(80)]
    down = [700 - 0.02 * n * n for n in range(80)]
    assert compute_indicators(candles(closes=up), D(up[-1] + 3.2)).macd_histogram > 0
    assert compute_indicators(candles(closes=down), D(down[-1] - 3.2)).macd_histogram < 0


def smoothed(values: Sequence[float], weight: float) -> list[float]:
    """Exponential smoothing; after some hundred sessions its starting value no longer matters."""
    out = [values[0]]
    for value in values[1:]:
        out.append(out[-1] + weight * (value - out[-1]))
    return out


def test_the_macd_histogram_by_hand() -> None:
    bars = candles(250)
    closes = [c.close for c in bars] + [610.0]
    fast, slow = smoothed(closes, 2 / 13), smoothed(closes, 2 / 27)
    macd = [f - s for f, s in zip(fast, slow, strict=True)]
    assert near(compute_indicators(bars, D(610)).macd_histogram, D(macd[-1] - smoothed(macd, 2 / 10)[-1]))


def test_wilder_adx_by_hand() -> None:
    bars = candles(400)
    high, low = [c.high for c in bars] + [610.0], [c.low for c in bars] + [610.0]
    plus, minus = [], []  # each would be divided by the true range, which cancels out of the index
    for n in range(1, len(high)):
        up, down = high[n] - high[n - 1], low[n - 1] - low[n]
        plus.append(up if up > max(down, 0) else 0.0)
        minus.append(down if down > max(up, 0) else 0.0)
    moves = zip(smoothed(plus, 1 / 14), smoothed(minus, 1 / 14), strict=True)
    spread = [100 * abs(p - m) / (p + m) if p + m else 0.0 for p, m in moves]
    assert near(compute_indicators(bars, D(610)).adx, D(smoothed(spread, 1 / 14)[-1]), D("0.001"))


def test_a_straight_rise_is_a_strong_trend() -> None:
    i = compute_indicators(candles(closes=[500 + 3.0 * n for n in range(80)]), D(740))
    assert i.adx > 60
    assert i.rsi == 100


def test_the_range_of_five_sessions_counts_the_running_one() -> None:
    bars = candles(closes=[600.0] * 80)
    bars[-5] = candle(bars[-5].day, 600.0, reach=300.0)
    assert near(compute_indicators(bars, D(600)).range5, D(4) / 600)
    bars[-4] = candle(bars[-4].day, 600.0, reach=50.0)
    assert near(compute_indicators(bars, D(600)).range5, D(100) / 600)
    assert near(compute_indicators(bars, D(700)).range5, (D(700) - 550) / 700)


def test_twenty_day_extremes_are_of_completed_sessions_only() -> None:
    bars = candles(closes=[600.0] * 80)
    bars[-21] = candle(bars[-21].day, 600.0, reach=300.0)
    i = compute_indicators(bars, D(900))
    assert (i.low20, i.high20) == (D(598), D(602))
    bars[-20] = candle(bars[-20].day, 600.0, reach=100.0)
    i = compute_indicators(bars, D(900))
    assert (i.low20, i.high20) == (D(500), D(700))
    bars[-1] = candle(bars[-1].day, 600.0, reach=150.0)
    i = compute_indicators(bars, D(900))
    assert (i.low20, i.high20) == (D(450), D(750))


def test_the_last_closes_end_with_the_live_price() -> None:
    bars = candles(closes=[*([600.0] * 78), 601.0, 602.0])
    assert compute_indicators(bars, D("603.5")).last_closes == (D(601), D(602), D("603.5"))
    assert compute_indicators(bars, D("603.5")).price == D("603.5")


@settings(max_examples=30, deadline=None)
@given(path=paths, factor=st.sampled_from([0.1, 0.5, 2.0, 10.0]))
def test_scaling_prices_scales_levels_and_leaves_ratios(path: list[float], factor: float) -> None:
    bars = candles(closes=path)
    one = compute_indicators(bars, D(path[-1]))
    many = compute_indicators(scaled(bars, factor), D(path[-1] * factor))
    for name in ("rsi", "adx", "historical_volatility", "range5"):
        assert near(getattr(many, name), getattr(one, name)), name
    for name in ("sma20", "upper_band", "lower_band", "macd_histogram", "low20", "high20"):
        assert near(getattr(many, name), getattr(one, name) * D(factor), TOLERANCE * 10), name


@settings(max_examples=30, deadline=None)
@given(path=paths, shift=st.sampled_from([50.0, 1000.0]))
def test_shifting_prices_moves_levels_and_leaves_moves(path: list[float], shift: float) -> None:
    bars = candles(closes=path)
    low = compute_indicators(bars, D(path[-1]))
    high = compute_indicators(scaled(bars, 1.0, shift), D(path[-1] + shift))
    for name in ("rsi", "adx", "macd_histogram"):
        assert near(getattr(high, name), getattr(low, name)), name
    for name in ("sma20", "upper_band", "middle_band", "lower_band", "low20", "high20"):
        assert near(getattr(high, name), getattr(low, name) + D(shift)), name


@settings(max_examples=30, deadline=None)
@given(path=paths, live=st.integers(30_000, 70_000).map(lambda n: D(n) / 100))
def test_values_stay_in_their_ranges(path: list[float], live: Decimal) -> None:
    i: Indicators = compute_indicators(candles(closes=path), live)
    assert 0 <= i.rsi <= 100
    assert 0 <= i.adx <= 100
    assert i.lower_band <= i.middle_band <= i.upper_band
    assert i.historical_volatility >= 0
    assert i.range5 >= 0
    assert i.low20 <= i.high20
    assert compute_indicators(candles(closes=path), live) == i
