"""What fills of exits and contracts that left make of the units of a trident."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.orders.order_states import OrderState
from core.domain.positions.closing import Gone, closed_by, closed_twice, units_after
from core.domain.positions.exits import ExitKind, unreleased
from core.domain.positions.units import Ended, UnitName, UnitState, legs_of
from core.domain.trident.sides import Direction
from tests.support.tridents import (
    AT,
    CALL,
    LONG_CALL,
    LONG_PUT,
    PUT_1,
    PUT_2,
    SHORT_CALL,
    SHORT_PUT,
    exit,
    units,
)

BOTH_PUTS = (PUT_1, PUT_2)
STATES = tuple(OrderState)


def states(*found: UnitState) -> list[UnitState]:
    return list(found)


def test_two_puts_filled_one_of_two_close_the_first_and_leave_the_second_whole() -> None:
    one = exit(BOTH_PUTS, (SHORT_PUT, 1, "3.10"), (LONG_PUT, 1, "2.00"))
    closed = closed_by(one, units())
    assert (closed.units, closed.rest, closed.broken) == ((PUT_1,), (PUT_2,), "")
    after = units_after(units(), [one], [])
    assert [u.state for u in after] == states(UnitState.CLOSED, UnitState.WHOLE, UnitState.WHOLE)
    assert [u.how for u in after] == [Ended.TIME, None, None]


def test_the_rest_of_two_puts_is_closed_by_the_next_exit() -> None:
    first = exit(BOTH_PUTS, (SHORT_PUT, 1, "3.10"), (LONG_PUT, 1, "2.00"), state=OrderState.CANCELLED)
    second = exit(
        [PUT_2], (SHORT_PUT, 1, "3.10"), (LONG_PUT, 1, "2.00"), state=OrderState.FILLED, id="x2", order_id="72"
    )
    after = units_after(units(), [first, second], [])
    assert [u.state for u in after] == states(UnitState.CLOSED, UnitState.CLOSED, UnitState.WHOLE)
    assert closed_twice(units(), [first, second]) == ()


def test_a_fill_counts_once_also_when_it_is_told_twice() -> None:
    one = exit(BOTH_PUTS, (SHORT_PUT, 1, "3.10"), (LONG_PUT, 1, "2.00"))
    twice = replace(one, fills=one.fills * 2)
    assert closed_by(twice, units()) == closed_by(one, units())


def test_an_order_that_ended_out_of_proportion_leaves_a_broken_unit() -> None:
    one = exit(BOTH_PUTS, (SHORT_PUT, 2, "3.10"), (LONG_PUT, 1, "2.00"), state=OrderState.CANCELLED)
    closed = closed_by(one, units())
    assert (closed.units, closed.rest) == ((PUT_1,), (PUT_2,))
    assert closed.broken == f"2 of 2 {SHORT_PUT}, 1 of 2 {LONG_PUT}"
    broken = units_after(units(), [one], [])[1]
    assert (broken.state, broken.held) == (UnitState.BROKEN, (LONG_PUT,))


def test_fills_under_way_break_nothing() -> None:
    one = exit([PUT_1], (SHORT_PUT, 1, "3.10"))
    assert closed_by(one, units()).broken == ""
    assert units_after(units(), [one], []) == units()


def test_an_order_that_is_filled_closed_its_units_before_all_its_fills_are_here() -> None:
    one = exit(UnitName, (SHORT_PUT, 2, "3.10"), state=OrderState.FILLED)
    assert [u.state for u in units_after(units(), [one], [])] == [UnitState.CLOSED] * 3


def test_puts_filled_without_the_call_are_closed_puts() -> None:
    one = exit(UnitName, (SHORT_PUT, 2, "3.10"), (LONG_PUT, 2, "2.00"), state=OrderState.EXPIRED)
    closed = closed_by(one, units())
    assert (closed.units, closed.rest, closed.broken) == (BOTH_PUTS, (CALL,), "")


def test_more_than_was_ordered_and_a_foreign_symbol_are_said() -> None:
    one = exit([CALL], (SHORT_CALL, 2, "1.00"), (LONG_CALL, 2, "0.20"), (SHORT_PUT, 1, "1"), state=OrderState.INCIDENT)
    assert closed_by(one, units()).broken == f"2 of 1 {SHORT_CALL}, 2 of 1 {LONG_CALL}, 1 of 0 {SHORT_PUT}"


def test_a_fill_after_the_proof_shows_a_unit_closed_twice() -> None:
    late = exit([PUT_1], (SHORT_PUT, 1, "3.1"), (LONG_PUT, 1, "2.3"), state=OrderState.FILLED, kind=ExitKind.TARGET)
    package = exit(
        UnitName,
        (SHORT_PUT, 2, "3.10"),
        (LONG_PUT, 2, "2.00"),
        (SHORT_CALL, 1, "1"),
        (LONG_CALL, 1, "0.5"),
        state=OrderState.FILLED,
        id="x2",
        order_id="72",
    )
    assert closed_twice(units(), [late, package]) == (PUT_1,)
    assert [u.state for u in units_after(units(), [late, package], [])] == [UnitState.CLOSED] * 3


def test_an_assigned_short_breaks_its_unit_until_its_long_is_sold() -> None:
    assigned = Gone(PUT_2, SHORT_PUT, Ended.ASSIGNED, AT)
    broken = units_after(units(), [], [assigned])[1]
    assert (broken.state, broken.how, broken.held) == (UnitState.BROKEN, Ended.ASSIGNED, (LONG_PUT,))
    sold = units_after(units(), [], [assigned, Gone(PUT_2, LONG_PUT, Ended.HAND, AT)])[1]
    assert (sold.state, sold.how, sold.held) == (UnitState.GONE, Ended.ASSIGNED, ())


def test_a_unit_without_an_explanation_is_gone_without_a_cause() -> None:
    gone = [Gone(CALL, SHORT_CALL, None, AT), Gone(CALL, LONG_CALL, None, AT)]
    found = units_after(units(), [], gone)[2]
    assert (found.state, found.how) == (UnitState.GONE, None)


def test_claims_end_with_their_release() -> None:
    one = exit([PUT_1])
    assert unreleased([one, replace(one, released_at=AT)]) == (one,)


@pytest.mark.parametrize("state", STATES)
def test_only_an_order_that_ended_needs_its_proof(state: OrderState) -> None:
    one = exit([PUT_1], state=state)
    assert not (one.may_fill and one.needs_proof)
    assert one.needs_proof == (state in (OrderState.CANCELLED, OrderState.EXPIRED, OrderState.REJECTED))
    assert not replace(one, released_at=AT).needs_proof


names = st.sampled_from([(PUT_1,), (PUT_2,), (CALL,), BOTH_PUTS, (PUT_2, CALL), tuple(UnitName)])


@given(names, st.tuples(*[st.integers(0, 2)] * 4), st.sampled_from(STATES), st.sets(st.sampled_from(UnitName)))
def test_contracts_are_neither_lost_nor_made(
    claimed: tuple[UnitName, ...], filled: tuple[int, ...], state: OrderState, left: set[UnitName]
) -> None:
    """What the units still have, and what the exit took in proportion or for good, are the contracts opened."""
    symbols = (SHORT_PUT, LONG_PUT, SHORT_CALL, LONG_CALL)
    one = exit(claimed, *[(s, n, "1") for s, n in zip(symbols, filled, strict=True) if n], state=state)
    gone = [Gone(name, u.short, None, AT) for u in units() for name in (u.name,) if name in left]
    after = units_after(units(), [one], gone)
    closed = closed_by(one, units())
    assert {*closed.units, *closed.rest} == set(claimed)
    assert {name for name, _ in closed.legs} <= set(closed.rest)
    by_exit = {(u.name, s) for u in units() if u.name in closed.units for s in (u.short, u.long)} | {*closed.legs}
    taken = by_exit | {(one.unit, one.symbol) for one in gone}
    assert sum(legs_of(after).values()) == 6 - len(taken)
    assert all((u.state is UnitState.WHOLE) == (len(u.held) == 2) for u in after)
    assert all((u.state is UnitState.BROKEN) == (len(u.held) == 1) for u in after)
    assert all(side is Direction.SHORT for symbol, side in legs_of(after) if symbol in (SHORT_PUT, SHORT_CALL))
