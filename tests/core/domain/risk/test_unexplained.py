"""A trident at the broker that no record explains is found; everything else there is none of ours (rules 7, 9)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.domain.orders.order_states import OPEN_STATES, OrderState
from core.domain.orders.orders import Entry, Fill
from core.domain.risk.risk import HeldLeg
from core.domain.risk.unexplained import unexplained
from core.domain.trident.sides import Direction, side_of
from tests.support.domain_builders import D
from tests.support.record_samples import AT, entry


def holding(times: int = 1) -> tuple[HeldLeg, ...]:
    return tuple(HeldLeg(leg.symbol, side_of(leg.action), D(times * leg.quantity)) for leg in entry().request.legs)


def with_fills(state: OrderState, legs: int = 4) -> Entry:
    fills = tuple(
        Fill(f"f{n}", leg.symbol, D(leg.quantity), D(1), AT) for n, leg in enumerate(entry().request.legs[:legs])
    )
    return replace(entry(), state=state, fills=fills)


def test_a_trident_without_a_record_is_told_by_its_strikes() -> None:
    (found,) = unexplained(holding(), [])
    assert (found.strikes(), str(found.expiration)) == ("622P/619P/622C/625C", "2026-04-17")


@pytest.mark.parametrize("state", list(OrderState))
def test_what_an_entry_filled_or_may_still_fill_is_explained(state: OrderState) -> None:
    explains = state in OPEN_STATES or state is OrderState.FILLED
    assert bool(unexplained(holding(), [replace(entry(), state=state)])) is not explains
    assert unexplained(holding(), [with_fills(state)]) == ()
    assert len(unexplained(holding(2), [with_fills(state)])) == 1


def test_an_incident_explains_only_what_it_filled() -> None:
    assert unexplained(holding(), [with_fills(OrderState.INCIDENT, 2)]) == (), "the rest is no trident"
    (found,) = unexplained(holding(2), [with_fills(OrderState.INCIDENT, 2)])
    assert found.width == D(3)


def test_the_other_side_and_stock_are_no_trident() -> None:
    turned = tuple(replace(leg, direction=Direction.LONG) for leg in holding())
    assert unexplained((*turned, HeldLeg("QQQ", Direction.LONG, D(100))), []) == ()
