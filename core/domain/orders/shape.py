"""What an order at the broker looks like, whoever sent it (rules 9)."""

from __future__ import annotations

from fractions import Fraction
from math import gcd

from core.domain.orders.identifiers import maker_of
from core.domain.orders.order_states import OrderState, state_for
from core.domain.orders.orders import IntentKind, OrderReport
from core.domain.trident.trident import CALL_SPREADS, OPENING, PUT_SPREADS

_SHAPE = sorted((action.value, quantity) for action in OPENING for quantity in (PUT_SPREADS, CALL_SPREADS))


def opens_trident(report: OrderReport) -> bool:
    """Whether the order opens two put spreads for each call spread, in any number of packages."""
    counts = [Fraction(leg.quantity) for leg in report.legs]
    if not counts or any(count <= 0 or count.denominator != 1 for count in counts):
        return False
    packages = gcd(*(count.numerator for count in counts))
    return sorted((leg.action, int(leg.quantity) // packages) for leg in report.legs) == _SHAPE


def ended_unfilled(report: OrderReport) -> bool:
    """Whether the order has ended and nothing of it filled, as far as the broker tells."""
    ended = (OrderState.CANCELLED, OrderState.EXPIRED, OrderState.REJECTED)
    return state_for(report.status) in ended and not report.fills


def forbids_entry(report: OrderReport) -> bool:
    """Whether an order of today that no record explains forbids another one: every order with the prefix of our
    entries, and a trident that is alive or has filled. A refused order forbids nothing."""
    if state_for(report.status) is OrderState.REJECTED and not report.fills:
        return False
    return maker_of(report.identifier) is IntentKind.ENTRY or (opens_trident(report) and not ended_unfilled(report))
