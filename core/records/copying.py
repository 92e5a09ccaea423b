"""Copies all records from one store into an empty one, and proves that nothing was lost or changed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import Table, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.records.records import Records
from core.records.repositories.resting import note_resting
from core.records.store.database import Database
from core.records.store.errors import RecordsError
from core.records.store.tables import ONLY_ROW, metadata
from core.records.store.tables import engine as engine_row
from core.records.store.tables import trader as trader_row

AT_A_TIME = 500
_MADE_BY_OPENING = frozenset({"engine", "trader", "trading_state"})
"""Tables whose one row exists in an empty store too."""


@dataclass(frozen=True, slots=True)
class TableCopy:
    """What was copied of one table. The checksum is over every value of every row, in the order of the key."""

    name: str
    rows: int
    checksum: str


async def copy_records(source_url: str, target_url: str, holder: str) -> tuple[TableCopy, ...]:
    """Copies every row in one commit and reads it back. The caller must hold the locks of both stores.

    Raises RecordsError when the target already has records, when the source is of another version, and when the rows
    read back are not the rows written. The target then stays empty.
    """
    source = await Records.open(source_url, trader=False)
    try:
        target = await Records.open(target_url, holder=holder)
        try:
            return await _copy(source.database, target.database)
        finally:
            await target.close()
    finally:
        await source.close()


async def _copy(source: Database, target: Database) -> tuple[TableCopy, ...]:
    found: list[TableCopy] = []
    async with source.read() as old, target.write() as new:
        await _require_empty(new, target.name)
        for table in metadata.sorted_tables:
            if table.name in _MADE_BY_OPENING:
                await new.execute(table.delete())
            async for rows in _pages(old, table):
                await new.execute(insert(table), rows)
            before, after = await _summed(old, table), await _summed(new, table)
            if before != after:
                raise RecordsError(
                    f"{table.name} is not the same in {target.name} ({before.rows} rows copied, {after.rows} read "
                    "back); nothing was kept there, try again"
                )
            await _continue_numbering(new, table)
            found.append(after)
        await note_resting(new)
        # The next trader's epoch must be above that of this process, in whichever store it was given.
        await new.execute(update(engine_row).values(epoch=engine_row.c.epoch + 1))
        newest = select(engine_row.c.epoch).where(engine_row.c.id == ONLY_ROW).scalar_subquery()
        await new.execute(update(trader_row).values(epoch=newest))
    return tuple(found)


async def _require_empty(connection: AsyncConnection, name: str) -> None:
    for table in metadata.sorted_tables:
        if table.name in _MADE_BY_OPENING:
            continue
        rows = (await connection.execute(select(func.count()).select_from(table))).scalar_one()
        if rows:
            raise RecordsError(
                f"{name} has records already ({rows} rows in {table.name}); copy into an empty database, or drop its "
                "schema first"
            )


async def _pages(connection: AsyncConnection, table: Table) -> AsyncIterator[list[dict[str, Any]]]:
    """The rows of a table in the order of its key, 500 at a time."""
    rows = await connection.execute(_in_order(table))
    while page := rows.mappings().fetchmany(AT_A_TIME):
        yield [dict(row) for row in page]


async def _summed(connection: AsyncConnection, table: Table) -> TableCopy:
    """The count and the checksum of a table's rows.

    The checksum is over values as this software reads them: two stores may write the same value differently.
    """
    total, count = sha256(), 0
    async for page in _pages(connection, table):
        for row in page:
            total.update(repr(tuple(row.values())).encode())
            count += 1
    return TableCopy(table.name, count, total.hexdigest()[:16])


def _in_order(table: Table) -> Any:
    return select(table).order_by(*table.primary_key.columns)


async def _continue_numbering(connection: AsyncConnection, table: Table) -> None:
    """Makes PostgreSQL number new rows after the copied ones: its own counter does not see copied numbers."""
    numbered = table.autoincrement_column
    if connection.dialect.name != "postgresql" or numbered is None:
        return
    named = {"table_name": f'"{table.name}"', "column_name": numbered.name}
    sequence = text("SELECT pg_get_serial_sequence(:table_name, :column_name)")
    if (await connection.execute(sequence, named)).scalar_one() is None:
        return
    continue_from = text(
        "SELECT setval(pg_get_serial_sequence(:table_name, :column_name), greatest(1, :newest), :newest > 0)"
    )
    newest = (await connection.execute(select(func.coalesce(func.max(numbered), 0)))).scalar_one()
    await connection.execute(continue_from, {**named, "newest": newest})
