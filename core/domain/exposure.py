"""What an account already has at risk (SPEC 7). Amounts in $."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from core.domain.fills import fill_credit
from core.domain.order_states import OPEN_STATES
from core.domain.orders import Entry, OrderReport
from core.domain.risk import Direction, HeldLeg
from core.domain.trident import max_risk


@dataclass(frozen=True, slots=True)
class Exposure:
    open_risk: Decimal
    open_tridents: int
    held: tuple[HeldLeg, ...]


def exposure(
    filled: Sequence[Entry], open_entries: Sequence[Entry], positions: Sequence[HeldLeg], orders: Iterable[HeldLeg]
) -> Exposure:
    """Risk of our filled tridents still held plus of entries sent and not terminal.

    A trident is ours until the broker's positions no longer hold its legs; its risk comes from the fill. `positions`
    and `orders` are what the broker shows: held legs, and legs of working orders.
    """
    held = tuple(positions)
    symbols = {leg.symbol for leg in held}
    ours = [entry for entry in filled if any(leg.symbol in symbols for leg in entry.request.legs)]
    risk = sum((risk_of(entry) for entry in ours), Decimal(0))
    working = [entry for entry in open_entries if entry.state in OPEN_STATES]
    risk += sum((entry.max_risk for entry in working), Decimal(0))
    return Exposure(risk, len(ours) + len(working), held + tuple(orders))


def risk_of(entry: Entry) -> Decimal:
    """The entry's max risk from its fill, or as sent while a fill record is missing."""
    credit = fill_credit(entry.request, entry.fills)
    return entry.max_risk if credit is None else max_risk(entry.width, credit)


def worked_legs(report: OrderReport) -> tuple[HeldLeg, ...]:
    """The legs an order would hold once filled: what it sells is short."""
    return tuple(
        HeldLeg(leg.symbol, Direction.SHORT if leg.action.startswith("Sell") else Direction.LONG) for leg in report.legs
    )
