"""Every order that an entry has or had at the broker: as last seen there, and whether it was shown to have ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.orders.orders import Entry, IntentOrder
from core.records.store.database import Database
from core.records.store.tables import entry_orders

_OF_ENTRIES = (
    select(entry_orders)
    .where(entry_orders.c.entry_id.in_(bindparam("entry_ids", expanding=True)))
    .order_by(entry_orders.c.seq)
)
_ONE = select(entry_orders.c.seq).where(
    entry_orders.c.entry_id == bindparam("entry_id"), entry_orders.c.order_id == bindparam("order_id")
)
_NEW = insert(entry_orders)
_STORE = update(entry_orders).where(entry_orders.c.seq == bindparam("the_seq"))


class EntryOrders:
    """Reads and writes the orders of entries. Each may raise RecordsError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, entry_id: str) -> tuple[IntentOrder, ...]:
        """The orders of one entry, the first known first."""
        return (await self.of_all([entry_id])).get(entry_id, ())

    async def of_all(self, entry_ids: Sequence[str]) -> dict[str, tuple[IntentOrder, ...]]:
        """The orders of each of these entries that has any, the first known first."""
        async with self._database.read() as connection:
            return await read_orders(connection, entry_ids)

    async def note(self, order: IntentOrder) -> None:
        """Records the order as it was seen now, in place of how it was seen before. What it replaces stays known."""
        async with self._database.write() as connection:
            await note_order(connection, order)


async def read_orders(connection: AsyncConnection, entry_ids: Sequence[str]) -> dict[str, tuple[IntentOrder, ...]]:
    """The orders of each of these entries that has any, the first known first."""
    if not entry_ids:
        return {}
    found: dict[str, tuple[IntentOrder, ...]] = {}
    for row in await connection.execute(_OF_ENTRIES, {"entry_ids": list(entry_ids)}):
        found[row.entry_id] = (*found.get(row.entry_id, ()), _order(row))
    return found


async def note_new_order(connection: AsyncConnection, entry: Entry, at: datetime) -> None:
    """Records the entry's present order among its orders unless it is known there, within a commit."""
    if entry.order_id is None:
        return
    known = await connection.execute(_ONE, {"entry_id": entry.id, "order_id": entry.order_id})
    if known.first() is None:
        order = IntentOrder(entry.id, entry.account, entry.order_id, entry.broker_status or "", None, at)
        await connection.execute(_NEW, asdict(order))


async def note_order(connection: AsyncConnection, order: IntentOrder) -> None:
    """Records the order as it was seen now, within a commit."""
    known = await connection.execute(_ONE, {"entry_id": order.entry_id, "order_id": order.order_id})
    seq = known.scalar_one_or_none()
    values = asdict(order)
    if seq is None:
        await connection.execute(_NEW, values)
        return
    if not order.replaces:
        del values["replaces"]
    await connection.execute(_STORE, {"the_seq": seq, **values})


def _order(row: Row[tuple[object, ...]]) -> IntentOrder:
    return IntentOrder(**{name: getattr(row, name) for name in IntentOrder.__slots__})
