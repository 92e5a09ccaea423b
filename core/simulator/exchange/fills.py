"""The fills of an order: which contracts trade at once, and the order with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from random import Random

from core.simulator.exchange.lifecycle import FillPlan
from core.simulator.exchange.orders import SimFill, SimOrder

PARTIAL_REMAINDER_S = 10.0
"""Wall seconds from the partial fill to the rest, under FillPlan.PARTIAL."""

FilledLeg = tuple[int, int, Decimal]
"""The index of a leg, its contracts filled, and their price per share."""


def first_part(
    order: SimOrder, ratios: Sequence[int], plan: FillPlan, chance: Random
) -> tuple[list[int], float | None]:
    """How many contracts of each leg trade first, and how many wall seconds later the rest does.

    None when the rest waits until it is matched itself.
    """
    left = order.legs[0].remaining_quantity // ratios[0]
    forced = plan is FillPlan.PARTIAL
    if left > 1:
        now = 1 if forced else left if chance.random() < 0.5 else chance.randint(1, left)
        part = [now * ratio for ratio in ratios]
    elif max(ratios) > 1 and (forced or (plan is FillPlan.NORMAL and chance.random() < 0.3)):
        part = [ratio - ratio // 2 for ratio in ratios]
    else:
        part = list(ratios)
    if forced or left == 1:
        return part, PARTIAL_REMAINDER_S if forced else 0.4 + chance.random()
    return part, None


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
