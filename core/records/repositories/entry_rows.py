"""Turns rows of entries into the domain's values, and back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import fields as fields_of
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, insert, select
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.orders.opposing import is_opposing
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Entry, Fill
from core.records.repositories.intent_rows import intents_where, note_intent, read_fills
from core.records.store.same_rows import built_once
from core.records.store.tables import entries, evidence, intent_changes

_COLUMNS = tuple(field.name for field in fields_of(Entry) if field.name not in {"state", "fills"})
FREED_BY_PROOF = frozenset({OrderState.CANCELLED, OrderState.EXPIRED})
"""The states in which an entry frees its day only by proof (rules 9)."""
REENTRY_ALLOWED = {"allow_reentry": True}
"""The detail of the evidence with which an operator allows another entry after a cancel they asked for (rules 9)."""
_NEW_ENTRY = insert(entries)
_FAILED_SENDS = frozenset({OrderState.REJECTED, OrderState.UNKNOWN, OrderState.NOT_SENT})


def entry_values(entry: Entry) -> dict[str, Any]:
    """The entry as a row of `entries`. Its fills are rows of their own."""
    return {"state": entry.state.value, **{name: getattr(entry, name) for name in _COLUMNS}}


async def add_entry(connection: AsyncConnection, entry: Entry) -> None:
    """Adds the entry and its intent. Raises IntegrityError when its id or identifier is recorded, or its day is held;
    nothing is added then."""
    async with connection.begin_nested():
        await note_intent(connection, entry)
        await connection.execute(_NEW_ENTRY, entry_values(entry))


def entries_where(*conditions: ColumnElement[bool]) -> Select[Any]:
    """The query for the entries that meet the conditions, oldest first. Build it once and run it often."""
    return intents_where(entries, *conditions)


_BY_ID = entries_where(entries.c.id == bindparam("id"))


async def read_entries(connection: AsyncConnection, query: Select[Any], values: Mapping[str, Any]) -> tuple[Entry, ...]:
    """The entries that a query of `entries_where` finds, with their fills."""
    rows = (await connection.execute(query, values)).all()
    found = await read_fills(connection, [row.id for row in rows])
    return tuple(_entry(row, found.get(row.id, ())) for row in rows)


@built_once(1000)
def _entry(row: Row[Any], of_it: tuple[Fill, ...]) -> Entry:
    return Entry(state=OrderState(row.state), fills=of_it, **{name: getattr(row, name) for name in _COLUMNS})


async def read_entry(connection: AsyncConnection, entry_id: str) -> Entry | None:
    """The entry with our id; None when there is none."""
    found = await read_entries(connection, _BY_ID, {"id": entry_id})
    return found[0] if found else None


_CHANGES_OF_DAY = (
    select(entries.c.account, entries.c.id, intent_changes.c.state, intent_changes.c.detail)
    .join(intent_changes, intent_changes.c.intent_id == entries.c.id)
    .where(entries.c.session_day == bindparam("session_day"))
    .order_by(intent_changes.c.seq)
)


async def count_failed_sends(connection: AsyncConnection, day: date) -> Counter[str]:
    """The failed sends of a session day, by account. A send lasts from `sent` to the first failure after it. One that
    the broker refused beside a closing order is none."""
    trying: set[str] = set()
    failed: Counter[str] = Counter()
    for row in await connection.execute(_CHANGES_OF_DAY, {"session_day": day}):
        state = OrderState(row.state)
        if state is OrderState.SENT:
            trying.add(row.id)
        elif state in _FAILED_SENDS and row.id in trying:
            trying.remove(row.id)
            if state is not OrderState.REJECTED or not is_opposing(row.detail):
                failed[row.account] += 1
    return failed


_ATTESTED = select(evidence).where(evidence.c.intent_id == bindparam("entry_id"), evidence.c.kind == "attestation")


async def is_reentry_allowed(connection: AsyncConnection, entry_id: str) -> bool:
    """Whether an operator has allowed another entry after this one."""
    rows = await connection.execute(_ATTESTED, {"entry_id": entry_id})
    return any(shows_reentry_allowed(row.detail) for row in rows)


def shows_reentry_allowed(detail: Mapping[str, object]) -> bool:
    """Whether the detail of an evidence is an operator's word that another entry may follow (rules 9)."""
    return detail == REENTRY_ALLOWED
