"""Alerts as rows: open at most once for a subject, acknowledged by a person, closed by the engine, kept (rules 12)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.engine import Row
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.operation.events import Event
from core.domain.reporting.alerts import Alert, AlertKind, DueAlert
from core.records.repositories.journal import Journal
from core.records.store.database import Database
from core.records.store.tables import alerts

_is_open = alerts.c.closed_at.is_(None)
_OPEN_NOW = select(alerts).where(_is_open).order_by(alerts.c.id)
_NEWEST = select(alerts).order_by(alerts.c.id.desc()).limit(bindparam("count"))
_CLOSED_SINCE = (
    select(alerts)
    .where(alerts.c.closed_at >= bindparam("since"))
    .order_by(alerts.c.closed_at.desc(), alerts.c.id.desc())
    .limit(bindparam("count"))
)
_NEW_ALERT = insert(alerts)
_ACKNOWLEDGE = (
    update(alerts)
    .where(alerts.c.id == bindparam("alert"), _is_open, alerts.c.acknowledged_at.is_(None))
    .values(acknowledged_at=bindparam("at"), acknowledged_by=bindparam("by"))
)
_CLOSE = update(alerts).where(alerts.c.id == bindparam("alert"), _is_open).values(closed_at=bindparam("at"))


class Alerts:
    """The recorded alerts. Every change is one durable commit. Raises RecordsError."""

    def __init__(self, database: Database, journal: Journal) -> None:
        self._database = database
        self._journal = journal

    async def open(self, due: DueAlert, at: datetime, *told: Event) -> bool:
        """Opens the alert, and records these events and their mails in the same commit.

        So a crash never leaves one without the other. False when an alert of this kind is open for the subject already;
        that one stays as it is.
        """
        try:
            async with self._database.write() as connection:
                await connection.execute(_NEW_ALERT, _row(due, at))
                await self._tell(connection, told)
        except IntegrityError:  # one of this kind is open for the subject already
            return False
        return True

    async def ring(self, alert: int, due: DueAlert, at: datetime, *told: Event) -> bool:
        """Closes an alert and opens another in its place, which nobody has seen yet, and records these events, in one
        commit. Both are kept. False when it was not open."""
        async with self._database.write() as connection:
            closed = await connection.execute(_CLOSE, {"alert": alert, "at": at})
            if closed.rowcount == 1:
                await connection.execute(_NEW_ALERT, _row(due, at))
                await self._tell(connection, told)
            return bool(closed.rowcount == 1)

    async def acknowledge(self, alert: int, by: str, at: datetime) -> bool:
        """Records that `by` has seen the alert. False when it is not open, or was acknowledged before."""
        return await self._change(_ACKNOWLEDGE, {"alert": alert, "by": by, "at": at})

    async def close(self, alert: int, at: datetime, *told: Event) -> bool:
        """Closes the alert and records these events, in one commit. The alert is kept. False when it was not open."""
        return await self._change(_CLOSE, {"alert": alert, "at": at}, told)

    async def open_now(self) -> tuple[Alert, ...]:
        """The open alerts, in the order they opened."""
        async with self._database.read() as connection:
            return tuple(_alert(row) for row in await connection.execute(_OPEN_NOW))

    async def newest(self, count: int) -> tuple[Alert, ...]:
        """The last alerts to open, whether closed since or not, newest first."""
        async with self._database.read() as connection:
            return tuple(_alert(row) for row in await connection.execute(_NEWEST, {"count": count}))

    async def closed_since(self, since: datetime, count: int) -> tuple[Alert, ...]:
        """The alerts that closed at `since` or later, at most `count`, the last to close first."""
        async with self._database.read() as connection:
            rows = await connection.execute(_CLOSED_SINCE, {"since": since, "count": count})
            return tuple(_alert(row) for row in rows)

    async def _change(self, statement: Any, values: dict[str, object], told: tuple[Event, ...] = ()) -> bool:
        async with self._database.write() as connection:
            changed = await connection.execute(statement, values)
            if changed.rowcount == 1:
                await self._tell(connection, told)
            return bool(changed.rowcount == 1)

    async def _tell(self, connection: AsyncConnection, told: tuple[Event, ...]) -> None:
        if told:
            await self._journal.add(connection, *told)


def _row(due: DueAlert, at: datetime) -> dict[str, object]:
    return {
        "kind": due.kind.code,
        "subject": due.subject,
        "severity": due.kind.severity.value,
        "text": due.text,
        "opened_at": at,
        "acknowledged_by": "",
    }


def _alert(row: Row[Any]) -> Alert:
    return Alert(
        id=row.id,
        kind=AlertKind.of(row.kind),
        subject=row.subject,
        text=row.text,
        opened_at=row.opened_at,
        acknowledged_at=row.acknowledged_at,
        acknowledged_by=row.acknowledged_by,
        closed_at=row.closed_at,
    )
