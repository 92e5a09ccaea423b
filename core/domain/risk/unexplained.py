"""Tridents that the account holds at the broker and no record explains (rules 7, 9)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from core.domain.orders.fills import filled_by_symbol
from core.domain.orders.order_states import OPEN_STATES, OrderState
from core.domain.orders.orders import Entry
from core.domain.risk.risk import HeldLeg
from core.domain.trident.found import FoundTrident, LegKey, found_tridents
from core.domain.trident.sides import Direction
from core.domain.trident.trident import Action

_OPENED_BY = {Direction.SHORT: Action.SELL_TO_OPEN, Direction.LONG: Action.BUY_TO_OPEN}


def unexplained(positions: Iterable[HeldLeg], entries: Sequence[Entry]) -> tuple[FoundTrident, ...]:
    """The tridents among the positions that are left once every contract filled for these entries is taken away.

    A filled entry and one whose order may still fill explain all legs of the order, any other one its fill records
    only. What is not a whole trident is none of ours.
    """
    return found_tridents(contracts_left(positions, entries))


def contracts_left(positions: Iterable[HeldLeg], entries: Iterable[Entry]) -> dict[LegKey, Decimal]:
    """The contracts of each leg and side that are left once every contract filled for these entries is taken away."""
    left: dict[LegKey, Decimal] = {}
    for leg in positions:
        key = (leg.symbol, _OPENED_BY[leg.direction])
        left[key] = left.get(key, Decimal(0)) + leg.quantity
    for entry in entries:
        for leg_key, quantity in _explained(entry).items():
            left[leg_key] = max(Decimal(0), left.get(leg_key, Decimal(0)) - quantity)
    return left


def _explained(entry: Entry) -> dict[LegKey, Decimal]:
    """The contracts of each leg that the entry has put into the account, or may have while its order can still fill."""
    filled = filled_by_symbol(entry.fills)
    whole = entry.state in OPEN_STATES or entry.state is OrderState.FILLED
    return {
        (leg.symbol, leg.action): max(Decimal(leg.quantity if whole else 0), filled.get(leg.symbol, Decimal(0)))
        for leg in entry.terms.legs
    }
