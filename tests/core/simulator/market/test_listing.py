"""The simulated listing: expirations, strikes and symbols."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from core.simulator.market.listing import expirations_of, month_end, third_friday
from core.simulator.market.market import Market
from core.simulator.market.market_data import ListedRoot

START = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
MONDAY = date(2026, 11, 23)


@pytest.fixture(scope="module")
def market() -> Market:
    return Market(7, START)


def root_named(roots: list[ListedRoot], name: str) -> ListedRoot:
    return next(root for root in roots if root.root == name)


def test_third_friday_expires_in_both_index_roots(market: Market) -> None:
    roots = market.chain("SPX", MONDAY)
    assert [root.root for root in roots] == ["SPX", "SPXW"]
    december = date(2026, 12, 18)
    am = next(e for e in root_named(roots, "SPX").expirations if e.day == december)
    pm = next(e for e in root_named(roots, "SPXW").expirations if e.day == december)
    assert (am.settlement_type, pm.settlement_type) == ("AM", "PM")
    assert am.stops_trading_at == datetime(2026, 12, 17, 21, 0, tzinfo=UTC)
    assert am.expires_at == datetime(2026, 12, 18, 14, 30, tzinfo=UTC)
    assert pm.expires_at == datetime(2026, 12, 18, 21, 0, tzinfo=UTC)
    assert am.days_to_expiration == 25
    assert am.strikes[0].put_occ.startswith("SPX   261218P")
    assert pm.strikes[0].put_streamer.startswith(".SPXW261218P")


def test_am_root_lists_monthlies_only(market: Market) -> None:
    days = [e.day for e in root_named(market.chain("SPX", MONDAY), "SPX").expirations]
    assert days == [third_friday(2026, 12), *(third_friday(2027, month) for month in range(1, 6))]


def test_qqq_lists_dailies_weeklies_and_monthlies(market: Market) -> None:
    (root,) = market.chain("QQQ", MONDAY)
    days = [e.day for e in root.expirations]
    assert days == sorted(set(days))
    assert days[:4] == [date(2026, 11, 23), date(2026, 11, 24), date(2026, 11, 25), date(2026, 11, 27)]
    for weekly in (date(2026, 12, 11), date(2027, 1, 8), date(2027, 1, 22)):
        assert weekly in days
    assert days[-1] - MONDAY >= timedelta(days=175)
    assert all(market.session(day) is not None for day in days)
    assert any(30 <= (day - MONDAY).days <= 50 for day in days)


def test_holiday_fridays_move_to_the_session_before() -> None:
    # Christmas 2026 and New Year's Day 2027 are Fridays; Good Friday 2025 is the third Friday of April.
    listed = expirations_of("QQQ", MONDAY)
    assert date(2026, 12, 24) in listed
    assert date(2026, 12, 31) in listed
    assert date(2026, 12, 25) not in listed
    assert third_friday(2025, 4) == date(2025, 4, 17)
    assert month_end(2026, 12) == date(2026, 12, 31)


@pytest.mark.parametrize("day", [date(2026, 1, 2) + timedelta(days=9 * n) for n in range(40)])
def test_some_expiration_is_always_30_to_50_days_away(day: date) -> None:
    for root in ("QQQ", "SPXW"):
        assert any(30 <= (expiry - day).days <= 50 for expiry in expirations_of(root, day))


def test_strikes_are_fine_near_the_price_and_coarse_far_away(market: Market) -> None:
    for name, near, far, price in (("QQQ", 1, 5, 622), ("SPXW", 5, 25, 6850)):
        root = root_named(market.chain(name.removesuffix("W"), MONDAY), name)
        strikes = [int(s.strike) for s in root.expirations[0].strikes]
        gaps = {b - a for a, b in pairwise(strikes) if abs(a - price) < 0.05 * price}
        assert gaps == {near}
        assert strikes[1] - strikes[0] == far
        assert strikes[0] < 0.75 * price < 1.25 * price < strikes[-1]


def test_tick_tables(market: Market) -> None:
    assert [(t.threshold, t.value) for t in market.chain("QQQ", MONDAY)[0].tick_sizes] == [(None, Decimal("0.01"))]
    for root in market.chain("SPX", MONDAY):
        assert [(t.threshold, t.value) for t in root.tick_sizes] == [
            (Decimal("3.0"), Decimal("0.05")),
            (None, Decimal("0.1")),
        ]


def test_symbols_lead_to_each_other(market: Market) -> None:
    assert market.occ_to_streamer("SPXW  261127P06800000") == ".SPXW261127P6800"
    assert market.streamer_to_occ(".QQQ270108C622") == "QQQ   270108C00622000"
    assert market.knows("QQQ")
    assert market.knows(".QQQ270108C622")
    # A Saturday, a strike off the grid, an AM root on a weekly, an unknown root, an OCC symbol, words.
    for unknown in (
        ".QQQ270109C622",
        ".QQQ270108C622.5",
        ".SPX270108C6850",
        ".IBM270108C200",
        "QQQ   270108C00622000",
        "ES",
    ):
        assert not market.knows(unknown), unknown
    assert market.occ_to_streamer(".QQQ270108C622") is None


def test_a_strike_once_listed_stays(market: Market) -> None:
    first = {s.strike for s in market.chain("QQQ", MONDAY)[0].expirations[0].strikes}
    near = {strike for strike in first if abs(strike - 622) < 20}
    for days in (7, 21, 45):
        later = market.chain("QQQ", MONDAY + timedelta(days=days))[0].expirations[0].strikes
        assert near <= {s.strike for s in later}
