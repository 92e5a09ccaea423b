"""The risk that an account already has (rules 7). Amounts in $."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from decimal import Decimal

from core.domain.orders.adoption import legs_as_shown
from core.domain.orders.order_states import OPEN_STATES, OrderState
from core.domain.orders.orders import Entry, OrderReport
from core.domain.orders.packages import packages_in, risk_of, total_risk
from core.domain.risk.held import compared
from core.domain.risk.risk import HeldLeg
from core.domain.trident.sides import Direction


@dataclass(frozen=True, slots=True)
class Exposure:
    """The risk that an account already has: open risk in $, open tridents, and the legs it holds or works in orders.

    `open_risk` is None when the risk of an entry is unknown; `unknown` are these entries.
    """

    open_risk: Decimal | None
    open_tridents: int
    held: tuple[HeldLeg, ...]
    unknown: tuple[Entry, ...] = ()


def exposure(
    filled: Sequence[Entry],
    open_entries: Sequence[Entry],
    positions: Sequence[HeldLeg],
    working: Sequence[OrderReport],
) -> Exposure:
    """The exposure of an account: its filled tridents that are still held, and its entries that are open at the broker.

    `open_entries` are those whose end the broker has not shown. Of them the ones that are being sent, work or are
    unknown count, and incidents: their order may be alive, or have filled more than is on record. `positions` and
    `working` are what the broker shows: held legs, and orders that may still fill. One entry whose risk is unknown
    makes the whole open risk unknown. An incident of unknown risk that has filled counts while a leg of it is held or
    works: nothing else shows that somebody has settled it at the broker.
    """
    ours = held_entries(filled, positions)
    counted = {entry.id for entry in ours}
    alive = OPEN_STATES | {OrderState.INCIDENT}
    shown = {leg.symbol for leg in positions} | {leg.symbol for order in working for leg in order.legs}
    under_way = [
        entry
        for entry in open_entries
        if entry.state in alive and entry.id not in counted and not _is_settled(entry, shown)
    ]
    risks = {entry.id: risk_of(entry) for entry in (*ours, *under_way)}
    of_other_legs = {e.id for e in (*ours, *under_way) if any(_works_other_legs(e, order) for order in working)}
    unknown = tuple(e for e in (*ours, *under_way) if risks[e.id] is None or e.id in of_other_legs)
    return Exposure(
        open_risk=None if unknown else total_risk(risks.values()),
        open_tridents=len(risks),
        held=(*positions, *(leg for order in working for leg in legs_once_filled(order))),
        unknown=unknown,
    )


def _is_settled(entry: Entry, shown: Set[str]) -> bool:
    """Whether nothing at the broker is left of an incident whose fills are no whole tridents."""
    if entry.state is not OrderState.INCIDENT or not entry.fills or risk_of(entry) is not None:
        return False
    return shown.isdisjoint({*(leg.symbol for leg in entry.request.legs), *(fill.symbol for fill in entry.fills)})


def _works_other_legs(entry: Entry, order: OrderReport) -> bool:
    """Whether the order is the entry's, and no whole number of its packages."""
    mine = order.identifier == entry.identifier or (
        entry.order_id is not None and entry.order_id in (order.order_id, order.replaces)
    )
    if not mine:
        return False
    shown = legs_as_shown(order)
    return shown is None or packages_in(shown, entry.request.legs) is None


def held_entries(filled: Sequence[Entry], positions: Iterable[HeldLeg]) -> tuple[Entry, ...]:
    """The filled entries whose tridents the account still holds, in the order given.

    A trident is ours until the broker's positions hold none of its legs (rules 7). One leg on our side is enough: a
    trident closed in part still counts whole. Contracts that two tridents share are counted once, for the newer entry
    first, because the broker closes the oldest lots first.
    """
    return tuple(one.entry for one in compared(filled, positions) if one.is_held)


def legs_once_filled(report: OrderReport) -> tuple[HeldLeg, ...]:
    """The legs that an order would hold once filled: short what it sells, long what it buys."""
    return tuple(
        HeldLeg(leg.symbol, Direction.SHORT if leg.action.startswith("Sell") else Direction.LONG) for leg in report.legs
    )
