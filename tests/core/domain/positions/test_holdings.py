"""What a complete read of positions may show while our orders are in flight."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.orders.order_states import OrderState
from core.domain.positions.closing import units_after
from core.domain.positions.exits import Exit
from core.domain.positions.holdings import HeldTrident, Range, closable, differences, expected, working
from core.domain.positions.units import UnitName, legs_of
from core.domain.trident.sides import Direction, LegSide
from tests.support.tridents import CALL, LONG_CALL, LONG_PUT, PUT_1, PUT_2, SHORT_CALL, SHORT_PUT, entry, exit, units

PUTS = (SHORT_PUT, Direction.SHORT)
PUT_WINGS = (LONG_PUT, Direction.LONG)
CALLS = (SHORT_CALL, Direction.SHORT)
CALL_WINGS = (LONG_CALL, Direction.LONG)
WHOLE: Mapping[LegSide, Decimal] = {PUTS: Decimal(2), PUT_WINGS: Decimal(2), CALLS: Decimal(1), CALL_WINGS: Decimal(1)}


def of(*low_high: int) -> Range:
    low, high = low_high
    return Range(Decimal(low), Decimal(high))


def ranges(*exits: Exit, foreign: Mapping[LegSide, Decimal] | None = None) -> Mapping[LegSide, Range]:
    return expected([HeldTrident(units_after(units(), exits, []), exits)], [], foreign or {})


def test_a_trident_without_orders_must_be_there_whole() -> None:
    assert ranges() == {leg: Range(quantity, quantity) for leg, quantity in WHOLE.items()}
    assert differences(ranges(), WHOLE) == ()
    [missing] = differences(ranges(), {**WHOLE, PUTS: Decimal(1)})
    assert (missing.leg, missing.lost) == (PUTS, 1)
    [more] = differences(ranges(), {**WHOLE, PUTS: Decimal(3)})
    assert more.lost == 0


def test_a_filled_target_is_no_difference() -> None:
    filled = exit([PUT_1], (SHORT_PUT, 1, "1.5"), (LONG_PUT, 1, "0.8"), state=OrderState.FILLED)
    after = {**WHOLE, PUTS: Decimal(1), PUT_WINGS: Decimal(1)}
    assert differences(ranges(filled), after) == ()
    assert {one.leg for one in differences(ranges(filled), WHOLE)} == {PUTS, PUT_WINGS}


@pytest.mark.parametrize("state", [OrderState.SENT, OrderState.WORKING, OrderState.UNKNOWN])
def test_what_an_order_in_flight_may_take_may_be_missing(state: OrderState) -> None:
    found = ranges(exit([PUT_1], state=state))
    assert found == {PUTS: of(1, 2), PUT_WINGS: of(1, 2), CALLS: of(1, 1), CALL_WINGS: of(1, 1)}


@pytest.mark.parametrize("state", [OrderState.CANCELLED, OrderState.EXPIRED, OrderState.NOT_SENT, OrderState.ABSENT])
def test_an_order_that_ended_takes_nothing_more(state: OrderState) -> None:
    assert ranges(exit([PUT_1], state=state)) == ranges()


def test_a_part_filled_order_may_take_the_rest() -> None:
    one = exit([PUT_1, PUT_2], (SHORT_PUT, 1, "1.5"), (LONG_PUT, 1, "0.8"))
    assert ranges(one)[PUTS] == of(0, 1)
    assert working(units(), [one]) == {PUTS: 1, PUT_WINGS: 1}


def test_a_leg_that_is_closed_must_be_gone() -> None:
    filled = exit([CALL], (SHORT_CALL, 1, "1.5"), (LONG_CALL, 1, "0.8"), state=OrderState.FILLED)
    assert ranges(filled)[CALLS] == of(0, 0)


def test_what_is_foreign_must_be_there_too() -> None:
    foreign = {PUTS: Decimal(3)}
    assert ranges(foreign=foreign)[PUTS] == of(5, 5)
    assert ranges(exit([PUT_1]), foreign=foreign)[PUTS] == of(4, 5)


def test_an_entry_may_add_what_it_has_not_filled() -> None:
    filled = entry("4.21", "2.99", "5.20", "3.58")
    works = replace(filled, state=OrderState.WORKING, fills=filled.fills[:1])
    found = expected([HeldTrident(units())], [works], {})
    assert found == {PUTS: of(4, 4), PUT_WINGS: of(2, 4), CALLS: of(1, 2), CALL_WINGS: of(1, 2)}
    late = replace(filled, fills=filled.fills[:1])
    assert expected([], [late], {})[CALLS] == of(1, 1)
    cancelled = replace(filled, state=OrderState.CANCELLED, fills=())
    assert expected([], [cancelled], {})[CALLS] == of(0, 0)


@pytest.mark.parametrize(
    ("left", "seen", "foreign", "in_orders", "may"),
    [
        (2, 2, 0, 0, 2),
        (2, 2, 0, 1, 1),
        (2, 3, 1, 0, 2),
        (2, 2, 1, 0, 1),
        (2, 1, 0, 1, 0),
        (1, 2, 0, 0, 1),
        (2, 0, 1, 0, 0),
    ],
)
def test_the_one_closing_quantity(left: int, seen: int, foreign: int, in_orders: int, may: int) -> None:
    assert closable(Decimal(left), Decimal(seen), Decimal(foreign), Decimal(in_orders)) == may


shapes = st.sampled_from([(PUT_1,), (PUT_2,), (CALL,), (PUT_1, PUT_2), tuple(UnitName)])


@given(shapes, st.sampled_from(OrderState), st.integers(0, 2), st.integers(0, 2), st.integers(0, 3))
def test_every_course_of_one_exit_agrees(
    claimed: tuple[UnitName, ...], state: OrderState, recorded: int, more: int, foreign: int
) -> None:
    """Packages of an exit fill at the broker, some of them on record: what is then there is in the range as long as the
    order may fill, and exactly what is on record otherwise."""
    one = exit(claimed)
    packages = len({*claimed} & {PUT_1, PUT_2}) or 1
    recorded = min(recorded, packages)
    share = {leg.symbol: leg.quantity // packages or 1 for leg in one.request.legs}
    if len(share) > 2:
        packages, recorded = 1, min(recorded, 1)
        share = {leg.symbol: leg.quantity for leg in one.request.legs}
    told = exit(claimed, *[(s, n * recorded, "1") for s, n in share.items() if recorded], state=state)
    taken = recorded if not told.may_fill else min(packages, recorded + more)
    if state is OrderState.FILLED:
        taken = packages
    seen = dict(WHOLE)
    for (symbol, side), quantity in WHOLE.items():
        seen[symbol, side] = quantity - share.get(symbol, 0) * taken
    seen[PUTS] += foreign
    assert differences(ranges(told, foreign={PUTS: Decimal(foreign)}), seen) == ()


@given(st.lists(st.tuples(shapes, st.sampled_from(OrderState)), max_size=4))
def test_what_may_be_sent_and_what_works_are_never_more_than_is_left(
    courses: list[tuple[tuple[UnitName, ...], OrderState]],
) -> None:
    """Orders that are allowed one after the other, by the one closing quantity and whole units only, never add up to
    more contracts than the trident has."""
    sent: list[Exit] = []
    for n, (claimed, state) in enumerate(courses):
        now = units_after(units(), sent, [])
        left, in_orders = legs_of(now), working(now, sent)
        one = exit(claimed, id=f"x{n}", order_id=str(n), state=state)
        legs = {
            (leg.symbol, Direction.SHORT if "Buy" in leg.action.value else Direction.LONG): leg
            for leg in one.request.legs
        }
        held = {unit.name for unit in now if len(unit.held) == 2}
        may = {
            leg: closable(Decimal(left.get(leg, 0)), WHOLE[leg], Decimal(0), in_orders.get(leg, Decimal(0)))
            for leg in legs
        }
        claims = {name for other in sent if other.may_fill for name in other.units}
        if {*claimed} <= held - claims and all(may[leg] >= asked.quantity for leg, asked in legs.items()):
            sent.append(one)
    now = units_after(units(), sent, [])
    for leg, quantity in working(now, sent).items():
        assert quantity <= legs_of(now).get(leg, 0)
