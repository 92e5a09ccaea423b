"""How the exchange takes on an order otherwise than it asks: changed, twice, or under ids that were used before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from enum import Enum

from core.simulator.exchange.lifecycle import FillPlan
from core.simulator.exchange.orders import SimOrder, package_size

LESS = Decimal("0.10")
"""By how much $ per share a changed price is lower, unless it is named: a whole number of ticks of every option."""


class Dropped(Enum):
    """How the broker drops an order that works over nights."""

    REMOVED = "removed"
    EXPIRED = "expired"
    GONE = "gone"
    """It is not known any more."""


@dataclass(frozen=True, slots=True)
class Handling:
    """What happens to one order beside what it says. Without arguments it is taken on as it is."""

    plan: FillPlan | None = None
    """How it fills, instead of the plan of its account."""
    changes: tuple[Callable[[SimOrder], SimOrder], ...] = ()
    """Changes of the accepted order, after its preflight."""
    twin: bool = False
    """Whether a second order of the same terms and identifier is accepted with it."""
    revived_after: timedelta | None = None
    """Market time from its cancel until it is live again."""
    cancel_ignored: bool = False
    """Whether its first cancel is answered as taken, and not carried out."""
    forgotten_after: timedelta | None = None
    """Market time from now until the broker no longer knows it."""
    dropped: Dropped | None = None
    """How it ends at the next open, though it is good till it is cancelled."""
    unbalanced: bool = False
    """Whether only one contract of its first leg fills, and the exchange then cancels it."""
    order_ids_begin_again: bool = False
    """Whether its id is counted from 1 in each session."""
    fill_ids_begin_again: bool = False
    """Whether the ids of its fills are counted from 1 in each session."""


AS_ASKED = Handling()


def with_price(order: SimOrder, price: Decimal | None) -> SimOrder:
    """The order with this signed price; with None a credit LESS $ lower, or higher where it is not above that."""
    asked = order.price or Decimal(0)
    lower = asked - LESS if asked > LESS else asked + LESS
    return replace(order, price=lower if price is None else price)


def with_quantity(order: SimOrder, times: int) -> SimOrder:
    """The order with so many times the contracts."""
    legs = tuple(
        replace(leg, quantity=leg.quantity * times, remaining_quantity=leg.remaining_quantity * times)
        for leg in order.legs
    )
    return replace(order, legs=legs, size=order.size * times)


def without_leg(order: SimOrder, number: int) -> SimOrder:
    """The order without its leg of this number, from 1 on; without its last one where there are fewer."""
    at = min(number, len(order.legs)) - 1
    legs = (*order.legs[:at], *order.legs[at + 1 :])
    return replace(order, legs=legs, size=package_size(tuple(leg.quantity for leg in legs))) if legs else order
