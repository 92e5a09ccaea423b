"""The risk that an account already has (rules 7). Amounts in $."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from decimal import Decimal

from core.domain.orders.adoption import legs_as_shown
from core.domain.orders.fills import is_overfilled
from core.domain.orders.order_states import OPEN_STATES, OrderState
from core.domain.orders.orders import Entry, OrderReport
from core.domain.orders.packages import packages_in, risk_of, total_risk
from core.domain.positions.left import open_risk_of
from core.domain.positions.tridents import HandsOff, ManagedTrident
from core.domain.positions.units import legs_of
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
    tridents: Mapping[str, ManagedTrident] | None = None,
    *,
    judged: bool = False,
) -> Exposure:
    """The exposure of an account: its filled tridents that are still held, and its entries that are open at the broker.

    `tridents` are those of the filled entries, by the entry's id: of them the units that are left count. A unit that an
    order of ours closes is left until it has closed it. `judged`: what leaves the units of the account is kept on
    record, so that the records say what is left; else the positions say what of it is still held.

    `open_entries` are those whose end the broker has not shown. Of them the ones that are being sent, work or are
    unknown count, and incidents: their order may be alive, or have filled more than is on record. `positions` and
    `working` are what the broker shows: held legs, and orders that may still fill, without the closing orders of
    ours. One entry whose risk is unknown
    makes the whole open risk unknown. An incident of unknown risk that has filled counts while a leg of it is held or
    works: nothing else shows that somebody has settled it at the broker.
    """
    known = tridents or {}
    ours = held_entries(filled, positions, known, judged=judged)
    counted = {entry.id for entry in ours}
    alive = OPEN_STATES | {OrderState.INCIDENT}
    shown = {leg.symbol for leg in positions} | {leg.symbol for order in working for leg in order.legs}
    under_way = [
        entry
        for entry in open_entries
        if entry.state in alive and entry.id not in counted and not _is_settled(entry, shown)
    ]
    risks = {entry.id: risk_left(entry, known.get(entry.id)) for entry in (*ours, *under_way)}
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


def held_entries(
    filled: Sequence[Entry],
    positions: Iterable[HeldLeg],
    tridents: Mapping[str, ManagedTrident] | None = None,
    *,
    judged: bool = False,
) -> tuple[Entry, ...]:
    """The filled entries whose tridents the account still holds, in the order given.

    A trident is ours until its last unit ends (rules 7). Where that is not `judged`, one that the records do not say to
    be closed is ours until the broker's positions hold none of the legs that are left of it: one leg on our side is
    enough. Contracts that two tridents share are counted once, for the newer entry first, because the broker closes the
    oldest lots first.
    """
    known = tridents or {}
    left = {
        id: {leg: (Decimal(count), Decimal(count)) for leg, count in legs_of(one.units).items()}
        for id, one in known.items()
    }
    adjusted = {id for id, one in known.items() if one.hands_off is HandsOff.ADJUSTED}
    return tuple(
        one.entry
        for one in compared(filled, positions, left)
        if one.entry.id in adjusted or (bool(left[one.entry.id]) if judged and one.entry.id in left else one.is_held)
    )


def risk_left(entry: Entry, trident: ManagedTrident | None) -> Decimal | None:
    """What is left of an entry can lose, in $; None when it is unknown. Of a trident whose order filled as it was
    ordered it is `100 * (M - E)` of the units left."""
    entry_risk = risk_of(entry)
    is_plain = entry.state is OrderState.FILLED and not is_overfilled(entry.terms, entry.fills)
    return entry_risk if trident is None or not is_plain else open_risk_of(trident, entry_risk)


def legs_once_filled(report: OrderReport) -> tuple[HeldLeg, ...]:
    """The legs that an order would hold once filled: short what it sells, long what it buys."""
    return tuple(
        HeldLeg(leg.symbol, Direction.SHORT if leg.action.startswith("Sell") else Direction.LONG) for leg in report.legs
    )
