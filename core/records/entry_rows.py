"""Rows of entries, fills, changes and evidence, to and from the domain's values."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, insert, select
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.order_states import EntryState
from core.domain.orders import Entry, Fill
from core.records.rows import EntryChange, EvidenceRecord
from core.records.tables import entries, entry_changes, evidence, fills

_COLUMNS = tuple(name for name in Entry.__slots__ if name not in {"state", "fills"})
_FAILED_SENDS = frozenset({EntryState.REJECTED, EntryState.UNKNOWN, EntryState.NOT_SENT})


def entry_values(entry: Entry) -> dict[str, Any]:
    """The entry as a row of `entries`; its fills are rows of their own."""
    return {"state": entry.state.value, **{name: getattr(entry, name) for name in _COLUMNS}}


async def read_entries(
    connection: AsyncConnection, *conditions: ColumnElement[bool], lock: bool = False
) -> tuple[Entry, ...]:
    """The entries with their fills, oldest first. `lock` keeps other writers off them until the commit."""
    query = select(entries).where(*conditions).order_by(entries.c.prepared_at, entries.c.id)
    rows = (await connection.execute(query.with_for_update() if lock else query)).all()
    found = await _fills(connection, [row.id for row in rows])
    return tuple(_entry(row, tuple(found.get(row.id, ()))) for row in rows)


async def read_entry(connection: AsyncConnection, entry_id: str, *, lock: bool = False) -> Entry | None:
    found = await read_entries(connection, entries.c.id == entry_id, lock=lock)
    return found[0] if found else None


async def note_change(connection: AsyncConnection, entry: Entry, at: datetime, *, prepared: bool = False) -> None:
    """Adds the entry's present state to its history; with the request when it was (again) prepared."""
    await connection.execute(
        insert(entry_changes).values(
            entry_id=entry.id,
            state=entry.state.value,
            holds_day=entry.holds_day,
            at=at,
            order_id=entry.order_id,
            broker_status=entry.broker_status,
            detail=entry.detail,
            request=entry.request if prepared else None,
        )
    )


async def read_changes(connection: AsyncConnection, entry_id: str) -> tuple[EntryChange, ...]:
    rows = await connection.execute(
        select(entry_changes).where(entry_changes.c.entry_id == entry_id).order_by(entry_changes.c.seq)
    )
    return tuple(
        EntryChange(
            EntryState(row.state), row.holds_day, row.at, row.order_id, row.broker_status, row.detail, row.request
        )
        for row in rows
    )


async def count_failed_sends(connection: AsyncConnection, account: str, day: date) -> int:
    """How many sends of the account's session day failed: each runs from `sent` to the first failure after it."""
    rows = await connection.execute(
        select(entry_changes.c.entry_id, entry_changes.c.state)
        .join(entries, entries.c.id == entry_changes.c.entry_id)
        .where(entries.c.account == account, entries.c.session_day == day)
        .order_by(entry_changes.c.seq)
    )
    trying: set[str] = set()
    failed = 0
    for row in rows:
        state = EntryState(row.state)
        if state is EntryState.SENT:
            trying.add(row.entry_id)
        elif state in _FAILED_SENDS and row.entry_id in trying:
            trying.remove(row.entry_id)
            failed += 1
    return failed


async def note_evidence(connection: AsyncConnection, entry_id: str, seen: EvidenceRecord) -> None:
    """Adds what was seen of the entry to its evidence."""
    await connection.execute(
        insert(evidence).values(
            entry_id=entry_id,
            at=seen.at,
            kind=seen.kind,
            who=seen.who,
            complete=seen.complete,
            detail=dict(seen.detail),
        )
    )


async def read_evidence(connection: AsyncConnection, entry_id: str) -> tuple[EvidenceRecord, ...]:
    rows = await connection.execute(select(evidence).where(evidence.c.entry_id == entry_id).order_by(evidence.c.id))
    return tuple(EvidenceRecord(row.kind, row.who, row.complete, row.detail, row.at) for row in rows)


async def _fills(connection: AsyncConnection, entry_ids: Sequence[str]) -> dict[str, list[Fill]]:
    if not entry_ids:
        return {}
    found: dict[str, list[Fill]] = {}
    rows = await connection.execute(select(fills).where(fills.c.entry_id.in_(entry_ids)).order_by(fills.c.seq))
    for row in rows:
        found.setdefault(row.entry_id, []).append(Fill(row.fill_id, row.symbol, row.quantity, row.price, row.at))
    return found


def _entry(row: Row[Any], found: tuple[Fill, ...]) -> Entry:
    return Entry(state=EntryState(row.state), fills=found, **{name: getattr(row, name) for name in _COLUMNS})
