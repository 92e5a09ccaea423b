"""What 250 simulated sessions come to, beside what real ones do: the table of docs/broker.md 13 and its bounds.

`python -m tests.core.simulator.market.test_statistics` prints the lowest, the middle and the highest of 20 seeds.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from statistics import median

import numpy as np
import pytest

from core.simulator.market.market import Market
from core.simulator.market.surface import SHAPES, at_the_money
from tests.support.proofs import rounds

START = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
SESSIONS = 250


@dataclass(frozen=True)
class Figures:
    """Figures of one underlying and seed: percentages, but for the correlations and the kurtosis."""

    daily_volatility: float
    overnight_share: float
    median_implied: float
    lowest_implied: float
    highest_implied: float
    worst_night: float
    worst_day: float
    implied_less_realized: float
    return_and_implied: float
    """Correlation of a session's return with the change of the log implied volatility."""
    kurtosis: float
    """In excess of the normal distribution's."""
    clustering: float
    """Autocorrelation of absolute returns."""


def figures(seed: int, symbol: str) -> Figures:
    market = Market(seed, START)
    at = START
    for _ in range(SESSIONS + 1):
        at = market.sessions_around(at)[2].close
    bars = market.candles(symbol, START - timedelta(days=9), at)[-SESSIONS - 1 :]
    opened, closed = (np.log([float(getattr(bar, name)) for bar in bars]) for name in ("open", "close"))
    implied = np.array([bar.implied_volatility for bar in bars], dtype=np.float64)
    nights, days, returns = opened[1:] - closed[:-1], closed[1:] - opened[1:], np.diff(closed)
    sizes = np.abs(returns - returns.mean())
    return Figures(
        daily_volatility=100 * float(returns.std()),
        overnight_share=100 * float((nights**2).sum() / ((nights**2).sum() + (days**2).sum())),
        median_implied=100 * float(np.median(implied)),
        lowest_implied=100 * float(implied.min()),
        highest_implied=100 * float(implied.max()),
        worst_night=100 * float(np.abs(nights).max()),
        worst_day=100 * float(np.abs(returns).max()),
        implied_less_realized=100 * float(implied.mean() - returns.std() * np.sqrt(252)),
        return_and_implied=float(np.corrcoef(returns, np.diff(np.log(implied)))[0, 1]),
        kurtosis=float(((returns - returns.mean()) ** 4).mean() / returns.var() ** 2 - 3),
        clustering=float(np.corrcoef(sizes[1:], sizes[:-1])[0, 1]),
    )


@dataclass(frozen=True)
class Bounds:
    """Between what each seed's figures lie, and for three of them the middle one of the seeds."""

    daily_volatility: tuple[float, float]
    median_implied: tuple[float, float]
    implied: tuple[float, float]
    worst_night: float
    worst_day: float


BOUNDS = {
    "QQQ": Bounds((0.8, 1.6), (14, 28), (9, 55), 7, 9),
    "SPX": Bounds((0.6, 1.3), (11, 23), (7, 45), 7, 9),
}
OVERNIGHT_SHARE = (20, 40)
RETURN_AND_IMPLIED = (-0.8, -0.4)
IMPLIED_LESS_REALIZED = (1, 6)


@pytest.mark.proof
@pytest.mark.parametrize("symbol", BOUNDS)
def test_250_sessions_resemble_real_ones(symbol: str) -> None:
    bounds = BOUNDS[symbol]
    found = [figures(seed, symbol) for seed in range(rounds(3, 20))]
    for seed, each in enumerate(found):
        assert bounds.daily_volatility[0] <= each.daily_volatility <= bounds.daily_volatility[1], seed
        assert OVERNIGHT_SHARE[0] <= each.overnight_share <= OVERNIGHT_SHARE[1], seed
        assert bounds.median_implied[0] <= each.median_implied <= bounds.median_implied[1], seed
        assert bounds.implied[0] <= each.lowest_implied <= each.highest_implied <= bounds.implied[1], seed
        assert each.worst_night <= bounds.worst_night, seed
        assert each.worst_day <= bounds.worst_day, seed
        assert RETURN_AND_IMPLIED[0] <= each.return_and_implied <= RETURN_AND_IMPLIED[1], seed
    assert IMPLIED_LESS_REALIZED[0] <= median(f.implied_less_realized for f in found) <= IMPLIED_LESS_REALIZED[1]
    if len(found) > 10:  # of three seeds, the fourth moment and the clustering say little
        assert median(f.kurtosis for f in found) >= 0
        assert median(f.clustering for f in found) >= 0


