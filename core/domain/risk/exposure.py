"""The risk that an account already has (rules 7). Amounts in $."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import ceil

from core.domain.orders.fills import fill_credit, filled_by_symbol
from core.domain.orders.order_states import OPEN_STATES, EntryState
from core.domain.orders.orders import Entry, OrderReport
from core.domain.risk.risk import Direction, HeldLeg, side_of
from core.domain.trident.trident import max_risk


@dataclass(frozen=True, slots=True)
class Exposure:
    """The risk that an account already has: open risk in $, open tridents, and the legs it holds or works in orders."""

    open_risk: Decimal
    open_tridents: int
    held: tuple[HeldLeg, ...]


def exposure(
    filled: Sequence[Entry], open_entries: Sequence[Entry], positions: Sequence[HeldLeg], orders: Iterable[HeldLeg]
) -> Exposure:
    """The exposure of an account: its filled tridents that are still held, and its entries that are open at the broker.

    `open_entries` are those whose end the broker has not shown. Of them the ones that are being sent, work or are
    unknown count, and incidents: their order may be alive, or have filled more than is on record. `positions` and
    `orders` are what the broker shows: held legs, and legs of working orders.
    """
    ours = held_entries(filled, positions)
    risk = sum((risk_of(entry) for entry in ours), Decimal(0))
    counted = {entry.id for entry in ours}
    alive = OPEN_STATES | {EntryState.INCIDENT}
    working = [entry for entry in open_entries if entry.state in alive and entry.id not in counted]
    risk += sum((_risk_as_sent(entry) for entry in working), Decimal(0))
    return Exposure(risk, len(ours) + len(working), (*positions, *orders))


def held_entries(filled: Sequence[Entry], positions: Iterable[HeldLeg]) -> tuple[Entry, ...]:
    """The filled entries whose tridents the account still holds, in the order given.

    A trident is ours until the broker's positions hold none of its legs (rules 7). One leg on our side is enough: a
    trident closed in part still counts whole. Contracts that two tridents share are counted once, for the newer entry
    first, because the broker closes the oldest lots first.
    """
    left: dict[tuple[str, Direction], Decimal] = {}
    for leg in positions:
        key = (leg.symbol, leg.direction)
        left[key] = left.get(key, Decimal(0)) + leg.quantity
    ours: set[str] = set()
    for entry in sorted(filled, key=lambda e: e.prepared_at, reverse=True):
        wanted = {(leg.symbol, side_of(leg.action)): leg.quantity for leg in entry.terms.legs}
        if any(left.get(key, Decimal(0)) > 0 for key in wanted):
            ours.add(entry.id)
            for key, quantity in wanted.items():
                left[key] = max(Decimal(0), left.get(key, Decimal(0)) - quantity)
    return tuple(entry for entry in filled if entry.id in ours)


def risk_of(entry: Entry) -> Decimal:
    """The entry's max risk in $ from its fills; as it was sent while a fill record is missing, or one too many is
    there."""
    credit = fill_credit(entry.terms, entry.fills)
    if credit is None or entry.terms.legs != entry.request.legs:
        return _risk_as_sent(entry)
    return max_risk(entry.width, credit)


def _risk_as_sent(entry: Entry) -> Decimal:
    """The entry's max risk in $ as it was sent, or that of the order the broker took, when that is more.

    An order with other legs than a trident's has no formula here: as many contracts more, as many times the risk. That
    goes for contracts filled beyond the order too.
    """
    asked, taken = (sum(leg.quantity for leg in order.legs) for order in (entry.request, entry.terms))
    filled = filled_by_symbol(entry.fills)
    fullest = max(ceil(filled.get(leg.symbol, Decimal(0)) / leg.quantity) for leg in entry.request.legs)
    times = max(1, ceil(Decimal(taken) / asked), fullest)
    return times * max(entry.max_risk, max_risk(entry.width, entry.taken.credit) if entry.taken else Decimal(0))


def legs_once_filled(report: OrderReport) -> tuple[HeldLeg, ...]:
    """The legs that an order would hold once filled: short what it sells, long what it buys."""
    return tuple(
        HeldLeg(leg.symbol, Direction.SHORT if leg.action.startswith("Sell") else Direction.LONG) for leg in report.legs
    )
