"""The judgement of a market: terminal stops, the score with its deductions, the verdict (rules 5)."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from core.domain.market.judgement import (
    Direction,
    Judgement,
    Regime,
    direction_of,
    judge,
    score_factors,
)
from core.domain.market.quotes import Candle
from core.domain.operation.amounts import counted
from core.domain.operation.reasons import Reason
from tests.support.domain_builders import TODAY, D, candles, indicators, metrics, session_days

ROOT = Path(__file__).parents[4]


def verdict(**over: Any) -> Judgement:
    given_: dict[str, Any] = {
        "price": D(603),
        "price_age_s": 1.0,
        "halted": False,
        "metrics": metrics(),
        "candles": candles(),
        "sessions": session_days(),
        "today": TODAY,
    }
    return judge("QQQ", **{**given_, **over})


def stopped(transient: bool, **over: Any) -> Reason:
    result = verdict(**over)
    assert result.refusal is not None
    assert result.refusal.transient is transient
    assert result.score is None, "what was not judged has no score"
    assert result.factors == ()
    assert not result.passed
    assert "?" not in result.refusal.sentence()
    return result.refusal.reason


def points(name: str, *, rank: str = "40", iv30: str = "0.20", stress: str = "50", **over: Any) -> Decimal:
    i = indicators(**over)
    factors = score_factors(D(rank), D(iv30), i, direction_of(i), D(stress))
    return next(f.points for f in factors if f.name == name)


# Stops


@pytest.mark.parametrize("days", [0, 1, 7])
def test_earnings_within_a_week_stop(days: int) -> None:
    near = metrics(earnings=TODAY + timedelta(days=days))
    assert stopped(False, metrics=near) is Reason.EARNINGS_NEAR


@pytest.mark.parametrize("days", [0, 5])
def test_ex_dividend_within_five_days_stops(days: int) -> None:
    near = metrics(ex_dividend=TODAY + timedelta(days=days))
    assert stopped(False, metrics=near) is Reason.EX_DIVIDEND_NEAR


@pytest.mark.parametrize(
    "clear",
    [{"earnings": 8}, {"earnings": -1}, {"ex_dividend": 6}, {"ex_dividend": -1}, {"earnings": 8, "ex_dividend": 6}],
)
def test_dates_outside_the_window_do_not_stop(clear: dict[str, int]) -> None:
    dates = {name: TODAY + timedelta(days=days) for name, days in clear.items()}
    assert verdict(metrics=metrics(**dates)).score is not None


def test_no_dates_at_all_is_not_missing_data() -> None:
    assert verdict().passed


def test_a_halt_stops() -> None:
    assert stopped(False, halted=True) is Reason.TRADING_HALTED


@pytest.mark.parametrize("iv", [{"iv_rank": None}, {"iv30": None}, {"iv_rank": D("NaN")}, {"iv30": D("NaN")}])
def test_missing_iv_stops(iv: dict[str, Decimal | None]) -> None:
    assert stopped(False, metrics=metrics(**iv)) is Reason.IV_MISSING


@pytest.mark.parametrize("iv30", ["0.0199", "3.0001", "0", "-0.2", "20"])
def test_an_implausible_iv_stops(iv30: str) -> None:
    assert stopped(False, metrics=metrics(iv30=D(iv30))) is Reason.IV_IMPLAUSIBLE


@pytest.mark.parametrize("iv30", ["0.02", "3"])
def test_both_ends_of_the_iv_range_are_plausible(iv30: str) -> None:
    assert verdict(metrics=metrics(iv30=D(iv30))).score is not None


def test_fewer_than_sixty_candles_stop() -> None:
    assert stopped(False, candles=candles(59)) is Reason.CANDLES_MISSING
    assert stopped(False, candles=[]) is Reason.CANDLES_MISSING
    assert verdict(candles=candles(60)).score is not None


def without(candles_: list[Candle], *back: int) -> list[Candle]:
    """The candles without those this many sessions before the judged one: 1 is the newest."""
    return [c for n, c in enumerate(candles_) if len(candles_) - n not in back]


@pytest.mark.parametrize("missing", [(1,), tuple(range(1, 11)), (60,), (1, 61), (2,), (59,)])
def test_a_gap_in_the_candles_is_missing_data(missing: tuple[int, ...]) -> None:
    result = verdict(candles=without(candles(), *missing))
    assert result.refusal is not None
    assert result.refusal.reason is Reason.CANDLES_MISSING
    assert result.score is None
    first = missing[0]
    newest, lacking = TODAY - timedelta(days=1), TODAY - timedelta(days=first)
    assert result.refusal.sentence() == (
        f"QQQ has {counted(first - 1, 'daily candle')} without a gap up to {newest}; at least 60 needed "
        f"(none for {lacking})"
    )


def test_a_gap_behind_sixty_sessions_shortens_what_is_judged() -> None:
    gapless = candles(250)[-60:]
    assert verdict(candles=without(candles(250), 61)) == verdict(candles=gapless)
    assert verdict(candles=without(candles(250), 62)) == verdict(candles=candles(250)[-61:])


def test_a_candle_of_no_session_does_not_count() -> None:
    days = session_days()
    assert verdict(sessions=[*days[:-30], *days[-29:]]) == verdict(
        candles=without(candles(), 30), sessions=[*days[:-30], *days[-29:]]
    )


@pytest.mark.parametrize("bad", [math.nan, math.inf, 0.0, -1.0])
@pytest.mark.parametrize("field", ["high", "low", "close"])
def test_a_candle_without_a_price_is_a_missing_one(bad: float, field: str) -> None:
    hole: dict[str, Any] = {field: bad}
    for back in (1, 60, 61):
        holed = candles(250)
        holed[-back] = replace(holed[-back], **hole)
        assert verdict(candles=holed) == verdict(candles=without(candles(250), back))


@pytest.mark.parametrize("price", [None, D("NaN"), D("Infinity"), D(0), D(-1)])
def test_no_usable_price_is_transient(price: Decimal | None) -> None:
    assert stopped(True, price=price) is Reason.PRICE_MISSING


def test_a_price_without_a_time_is_transient() -> None:
    assert stopped(True, price_age_s=None) is Reason.PRICE_MISSING


def test_stale_data_is_transient_after_five_minutes() -> None:
    assert stopped(True, price_age_s=300.1) is Reason.PRICE_STALE
    assert stopped(True, metrics=metrics(age_s=300.1)) is Reason.METRICS_STALE
    assert verdict(price_age_s=300.0, metrics=metrics(age_s=300.0)).score is not None


def test_metrics_that_are_missing_or_untimed_are_transient() -> None:
    assert stopped(True, metrics=None) is Reason.METRICS_MISSING
    assert stopped(True, metrics=metrics(age_s=None)) is Reason.METRICS_UNTIMED


# The factors


@pytest.mark.parametrize(
    ("rank", "expected"),
    [
        ("0", "-20.0"),
        ("24.9", "-0.08"),
        ("25", "0"),
        ("25.5", "0.25"),
        ("26", "0.5"),
        ("40", "7.5"),
        ("84.9", "29.95"),
        ("85", "30"),
        ("100", "30"),
    ],
)
def test_iv_rank_points(rank: str, expected: str) -> None:
    assert points("IV rank", rank=rank) == D(expected)


@pytest.mark.parametrize(("adx", "expected"), [("19.99", 10), ("20", 0), ("30", 0), ("30.01", -20)])
def test_adx_points(adx: str, expected: int) -> None:
    assert points("ADX", adx=D(adx)) == expected


@pytest.mark.parametrize(("hv", "expected"), [("0.159", 15), ("0.16", 0), ("0.24", 0), ("0.241", -8)])
def test_historical_to_implied_points(hv: str, expected: int) -> None:
    assert points("HV/IV", historical_volatility=D(hv)) == expected


@pytest.mark.parametrize(("stress", "expected"), [("29.9", 10), ("30", 0), ("70", 0), ("70.1", -15)])
def test_stress_points(stress: str, expected: int) -> None:
    assert points("stress", stress=stress) == expected


@pytest.mark.parametrize(
    ("price", "expected"), [("90.01", 5), ("109.99", 5), ("90", -5), ("110", -5), ("89", -5), ("111", -5)]
)
def test_bollinger_points(price: str, expected: int) -> None:
    assert points("Bollinger", price=D(price)) == expected


@pytest.mark.parametrize(
    ("rsi", "expected"),
    [
        ("70.01", -15),
        ("70", -5),
        ("60.01", -5),
        ("60", 0),
        ("55.01", 0),
        ("55", 10),
        ("50", 10),
        ("45", 10),
        ("44.99", 0),
        ("40", 0),
        ("39.99", -5),
        ("30", -5),
        ("29.99", -15),
    ],
)
def test_rsi_points(rsi: str, expected: int) -> None:
    assert points("RSI", rsi=D(rsi)) == expected


@pytest.mark.parametrize(
    ("direction", "expected"),
    [
        (Direction.NEUTRAL, 15),
        (Direction.BEARISH_EXHAUSTED, 12),
        (Direction.BULLISH_EXHAUSTED, 10),
        (Direction.BEARISH, 8),
        (Direction.BULLISH, 5),
        (Direction.STRONG_BEARISH, 0),
        (Direction.STRONG_BULLISH, -5),
    ],
)
def test_direction_points(direction: Direction, expected: int) -> None:
    factors = score_factors(D(40), D("0.2"), indicators(), direction, D(50))
    assert {f.name: f.points for f in factors}["direction"] == expected


def test_the_waterfall_has_the_seven_factors_in_order() -> None:
    factors = score_factors(D(40), D("0.2"), indicators(), Direction.NEUTRAL, D(50))
    assert [f.name for f in factors] == ["IV rank", "ADX", "HV/IV", "direction", "stress", "Bollinger", "RSI"]
    assert all(f.shown for f in factors)


# The verdict


def test_the_score_is_fifty_plus_the_factors_and_decides_at_the_minimum() -> None:
    result = verdict()
    assert result.score is not None
    assert result.score == 50 + sum(f.points for f in result.factors)
    assert verdict(minimum=result.score).passed, "equality passes"
    refused = verdict(minimum=result.score + D("0.01"))
    assert refused.refusal is not None
    assert refused.refusal.reason is Reason.LOW_SCORE
    assert not refused.refusal.transient
    assert (refused.score, refused.factors, refused.direction) == (result.score, result.factors, result.direction)


def test_the_shipped_minimum_is_forty() -> None:
    assert verdict().minimum == 40


def test_a_collapsing_market_scores_at_least_zero() -> None:
    falling = [900 - 4.0 * n for n in range(150)] + [300 - 8.0 * n for n in range(20)]
    result = verdict(
        candles=candles(closes=falling), price=D(100), metrics=metrics(iv_rank=D(0), iv30=D("0.02")), minimum=D(40)
    )
    assert result.score is not None
    assert result.score >= 0
    assert result.score == max(0, 50 + sum(f.points for f in result.factors))
    assert result.refusal is not None
    assert result.refusal.reason is Reason.LOW_SCORE


def test_the_floor_of_the_score_is_zero() -> None:
    rising = [200.0] * 60 + [200 * 1.03**n for n in range(1, 40)]
    result = verdict(candles=candles(closes=rising), price=D(1000), metrics=metrics(iv_rank=D(0), iv30=D("0.02")))
    assert 50 + sum(f.points for f in result.factors) < 0
    assert result.score == 0


def test_the_regime_does_not_block() -> None:
    result = verdict(metrics=metrics(iv_rank=D(80)), minimum=D(0))
    assert result.regime is Regime.HIGH_VOLATILITY
    assert result.passed


def test_the_console_can_show_judgements_without_loading_the_indicator_library() -> None:
    """The first screen must not wait for heavy imports."""
    code = (
        "import sys, core.snapshot; print([m for m in ('numpy', 'talipp', 'pandas', 'tastytrade') if m in sys.modules])"
    )
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"
