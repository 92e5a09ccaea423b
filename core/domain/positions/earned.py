"""Which contracts the broker's rows may be about, what the rows explain, and when a unit's money counts (rules
15.6)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from core.domain.positions.attribution import cause_of_row
from core.domain.positions.closing import Gone
from core.domain.positions.matching import Lot, Match, Role, exchange_day
from core.domain.positions.units import Ended, Unit, UnitState, in_order

FEES_FINAL_AFTER = 5
"""Sessions after which the broker's own estimate of a fee counts as its last word: it may call it one for ever."""
MISMATCH_AFTER = 2
"""Sessions after its end for which the broker's rows may still differ from what a trident realized."""


@dataclass(frozen=True, slots=True)
class Left:
    """A contract of a trident that left without an order of ours. `order_ids` are those of the orders of which one
    closed it, empty where none did."""

    trident_id: str
    gone: Gone
    order_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Explained:
    """What a row says of a contract that left: `gone` with its cause, and the order that closed it, empty where none
    did. `is_new`: nobody had seen it leave."""

    trident_id: str
    gone: Gone
    transaction_id: str
    order_id: str
    is_new: bool


def lots_of(
    trident_id: str, units: Iterable[Unit], left: Iterable[Left], opened_at: datetime, *, expired: bool
) -> tuple[Lot, ...]:
    """The contracts of a trident that rows without an order of ours may be about: those that left, and once it has
    expired those that are still held."""
    opened = exchange_day(opened_at)
    gone = {(one.gone.unit, one.gone.symbol): one for one in left}
    found = [
        Lot(
            trident_id,
            name,
            symbol,
            one.order_ids,
            unexplained=one.gone.cause is None,
            opened=opened,
            left=exchange_day(one.gone.found_at),
        )
        for (name, symbol), one in gone.items()
    ]
    held = [(unit.name, symbol) for unit in in_order(units) for symbol in unit.held]
    found += [Lot(trident_id, *contract, opened=opened) for contract in held if expired and contract not in gone]
    return tuple(found)


def explained(matches: Iterable[Match], left: Iterable[Left]) -> tuple[Explained, ...]:
    """What these rows say of contracts that nothing explains yet, each contract once."""
    known = {(one.trident_id, one.gone.unit, one.gone.symbol): one.gone for one in left}
    found = []
    for one in matches:
        cause = Ended.HAND if one.role is Role.HAND else cause_of_row(one.row)
        if one.trident_id is None or one.unit is None or cause is None or one.role not in (Role.HAND, Role.REMOVAL):
            continue
        key = (one.trident_id, one.unit, one.row.symbol)
        before = known.get(key)
        if one.quantity > 0 and (before is None or before.cause is None):
            gone = Gone(one.unit, one.row.symbol, cause, one.at if before is None else before.found_at)
            known[key] = gone
            found.append(Explained(one.trident_id, gone, one.row.id, one.row.order_id, before is None))
    return tuple(found)


def earned_day(unit: Unit, matches: Iterable[Match], ended_on: date | None) -> date | None:
    """The session to which the money of a unit that ended counts: that of its closing fill, or that to which the broker
    charges what it settled. `ended_on` is the date on which it was known to have ended; None while it has not."""
    if unit.state not in (UnitState.CLOSED, UnitState.GONE):
        return None
    days = [one.row.day for one in matches if one.unit is unit.name and one.role not in (Role.OPEN, Role.CLOSE)]
    return max(days, default=ended_on) if unit.state is UnitState.GONE else ended_on
