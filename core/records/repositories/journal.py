"""The journal: the events in the order they were written, and the suggestions with their evidence (rules 4)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Select, bindparam, func, insert, select
from sqlalchemy.engine import Row
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.operation.events import Event, Severity, Step, StepResult
from core.domain.operation.figures import FigureValue
from core.domain.operation.reasons import Reason
from core.records.repositories.outbox import Outbox
from core.records.repositories.rows import DryRunRecord, SuggestionRecord
from core.records.store.database import Database
from core.records.store.errors import AlreadyValidated, RecordsError
from core.records.store.tables import dry_runs, events, suggestions

_NEW_EVENT = insert(events)
_NEW_SUGGESTION = insert(suggestions)
_VALIDATED = select(suggestions.c.id).where(
    suggestions.c.account == bindparam("account"),
    suggestions.c.session_day == bindparam("session_day"),
    suggestions.c.validated,
)
_SEARCHED = 50
"""How many of the newest events of a kind are read."""
_NEWEST_OF_KIND = (
    select(events).where(events.c.kind == bindparam("kind")).order_by(events.c.seq.desc()).limit(_SEARCHED)
)
_NEW_DRY_RUN = insert(dry_runs)
_of_suggestion = dry_runs.c.suggestion_id == bindparam("suggestion_id")
_DRY_RUN = select(dry_runs).where(_of_suggestion).order_by(dry_runs.c.seq.desc()).limit(1)


class Journal:
    """The recorded events, suggestions and dry runs. Raises RecordsError when the store fails."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._database = database
        self._outbox = outbox

    async def append(self, *happened: Event) -> None:
        """Writes the events in this order, in one commit."""
        if not happened:
            return
        async with self._database.write() as connection:
            await self.add(connection, *happened)

    async def add(self, connection: AsyncConnection, *happened: Event) -> None:
        """Adds the events, and the mails about them, to the commit under way."""
        await connection.execute(_NEW_EVENT, [_values(event) for event in happened])
        await self._outbox.tell_events(connection, happened)

    async def of_cycle(self, number: int) -> tuple[Event, ...]:
        """The events of a cycle, oldest first."""
        return await self._events(select(events).where(events.c.cycle == number).order_by(events.c.seq))

    async def steps_of(self, numbers: Collection[int]) -> tuple[Event, ...]:
        """The events of the steps of these cycles, oldest first."""
        return await self._events(
            select(events).where(events.c.cycle.in_(numbers), events.c.step.is_not(None)).order_by(events.c.seq)
        )

    async def newest(self, limit: int) -> tuple[Event, ...]:
        """The last events written, at most `limit`, newest first."""
        return await self._events(select(events).order_by(events.c.seq.desc()).limit(limit))

    async def newest_of(self, kinds: Collection[str]) -> Event | None:
        """The last event written of one of these kinds; None when there is none."""
        query = select(events).where(events.c.kind.in_(kinds)).order_by(events.c.seq.desc())
        found = await self._events(query.limit(1))
        return found[0] if found else None

    async def since_newest_of(self, kinds: Collection[str], also: str) -> tuple[Event, ...]:
        """The last event written of one of these kinds, and after it those of the kind `also`, oldest first."""
        newest = select(func.max(events.c.seq)).where(events.c.kind.in_(kinds)).scalar_subquery()
        told = events.c.kind.in_((*kinds, also))
        return await self._events(select(events).where(events.c.seq >= newest, told).order_by(events.c.seq))

    async def newest_with(self, kind: str, figure: tuple[str, FigureValue]) -> Event | None:
        """The last event of this kind that has this figure, among the newest of the kind; None when there is none."""
        return next((event for event in await self.newest_of_kind(kind) if figure in event.figures), None)

    async def newest_of_kind(self, kind: str) -> tuple[Event, ...]:
        """The newest events of this kind, newest first."""
        return await self._events(_NEWEST_OF_KIND, kind=kind)

    async def record_suggestion(
        self, suggestion: SuggestionRecord, dry_run: DryRunRecord | None = None, after: Sequence[Event] = ()
    ) -> None:
        """Writes the suggestion, and in the same commit the events `after` which it comes, the broker's answer to its
        dry run where there is one, and the mail about a validated one.

        Raises AlreadyValidated for a second validated suggestion of the account's day (rules 9), RecordsError when its
        id is already recorded.
        """
        values = {name: getattr(suggestion, name) for name in SuggestionRecord.__slots__}
        try:
            async with self._database.write() as connection:
                if after:
                    await self.add(connection, *after)
                await connection.execute(_NEW_SUGGESTION, values)
                if dry_run is not None:
                    await connection.execute(_NEW_DRY_RUN, _dry_run_values(dry_run))
                if suggestion.validated:
                    await self._outbox.tell_validated(connection, suggestion)
        except IntegrityError:
            if suggestion.validated and await self.validated_on(suggestion.account, suggestion.session_day):
                raise AlreadyValidated(f"{suggestion.session_day} already has its validated suggestion") from None
            raise RecordsError(f"suggestion {suggestion.id} is already recorded; give each its own id") from None

    async def record_dry_run(self, dry_run: DryRunRecord) -> None:
        """Writes the broker's answer to the dry run of a recorded suggestion's order."""
        async with self._database.write() as connection:
            await connection.execute(_NEW_DRY_RUN, _dry_run_values(dry_run))

    async def dry_run_of(self, suggestion_id: str) -> DryRunRecord | None:
        """The broker's newest answer to the dry run of this suggestion's order; None when there was no dry run."""
        async with self._database.read() as connection:
            row = (await connection.execute(_DRY_RUN, {"suggestion_id": suggestion_id})).first()
        if row is None:
            return None
        warnings = tuple((str(code), str(message)) for code, message in row.warnings)
        return DryRunRecord(
            row.suggestion_id, row.at, row.buying_power_change, row.new_buying_power, row.fees, warnings
        )

    async def validated_on(self, account: str, day: date) -> bool:
        """Whether the account has a validated suggestion on this session day."""
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

    async def suggestions_in(self, numbers: Collection[int]) -> tuple[SuggestionRecord, ...]:
        """The suggestions of these cycles, of all accounts, oldest first."""
        async with self._database.read() as connection:
            rows = await connection.execute(
                select(suggestions)
                .where(suggestions.c.cycle.in_(numbers))
                .order_by(suggestions.c.cycle, suggestions.c.at, suggestions.c.attempt)
            )
            return tuple(SuggestionRecord(**row) for row in rows.mappings())

    async def _events(self, query: Select[Any], **values: object) -> tuple[Event, ...]:
        async with self._database.read() as connection:
            return tuple(event_of(row) for row in await connection.execute(query, values))


def _values(event: Event) -> dict[str, object]:
    values: dict[str, object] = {name: getattr(event, name) for name in Event.__slots__}
    values["severity"] = event.severity.value
    values["step"] = None if event.step is None else event.step.value
    values["result"] = None if event.result is None else event.result.value
    values["reason"] = None if event.reason is None else event.reason.code
    return values


def _dry_run_values(dry_run: DryRunRecord) -> dict[str, object]:
    return {name: getattr(dry_run, name) for name in DryRunRecord.__slots__}


def event_of(row: Row[Any]) -> Event:
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
