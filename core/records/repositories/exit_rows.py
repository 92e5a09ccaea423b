"""Turns rows of exits and of their claims into the domain's values, and back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import fields as fields_of
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, insert, select, update
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Fill
from core.domain.positions.exits import Exit, ExitKind
from core.domain.positions.units import UnitName
from core.records.repositories.intent_rows import intents_where, note_intent, read_fills
from core.records.store.one_of import one_of
from core.records.store.same_rows import built_once
from core.records.store.tables import claims, exits

_COLUMNS = tuple(field.name for field in fields_of(Exit) if field.name not in {"state", "fills", "kind", "units"})
_NEW_EXIT = insert(exits)
_STORE = update(exits).where(exits.c.id == bindparam("the_id"))
_NEW_CLAIM = insert(claims)
_unreleased = claims.c.released_at.is_(None)
_CLAIM_AGAIN = (
    update(claims)
    .where(claims.c.exit_id == bindparam("of_exit"), claims.c.unit == bindparam("of_unit"))
    .values(released_at=None, why="")
)
_LET_GO = (
    update(claims)
    .where(claims.c.exit_id == bindparam("of_exit"), claims.c.unit == bindparam("of_unit"), _unreleased)
    .values(released_at=bindparam("at"), why=bindparam("because"))
)
_HOLDERS = select(claims.c.unit, claims.c.exit_id).where(claims.c.trident_id == bindparam("trident_id"), _unreleased)
_OF_TRIDENT = select(claims).where(claims.c.trident_id == bindparam("trident_id")).order_by(claims.c.seq)


@dataclass(frozen=True, slots=True)
class Claim:
    """An exit's hold on a unit. Instants are aware UTC; `released_at` is None while it lasts, then `why` says what
    ended it."""

    exit_id: str
    trident_id: str
    unit: UnitName
    claimed_at: datetime
    released_at: datetime | None
    why: str


def exit_values(exit: Exit) -> dict[str, Any]:
    """The exit as a row of `exits`. Its fills are rows of their own."""
    return {
        "state": exit.state.value,
        "kind": exit.kind.value,
        "units": " ".join(exit.units),
        "limit": exit.request.debit,
        **{name: getattr(exit, name) for name in _COLUMNS},
    }


async def add_exit(connection: AsyncConnection, exit: Exit) -> None:
    """Adds the exit, its intent and its claims. Raises IntegrityError when its id or identifier is recorded, or one of
    its units is claimed; nothing is added then."""
    async with connection.begin_nested():
        await note_intent(connection, exit)
        await connection.execute(_NEW_EXIT, exit_values(exit))
        for unit in exit.units:
            await connection.execute(
                _NEW_CLAIM,
                {
                    "exit_id": exit.id,
                    "account": exit.account,
                    "trident_id": exit.trident_id,
                    "unit": unit.value,
                    "claimed_at": exit.prepared_at,
                },
            )


async def store_exit(connection: AsyncConnection, exit: Exit) -> None:
    """Writes the exit's row in place of the recorded one."""
    values = exit_values(exit)
    await connection.execute(_STORE, {"the_id": values.pop("id"), **values})


async def let_go(
    connection: AsyncConnection, exit_id: str, units: Collection[UnitName], at: datetime, why: str
) -> None:
    """Ends the exit's claims on these units, where they last."""
    for unit in units:
        await connection.execute(_LET_GO, {"of_exit": exit_id, "of_unit": unit.value, "at": at, "because": why})


async def claim_again(connection: AsyncConnection, exit: Exit, units: Collection[UnitName]) -> tuple[str, ...]:
    """Lets an exit whose order is alive after all hold these of its units again, where no other exit does. Returns the
    ids of the exits that hold the others."""
    holders = await read_holders(connection, exit.trident_id)
    for unit in units:
        if unit not in holders:
            await connection.execute(_CLAIM_AGAIN, {"of_exit": exit.id, "of_unit": unit.value})
    others = (holders[unit] for unit in units if unit in holders)
    return tuple(dict.fromkeys(other for other in others if other != exit.id))


async def read_holders(connection: AsyncConnection, trident_id: str) -> dict[UnitName, str]:
    """The id of the exit that holds each of the trident's units that is held."""
    rows = await connection.execute(_HOLDERS, {"trident_id": trident_id})
    return {UnitName(row.unit): row.exit_id for row in rows}


async def read_claims(connection: AsyncConnection, trident_id: str) -> tuple[Claim, ...]:
    """Every claim on a unit of the trident, the oldest first."""
    return tuple(
        Claim(row.exit_id, row.trident_id, UnitName(row.unit), row.claimed_at, row.released_at, row.why)
        for row in await connection.execute(_OF_TRIDENT, {"trident_id": trident_id})
    )


def exits_where(*conditions: ColumnElement[bool]) -> Select[Any]:
    """The query for the exits that meet the conditions, oldest first. Build it once and run it often."""
    return intents_where(exits, *conditions)


_OF_TRIDENTS = exits_where(one_of(exits.c.trident_id, "trident_ids"))


async def read_exits(connection: AsyncConnection, query: Select[Any], values: Mapping[str, Any]) -> tuple[Exit, ...]:
    """The exits that a query of `exits_where` finds, with their fills."""
    rows = (await connection.execute(query, values)).all()
    found = await read_fills(connection, [row.id for row in rows])
    return tuple(_exit(row, found.get(row.id, ())) for row in rows)


@built_once(2000)
def _exit(row: Row[Any], of_it: tuple[Fill, ...]) -> Exit:
    return Exit(
        state=OrderState(row.state),
        kind=ExitKind(row.kind),
        units=tuple(UnitName(unit) for unit in row.units.split()),
        fills=of_it,
        **{name: getattr(row, name) for name in _COLUMNS},
    )


async def read_exits_of(connection: AsyncConnection, trident_ids: Sequence[str]) -> tuple[Exit, ...]:
    """Every exit that these tridents ever had, oldest first."""
    return await read_exits(connection, _OF_TRIDENTS, {"trident_ids": list(trident_ids)})
