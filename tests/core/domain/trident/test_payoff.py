"""The payoff of a trident at expiration, compared with settling each leg by itself (rules 2)."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from core.domain.trident.payoff import Payoff

D = Decimal
CENTS = D("0.01")


def cents(low: int, high: int) -> st.SearchStrategy[Decimal]:
    return st.integers(low, high).map(lambda n: n * CENTS)


WIDTHS = st.sampled_from([D(3), D(5), D(7), D(9), D(10), D(11), D(13), D(15)])


@st.composite
def payoffs(draw: st.DrawFn) -> Payoff:
    width = draw(WIDTHS)
    return Payoff(D(draw(st.integers(50, 4000))) * 2, width, draw(cents(1, int(3 * width * 100))))


def legs_settled(payoff: Payoff, settle: Decimal) -> Decimal:
    """The payoff computed leg by leg: each option pays its value at expiration."""
    body, width = payoff.body, payoff.width
    put = lambda strike: max(strike - settle, D(0))  # noqa: E731
    call = lambda strike: max(settle - strike, D(0))  # noqa: E731
    owed = 2 * (put(body) - put(body - width)) + call(body) - call(body + width)
    return 100 * (payoff.credit - owed)


@given(payoffs(), cents(-3000, 3000))
def test_the_payoff_is_the_sum_of_its_settled_legs(payoff: Payoff, away: Decimal) -> None:
    assert payoff.at(payoff.body + away) == legs_settled(payoff, payoff.body + away)


@given(payoffs())
def test_nothing_is_above_the_most_or_below_the_least(payoff: Payoff) -> None:
    quarter = payoff.width / 4
    everywhere = [legs_settled(payoff, payoff.body + quarter * n) for n in range(-12, 13)]
    assert max(everywhere) == payoff.max_profit
    assert min(everywhere) == -payoff.max_loss
    assert everywhere[-1] == payoff.beyond_call


@given(payoffs())
def test_its_sign_changes_at_the_break_evens_and_nowhere_else(payoff: Payoff) -> None:
    below, above = payoff.break_evens
    for settle in (below, above):
        assert settle is None or legs_settled(payoff, settle) == 0
    for n in range(-40, 41):
        settle = payoff.body + payoff.width * n / 10
        loses = (below is not None and settle < below) or (above is not None and settle > above)
        assert (legs_settled(payoff, settle) < 0) is loses


@given(payoffs(), cents(1, 6000), cents(1, 6000), st.integers(0, 100))
def test_straight_lines_between_its_points_are_the_payoff(
    payoff: Payoff, left: Decimal, rest: Decimal, part: int
) -> None:
    curve = payoff.curve(payoff.body - left, payoff.body + rest)
    assert curve[0][0] == payoff.body - left
    assert curve[-1][0] == payoff.body + rest
    assert [x for x, _ in curve] == sorted({x for x, _ in curve})
    for (x1, y1), (x2, y2) in pairwise(curve):
        share = D(part) / 100
        between = y1 + (y2 - y1) * share
        assert abs(legs_settled(payoff, x1 + (x2 - x1) * share) - between) < CENTS


def test_the_seed_example() -> None:
    payoff = Payoff(D(622), D(3), D("4.10"))
    assert (payoff.max_profit, payoff.max_loss, payoff.beyond_call) == (410, 190, 110)
    assert payoff.break_evens == (D("619.95"), None)
    assert payoff.curve(D(610), D(630)) == ((610, -190), (619, -190), (622, 410), (625, 110), (630, 110))
