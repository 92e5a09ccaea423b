"""The units of tridents as rows: always what the fills of their exits and what left without one have made of them
(rules 15.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.market.sessions import EXCHANGE_ZONE
from core.domain.positions.closing import Gone, closed_by, units_after
from core.domain.positions.credits import UnitCredits
from core.domain.positions.exits import Exit
from core.domain.positions.pnl import Realized
from core.domain.positions.units import Ended, Unit, UnitName, UnitState, in_order
from core.records.repositories.exit_rows import read_exits_of
from core.records.store.one_of import one_of
from core.records.store.same_rows import SameRows
from core.records.store.tables import gone, units

_BUILT: SameRows[tuple[Unit, ...]] = SameRows(1000)
# What the units earned, which many more columns tell, is not read here.
_OF_TRIDENTS: Select[Any] = select(
    units.c.trident_id,
    units.c.unit,
    units.c.short_symbol,
    units.c.long_symbol,
    units.c.credit,
    units.c.estimated,
    units.c.state,
    units.c.how,
    units.c.remainder,
).where(one_of(units.c.trident_id, "trident_ids"))
_EARNED_OF: Select[Any] = select(
    units.c.trident_id,
    units.c.unit,
    units.c.realized,
    units.c.fees,
    units.c.fees_estimated,
    units.c.earned_day,
).where(one_of(units.c.trident_id, "trident_ids"))
_one = (units.c.trident_id == bindparam("of_trident"), units.c.unit == bindparam("of_unit"))
_STORE = update(units).where(*_one)
_NEW = insert(units)
_NEW_GONE = insert(gone)
_GONE = select(gone).where(one_of(gone.c.trident_id, "trident_ids")).order_by(gone.c.seq)


@dataclass(frozen=True, slots=True)
class GoneRecord:
    """A contract that left a trident without an order of ours. `who` found or attested it; `transaction_id` and
    `figure`, in $, say what explains it: `figure` is the cash that the unit's end brought, as an operator attests.
    `detail` has values that `core.records.store.json_text` can write; `orders` in it are the ids of the orders, not
    ours, of which one closed the contract. With the `quantity` 0 it says that the contract is held after all, and takes
    back what was recorded of it before.
    """

    trident_id: str
    gone: Gone
    who: str
    quantity: int = 1
    transaction_id: str | None = None
    figure: Decimal | None = None
    detail: dict[str, object] = field(default_factory=dict)

    @property
    def order_ids(self) -> tuple[str, ...]:
        """The orders, not ours, of which one closed it."""
        orders = self.detail.get("orders", ())
        return tuple(str(one) for one in orders) if isinstance(orders, (list, tuple)) else ()


@dataclass(frozen=True, slots=True)
class UnitEarned:
    """What is recorded of a unit's money, in $: `realized`, net, is None while it has not ended, and while nothing says
    for how much; `fees` while they were not worked out."""

    realized: Decimal | None
    fees: Decimal | None
    estimated: bool
    day: date | None


def earned_together(
    units: Mapping[UnitName, UnitEarned], difference: Decimal | None = None, *, ended: bool = False
) -> Realized | None:
    """What the units of a trident have realized so far, after all fees charged so far, those of its opening too: the
    one sum of them for screens, reports and mails. None while nothing is worked out. `difference` is the trident's,
    `ended` says that its last unit has ended: one without a result is unexplained then."""
    if all(one.fees is None for one in units.values()):
        return None
    none = Decimal(0)
    known = [one.realized + (one.fees or none) for one in units.values() if one.realized is not None]
    unexplained = tuple(name for name, one in units.items() if one.realized is None and (ended or one.day is not None))
    return Realized(
        gross=sum(known, none),
        settlement=none,
        fees=sum((one.fees or none for one in units.values()), none),
        estimated=any(one.estimated or one.fees is None for one in units.values()),
        unexplained=unexplained,
        difference=none if unexplained else difference or none,
    )


async def add_units(connection: AsyncConnection, trident_id: str, opened: Sequence[Unit]) -> None:
    """Adds the units of a trident as they were opened."""
    for unit in opened:
        await connection.execute(
            _NEW,
            {
                "trident_id": trident_id,
                "unit": unit.name.value,
                "short_symbol": unit.short,
                "long_symbol": unit.long,
                "credit": unit.credit,
                "estimated": unit.estimated,
                "state": unit.state.value,
            },
        )


async def read_units(connection: AsyncConnection, trident_ids: Sequence[str]) -> dict[str, tuple[Unit, ...]]:
    """The units of these tridents as they are now, in the order of their names."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    for trident_id, *values in await connection.execute(_OF_TRIDENTS, {"trident_ids": list(trident_ids)}):
        found.setdefault(trident_id, []).append(tuple(values))
    return {trident_id: _units(trident_id, of_one) for trident_id, of_one in found.items()}


