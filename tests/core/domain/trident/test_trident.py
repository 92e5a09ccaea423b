"""Body, width, legs and the payoff (rules 2)."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.domain.market.chain import Right
from core.domain.market.underlying import QQQ, SHIPPED, SPX
from core.domain.operation.reasons import Reason, Refusal
from core.domain.trident.trident import (
    Action,
    LegRole,
    Trident,
    body_for,
    break_evens,
    build_trident,
    max_profit,
    max_risk,
    profit_at_expiry,
    width_for,
)
from tests.support.domain_builders import D, expiration, strikes, trident

cents = st.integers(1, 10_000_00).map(lambda n: D(n) / 100)
shipped = st.sampled_from([QQQ, SPX])
widths = st.sampled_from([D(w) for w in (3, 5, 7, 9, 10, 11, 13, 15)])


# Body


@pytest.mark.parametrize(
    ("price", "body"),
    [
        ("621.5", 622),
        ("623", 624),  # tie: 311.5 goes to 312
        ("621", 620),  # tie: 310.5 goes to 310
        ("620.99", 620),
        ("621.01", 622),
        ("622", 622),
        ("622.9999", 622),
        ("625", 624),
    ],
)
def test_qqq_body_is_the_nearest_even_strike(price: str, body: int) -> None:
    assert body_for(D(price), QQQ.step) == body


@pytest.mark.parametrize(
    ("price", "body"),
    [("6004.99", 6000), ("6005", 6000), ("6005.01", 6010), ("6015", 6020), ("6009.5", 6010), ("6000", 6000)],
)
def test_spx_body_is_the_nearest_ten_ties_to_even(price: str, body: int) -> None:
    assert body_for(D(price), SPX.step) == body


@given(price=cents, underlying=shipped)
def test_body_is_a_multiple_of_the_step_within_half_a_step(price: Decimal, underlying: object) -> None:
    step = underlying.step  # type: ignore[attr-defined]
    body = body_for(price, step)
    assert body % step == 0
    assert abs(body - price) <= step / 2
    if abs(body - price) == step / 2:
        assert (body / step) % 2 == 0


def test_shipped_underlyings_carry_the_numbers_of_the_spec() -> None:
    assert SHIPPED == {"QQQ": QQQ, "SPX": SPX}
    assert (QQQ.step, QQQ.width_multiple, QQQ.is_index) == (D(2), D(1), False)
    assert (SPX.step, SPX.width_multiple, SPX.is_index) == (D(10), D(5), True)


# Width

BANDS = [
    ("-1", 3),
    ("0", 3),
    ("15999.99", 3),
    ("16000", 5),
    ("35999.99", 5),
    ("36000", 7),
    ("63999.99", 7),
    ("64000", 9),
    ("99999.99", 9),
    ("100000", 11),
    ("143999.99", 11),
    ("144000", 13),
    ("9000000", 13),
]


@pytest.mark.parametrize(("capital", "width"), BANDS)
def test_qqq_width_follows_the_capital(capital: str, width: int) -> None:
    assert width_for(D(capital), QQQ.width_multiple) == width


@pytest.mark.parametrize(
    ("capital", "width"),
    [("15999", 5), ("16000", 5), ("36000", 10), ("64000", 10), ("100000", 15), ("144000", 15)],
)
def test_spx_width_is_rounded_up_to_a_multiple_of_five(capital: str, width: int) -> None:
    assert width_for(D(capital), SPX.width_multiple) == width


@pytest.mark.parametrize(("fixed", "qqq", "spx"), [("4", 4, 5), ("5", 5, 5), ("6", 6, 10), ("10", 10, 10)])
def test_a_setting_fixes_the_width_but_not_off_the_multiple(fixed: str, qqq: int, spx: int) -> None:
    assert width_for(D(500_000), QQQ.width_multiple, D(fixed)) == qqq
    assert width_for(D(1), SPX.width_multiple, D(fixed)) == spx


@given(capital=st.decimals(0, 1_000_000, places=2), underlying=shipped)
def test_width_never_shrinks_with_capital_and_sits_on_the_multiple(capital: Decimal, underlying: object) -> None:
    multiple = underlying.width_multiple  # type: ignore[attr-defined]
    width = width_for(capital, multiple)
    assert width % multiple == 0
    assert 3 <= width <= 15
    assert width_for(capital + 1, multiple) >= width


# Legs


def test_the_seeds_example_has_its_four_legs_in_order() -> None:
    built = trident(622, 3)
    assert built.strikes() == "622P/619P/622C/625C"
    assert [(leg.role, leg.right, leg.strike, leg.action, leg.quantity) for leg in built.legs] == [
        (LegRole.SHORT_PUT, Right.PUT, D(622), Action.SELL_TO_OPEN, 2),
        (LegRole.LONG_PUT, Right.PUT, D(619), Action.BUY_TO_OPEN, 2),
        (LegRole.SHORT_CALL, Right.CALL, D(622), Action.SELL_TO_OPEN, 1),
        (LegRole.LONG_CALL, Right.CALL, D(625), Action.BUY_TO_OPEN, 1),
    ]
    assert (built.short_put, built.long_put, built.short_call, built.long_call) == built.legs


def test_strikes_are_shown_in_full_figures() -> None:
    listing = [D("595"), D("600.0"), D("605")]
    built = build_trident(QQQ, expiration(listing=listing), D("6E+2"), D(5))
    assert isinstance(built, Trident)
    assert built.strikes() == "600P/595P/600C/605C"


def test_symbols_are_the_chains_own() -> None:
    chain = expiration(root="SPXW", underlying="SPX", listing=strikes(5900, 6100, 5))
    built = build_trident(SPX, chain, D(6000), D(5))
    assert isinstance(built, Trident)
    assert built.root == "SPXW"
    assert built.underlying == "SPX"
    for leg in built.legs:
        strike = chain.strikes[leg.strike]
        assert leg.symbols is (strike.put if leg.right is Right.PUT else strike.call)
        assert leg.symbols.streamer.startswith(".SPXW")


@pytest.mark.parametrize(("missing", "named"), [(622, "622P"), (619, "619P"), (625, "625C")])
def test_a_missing_strike_refuses_and_is_named(missing: int, named: str) -> None:
    chain = expiration(listing=[s for s in strikes(600, 645) if s != missing])
    refusal = build_trident(QQQ, chain, D(622), D(3))
    assert isinstance(refusal, Refusal)
    assert refusal.reason is Reason.STRIKE_NOT_LISTED
    assert not refusal.transient
    assert refusal.sentence() == f"QQQ 2025-12-19 does not list {named}"


@given(listing=st.sets(st.integers(600, 620), max_size=21), body=st.integers(600, 620), width=st.integers(1, 10))
def test_no_strike_is_ever_substituted(listing: set[int], body: int, width: int) -> None:
    wanted = [body, body - width, body, body + width]
    built = build_trident(QQQ, expiration(listing=[D(s) for s in listing]), D(body), D(width))
    if set(wanted) <= listing:
        assert isinstance(built, Trident)
        assert [leg.strike for leg in built.legs] == wanted
        assert (built.body, built.width) == (D(body), D(width))
    else:
        assert isinstance(built, Refusal)


def test_an_spx_body_whose_wing_is_not_listed_is_refused_rather_than_moved() -> None:
    chain = expiration(underlying="SPX", root="SPXW", listing=strikes(5900, 6100, 5))
    assert isinstance(build_trident(SPX, chain, D(6000), D(3)), Refusal)


# Payoff


def test_the_seeds_risk_figures() -> None:
    assert max_risk(D(3), D("4.10")) == 190
    assert max_risk(D(3), D("3.86")) == 214
    assert max_profit(D("4.10")) == 410


@pytest.mark.parametrize(
    ("settle", "profit"),
    [
        ("622", "410"),
        ("619", "-190"),
        ("600", "-190"),
        ("0", "-190"),
        ("620.5", "110"),
        ("619.95", "0"),
        ("625", "110"),
        ("700", "110"),
        ("623.25", "285"),
    ],
)
def test_profit_at_expiry_by_hand(settle: str, profit: str) -> None:
    assert profit_at_expiry(D(622), D(3), D("4.10"), D(settle)) == D(profit)


credits = st.integers(1, 4500).map(lambda n: D(n) / 100)
settles = st.integers(0, 130_000).map(lambda n: D(n) / 100)


@given(width=widths, credit=credits, settle=settles)
def test_profit_stays_between_max_risk_and_max_profit(width: Decimal, credit: Decimal, settle: Decimal) -> None:
    profit = profit_at_expiry(D(622), width, credit, settle)
    assert -max_risk(width, credit) <= profit <= max_profit(credit)


@given(width=widths, credit=credits, beyond=st.integers(0, 60_000).map(lambda n: D(n) / 100))
def test_the_whole_risk_is_lost_at_and_below_the_long_put_only(
    width: Decimal, credit: Decimal, beyond: Decimal
) -> None:
    body = D(622)
    assert profit_at_expiry(body, width, credit, body - width - beyond) == -max_risk(width, credit)
    assert profit_at_expiry(body, width, credit, body - width + D("0.01")) > -max_risk(width, credit)
    assert profit_at_expiry(body, width, credit, body + beyond) > -max_risk(width, credit)
    assert profit_at_expiry(body, width, credit, body) == max_profit(credit)


@given(width=widths, credit=credits)
@example(width=D(3), credit=D(3))
@example(width=D(3), credit=D(6))
def test_break_evens_have_no_profit_and_none_means_the_side_never_loses(width: Decimal, credit: Decimal) -> None:
    body = D(622)
    below, above = break_evens(body, width, credit)
    if below is None:
        assert profit_at_expiry(body, width, credit, D(0)) >= 0
    else:
        assert body - width < below < body
        assert profit_at_expiry(body, width, credit, below) == 0
        assert profit_at_expiry(body, width, credit, below - D("0.001")) < 0
    if above is None:
        assert profit_at_expiry(body, width, credit, D(100_000)) >= 0
    else:
        assert body < above < body + width
        assert profit_at_expiry(body, width, credit, above) == 0
        assert profit_at_expiry(body, width, credit, above + D("0.001")) < 0


def test_the_seeds_break_even_is_below_only() -> None:
    assert break_evens(D(622), D(3), D("4.10")) == (D("619.95"), None)
    assert break_evens(D(622), D(3), D("2.90")) == (D("620.55"), D("624.90"))
