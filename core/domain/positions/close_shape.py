"""The legs of the order that closes some units, and what its price is for (rules 15.3)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from core.domain.orders.orders import OrderLeg
from core.domain.positions.units import Unit, UnitState, left_of
from core.domain.trident.trident import Action


@dataclass(frozen=True, slots=True)
class CloseShape:
    """`legs` in the order of rules 2: short before long, puts before calls. The broker's price of the order is that of
    all its units divided by `per`: two put spreads alone are priced as one spread."""

    legs: tuple[OrderLeg, ...]
    per: int


def close_shape(units: Iterable[Unit]) -> CloseShape | None:
    """The order that closes these units. None for no unit, and where one is not whole: that is the operator's."""
    chosen = tuple(units)
    if not chosen or any(unit.state is not UnitState.WHOLE for unit in chosen):
        return None
    puts = [unit for unit in left_of(chosen) if unit.is_put]
    calls = [unit for unit in left_of(chosen) if not unit.is_put]
    legs = [leg for side in (puts, calls) if side for leg in _spread(side[0], len(side))]
    return CloseShape(tuple(legs), per=1 if calls else len(puts))


def _spread(unit: Unit, quantity: int) -> tuple[OrderLeg, OrderLeg]:
    return (
        OrderLeg(unit.short, Action.BUY_TO_CLOSE, quantity),
        OrderLeg(unit.long, Action.SELL_TO_CLOSE, quantity),
    )
