"""Open tridents: marks, P&L, break-evens and warnings (rules 7), for the example of the product's first description."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from core.domain.market.quotes import Quote
from core.domain.market.underlying import QQQ, SPX
from core.domain.positions.tridents import ExitMode
from core.domain.risk.positions import (
    HeldContract,
    OpenTrident,
    Watch,
    body_of,
    mark_trident,
    profit,
    warnings_of,
)
from core.domain.trident.sides import Direction
from core.domain.trident.trident import profit_at_expiry

D = Decimal
TODAY = date(2025, 11, 20)
SEED = OpenTrident(
    entry_id="e1",
    account="5WT00001",
    underlying=QQQ,
    expiration=date(2026, 1, 2),
    strikes="622P/619P/622C/625C",
    body=D(622),
    width=D(3),
    credit=D("4.10"),
    max_risk=D(190),
    legs=(
        HeldContract("p622", Direction.SHORT, 2),
        HeldContract("p619", Direction.LONG, 2),
        HeldContract("c622", Direction.SHORT, 1),
        HeldContract("c625", Direction.LONG, 1),
    ),
)


def quote(symbol: str, bid: str | None, ask: str | None, at: float = 100.0) -> Quote:
    return Quote(symbol, None if bid is None else D(bid), None if ask is None else D(ask), at, at)


QUOTES = {
    q.symbol: q
    for q in (
        quote("p622", "4.00", "4.10"),
        quote("p619", "3.20", "3.30"),
        quote("c622", "5.00", "5.20"),
        quote("c625", "3.80", "3.90", at=88.0),
    )
}


def codes(trident: OpenTrident, today: date, price: str | None, ex_dividend: date | None = None) -> list[Watch]:
    told = warnings_of(trident, today, None if price is None else D(price), ex_dividend)
    assert all("{" not in one.sentence() for one in told)
    return [one.watch for one in told]


def test_the_mark_is_what_closing_costs_at_the_midpoints_and_in_the_worst_case() -> None:
    mark = mark_trident(SEED, QUOTES, 101.0)
    assert mark is not None
    assert mark.mid == 2 * (D("4.05") - D("3.25")) + (D("5.10") - D("3.85"))  # 2.85
    assert mark.natural == 2 * (D("4.10") - D("3.20")) + (D("5.20") - D("3.80"))  # 3.20
    entered_now = 2 * (D("4.00") - D("3.30")) + (D("5.00") - D("3.90"))  # 2.50
    assert mark.natural_credit == entered_now, "the worst case the other way: sell at bid, buy at ask"
    assert mark.age_s == 13.0, "the oldest leg's age"
    assert profit(SEED, mark.mid) == D("125.00")
    assert profit(SEED, mark.natural) == D("90.00")


def test_two_packages_have_the_mark_of_one_and_twice_its_profit() -> None:
    legs = tuple(replace(leg, quantity=2 * leg.quantity) for leg in SEED.legs)
    double = replace(SEED, legs=legs, packages=2)
    mark = mark_trident(double, QUOTES, 101.0)
    assert mark == mark_trident(SEED, QUOTES, 101.0)
    assert mark is not None
    assert profit(double, mark.mid) == D("250.00")
    other = replace(SEED, legs=SEED.legs[:3], packages=None, credit=None, max_risk=None)
    assert mark_trident(other, QUOTES, 101.0) is None, "no figure of a trident is one of these legs"


@pytest.mark.parametrize(
    "bad", [quote("c622", None, "5.2"), quote("c622", "5.3", "5.2"), quote("c622", "NaN", "5"), quote("c622", "0", "0")]
)
def test_without_a_usable_quote_of_every_leg_there_is_no_mark(bad: Quote) -> None:
    assert mark_trident(SEED, {**QUOTES, "c622": bad}, 101.0) is None
    assert mark_trident(SEED, {k: v for k, v in QUOTES.items() if k != "p619"}, 101.0) is None


def test_a_worthless_long_leg_has_no_bid_and_still_a_mark() -> None:
    assert mark_trident(SEED, {**QUOTES, "p619": quote("p619", "0", "0.05")}, 101.0) is not None


def test_at_both_break_evens_the_package_neither_gains_nor_loses() -> None:
    below, above = SEED.break_evens
    assert (below, above) == (D("619.95"), None), "4.10 is more than the call side can lose"
    assert below is not None
    assert profit_at_expiry(SEED.body, SEED.width, D("4.10"), below) == 0
    thin = replace(SEED, credit=D("1.50"))
    assert thin.break_evens == (D("621.25"), D("623.50"))
    for settle in thin.break_evens:
        assert settle is not None
        assert profit_at_expiry(thin.body, thin.width, D("1.50"), settle) == 0


def test_without_all_fill_records_nothing_is_invented() -> None:
    unknown = replace(SEED, credit=None)
    assert unknown.break_evens == (None, None)
    assert profit(unknown, D("2.85")) is None
    assert profit(SEED, None) is None


@pytest.mark.parametrize(
    ("days", "expected"), [(8, []), (7, [Watch.EXPIRES_SOON]), (1, [Watch.EXPIRES_SOON]), (0, [Watch.EXPIRES_TODAY])]
)
def test_it_warns_from_seven_days_to_expiration(days: int, expected: list[Watch]) -> None:
    assert codes(SEED, SEED.expiration - timedelta(days=days), None) == expected


@pytest.mark.parametrize(
    ("exits", "words"),
    [
        (ExitMode.OFF, "no automatic exit"),
        (ExitMode.TARGETS, "its targets rest, no time exit"),
        (ExitMode.ALL, "its time exit closes it"),
    ],
)
def test_as_it_nears_its_expiration_it_says_what_closes_it(exits: ExitMode, words: str) -> None:
    for days, begins in ((0, "expires today"), (1, "1 day to expiration"), (7, "7 days to expiration")):
        [warning] = warnings_of(replace(SEED, exits=exits), SEED.expiration - timedelta(days=days), None, None)
        assert warning.sentence() == f"{begins}, {words}"


@pytest.mark.parametrize(("price", "leg"), [("625.10", "call 622"), ("620", "put 622")])
def test_a_short_leg_in_the_money_near_expiry_can_be_assigned(price: str, leg: str) -> None:
    near = SEED.expiration - timedelta(days=3)
    assert codes(SEED, near, price) == [Watch.EXPIRES_SOON, Watch.ASSIGNMENT]
    assert leg in warnings_of(SEED, near, D(price), None)[-1].sentence()
    assert codes(SEED, TODAY, price) == [], "far from expiry it has time value"
    assert codes(SEED, near, "622") == [Watch.EXPIRES_SOON], "on the body neither is in the money"


@pytest.mark.parametrize(("ahead", "warned"), [(-1, False), (0, True), (5, True), (6, False)])
def test_a_short_call_in_the_money_ahead_of_a_dividend_can_be_assigned(ahead: int, warned: bool) -> None:
    day = TODAY + timedelta(days=ahead)
    assert codes(SEED, TODAY, "630", day) == ([Watch.EX_DIVIDEND] if warned else [])
    assert codes(SEED, TODAY, "610", day) == [], "a put is not exercised for a dividend"


def test_index_options_are_european_and_settle_in_cash() -> None:
    spx = replace(SEED, underlying=SPX)
    near = SEED.expiration - timedelta(days=1)
    assert codes(spx, near, "640", near) == [Watch.EXPIRES_SOON]


def test_the_body_is_read_from_the_strikes() -> None:
    assert body_of("622P/619P/622C/625C") == 622
    assert body_of("6702.5P/6690P/6702.5C/6715C") == D("6702.5")