@pytest.mark.parametrize("symbol", SHAPES)
def test_the_term_rises_in_calm_and_falls_in_fear(symbol: str) -> None:
    long_run = SHAPES[symbol].long_run
    for implied, rises in ((0.10, True), (0.13, True), (0.30, False), (0.50, False)):
        term = [at_the_money(long_run, implied, days / 365) for days in (7, 14, 30, 60, 90, 180)]
        assert term == sorted(term, reverse=not rises)
        assert term[2] == pytest.approx(implied)
        assert abs(term[-1] - long_run) < abs(implied - long_run)


@pytest.mark.parametrize("seed", range(3))
def test_volatility_and_its_term_are_carried_over_the_night(seed: int) -> None:
    """What the night changes is the first part of a session's change; the rest comes evenly until the close."""
    market = Market(seed, START)
    moved = []
    days = [market.sessions_around(START)[2]]
    for number in range(40):
        day = days[-1]
        before, opened, closed = (
            {e.day: float(e.implied_volatility) for e in market.metrics("QQQ", at).expirations}
            for at in (day.open - timedelta(minutes=1), day.open + timedelta(minutes=1), day.close)
        )
        far = max(expiry for expiry in before if expiry in closed)
        near = min(expiry for expiry in before if expiry in closed and expiry - day.day > timedelta(days=7))
        for expiry in (near, far):
            assert abs(np.log(opened[expiry] / before[expiry])) < 0.12, (number, expiry)
        days.append(market.sessions_around(day.close)[2])
        moved.append((np.log(opened[near] / before[near]), np.log(closed[near] / before[near])))
    assert np.corrcoef(np.array(moved[2:]).T)[0, 1] > 0.9
    assert np.std([night for night, _ in moved[2:]]) > 0.2 * np.std([day for _, day in moved[2:]])


@pytest.mark.parametrize(("symbol", "root", "low", "high"), [("QQQ", "QQQ", 0.03, 0.06), ("SPX", "SPXW", 0.30, 0.60)])
def test_spreads_are_those_of_the_exchange(symbol: str, root: str, low: float, high: float) -> None:
    """At the money, 30 to 50 days out, averaged over a month of sessions."""
    market = Market(4, START)
    widths: dict[str, list[float]] = {"open": [], "midday": [], "close": []}
    session = market.sessions_around(START)[2]
    for _ in range(20):
        (listed,) = [each for each in market.chain(symbol, session.day) if each.root == root]
        expiration = next(e for e in listed.expirations if e.days_to_expiration >= 35)
        trade = market.trade(symbol, session.open)
        assert trade is not None
        price = trade.price
        strike = min(expiration.strikes, key=lambda each: abs(each.strike - price))
        for name, at in (
            ("open", session.open + timedelta(seconds=3)),
            ("midday", session.open + timedelta(hours=2)),
            ("close", session.close - timedelta(seconds=1)),
        ):
            for streamer in (strike.put_streamer, strike.call_streamer):
                quote = market.quote(streamer, at)
                assert quote is not None
                assert quote.bid is not None
                assert quote.ask is not None
                widths[name].append(float(quote.ask - quote.bid))
        session = market.sessions_around(session.close)[2]
    midday = float(np.mean(widths["midday"]))
    assert low <= midday <= high
    assert 3 <= np.mean(widths["open"]) / midday <= 5
    assert 1.1 <= np.mean(widths["close"]) / midday <= 1.5


def main() -> None:
    for symbol in BOUNDS:
        found = [figures(seed, symbol) for seed in range(20)]
        for field in fields(Figures):
            values = sorted(getattr(each, field.name) for each in found)
            told = "".join(f"{value:8.2f}" for value in (values[0], median(values), values[-1]))
            sys.stdout.write(f"{symbol} {field.name:24}{told}\n")


if __name__ == "__main__":
    main()
