"""Direction, stress and regime of a market, and of the same market mirrored (rules 5)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.market.indicators import Indicators
from core.domain.market.judgement import (
    Direction,
    Regime,
    direction_of,
    regime_of,
    score_factors,
    stress_of,
)
from tests.support.domain_builders import D, indicators

# Direction

UP = {"price": D(101), "sma20": D(100)}
DOWN = {"price": D(99), "sma20": D(100)}
RISING, FALLING, FLAT = ({"macd_histogram": D(n)} for n in ("0.5", "-0.5", "0"))
WIDE, NARROW = {"range5": D("0.031")}, {"range5": D("0.03")}


@pytest.mark.parametrize(
    ("adx", "over", "direction"),
    [
        # Above 25: .6/.2/.2
        ("25.01", UP | RISING | WIDE, Direction.STRONG_BULLISH),  # 1.0
        ("25.01", UP | RISING | NARROW, Direction.STRONG_BULLISH),  # .8
        ("25.01", UP | FLAT | WIDE, Direction.STRONG_BULLISH),  # .8
        ("25.01", UP | FALLING | WIDE, Direction.BULLISH),  # .6 is not above .6
        ("25.01", UP | FLAT | NARROW, Direction.BULLISH),  # .6
        ("25.01", UP | FALLING | NARROW, Direction.BULLISH),  # .4
        ("25.01", {"price": D(100), "sma20": D(100)} | RISING, Direction.NEUTRAL),  # .2
        # Above 15: .4/.4/.2
        ("25", UP | RISING | WIDE, Direction.BULLISH),  # 1.0, but never strong at ADX 25
        ("25", UP | FALLING | NARROW, Direction.NEUTRAL),  # 0, where .6/.2/.2 would give .4
        ("15.01", UP | FLAT | NARROW, Direction.BULLISH),  # .4
        ("15.01", UP | FALLING | NARROW, Direction.NEUTRAL),  # 0
        ("15.01", UP | FALLING | WIDE, Direction.NEUTRAL),  # .2
        # Else: .3/.5/.2
        ("15", UP | FLAT | NARROW, Direction.NEUTRAL),  # .3 is not above .3
        ("15", UP | FLAT | WIDE, Direction.BULLISH),  # .5
        ("15", UP | FALLING | NARROW, Direction.NEUTRAL),  # -.2
        ("15", {"price": D(100), "sma20": D(100)} | RISING, Direction.BULLISH),  # .5
        ("15", UP | FALLING | WIDE, Direction.NEUTRAL),  # 0
    ],
)
def test_direction_weights_and_their_boundaries(adx: str, over: dict[str, Any], direction: Direction) -> None:
    i = indicators(adx=D(adx), **over)
    assert direction_of(i) is direction
    assert direction_of(mirrored(i)) is MIRROR[direction]


MIRROR = {
    Direction.NEUTRAL: Direction.NEUTRAL,
    Direction.BULLISH: Direction.BEARISH,
    Direction.BEARISH: Direction.BULLISH,
    Direction.STRONG_BULLISH: Direction.STRONG_BEARISH,
    Direction.STRONG_BEARISH: Direction.STRONG_BULLISH,
    Direction.BULLISH_EXHAUSTED: Direction.BEARISH_EXHAUSTED,
    Direction.BEARISH_EXHAUSTED: Direction.BULLISH_EXHAUSTED,
}


def mirrored(i: Indicators) -> Indicators:
    """The same market turned upside down around the price 100."""
    return replace(
        i,
        price=200 - i.price,
        sma20=200 - i.sma20,
        rsi=100 - i.rsi,
        upper_band=200 - i.lower_band,
        lower_band=200 - i.upper_band,
        macd_histogram=-i.macd_histogram,
    )


@pytest.mark.parametrize(
    ("adx", "rsi", "price", "exhausted"),
    [
        ("24.99", "70.01", "110", True),
        ("24.99", "70.01", "111", True),
        ("25", "70.01", "110", False),
        ("24.99", "70", "110", False),
        ("24.99", "70.01", "109.99", False),
    ],
)
def test_exhaustion_and_its_mirror(adx: str, rsi: str, price: str, exhausted: bool) -> None:
    i = indicators(adx=D(adx), rsi=D(rsi), price=D(price), macd_histogram=D(1))
    assert direction_of(i) is (Direction.BULLISH_EXHAUSTED if exhausted else Direction.BULLISH)
    assert direction_of(mirrored(i)) is (Direction.BEARISH_EXHAUSTED if exhausted else Direction.BEARISH)


# Stress


@pytest.mark.parametrize(
    ("rank", "over", "stress"),
    [
        ("50", {}, "0"),
        ("50.1", {}, "10.02"),
        ("70", {}, "14"),
        ("70.1", {}, "28.04"),
        ("100", {}, "40"),
        ("500", {}, "100"),  # never above 100, whatever the rank
        ("0", {"range5": D("0.03")}, "0"),
        ("0", {"range5": D("0.0301")}, "15"),
        ("0", {"range5": D("0.05")}, "15"),
        ("0", {"range5": D("0.06")}, "18"),
        ("0", {"range5": D("0.10")}, "30"),
        ("0", {"range5": D("0.25")}, "30"),
        ("0", {"price": D("93.1")}, "0"),  # .98 * 95 exactly
        ("0", {"price": D("93.09")}, "15"),
        ("0", {"price": D("107.1")}, "0"),  # 1.02 * 105 exactly
        ("0", {"price": D("107.11")}, "15"),
        ("100", {"range5": D("0.2"), "price": D(80)}, "85"),
    ],
)
def test_stress_sums_its_parts(rank: str, over: dict[str, Any], stress: str) -> None:
    assert stress_of(D(rank), indicators(**over)) == D(stress)


# Regime


@pytest.mark.parametrize(
    ("rank", "stress", "direction", "over", "regime"),
    [
        ("90", "80", Direction.BULLISH, {}, Regime.CRISIS),
        ("75", "79.9", Direction.BULLISH, {}, Regime.HIGH_VOLATILITY),
        ("74.9", "0", Direction.NEUTRAL, {"last_closes": (D(100), D("100.33"), D(100))}, Regime.RANGE),
        ("0", "0", Direction.NEUTRAL, {"last_closes": (D(100), D("100.34"), D(100))}, Regime.NONE),
        ("0", "0", Direction.NEUTRAL, {"last_closes": (D("100.331"), D("100.331"), D(100))}, Regime.NONE),
        ("0", "0", Direction.BULLISH, {"adx": D("30.1")}, Regime.BULL),
        ("0", "0", Direction.STRONG_BULLISH, {"adx": D("30.1")}, Regime.BULL),
        ("0", "0", Direction.BULLISH, {"adx": D(30)}, Regime.NONE),
        ("0", "0", Direction.BEARISH, {"adx": D("30.1")}, Regime.BEAR),
        ("0", "0", Direction.BEARISH, {"adx": D(30)}, Regime.NONE),
        ("0", "0", Direction.STRONG_BEARISH, {"adx": D("30.1")}, Regime.BEAR),
        ("0", "0", Direction.NEUTRAL, {"adx": D(60)}, Regime.NONE),
    ],
)
def test_regime(rank: str, stress: str, direction: Direction, over: dict[str, Any], regime: Regime) -> None:
    assert regime_of(D(rank), D(stress), direction, indicators(**over)) is regime


# Any market

number = st.integers(0, 10_000).map(lambda n: D(n) / 100)


@settings(max_examples=200)
@given(
    rank=number,
    rsi=number,
    adx=number,
    price=st.integers(50_00, 150_00).map(lambda n: D(n) / 100),
    sma20=st.integers(50_00, 150_00).map(lambda n: D(n) / 100),
    macd=st.sampled_from([D(-1), D(0), D(1)]),
    range5=st.integers(0, 200).map(lambda n: D(n) / 1000),
)
def test_every_market_has_a_direction_its_mirror_and_a_bounded_stress(
    rank: Decimal, rsi: Decimal, adx: Decimal, price: Decimal, sma20: Decimal, macd: Decimal, range5: Decimal
) -> None:
    i = indicators(rsi=rsi, adx=adx, price=price, sma20=sma20, macd_histogram=macd, range5=range5)
    direction = direction_of(i)
    assert direction_of(mirrored(i)) is MIRROR[direction]
    stress = stress_of(rank, i)
    assert 0 <= stress <= 100
    total = 50 + sum(f.points for f in score_factors(rank, D("0.2"), i, direction, stress))
    assert -50 <= total <= 150
