"""Every order that an intent has or had at the broker: as last seen there, and whether it was shown to have ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime
from operator import attrgetter

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.orders.orders import Intent, IntentOrder
from core.records.store.database import Database
from core.records.store.one_of import one_of
from core.records.store.tables import intent_orders

_OF_INTENTS = select(intent_orders).where(one_of(intent_orders.c.intent_id, "intent_ids")).order_by(intent_orders.c.seq)
_ONE = select(intent_orders.c.seq).where(
    intent_orders.c.intent_id == bindparam("intent_id"), intent_orders.c.order_id == bindparam("order_id")
)
_NEW = insert(intent_orders)
_values_of = attrgetter(*(field.name for field in fields(IntentOrder)))
_STORE = update(intent_orders).where(intent_orders.c.seq == bindparam("the_seq"))


class IntentOrders:
    """Reads and writes the orders of intents. Each may raise RecordsError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, intent_id: str) -> tuple[IntentOrder, ...]:
        """The orders of one intent, the first known first."""
        return (await self.of_all([intent_id])).get(intent_id, ())

    async def of_all(self, intent_ids: Sequence[str]) -> dict[str, tuple[IntentOrder, ...]]:
        """The orders of each of these intents that has any, the first known first."""
        if not intent_ids:
            return {}
        async with self._database.read() as connection:
            return await read_orders(connection, intent_ids)

    async def note(self, order: IntentOrder) -> None:
        """Records the order as it was seen now, in place of how it was seen before. What it replaces stays known."""
        async with self._database.write() as connection:
            await note_order(connection, order)


async def read_orders(connection: AsyncConnection, intent_ids: Sequence[str]) -> dict[str, tuple[IntentOrder, ...]]:
    """The orders of each of these intents that has any, the first known first."""
    if not intent_ids:
        return {}
    found: dict[str, list[IntentOrder]] = {}
    for row in await connection.execute(_OF_INTENTS, {"intent_ids": list(intent_ids)}):
        found.setdefault(row.intent_id, []).append(_order(row))
    return {intent_id: tuple(of_one) for intent_id, of_one in found.items()}


async def note_new_order(connection: AsyncConnection, intent: Intent, at: datetime) -> None:
    """Records the intent's present order among its orders unless it is known there, within a commit."""
    if intent.order_id is None:
        return
    known = await connection.execute(_ONE, {"intent_id": intent.id, "order_id": intent.order_id})
    if known.first() is None:
        order = IntentOrder(intent.id, intent.account, intent.order_id, intent.broker_status or "", None, at)
        await connection.execute(_NEW, asdict(order))


async def note_order(connection: AsyncConnection, order: IntentOrder) -> None:
    """Records the order as it was seen now, within a commit."""
    known = await connection.execute(_ONE, {"intent_id": order.intent_id, "order_id": order.order_id})
    seq = known.scalar_one_or_none()
    values = asdict(order)
    if seq is None:
        await connection.execute(_NEW, values)
        return
    if not order.replaces:
        del values["replaces"]
    await connection.execute(_STORE, {"the_seq": seq, **values})


def _order(row: Row[tuple[object, ...]]) -> IntentOrder:
    return IntentOrder(*_values_of(row))
