"""The journal: every step's event in the order it was written, and the suggestions with their evidence (SPEC 4)."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Select, bindparam, insert, select
from sqlalchemy.engine import Row
from sqlalchemy.exc import IntegrityError

from core.domain.events import Event, Severity, Step, StepResult
from core.domain.reasons import Reason
from core.records.database import Database
from core.records.errors import AlreadyValidated, RecordsError
from core.records.outbox import Outbox
from core.records.rows import SuggestionRecord
from core.records.tables import events, suggestions

_NEW_EVENT = insert(events)
_VALIDATED = select(suggestions.c.id).where(
    suggestions.c.account == bindparam("account"),
    suggestions.c.session_day == bindparam("session_day"),
    suggestions.c.validated,
)


class Journal:
    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._database = database
        self._outbox = outbox

    async def append(self, *happened: Event) -> None:
        """Writes the events in this order, in one commit."""
        if not happened:
            return
        async with self._database.write() as connection:
            await connection.execute(_NEW_EVENT, [_values(event) for event in happened])
            await self._outbox.tell_events(connection, happened)

    async def of_cycle(self, number: int) -> tuple[Event, ...]:
        """A cycle's events, oldest first."""
        return await self._events(select(events).where(events.c.cycle == number).order_by(events.c.seq))

    async def newest(self, limit: int) -> tuple[Event, ...]:
        """The last events written, at most `limit`, newest first."""
        return await self._events(select(events).order_by(events.c.seq.desc()).limit(limit))

    async def record_suggestion(self, suggestion: SuggestionRecord) -> None:
        """Writes the suggestion. Raises AlreadyValidated for a second validated one of the account's day (SPEC 9),
        RecordsError when its id is already recorded."""
        values = {name: getattr(suggestion, name) for name in SuggestionRecord.__slots__}
        try:
            async with self._database.write() as connection:
                await connection.execute(insert(suggestions).values(values))
        except IntegrityError:
            if suggestion.validated and await self.validated_on(suggestion.account, suggestion.session_day):
                raise AlreadyValidated(f"{suggestion.session_day} already has its validated suggestion") from None
            raise RecordsError(f"suggestion {suggestion.id} is already recorded; give each its own id") from None

    async def validated_on(self, account: str, day: date) -> bool:
        async with self._database.read() as connection:
            rows = await connection.execute(_VALIDATED, {"account": account, "session_day": day})
            return rows.first() is not None

    async def suggestions_of(self, account: str, day: date) -> tuple[SuggestionRecord, ...]:
        """The account's suggestions of a session day, oldest first."""
        async with self._database.read() as connection:
            rows = await connection.execute(
                select(suggestions)
                .where(suggestions.c.account == account, suggestions.c.session_day == day)
                .order_by(suggestions.c.at, suggestions.c.cycle, suggestions.c.attempt)
            )
            return tuple(SuggestionRecord(**row) for row in rows.mappings())

    async def _events(self, query: Select[Any]) -> tuple[Event, ...]:
        async with self._database.read() as connection:
            return tuple(_event(row) for row in await connection.execute(query))


def _values(event: Event) -> dict[str, object]:
    values: dict[str, object] = {name: getattr(event, name) for name in Event.__slots__}
    values["severity"] = event.severity.value
    values["step"] = None if event.step is None else event.step.value
    values["result"] = None if event.result is None else event.result.value
    values["reason"] = None if event.reason is None else event.reason.code
    return values


def _event(row: Row[Any]) -> Event:
    return Event(
        at=row.at,
        kind=row.kind,
        text=row.text,
        severity=Severity(row.severity),
        cycle=row.cycle,
        attempt=row.attempt,
        account=row.account,
        underlying=row.underlying,
        step=None if row.step is None else Step(row.step),
        result=None if row.result is None else StepResult(row.result),
        reason=None if row.reason is None else Reason.of(row.reason),
        figures=row.figures,
        duration_ms=row.duration_ms,
    )
