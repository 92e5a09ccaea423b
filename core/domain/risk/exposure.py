"""What an account already has at risk (SPEC 7). Amounts in $."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from core.domain.orders.fills import fill_credit
from core.domain.orders.order_states import OPEN_STATES
from core.domain.orders.orders import Entry, OrderReport
from core.domain.risk.risk import Direction, HeldLeg, side_of
from core.domain.trident.trident import max_risk


@dataclass(frozen=True, slots=True)
class Exposure:
    open_risk: Decimal
    open_tridents: int
    held: tuple[HeldLeg, ...]


def exposure(
    filled: Sequence[Entry], open_entries: Sequence[Entry], positions: Sequence[HeldLeg], orders: Iterable[HeldLeg]
) -> Exposure:
    """Risk of our filled tridents still held plus of entries sent and not terminal.

    `positions` and `orders` are what the broker shows: held legs, and legs of working orders.
    """
    ours = held_entries(filled, positions)
    risk = sum((risk_of(entry) for entry in ours), Decimal(0))
    working = [entry for entry in open_entries if entry.state in OPEN_STATES]
    risk += sum((entry.max_risk for entry in working), Decimal(0))
    return Exposure(risk, len(ours) + len(working), (*positions, *orders))


def held_entries(filled: Sequence[Entry], positions: Iterable[HeldLeg]) -> tuple[Entry, ...]:
    """The filled entries whose tridents the account still holds, as they came.

    A trident is ours until the broker's positions no longer hold its legs (SPEC 7): one leg held on our side is
    enough, so that a trident closed in part still counts whole. Contracts two tridents share are counted once, the
    newer entry's first, because the broker closes the oldest lots first.
    """
    left: dict[tuple[str, Direction], Decimal] = {}
    for leg in positions:
        key = (leg.symbol, leg.direction)
        left[key] = left.get(key, Decimal(0)) + leg.quantity
    ours: set[str] = set()
    for entry in sorted(filled, key=lambda e: e.prepared_at, reverse=True):
        wanted = {(leg.symbol, side_of(leg.action)): leg.quantity for leg in entry.request.legs}
        if any(left.get(key, Decimal(0)) > 0 for key in wanted):
            ours.add(entry.id)
            for key, quantity in wanted.items():
                left[key] = max(Decimal(0), left.get(key, Decimal(0)) - quantity)
    return tuple(entry for entry in filled if entry.id in ours)


def risk_of(entry: Entry) -> Decimal:
    """The entry's max risk from its fill, or as sent while a fill record is missing."""
    credit = fill_credit(entry.request, entry.fills)
    return entry.max_risk if credit is None else max_risk(entry.width, credit)


def worked_legs(report: OrderReport) -> tuple[HeldLeg, ...]:
    """The legs an order would hold once filled: what it sells is short."""
    return tuple(
        HeldLeg(leg.symbol, Direction.SHORT if leg.action.startswith("Sell") else Direction.LONG) for leg in report.legs
    )