async def read_earned(
    connection: AsyncConnection, trident_ids: Sequence[str]
) -> dict[str, Mapping[UnitName, UnitEarned]]:
    """What each unit of these tridents has earned, as it was recorded."""
    earned: dict[str, dict[UnitName, UnitEarned]] = {one: {} for one in trident_ids}
    for row in await connection.execute(_EARNED_OF, {"trident_ids": list(trident_ids)}):
        of_unit = UnitEarned(row.realized, row.fees, bool(row.fees_estimated), row.earned_day)
        earned[row.trident_id][UnitName(row.unit)] = of_unit
    return dict(earned)


async def note_gone(connection: AsyncConnection, left: GoneRecord) -> None:
    """Adds a contract that left, what explains one that is known, or that one is held after all. `recount` then says
    what that made of its unit."""
    await connection.execute(
        _NEW_GONE,
        {
            "trident_id": left.trident_id,
            "unit": left.gone.unit.value,
            "symbol": left.gone.symbol,
            "quantity": left.quantity,
            "cause": None if left.gone.cause is None else left.gone.cause.value,
            "transaction_id": left.transaction_id,
            "figure": left.figure,
            "found_at": left.gone.found_at,
            "detail": left.detail,
            "who": left.who,
        },
    )


async def read_gone(connection: AsyncConnection, trident_ids: Sequence[str]) -> tuple[GoneRecord, ...]:
    """What left these tridents without an order of ours, in the order in which it was recorded, without what was taken
    back."""
    left: list[GoneRecord] = []
    for row in await connection.execute(_GONE, {"trident_ids": list(trident_ids)}):
        if row.quantity == 0:
            known = (row.trident_id, row.unit, row.symbol)
            left = [one for one in left if (one.trident_id, one.gone.unit.value, one.gone.symbol) != known]
            continue
        cause = None if row.cause is None else Ended(row.cause)
        left.append(
            GoneRecord(
                trident_id=row.trident_id,
                gone=Gone(UnitName(row.unit), row.symbol, cause, row.found_at),
                who=row.who,
                quantity=row.quantity,
                transaction_id=row.transaction_id,
                figure=row.figure,
                detail=row.detail,
            )
        )
    return tuple(left)


async def recount(connection: AsyncConnection, trident_id: str) -> tuple[Unit, ...]:
    """Writes the trident's units as its exits' fills and what left have made of them, and returns them."""
    before = (await read_units(connection, [trident_id])).get(trident_id, ())
    of_trident = await read_exits_of(connection, [trident_id])
    left = [record.gone for record in await read_gone(connection, [trident_id])]
    now = units_after(before, of_trident, left)
    for unit, was in zip(now, before, strict=True):
        ended_at = _ended_at(unit, now, of_trident, left)
        if unit == was and ended_at is None:
            continue
        await connection.execute(
            _STORE,
            {
                "of_trident": trident_id,
                "of_unit": unit.name.value,
                "state": unit.state.value,
                "how": None if unit.how is None else unit.how.value,
                "remainder": unit.remainder[0] if unit.remainder else None,
                "ended_at": ended_at,
                "session_day": None if ended_at is None else ended_at.astimezone(EXCHANGE_ZONE).date(),
            },
        )
    return now


async def store_credits(connection: AsyncConnection, trident_id: str, credits: UnitCredits) -> None:
    """Writes what each unit's opening brought."""
    for name in UnitName:
        credit = credits.put if name is not UnitName.CALL else credits.call
        await connection.execute(
            _STORE,
            {"of_trident": trident_id, "of_unit": name.value, "credit": credit, "estimated": credits.estimated},
        )


def _ended_at(unit: Unit, units: Sequence[Unit], exits: Sequence[Exit], left: Sequence[Gone]) -> datetime | None:
    """When the unit ended: by the last fill of the exit that closed it, or when its last contract was found to have
    left. None while it has a contract."""
    if unit.state is UnitState.CLOSED:
        by = next(one for one in reversed(exits) if _has_closed(one, unit, units))
        return max((fill.at for fill in by.fills), default=by.terminal_at)
    if unit.state is not UnitState.GONE:
        return None
    found: dict[str, datetime] = {}
    for one in left:
        if one.unit is unit.name:
            found.setdefault(one.symbol, one.found_at)
    return max(found.values())


def _has_closed(exit: Exit, unit: Unit, units: Sequence[Unit]) -> bool:
    closed = closed_by(exit, units)
    return unit.name in closed.units or any(name is unit.name for name, _ in closed.legs)


def _units(trident_id: str, rows: Sequence[tuple[Any, ...]]) -> tuple[Unit, ...]:
    return _BUILT.value(trident_id, rows, lambda: in_order(_unit(*values) for values in rows))


def _unit(
    name: str,
    short: str,
    long: str,
    credit: Decimal | None,
    estimated: bool,
    state: str,
    how: str | None,
    remainder: str | None,
) -> Unit:
    """A row of `_OF_TRIDENTS` without its trident."""
    return Unit(
        name=UnitName(name),
        short=short,
        long=long,
        credit=credit,
        estimated=estimated,
        state=UnitState(state),
        how=None if how is None else Ended(how),
        remainder=() if remainder is None else (remainder,),
    )
