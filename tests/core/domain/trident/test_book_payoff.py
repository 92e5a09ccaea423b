"""What tridents bring together at expiry, compared with settling every option that is left by itself (rules 2, 15)."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from core.domain.trident.book_payoff import BookPayoff, LeftAtExpiry, book_of
from core.domain.trident.payoff import Payoff

D = Decimal


@st.composite
def lefts(draw: st.DrawFn) -> LeftAtExpiry:
    """What may be left of a trident: some of its units, at least one."""
    puts, calls = draw(st.sampled_from([(2, 1), (1, 1), (0, 1), (2, 0), (1, 0)]))
    body, width = D(draw(st.integers(50, 60))) * 10, D(draw(st.sampled_from([3, 5, 10])))
    return LeftAtExpiry(body, width, puts, calls, D(draw(st.integers(-100_000, 100_000))) / 100)


BOOKS = st.lists(lefts(), min_size=1, max_size=5).map(lambda some: BookPayoff(tuple(some)))
SETTLES = st.integers(40_000, 70_000).map(lambda cents: D(cents) / 100)


def settled(one: LeftAtExpiry, settle: Decimal) -> Decimal:
    """The result leg by leg: each option pays its value at expiration."""
    put = lambda strike: max(strike - settle, D(0))  # noqa: E731
    call = lambda strike: max(settle - strike, D(0))  # noqa: E731
    puts = one.puts * (put(one.body) - put(one.body - one.width))
    return one.cash - 100 * (puts + one.calls * (call(one.body) - call(one.body + one.width)))


@given(BOOKS, SETTLES)
def test_a_book_is_the_sum_of_its_settled_legs(book: BookPayoff, settle: Decimal) -> None:
    assert book.at(settle) == sum(settled(one, settle) for one in book.tridents)


@given(BOOKS, SETTLES)
def test_nothing_is_above_the_best_or_below_the_worst(book: BookPayoff, settle: Decimal) -> None:
    assert book.worst[1] <= book.at(settle) <= book.best[1]
    for at, result in (book.best, book.worst):
        assert book.at(at) == result


@given(BOOKS)
def test_between_two_break_evens_a_book_only_gains_or_only_loses(book: BookPayoff) -> None:
    for settle in book.break_evens:
        assert abs(book.at(settle)) < D("1e-15")
    edges = [D(0), *book.break_evens, D(10_000)]
    for low, high in pairwise(edges):
        inside = [bend for bend in (*book.bends, (low + high) / 2) if low < bend < high]
        results = [book.at(settle) for settle in inside if abs(book.at(settle)) > D("1e-15")]
        assert len({result > 0 for result in results}) <= 1


@given(BOOKS, SETTLES, SETTLES)
def test_its_line_through_the_bends_is_exact(book: BookPayoff, one: Decimal, other: Decimal) -> None:
    low, high = min(one, other), max(one, other) + 1
    for (left, before), (right, after) in pairwise(book.curve(low, high)):
        middle = (left + right) / 2
        assert book.at(middle) == (before + after) / 2


@given(st.integers(50, 60).map(lambda n: D(n * 10)), st.integers(1, 900).map(lambda cents: D(cents) / 100))
def test_a_whole_trident_alone_has_the_payoff_of_rules_2(body: Decimal, credit: Decimal) -> None:
    whole = Payoff(body, D(5), credit)
    book = book_of([LeftAtExpiry(body, D(5), 2, 1, 100 * credit), None])
    assert len(book.tridents) == 1, "one whose payoff is not known is left out"
    for away in range(-8, 9):
        assert book.at(body + away) == whole.at(body + away)
    assert book.break_evens == tuple(settle for settle in whole.break_evens if settle is not None)
