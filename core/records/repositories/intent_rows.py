"""Turns rows of intents, of their fills, changes and evidence into the domain's values, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields as fields_of
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, bindparam, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Entry, Fill, Intent
from core.records.repositories.rows import EvidenceRecord, IntentChange
from core.records.store.one_of import one_of
from core.records.store.same_rows import SameRows
from core.records.store.tables import evidence, fills, intent_changes, intents

_BUILT: SameRows[tuple[Fill, ...]] = SameRows(2000)
_NEW_INTENT = insert(intents)
_NEW_CHANGE = insert(intent_changes)
_NEW_EVIDENCE = insert(evidence)
_NEW_FILL = insert(fills)
# A fill that an older version recorded has no order id.
_KNOWN_FILL = select(fills.c.seq).where(
    fills.c.intent_id == bindparam("intent_id"),
    fills.c.fill_id == bindparam("fill_id"),
    fills.c.order_id.in_(("", bindparam("order_id"))),
)
_FILLS = select(fills.c.intent_id, *(fills.c[field.name] for field in fields_of(Fill))).order_by(fills.c.seq)
_FILLS_OF_ONE = _FILLS.where(fills.c.intent_id == bindparam("intent_id"))
_FILLS_OF_MANY = _FILLS.where(one_of(fills.c.intent_id, "intent_ids"))
_CHANGES = (
    select(intent_changes).where(intent_changes.c.intent_id == bindparam("intent_id")).order_by(intent_changes.c.seq)
)
_EVIDENCE = select(evidence).where(evidence.c.intent_id == bindparam("intent_id")).order_by(evidence.c.id)
_NEWEST = (
    select(func.max(evidence.c.id))
    .where(evidence.c.intent_id == bindparam("intent_id"), evidence.c.complete)
    .group_by(evidence.c.kind)
)
_NEWEST_EVIDENCE = select(evidence).where(evidence.c.id.in_(_NEWEST)).order_by(evidence.c.id)


def intents_where(table: Table, *conditions: ColumnElement[bool]) -> Select[Any]:
    """The query for the intents in the table of their kind that meet the conditions, oldest first. Build it once and
    run it often."""
    return select(table).where(*conditions).order_by(table.c.prepared_at, table.c.id)


async def note_intent(connection: AsyncConnection, intent: Intent) -> None:
    """Adds the intent to those of every kind. Raises IntegrityError when its id or identifier is there already."""
    await connection.execute(
        _NEW_INTENT,
        {
            "id": intent.id,
            "kind": intent.KIND.value,
            "account": intent.account,
            "session_day": intent.session_day,
            "identifier": intent.identifier,
        },
    )


async def note_change(connection: AsyncConnection, intent: Intent, at: datetime, *, prepared: bool = False) -> None:
    """Adds the intent's present state to its history. `prepared` adds the order request too."""
    await connection.execute(
        _NEW_CHANGE,
        {
            "intent_id": intent.id,
            "state": intent.state.value,
            "holds_day": isinstance(intent, Entry) and intent.holds_day,
            "at": at,
            "order_id": intent.order_id,
            "broker_status": intent.broker_status,
            "detail": intent.detail,
            "request": intent.request if prepared else None,
        },
    )


async def read_changes(connection: AsyncConnection, intent_id: str) -> tuple[IntentChange, ...]:
    """The intent's history, oldest first."""
    return tuple(
        IntentChange(
            OrderState(row.state), row.holds_day, row.at, row.order_id, row.broker_status, row.detail, row.request
        )
        for row in await connection.execute(_CHANGES, {"intent_id": intent_id})
    )


async def note_evidence(connection: AsyncConnection, intent_id: str, seen: EvidenceRecord) -> None:
    """Adds to the intent's evidence what was seen of it."""
    await connection.execute(
        _NEW_EVIDENCE,
        {
            "intent_id": intent_id,
            "at": seen.at,
            "kind": seen.kind,
            "who": seen.who,
            "complete": seen.complete,
            "detail": dict(seen.detail),
        },
    )


async def read_evidence(
    connection: AsyncConnection, intent_id: str, *, newest: bool = False
) -> tuple[EvidenceRecord, ...]:
    """Everything seen of the intent, oldest first. `newest` leaves only the last complete evidence of each kind."""
    rows = await connection.execute(_NEWEST_EVIDENCE if newest else _EVIDENCE, {"intent_id": intent_id})
    return tuple(EvidenceRecord(row.kind, row.who, row.complete, row.detail, row.at) for row in rows)


async def note_fills(connection: AsyncConnection, intent: Intent, new_fills: Sequence[Fill]) -> int:
    """Records the fills that are not recorded yet. Returns how many were new."""
    added = 0
    for fill in new_fills:
        key = {
            "intent_id": intent.id,
            "account": intent.account,
            "order_id": fill.order_id,
            "fill_id": fill.fill_id,
        }
        known = await connection.execute(_KNOWN_FILL, key)
        if known.first() is not None:
            continue
        await connection.execute(
            _NEW_FILL,
            {
                **key,
                "symbol": fill.symbol,
                "quantity": fill.quantity,
                "price": fill.price,
                "at": fill.at,
            },
        )
        added += 1
    return added


async def read_fills(connection: AsyncConnection, intent_ids: Sequence[str]) -> dict[str, tuple[Fill, ...]]:
    """The fills of each of these intents that has any, in the order in which they were recorded."""
    if not intent_ids:
        return {}
    found: dict[str, list[list[Any]]] = {}
    if len(intent_ids) == 1:
        rows = await connection.execute(_FILLS_OF_ONE, {"intent_id": intent_ids[0]})
    else:
        rows = await connection.execute(_FILLS_OF_MANY, {"intent_ids": intent_ids})
    for intent_id, *values in rows:
        found.setdefault(intent_id, []).append(values)
    return {intent_id: _fills(intent_id, of_one) for intent_id, of_one in found.items()}


def _fills(intent_id: str, rows: Sequence[Sequence[Any]]) -> tuple[Fill, ...]:
    return _BUILT.value(intent_id, rows, lambda: tuple(Fill(*values) for values in rows))
