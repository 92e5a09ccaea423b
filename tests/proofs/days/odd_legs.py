"""What orders of ours left at the broker that is no whole trident, and the operator who closes it there by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from core.simulator.exchange.handling import Handling
from core.simulator.exchange.lifecycle import FillPlan
from core.simulator.exchange.orders import OrderLeg, OrderRefused, OrderRequest, SimOrder
from tests.proofs.days.rival import LOGIN
from tests.support.oracle import is_ours

if TYPE_CHECKING:
    from tests.proofs.days.world import DayWorld

TRIDENT_LEGS = 4


def close_odd_legs(world: DayWorld, done: set[int]) -> None:
    """Closes what such orders hold, each order once; `done` gets their ids. The broker must be open."""
    now = world.exchange_clock.now()
    for number in world.accounts:
        for order in world.exchange.orders(number):
            if order.id in done or order.username == LOGIN or not is_ours(order.external_identifier):
                continue
            held = world.exchange.back_office.ledgers[number].held()
            if order.terminal_at is None or not _is_odd(order) or not _holds(held, order):
                continue
            try:
                world.exchange.submit(number, _closing(order), now, by=LOGIN, handling=Handling(FillPlan.IMMEDIATE))
            except OrderRefused:
                continue  # the next morning it is tried again
            done.add(order.id)
    world.broker.alerts.wake()


def _is_odd(order: SimOrder) -> bool:
    """Whether its fills are no whole number of tridents."""
    filled = [leg.quantity - leg.remaining_quantity for leg in order.legs]
    even = all(count * order.size % leg.quantity == 0 for count, leg in zip(filled, order.legs, strict=True))
    packages = {Decimal(count) * order.size / leg.quantity for count, leg in zip(filled, order.legs, strict=True)}
    return any(filled) and (len(order.legs) != TRIDENT_LEGS or not even or len(packages) > 1)


def _holds(held: dict[str, int], order: SimOrder) -> bool:
    """Whether the account still holds all that the order traded."""
    return all(
        (-held.get(leg.symbol, 0) if leg.sells else held.get(leg.symbol, 0)) >= leg.quantity - leg.remaining_quantity
        for leg in order.legs
    )


def _closing(order: SimOrder) -> OrderRequest:
    legs = tuple(
        OrderLeg(
            leg.instrument_type,
            leg.symbol,
            "Buy to Close" if leg.sells else "Sell to Close",
            Decimal(leg.quantity - leg.remaining_quantity),
        )
        for leg in order.legs
        if leg.remaining_quantity < leg.quantity
    )
    return OrderRequest("Day", "Market", legs)
