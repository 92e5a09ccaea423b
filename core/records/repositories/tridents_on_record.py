"""Reads tridents together with all that is on record of each: its exits, what left it, and what it earned."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam

from core.domain.positions.exits import Exit
from core.domain.positions.units import UnitName
from core.records.repositories.exit_rows import read_exits_of
from core.records.repositories.trident_rows import HELD_OF, TridentRecord, read_tridents, tridents_where
from core.records.repositories.unit_rows import GoneRecord, UnitEarned, read_earned, read_gone
from core.records.store.database import Database
from core.records.store.errors import StateConflict
from core.records.store.read_cache import ReadCache
from core.records.store.tables import exits, fills, gone, tridents, units

_ONE = tridents_where(tridents.c.id == bindparam("id"))
_PARTS = {
    "tridents": (tridents.name, units.name),
    "exits": (exits.name, fills.name),
    "gone": (gone.name,),
    "earned": (units.name,),
}
"""The tables from which each part is read."""
_TABLES = tuple({table for tables in _PARTS.values() for table in tables})


@dataclass(frozen=True, slots=True)
class TridentOnRecord:
    """A trident with every exit it ever had, oldest first, its contracts that left without one, and what each of its
    units earned."""

    record: TridentRecord
    exits: tuple[Exit, ...]
    gone: tuple[GoneRecord, ...]
    earned: Mapping[UnitName, UnitEarned]

    @property
    def id(self) -> str:
        return self.record.id


@dataclass(frozen=True, slots=True)
class _Part:
    """One part of what is on record of an account's tridents, as it was read while its tables had this version."""

    version: tuple[int, ...] | None
    of: object
    found: Any


class TridentsOnRecord:
    """Each trident as one read finds it. Raises RecordsError when the store fails."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._cached = ReadCache(database, *_TABLES)
        # What was read last of each account, and of each part of it: most writes are of exits alone.
        self._parts: dict[tuple[str, str], _Part] = {}

    async def held_of(self, account: str) -> tuple[TridentOnRecord, ...]:
        """The account's tridents that have not ended, the oldest first."""
        return await self._cached.ask(account, (), lambda: self._held_of(account))

    async def get(self, trident_id: str) -> TridentOnRecord:
        """The trident with this id, which is its entry's. Raises StateConflict when there is none."""
        async with self._database.read() as connection:
            records = await read_tridents(connection, _ONE, {"id": trident_id})
            if not records:
                raise StateConflict(f"no trident {trident_id} is recorded")
            ids = (trident_id,)
            return _together(
                records,
                await read_exits_of(connection, ids),
                await read_gone(connection, ids),
                await read_earned(connection, ids),
            )[0]

    async def _held_of(self, account: str) -> tuple[TridentOnRecord, ...]:
        before = self._versions()
        found = await self._read(account, before)
        if before == self._versions():
            return found
        # A commit came meanwhile: what was read before it may not go with what was read after it.
        return await self._read(account, dict.fromkeys(_PARTS))

    def _versions(self) -> dict[str, tuple[int, ...] | None]:
        """The version of each part; None of a part that is to be read."""
        if self._database.is_writing:
            return dict.fromkeys(_PARTS)
        return {name: self._database.version(*tables) for name, tables in _PARTS.items()}

    async def _read(self, account: str, versions: Mapping[str, tuple[int, ...] | None]) -> tuple[TridentOnRecord, ...]:
        """Reads the parts of which nothing of this version was read before, in one consistent view."""
        async with self._database.read() as connection:

            async def part(name: str, of: object, read: Callable[[], Awaitable[Any]]) -> Any:
                last = self._parts.get((account, name))
                if versions[name] is None or last is None or (last.version, last.of) != (versions[name], of):
                    last = self._parts[account, name] = _Part(versions[name], of, await read())
                return last.found

            records: tuple[TridentRecord, ...] = await part(
                "tridents", (), lambda: read_tridents(connection, HELD_OF, {"account": account})
            )
            ids = tuple(one.id for one in records)
            return _together(
                records,
                await part("exits", ids, lambda: read_exits_of(connection, ids)),
                await part("gone", ids, lambda: read_gone(connection, ids)),
                await part("earned", ids, lambda: read_earned(connection, ids)),
            )


def _together(
    records: Sequence[TridentRecord],
    sent: Sequence[Exit],
    left: Sequence[GoneRecord],
    earned: Mapping[str, Mapping[UnitName, UnitEarned]],
) -> tuple[TridentOnRecord, ...]:
    exits_of: dict[str, list[Exit]] = {one.id: [] for one in records}
    for exit in sent:
        exits_of[exit.trident_id].append(exit)
    left_of: dict[str, list[GoneRecord]] = {one.id: [] for one in records}
    for one in left:
        left_of[one.trident_id].append(one)
    return tuple(
        TridentOnRecord(one, tuple(exits_of[one.id]), tuple(left_of[one.id]), earned[one.id]) for one in records
    )
