"""Reads what tridents earned, for reports: tridents with their units, and no row of the broker (rules 15.6)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, and_, bindparam, or_, select
from sqlalchemy.engine import Row

from core.domain.orders.order_states import OrderState
from core.domain.positions.units import Ended, UnitName
from core.domain.reporting.money import ExitSlippage, TridentMoney, UnitMoney
from core.records.repositories.transactions import COUNTS
from core.records.store.database import Database
from core.records.store.one_of import one_of
from core.records.store.tables import account_days, exits, matches, tridents, units
from core.runtime.clock import EXCHANGE_ZONE, exchange_time

_OF_TRIDENT = ("account", "underlying", "expiration", "opened_at", "max_risk", "difference")
_OF_UNIT = (
    *("trident_id", "unit", "short_symbol", "long_symbol", "how", "earned_day", "received", "paid", "settlement"),
    *("fees", "opening_fees", "fees_estimated", "realized", "ended_at"),
)
_TRIDENTS = select(tridents.c.id, *(tridents.c[name] for name in _OF_TRIDENT)).order_by(
    tridents.c.opened_at, tridents.c.id
)
_UNITS = select(*(units.c[name] for name in _OF_UNIT))
_WALKED: Select[Any] = (
    select(exits.c.trident_id, exits.c.units, exits.c.mid)
    .where(exits.c.state == OrderState.FILLED.value, exits.c.mid.is_not(None))
    .order_by(exits.c.prepared_at)
)
_ROWS = (
    select(matches.c.trident_id, matches.c.unit, matches.c.transaction_id)
    .where(one_of(matches.c.trident_id, "ids"), COUNTS)
    .order_by(matches.c.executed_at, matches.c.seq)
)
_ENDED_ON_A_DAY = select(units.c.trident_id).where(units.c.earned_day == bindparam("day"))
_OPENED_ON_IT = and_(tridents.c.opened_at >= bindparam("begins"), tridents.c.opened_at < bindparam("ends"))
_ON_A_DAY = _TRIDENTS.where(or_(_OPENED_ON_IT, tridents.c.id.in_(_ENDED_ON_A_DAY)))
_UNITS_OF = _UNITS.where(one_of(units.c.trident_id, "ids"))
_NONE = Decimal(0)
_ORDER = list(UnitName)
_PACKAGE = Decimal(100)


@dataclass(frozen=True, slots=True)
class Money:
    """What is on record of what tridents earned, the oldest first. Units are in the order of their names."""

    tridents: tuple[TridentMoney, ...]
    units: tuple[UnitMoney, ...]
    slippages: tuple[ExitSlippage, ...]

    def of(self, account: str) -> Money:
        """The same of one account alone."""
        chosen = tuple(one for one in self.tridents if one.account == account)
        ids = {one.id for one in chosen}
        return Money(
            chosen,
            tuple(unit for unit in self.units if unit.trident_id in ids),
            tuple(one for one in self.slippages if one.trident_id in ids),
        )


class MoneySearch:
    """Reads for the figures of money. Raises RecordsError when the store fails."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def version(self) -> tuple[int, ...] | None:
        """A value that stays the same while what is read does, and what accounts were at each close; None when that is
        not certain."""
        return self._database.version(tridents.name, units.name, exits.name, account_days.name)

    async def recorded(self) -> Money:
        """Everything, in one consistent view."""
        async with self._database.read() as connection:
            found = await connection.execute(_TRIDENTS)
            rows = await connection.execute(_UNITS)
            walked = await connection.execute(_WALKED)
            return await self._database.beside(lambda: _money(found, rows, walked))

    async def on(self, day: date) -> Money:
        """The same, without slippages, of the tridents that were opened on this day or of which a unit ended on it: all
        from which the money of the day is made."""
        begins, ends = (datetime.combine(one, time(), EXCHANGE_ZONE) for one in (day, day + timedelta(days=1)))
        asked = {"day": day, "begins": begins, "ends": ends}
        async with self._database.read() as connection:
            found = {row.id: _trident(row) for row in await connection.execute(_ON_A_DAY, asked)}
            rows = await connection.execute(_UNITS_OF, {"ids": list(found)}) if found else ()
            of_units = [_unit(row) for row in rows]
        place = {trident_id: number for number, trident_id in enumerate(found)}
        of_units.sort(key=lambda unit: (place[unit.trident_id], _place(unit)))
        return Money(tuple(found.values()), tuple(of_units), ())

    async def rows_of(self, trident_ids: Sequence[str]) -> Mapping[tuple[str, UnitName], tuple[str, ...]]:
        """The ids of the broker's rows that each unit of these tridents is made of, those of its opening too."""
        async with self._database.read() as connection:
            rows = await connection.execute(_ROWS, {"ids": trident_ids})
            return await self._database.beside(lambda: _rows_by_unit(rows))


def _money(tridents: Iterable[Any], units: Iterable[Any], walked: Iterable[Any]) -> Money:
    found = {row.id: _trident(row) for row in tridents}
    of_units: dict[str, list[UnitMoney]] = {}
    for row in units:
        unit = _unit(row)
        of_units.setdefault(unit.trident_id, []).append(unit)
    for of_one in of_units.values():
        of_one.sort(key=_place)
    return Money(
        tuple(found.values()),
        tuple(unit for trident_id in found for unit in of_units[trident_id]),
        tuple(filter(None, (_slippage(row, of_units.get(row.trident_id, ())) for row in walked))),
    )


def _place(unit: UnitMoney) -> int:
    return _ORDER.index(unit.name)


def _rows_by_unit(rows: Iterable[Any]) -> Mapping[tuple[str, UnitName], tuple[str, ...]]:
    found: dict[tuple[str, UnitName], list[str]] = {}
    for row in rows:
        for name in _ORDER if row.unit is None else (UnitName(row.unit),):
            of_unit = found.setdefault((row.trident_id, name), [])
            if row.transaction_id not in of_unit:
                of_unit.append(row.transaction_id)
    return {key: tuple(ids) for key, ids in found.items()}


def _trident(row: Row[Any]) -> TridentMoney:
    return TridentMoney(
        id=row.id,
        account=row.account,
        underlying=row.underlying,
        expiration=row.expiration,
        opened_on=exchange_time(row.opened_at).date(),
        max_risk=row.max_risk,
        difference=row.difference or _NONE,
    )


def _unit(row: Sequence[Any]) -> UnitMoney:
    trident_id, name, short, long, how, day, received, paid, settlement, fees, opening_fees, estimated, *rest = row
    realized, ended_at = rest
    return UnitMoney(
        trident_id,
        UnitName(name),
        short,
        long,
        None if how is None else Ended(how),
        day,
        received,
        paid,
        settlement,
        fees or _NONE,
        opening_fees or _NONE,
        estimated=bool(estimated) or fees is None,
        realized=realized,
        ended_at=ended_at,
    )


def _slippage(row: Row[Any], of_trident: Sequence[UnitMoney]) -> ExitSlippage | None:
    """What an exit that is filled paid more than its mid; None while its units are not worked out. Two puts alone are
    priced as one spread."""
    names = [UnitName(name) for name in row.units.split()]
    closed = [unit for unit in of_trident if unit.name in names]
    if any(unit.paid is None or unit.day is None for unit in closed) or len(closed) != len(names):
        return None
    per = len(names) if UnitName.CALL not in names else 1
    paid = sum((unit.paid or _NONE for unit in closed), _NONE) / _PACKAGE / per
    return ExitSlippage(row.trident_id, max(unit.day for unit in closed if unit.day is not None), paid - row.mid)
