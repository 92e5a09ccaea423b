"""The fills of an order: which contracts trade at once, and the order with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from core.simulator.exchange.orders import SimFill, SimOrder

FilledLeg = tuple[int, int, Decimal]
"""The index of a leg, its contracts filled, and their price per share."""


def with_fills(
    order: SimOrder, part: Sequence[int], prices: Sequence[Decimal], at: datetime, fill_id: Callable[[int], str]
) -> tuple[SimOrder, list[FilledLeg]]:
    """The order after this many contracts of each leg filled at these prices, and the legs that did.

    `fill_id` makes an id of the number that a fill has in its order, from 1 on.
    """
    count = sum(len(leg.fills) for leg in order.legs)
    legs, filled = [], []
    for index, (leg, quantity) in enumerate(zip(order.legs, part, strict=True)):
        if quantity == 0:
            legs.append(leg)
            continue
        count += 1
        fill = SimFill(
            fill_id=fill_id(count),
            quantity=quantity,
            fill_price=prices[index],
            filled_at=at,
            destination_venue="SIM_CBOE_COMPLEX",
            ext_group_fill_id=f"{order.id}{len(leg.fills)}",
            ext_exec_id=f"{order.id}{count:03d}",
        )
        legs.append(replace(leg, remaining_quantity=leg.remaining_quantity - quantity, fills=(*leg.fills, fill)))
        filled.append((index, quantity, prices[index]))
    return replace(order, legs=tuple(legs), updated_at=at), filled
