"""Reads tridents: those held, with their units, and what left them without an order of ours (rules 15)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Select, bindparam, exists, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Entry
from core.records.repositories.entry_rows import entries_where, read_entries
from core.records.repositories.trident_rows import HELD_OF, TridentRecord, read_tridents, tridents_where
from core.records.repositories.unit_rows import GoneRecord, read_gone
from core.records.store.database import Database
from core.records.store.errors import StateConflict
from core.records.store.one_of import one_of
from core.records.store.read_cache import ReadCache
from core.records.store.tables import entries, tridents, units

_not_ended = tridents.c.ended_at.is_(None)
_BY_IDS = tridents_where(one_of(tridents.c.id, "ids"))
_BY_BEGINNING = tridents_where(func.substr(tridents.c.id, 1, bindparam("length")) == bindparam("part"))
_HELD = tridents_where(_not_ended)
_NEWEST = tridents_where(
    tridents.c.id.in_(
        select(tridents.c.id).order_by(tridents.c.opened_at.desc(), tridents.c.id.desc()).limit(bindparam("count"))
    )
)
_NOT_TAKEN_IN = entries_where(
    entries.c.state == OrderState.FILLED.value,
    entries.c.expiration >= bindparam("today"),
    ~exists().where(tridents.c.id == entries.c.id),
)


class TridentReads:
    """Every read of tridents. Each raises RecordsError when the store fails."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._cached = ReadCache(database, tridents.name, units.name)

    async def get(self, trident_id: str) -> TridentRecord:
        """The trident with this id, which is its entry's. Raises StateConflict when there is none."""
        async with self._database.read() as connection:
            return await known_trident(connection, trident_id)

    async def these(self, ids: Sequence[str]) -> tuple[TridentRecord, ...]:
        """The tridents with these ids, the oldest first. Ids without one are left out."""
        return await self._all(_BY_IDS, ids=list(ids))

    async def beginning_with(self, part: str) -> tuple[TridentRecord, ...]:
        """The tridents whose id begins with this, the oldest first."""
        return await self._all(_BY_BEGINNING, part=part, length=len(part))

    async def held(self) -> tuple[TridentRecord, ...]:
        """The tridents of all accounts that have not ended, the oldest first."""
        return await self._cached.ask(_HELD, (), lambda: self._all(_HELD))

    async def held_of(self, account: str) -> tuple[TridentRecord, ...]:
        """The account's tridents that have not ended, the oldest first: the broker closes the oldest lots first."""
        # A question for each account: one answer is kept for each.
        return await self._cached.ask((HELD_OF, account), (), lambda: self._all(HELD_OF, account=account))

    async def newest(self, count: int) -> tuple[TridentRecord, ...]:
        """The tridents opened last, ended ones too, the oldest first."""
        return await self._all(_NEWEST, count=count)

    async def gone_of(self, trident_ids: Sequence[str]) -> dict[str, tuple[GoneRecord, ...]]:
        """What left each of these tridents without an order of ours, in the order in which it was recorded."""
        async with self._database.read() as connection:
            found = await read_gone(connection, trident_ids)
        return {trident_id: tuple(one for one in found if one.trident_id == trident_id) for trident_id in trident_ids}

    async def not_taken_in(self, today: date) -> tuple[Entry, ...]:
        """The filled entries that expire today or later and have no trident: those of an older version, and those that
        are not of one package. Oldest first."""
        async with self._database.read() as connection:
            return await read_entries(connection, _NOT_TAKEN_IN, {"today": today})

    async def _all(self, query: Select[Any], **values: object) -> tuple[TridentRecord, ...]:
        async with self._database.read() as connection:
            return await read_tridents(connection, query, values)


async def find_trident(connection: AsyncConnection, trident_id: str) -> TridentRecord | None:
    """The trident with this id, within a transaction; None when there is none."""
    found = await read_tridents(connection, _BY_IDS, {"ids": [trident_id]})
    return found[0] if found else None


async def known_trident(connection: AsyncConnection, trident_id: str) -> TridentRecord:
    """The trident with this id, within a transaction. Raises StateConflict when there is none."""
    found = await find_trident(connection, trident_id)
    if found is None:
        raise StateConflict(f"no trident {trident_id} is recorded")
    return found
