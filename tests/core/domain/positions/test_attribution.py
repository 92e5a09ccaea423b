"""Whose contracts left without an order of ours, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.orders.orders import OrderReport, ReportedLeg
from core.domain.positions.attribution import (
    ForeignFill,
    Loss,
    TridentUnits,
    UnitLoss,
    after_foreign,
    cause,
    closing_legs,
    foreign_fills,
    found_again,
    unit_losses,
)
from core.domain.positions.closing import Gone, units_after
from core.domain.positions.units import Ended, Unit, UnitState, legs_of
from core.domain.trident.sides import Direction, LegSide
from tests.support.tridents import (
    AT,
    CALL,
    LONG_CALL,
    LONG_PUT,
    PUT_1,
    PUT_2,
    SHORT_CALL,
    SHORT_PUT,
    D,
    fills,
    row,
    units,
)

PUTS = (SHORT_PUT, Direction.SHORT)
PUT_WINGS = (LONG_PUT, Direction.LONG)
CALLS = (SHORT_CALL, Direction.SHORT)
CALL_WINGS = (LONG_CALL, Direction.LONG)
OTHER = ("QQQ   251219P00622000", "QQQ   251219P00617000", "QQQ   251219C00622000", "QQQ   251219C00627000")
"""A trident on the same body, with wider wings."""
OLDER = TridentUnits("older", AT, units())
NEWER = TridentUnits("newer", AT + timedelta(days=1), units(symbols=OTHER))


def order(order_id: str, *legs: tuple[str, str, int]) -> OrderReport:
    """An order at the broker, filled: (action, symbol, contracts)."""
    reported = tuple(
        ReportedLeg(symbol, action, Decimal(count), Decimal(0), fills(order_id, (symbol, count, "1.00")))
        for action, symbol, count in legs
    )
    return OrderReport(order_id, "5WX00001", "Filled", None, "QQQ", D("1.00"), reported, AT, AT, AT)


def lost(leg: LegSide, quantity: int = 1, order_id: str = "") -> Loss:
    return Loss(leg, Decimal(quantity), order_id)


def test_fills_of_our_orders_and_used_ones_are_not_foreign() -> None:
    found = foreign_fills(
        [order("71", ("Buy to Close", SHORT_PUT, 1)), order("90", ("Buy to Close", SHORT_PUT, 1))], {"71"}, set()
    )
    assert [(fill.order_id, fill.leg, fill.quantity, fill.opens) for fill in found] == [("90", PUTS, 1, False)]
    assert foreign_fills([order("90", ("Buy to Close", SHORT_PUT, 1))], (), {found[0].key}) == ()


def test_a_fill_is_used_once_and_ids_that_begin_again_on_another_day_are_others() -> None:
    [first] = foreign_fills([order("90", ("Buy to Close", SHORT_PUT, 1))], (), set())
    again = order("90", ("Buy to Close", SHORT_PUT, 1))
    legs = tuple(
        replace(leg, fills=tuple(replace(fill, at=fill.at + timedelta(days=1)) for fill in leg.fills))
        for leg in again.legs
    )
    [second] = foreign_fills([replace(again, legs=legs)], (), {first.key})
    assert second.order_id == first.order_id
    assert second.key != first.key


def test_shares_and_unreadable_actions_are_left_out() -> None:
    assert foreign_fills([order("90", ("Buy to Open", "QQQ", 100), ("Allocate", SHORT_PUT, 1))], (), ()) == ()


def test_foreign_contracts_are_used_up_before_ours() -> None:
    [fill] = foreign_fills([order("90", ("Buy to Close", SHORT_PUT, 2))], (), ())
    assert after_foreign({PUTS: Decimal(1)}, [fill]) == ({}, (lost(PUTS, 1, "90"),))
    assert after_foreign({PUTS: Decimal(3)}, [fill]) == ({PUTS: Decimal(1)}, ())
    [opened] = foreign_fills([order("91", ("Sell to Open", SHORT_PUT, 2))], (), ())
    assert after_foreign({}, [opened]) == ({PUTS: Decimal(2)}, ())
    assert after_foreign({}, [opened, fill]) == ({}, ())


def test_what_opens_the_other_side_of_a_contract_closes_it() -> None:
    """The broker relabels a close that goes beyond the position less what works: the account nets all the same."""
    [fill] = foreign_fills([order("90", ("Buy to Open", SHORT_PUT, 2))], (), ())
    longs = (SHORT_PUT, Direction.LONG)
    assert after_foreign({}, [fill], {PUTS: Decimal(2)}) == ({}, (lost(PUTS, 2, "90"),))
    assert after_foreign({PUTS: Decimal(1)}, [fill], {PUTS: Decimal(2)}) == ({}, (lost(PUTS, 1, "90"),))
    assert after_foreign({}, [fill], {PUTS: Decimal(1)}) == ({longs: Decimal(1)}, (lost(PUTS, 1, "90"),))
    assert after_foreign({}, [fill], {PUT_WINGS: Decimal(2)}) == ({longs: Decimal(2)}, ())
    assert closing_legs(order("90", ("Buy to Open", SHORT_PUT, 1), ("Sell to Open", LONG_PUT, 1))) == {PUTS, PUT_WINGS}
    assert closing_legs(order("90", ("Sell to Open", SHORT_PUT, 1))) == {longs}
    bought = row("1", "Buy to Open", SHORT_PUT, kind="Trade", action="Buy to Open", order_id="90")
    assert cause(PUTS, (), shares=Decimal(0), rows=[bought]) is Ended.HAND


def test_a_unit_closed_by_hand_is_put_2() -> None:
    found = unit_losses([OLDER], [lost(PUTS, 1, "90"), lost(PUT_WINGS, 1, "90")])
    assert found == (UnitLoss("older", PUT_2, (PUTS, PUT_WINGS), True, ("90",)),)


def test_a_leg_alone_breaks_put_2() -> None:
    assert unit_losses([OLDER], [lost(PUTS)]) == (UnitLoss("older", PUT_2, (PUTS,), False),)


def test_the_oldest_trident_loses_a_shared_leg() -> None:
    found = unit_losses([NEWER, OLDER], [lost(PUTS, 3), lost(CALLS)])
    assert [(one.trident_id, one.unit, one.whole) for one in found] == [
        ("older", PUT_1, False),
        ("older", PUT_2, False),
        ("older", CALL, False),
        ("newer", PUT_2, False),
    ]


def test_what_is_left_of_a_broken_unit_goes_before_whole_ones() -> None:
    broken = units_after(units(), [], [Gone(PUT_1, SHORT_PUT, Ended.ASSIGNED, AT)])
    found = unit_losses([replace(OLDER, units=broken)], [lost(PUT_WINGS)])
    assert found == (UnitLoss("older", PUT_1, (PUT_WINGS,), True),)


def test_what_no_unit_has_is_not_ours() -> None:
    assert unit_losses([OLDER], [lost((SHORT_PUT, Direction.LONG)), lost(PUTS, 5)]) == (
        UnitLoss("older", PUT_1, (PUTS,), False),
        UnitLoss("older", PUT_2, (PUTS,), False),
    )


@pytest.mark.parametrize(
    ("sub_kind", "how"),
    [
        ("Assignment", Ended.ASSIGNED),
        ("Cash Settled Assignment", Ended.ASSIGNED),
        ("Exercise", Ended.EXERCISED),
        ("Cash Settled Exercise", Ended.EXERCISED),
        ("Expiration", Ended.EXPIRED),
        ("Forward Split", Ended.SPLIT),
        ("Never Seen", None),
    ],
)
def test_the_row_says_the_cause(sub_kind: str, how: Ended | None) -> None:
    rows = [row("1", sub_kind, SHORT_PUT), row("2", "Expiration", LONG_CALL)]
    assert cause(PUTS, (), shares=Decimal(0), rows=rows) is how


@pytest.mark.parametrize(
    ("leg", "shares", "how"),
    [
        (PUTS, 100, Ended.ASSIGNED),
        (CALLS, -100, Ended.ASSIGNED),
        (PUT_WINGS, -100, Ended.EXERCISED),
        (CALL_WINGS, 100, Ended.EXERCISED),
        (PUTS, -100, None),
        (CALLS, 100, None),
        (PUTS, 99, None),
        (PUTS, 0, None),
    ],
)
def test_shares_say_an_assignment(leg: LegSide, shares: int, how: Ended | None) -> None:
    assert cause(leg, (), shares=Decimal(shares), rows=()) is how


def test_an_order_that_is_not_ours_is_a_hand_or_the_desk() -> None:
    assert cause(PUTS, ("90",), shares=Decimal(100), rows=()) is Ended.HAND
    assert cause(PUTS, ("90",), shares=Decimal(0), rows=(), desk_orders={"90"}) is Ended.DESK
    traded = row("1", "Buy to Close", SHORT_PUT, kind="Trade", action="Buy to Close", order_id="90")
    assert cause(PUTS, (), shares=Decimal(0), rows=[traded]) is Ended.HAND
    opened = row("1", "Sell to Open", SHORT_PUT, kind="Trade", action="Sell to Open", order_id="90")
    assert cause(PUTS, (), shares=Decimal(0), rows=[opened]) is None


def after(units_before: Sequence[Unit], losses: Sequence[UnitLoss]) -> tuple[Unit, ...]:
    return units_after(units_before, [], [Gone(one.unit, symbol, None, AT) for one in losses for symbol, _ in one.legs])


legs = st.sampled_from([PUTS, PUT_WINGS, CALLS, CALL_WINGS])


@given(st.lists(legs, max_size=8))
def test_losses_are_neither_lost_nor_made(gone: list[LegSide]) -> None:
    """What the units lose is what left, as far as they had it; legs that left together make whole units."""
    found = unit_losses([OLDER], [lost(leg) for leg in gone])
    taken = Counter(leg for one in found for leg in one.legs)
    had = Counter(dict(legs_of(units())))
    assert taken == Counter(gone) & had
    now = after(units(), found)
    assert Counter(dict(legs_of(now))) == had - taken
    puts = [unit for unit in now if unit.is_put]
    assert sum(unit.state is UnitState.WHOLE for unit in puts) == 2 - max(taken[PUTS], taken[PUT_WINGS])
    assert sum(unit.state is UnitState.GONE for unit in puts) == min(taken[PUTS], taken[PUT_WINGS])
    assert {one.unit for one in found if one.whole} == {unit.name for unit in now if unit.state is UnitState.GONE}


@given(st.lists(legs, max_size=10), st.lists(legs, max_size=10))
def test_what_is_found_again_is_what_was_missed(gone: list[LegSide], shown: list[LegSide]) -> None:
    """Of two tridents with the same legs. What stays missed is what would have left first."""
    first = unit_losses([OLDER, NEWER], [lost(leg) for leg in gone])
    missed = {(one.trident_id, one.unit, symbol) for one in first for symbol, _ in one.legs}
    tridents = [
        replace(each, units=after(each.units, [one for one in first if one.trident_id == each.id]))
        for each in (OLDER, NEWER)
    ]
    surplus = {leg: Decimal(count) for leg, count in Counter(shown).items()}
    found = found_again(tridents, missed, surplus)
    again = Counter(leg for one in found for leg in one.legs)
    assert again == Counter(leg for one in first for leg in one.legs) & Counter(shown)
    assert found_again(tridents, set(), surplus) == ()
    back = {(one.trident_id, one.unit, symbol) for one in found for symbol, _ in one.legs}
    still = {symbol for trident, _, symbol in missed - back if trident == "newer"}
    assert not still & {symbol for trident, _, symbol in back if trident == "older"}


@given(st.lists(st.tuples(legs, st.booleans(), st.integers(1, 3)), max_size=8), st.integers(0, 3))
def test_foreign_and_lost_contracts_add_up(trades: list[tuple[LegSide, bool, int]], baseline: int) -> None:
    made = [
        ForeignFill(("90", str(n)), leg, Decimal(quantity), opens, AT)
        for n, (leg, opens, quantity) in enumerate(trades)
    ]
    left, lost_by = after_foreign({PUTS: Decimal(baseline)}, made)
    for leg in (PUTS, PUT_WINGS, CALLS, CALL_WINGS):
        change = sum((f.quantity if f.opens else -f.quantity for f in made if f.leg == leg), Decimal(0))
        before = Decimal(baseline if leg == PUTS else 0)
        ours = sum((one.quantity for one in lost_by if one.leg == leg), Decimal(0))
        assert left.get(leg, Decimal(0)) - ours == before + change
    assert all(quantity > 0 for quantity in left.values())
