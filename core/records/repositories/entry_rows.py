"""Turns rows of entries, fills, changes and evidence into the domain's values, and back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import fields as fields_of
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, func, insert, select
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Entry, Fill
from core.records.repositories.rows import EvidenceRecord, IntentChange
from core.records.store.tables import entries, entry_changes, evidence, fills

_COLUMNS = tuple(field.name for field in fields_of(Entry) if field.name not in {"state", "fills"})
FREED_BY_PROOF = frozenset({OrderState.CANCELLED, OrderState.EXPIRED})
"""The states in which an entry frees its day only by proof (rules 9)."""
REENTRY_ALLOWED = {"allow_reentry": True}
"""The detail of the evidence with which an operator allows another entry after a cancel they asked for (rules 9)."""
_NEW_CHANGE = insert(entry_changes)
_FAILED_SENDS = frozenset({OrderState.REJECTED, OrderState.UNKNOWN, OrderState.NOT_SENT})


def entry_values(entry: Entry) -> dict[str, Any]:
    """The entry as a row of `entries`. Its fills are rows of their own."""
    return {"state": entry.state.value, **{name: getattr(entry, name) for name in _COLUMNS}}


def entries_where(*conditions: ColumnElement[bool]) -> Select[Any]:
    """The query for the entries that meet the conditions, oldest first. Build it once and run it often."""
    return select(entries).where(*conditions).order_by(entries.c.prepared_at, entries.c.id)


_BY_ID = entries_where(entries.c.id == bindparam("id"))
_FILLS_OF_ONE = select(fills).where(fills.c.entry_id == bindparam("entry_id")).order_by(fills.c.seq)
_FILLS_OF_MANY = select(fills).where(fills.c.entry_id.in_(bindparam("entry_ids", expanding=True))).order_by(fills.c.seq)


async def read_entries(connection: AsyncConnection, query: Select[Any], values: Mapping[str, Any]) -> tuple[Entry, ...]:
    """The entries that a query of `entries_where` finds, with their fills."""
    rows = (await connection.execute(query, values)).all()
    found = await _fills(connection, [row.id for row in rows])
    return tuple(_entry(row, tuple(found.get(row.id, ()))) for row in rows)


async def read_entry(connection: AsyncConnection, entry_id: str) -> Entry | None:
    """The entry with our id; None when there is none."""
    found = await read_entries(connection, _BY_ID, {"id": entry_id})
    return found[0] if found else None


async def note_change(connection: AsyncConnection, entry: Entry, at: datetime, *, prepared: bool = False) -> None:
    """Adds the entry's present state to its history. `prepared` adds the order request too."""
    await connection.execute(
        _NEW_CHANGE,
        {
            "entry_id": entry.id,
            "state": entry.state.value,
            "holds_day": entry.holds_day,
            "at": at,
            "order_id": entry.order_id,
            "broker_status": entry.broker_status,
            "detail": entry.detail,
            "request": entry.request if prepared else None,
        },
    )


async def read_changes(connection: AsyncConnection, entry_id: str) -> tuple[IntentChange, ...]:
    """The entry's history, oldest first."""
    rows = await connection.execute(
        select(entry_changes).where(entry_changes.c.entry_id == entry_id).order_by(entry_changes.c.seq)
    )
    return tuple(
        IntentChange(
            OrderState(row.state), row.holds_day, row.at, row.order_id, row.broker_status, row.detail, row.request
        )
        for row in rows
    )


_CHANGES_OF_DAY = (
    select(entries.c.account, entry_changes.c.entry_id, entry_changes.c.state)
    .join(entries, entries.c.id == entry_changes.c.entry_id)
    .where(entries.c.session_day == bindparam("session_day"))
    .order_by(entry_changes.c.seq)
)


async def count_failed_sends(connection: AsyncConnection, day: date) -> Counter[str]:
    """The failed sends of a session day, by account. A send lasts from `sent` to the first failure after it."""
    trying: set[str] = set()
    failed: Counter[str] = Counter()
    for row in await connection.execute(_CHANGES_OF_DAY, {"session_day": day}):
        state = OrderState(row.state)
        if state is OrderState.SENT:
            trying.add(row.entry_id)
        elif state in _FAILED_SENDS and row.entry_id in trying:
            trying.remove(row.entry_id)
            failed[row.account] += 1
    return failed


async def note_evidence(connection: AsyncConnection, entry_id: str, seen: EvidenceRecord) -> None:
    """Adds to the entry's evidence what was seen of it."""
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


_EVIDENCE = select(evidence).where(evidence.c.entry_id == bindparam("entry_id")).order_by(evidence.c.id)
_ATTESTED = _EVIDENCE.where(evidence.c.kind == "attestation")
_NEWEST = (
    select(func.max(evidence.c.id))
    .where(evidence.c.entry_id == bindparam("entry_id"), evidence.c.complete)
    .group_by(evidence.c.kind)
)
_NEWEST_EVIDENCE = select(evidence).where(evidence.c.id.in_(_NEWEST)).order_by(evidence.c.id)


async def read_evidence(
    connection: AsyncConnection, entry_id: str, *, newest: bool = False
) -> tuple[EvidenceRecord, ...]:
    """Everything seen of the entry, oldest first. `newest` leaves only the last complete evidence of each kind."""
    rows = await connection.execute(_NEWEST_EVIDENCE if newest else _EVIDENCE, {"entry_id": entry_id})
    return tuple(EvidenceRecord(row.kind, row.who, row.complete, row.detail, row.at) for row in rows)


async def is_reentry_allowed(connection: AsyncConnection, entry_id: str) -> bool:
    """Whether an operator has allowed another entry after this one."""
    rows = await connection.execute(_ATTESTED, {"entry_id": entry_id})
    return any(shows_reentry_allowed(row.detail) for row in rows)


def shows_reentry_allowed(detail: Mapping[str, object]) -> bool:
    """Whether the detail of an evidence is an operator's word that another entry may follow (rules 9)."""
    return detail == REENTRY_ALLOWED


async def _fills(connection: AsyncConnection, entry_ids: Sequence[str]) -> dict[str, list[Fill]]:
    if not entry_ids:
        return {}
    found: dict[str, list[Fill]] = {}
    if len(entry_ids) == 1:
        rows = await connection.execute(_FILLS_OF_ONE, {"entry_id": entry_ids[0]})
    else:
        rows = await connection.execute(_FILLS_OF_MANY, {"entry_ids": entry_ids})
    for row in rows:
        found.setdefault(row.entry_id, []).append(
            Fill(row.fill_id, row.symbol, row.quantity, row.price, row.at, row.order_id)
        )
    return found


def _entry(row: Row[Any], found: tuple[Fill, ...]) -> Entry:
    return Entry(state=OrderState(row.state), fills=found, **{name: getattr(row, name) for name in _COLUMNS})
