"""Searches the records: one kind of thing at a time, filtered, newest first, page by page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Label, Select, and_, bindparam, case, exists, or_, select
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.market.sessions import EXCHANGE_ZONE
from core.domain.operation.events import Step, StepResult
from core.domain.operation.outcomes import RANKED
from core.domain.operation.reasons import Figures
from core.domain.orders.fate import fate_of, fate_words
from core.records.repositories.cycles import cycle_of
from core.records.repositories.entry_rows import entries_where, read_entries
from core.records.repositories.rows import CycleRecord
from core.records.search.history_rows import (
    MISSED,
    OUTCOMES,
    PRICED,
    REFUSED,
    RUNNING,
    VALIDATED,
    HistoryFilter,
    HistoryKind,
    HistoryRow,
    Mark,
    not_of,
)
from core.records.search.told_cycles import CycleTold, told_of
from core.records.store.database import Database
from core.records.store.tables import commands, cycles, entries, events, fills, slots, suggestions
from core.records.store.types import stored_words

_ENTRIES_BY_ID = entries_where(entries.c.id.in_(bindparam("ids", expanding=True)))

__all__ = ["OUTCOMES", "History", "HistoryFilter", "HistoryKind", "HistoryRow", "Mark", "not_of"]


class History:
    """Searches the records. Each page is one consistent view. Raises RecordsError when the store fails."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self, kind: HistoryKind, wanted: HistoryFilter, limit: int, after: Mark | None = None
    ) -> tuple[HistoryRow, ...]:
        """At most `limit` rows, newest first, all older than `after`.

        Raises ValueError when the filter asks for something that this kind does not have (`not_of`).
        """
        wrong = not_of(kind, wanted)
        if wrong:
            raise ValueError(f"{kind.value} have no {wrong[0]}")
        wanted = replace(wanted, text=stored_words(wanted.text))
        async with self._database.read() as connection:
            found: list[HistoryRow] = []
            for source in _SOURCES[kind]:
                found += await source(connection, wanted, limit, after)
        # Cycles and missed slots come from two tables, each ordered by itself.
        ordered = sorted(found, key=lambda row: row.at, reverse=True) if len(_SOURCES[kind]) > 1 else found
        return tuple(islice(ordered, limit))


def _found(
    at: datetime,
    tie: int | str,
    *,
    figures: Figures,
    cycle: int | None = None,
    account: str = "",
    underlying: str = "",
    outcome: str = "",
    reason: str = "",
    text: str = "",
) -> HistoryRow:
    """A row of the history, from what its kind has. `tie` orders two rows of the same instant."""
    return HistoryRow(at, cycle, account, underlying, outcome, reason, text, figures, Mark(at, tie))


_Source = Callable[[AsyncConnection, HistoryFilter, int, Mark | None], Any]


async def _cycles(
    connection: AsyncConnection, wanted: HistoryFilter, limit: int, after: Mark | None
) -> list[HistoryRow]:
    if wanted.outcome == MISSED:
        return []
    step = [events.c.cycle == cycles.c.number]
    told = cycles.c.reason_text.icontains(wanted.text, autoescape=True)
    conditions = [
        *_between(cycles.c.session_day, wanted),
        *_if(wanted.outcome, cycles.c.outcome == ("" if wanted.outcome == RUNNING else wanted.outcome)),
        *_if(wanted.account, exists().where(*step, events.c.account == wanted.account)),
        *_if(wanted.underlying, exists().where(*step, events.c.underlying == wanted.underlying)),
        *_if(
            wanted.reason,
            or_(
                cycles.c.reason_code == wanted.reason,
                # Not `exists`: most reasons are rare, and the index of reasons has their cycles.
                cycles.c.number.in_(select(events.c.cycle).where(events.c.reason == wanted.reason)),
            ),
        ),
        *_if(wanted.text, or_(told, exists().where(*step, events.c.text.icontains(wanted.text, autoescape=True)))),
    ]
    query = _newest(select(cycles).where(*conditions), cycles.c.began_at, cycles.c.number, limit, after)
    found = [cycle_of(row) for row in await connection.execute(query)]
    came_to = await told_of(connection, found)
    return [_cycle(cycle, came_to[cycle.number]) for cycle in found]


def _cycle(cycle: CycleRecord, came_to: CycleTold) -> HistoryRow:
    """The row says what the cycle came to by the fates of its entries (rules 4.4).

    The conditions of a search, like its outcome and its text, are those of the cycle as it was recorded.
    """
    told = came_to.told
    counts = {o.value: came_to.totals.get(o, 0) for o in RANKED} if came_to.totals else cycle.totals
    return _found(
        cycle.began_at,
        cycle.number,
        cycle=cycle.number,
        outcome=told.word if told.outcome is None else told.outcome.value,
        reason=told.reason,
        text="" if told.outcome is not None and told.words == told.outcome.value else told.words,
        figures=(
            ("session_day", cycle.day),
            ("slot", cycle.slot),
            ("forced", cycle.forced),
            ("ended_at", cycle.ended_at),
            ("processed", cycle.totals.get("processed")),
            *((o.value, counts.get(o.value)) for o in RANKED),
            ("word", told.word),
            ("recorded_outcome", cycle.outcome or RUNNING),
            ("recorded_text", cycle.reason_text),
        ),
    )


async def _missed(
    connection: AsyncConnection, wanted: HistoryFilter, limit: int, after: Mark | None
) -> list[HistoryRow]:
    if wanted.outcome not in ("", MISSED) or wanted.account or wanted.underlying:
        return []
    conditions = [
        slots.c.cycle.is_(None),
        slots.c.state == MISSED,
        *_between(slots.c.session_day, wanted),
        *_if(wanted.reason, slots.c.reason_code == wanted.reason),
        *_if(wanted.text, slots.c.reason_text.icontains(wanted.text, autoescape=True)),
        # A cycle that began at the instant of a missed slot is listed before it.
        *([] if after is None else [slots.c.slot <= after.at if after.tie else slots.c.slot < after.at]),
    ]
    query = select(slots).where(*conditions).order_by(slots.c.session_day.desc(), slots.c.slot.desc()).limit(limit)
    empty = ("ended_at", "processed", *(o.value for o in RANKED))
    nothing: Figures = (*((name, None) for name in empty), ("word", MISSED), ("recorded_outcome", MISSED))
    return [
        _found(
            row.slot,
            0,
            outcome=MISSED,
            reason=row.reason_code,
            text=row.reason_text,
            figures=(
                ("session_day", row.session_day),
                ("slot", row.slot),
                ("forced", False),
                *nothing,
                ("recorded_text", row.reason_text),
            ),
        )
        for row in await connection.execute(query)
    ]


async def _attempts(
    connection: AsyncConnection, wanted: HistoryFilter, limit: int, after: Mark | None
) -> list[HistoryRow]:
    """The end of each attempt at an underlying: the event of its refusal, or of its price."""
    ended = or_(events.c.result == StepResult.REFUSED.value, events.c.step == Step.PRICING.value)
    conditions = [
        events.c.attempt.is_not(None),
        ended,
        *_within(events.c.at, wanted),
        *_if(wanted.account, events.c.account == wanted.account),
        *_if(wanted.outcome, events.c.result == wanted.outcome),
        *_if(wanted.reason, events.c.reason == wanted.reason),
        *_if(wanted.underlying, events.c.underlying == wanted.underlying),
        *_if(wanted.text, events.c.text.icontains(wanted.text, autoescape=True)),
    ]
    query = _newest(select(events).where(*conditions), events.c.at, events.c.seq, limit, after)
    return [
        _found(
            row.at,
            row.seq,
            cycle=row.cycle,
            account=row.account or "",
            underlying=row.underlying or "",
            outcome=row.result,
            reason=row.reason or "",
            text=row.text,
            figures=(("attempt", row.attempt), ("step", row.step), *row.figures),
        )
        for row in await connection.execute(query)
    ]


async def _suggestions(
    connection: AsyncConnection, wanted: HistoryFilter, limit: int, after: Mark | None
) -> list[HistoryRow]:
    s = suggestions.c
    conditions = [
        *_between(s.session_day, wanted),
        *_if(wanted.account, s.account == wanted.account),
        *_if(wanted.outcome, _suggestion_word() == wanted.outcome),
        *_if(wanted.underlying, s.underlying == wanted.underlying),
        *_if(wanted.text, _any_of(wanted.text, s.id, s.underlying, s.strikes)),
    ]
    query = _newest(select(suggestions, _suggestion_word()).where(*conditions), s.at, s.id, limit, after)
    shown = ("id", "attempt", "expiration", "strikes", "natural", "mid", "limit", "offset", "max_risk")
    return [
        _found(
            row.at,
            row.id,
            cycle=row.cycle,
            account=row.account,
            underlying=row.underlying,
            outcome=row.word,
            figures=(("session_day", row.session_day), *_named(row, shown)),
        )
        for row in await connection.execute(query)
    ]


def _suggestion_word() -> Label[str]:
    """Whether a suggestion was validated, priced or refused, as a column."""
    s = suggestions.c
    return case((s.validated, VALIDATED), (s.limit.is_(None), REFUSED), else_=PRICED).label("word")


async def _orders(
    connection: AsyncConnection, wanted: HistoryFilter, limit: int, after: Mark | None
) -> list[HistoryRow]:
    e = entries.c
    words = (e.id, e.underlying, e.strikes, e.identifier, e.order_id, e.broker_status, e.detail)
    conditions = [
        *_between(e.session_day, wanted),
        *_if(wanted.account, e.account == wanted.account),
        *_if(wanted.outcome, e.state == wanted.outcome),
        *_if(wanted.underlying, e.underlying == wanted.underlying),
        *_if(wanted.text, _any_of(wanted.text, *words)),
    ]
    query = _newest(select(entries).where(*conditions), e.prepared_at, e.id, limit, after)
    shown = ("id", "expiration", "strikes", "limit", "natural", "mid", "max_risk", "order_id", "broker_status")
    later = ("sent_at", "terminal_at", "holds_day", "identifier", "suggestion_id")
    rows = (await connection.execute(query)).all()
    recorded = await read_entries(connection, _ENTRIES_BY_ID, {"ids": [row.id for row in rows]}) if rows else ()
    fates = {entry.id: fate_of(entry) for entry in recorded}
    return [
        _found(
            row.prepared_at,
            row.id,
            cycle=row.cycle,
            account=row.account,
            underlying=row.underlying,
            outcome=row.state,
            text=fates[row.id].why,
            figures=(
                ("session_day", row.session_day),
                *_named(row, shown),
                *_named(row, later),
                ("fate", fates[row.id].kind.value),
                ("told", fate_words(fates[row.id])),
            ),
        )
        for row in rows
    ]


async def _fills(
    connection: AsyncConnection, wanted: HistoryFilter, limit: int, after: Mark | None
) -> list[HistoryRow]:
    of_entry = (entries.c.cycle, entries.c.underlying, entries.c.session_day, entries.c.order_id)
    conditions = [
        *_within(fills.c.at, wanted),
        *_if(wanted.account, fills.c.account == wanted.account),
        *_if(wanted.underlying, entries.c.underlying == wanted.underlying),
        *_if(wanted.text, _any_of(wanted.text, fills.c.symbol, fills.c.fill_id, entries.c.order_id, entries.c.id)),
    ]
    every = select(fills, *of_entry).join(entries, entries.c.id == fills.c.entry_id).where(*conditions)
    query = _newest(every, fills.c.at, fills.c.seq, limit, after)
    shown = ("entry_id", "order_id", "fill_id", "symbol", "quantity", "price")
    return [
        _found(
            row.at,
            row.seq,
            cycle=row.cycle,
            account=row.account,
            underlying=row.underlying,
            figures=(("session_day", row.session_day), *_named(row, shown)),
        )
        for row in await connection.execute(query)
    ]


async def _commands(
    connection: AsyncConnection, wanted: HistoryFilter, limit: int, after: Mark | None
) -> list[HistoryRow]:
    c = commands.c
    conditions = [
        *_within(c.at, wanted),
        *_if(wanted.outcome, c.state == wanted.outcome),
        *_if(wanted.text, _any_of(wanted.text, c.id, c.kind, c.who, c.target, c.note, c.text)),
    ]
    query = _newest(select(commands).where(*conditions), c.at, c.seq, limit, after)
    return [
        _found(
            row.at,
            row.seq,
            outcome=row.state,
            text=row.text,
            figures=_named(row, ("id", "kind", "who", "target", "note", "finished_at")),
        )
        for row in await connection.execute(query)
    ]


_SOURCES: dict[HistoryKind, tuple[_Source, ...]] = {
    HistoryKind.CYCLES: (_cycles, _missed),
    HistoryKind.ATTEMPTS: (_attempts,),
    HistoryKind.SUGGESTIONS: (_suggestions,),
    HistoryKind.ORDERS: (_orders,),
    HistoryKind.FILLS: (_fills,),
    HistoryKind.COMMANDS: (_commands,),
}


def _newest(
    query: Select[Any], at: ColumnElement[datetime], tie: ColumnElement[Any], limit: int, after: Mark | None
) -> Select[Any]:
    """The query's rows older than `after`, newest first, at most `limit`."""
    if after is not None:
        query = query.where(and_(at <= after.at, or_(at < after.at, tie < after.tie)))
    return query.order_by(at.desc(), tie.desc()).limit(limit)


def _if(wanted: str, condition: ColumnElement[bool]) -> list[ColumnElement[bool]]:
    return [condition] if wanted else []


def _any_of(text: str, *columns: ColumnElement[Any]) -> ColumnElement[bool]:
    return or_(*(column.icontains(text, autoescape=True) for column in columns))


def _between(day: ColumnElement[date], wanted: HistoryFilter) -> list[ColumnElement[bool]]:
    since = [] if wanted.since is None else [day >= wanted.since]
    return since + ([] if wanted.until is None else [day <= wanted.until])


def _within(at: ColumnElement[datetime], wanted: HistoryFilter) -> list[ColumnElement[bool]]:
    since = [] if wanted.since is None else [at >= _midnight(wanted.since)]
    return since + ([] if wanted.until is None else [at < _midnight(wanted.until + timedelta(days=1))])


def _midnight(day: date) -> datetime:
    """The start of a day of the exchange."""
    return datetime.combine(day, time(), EXCHANGE_ZONE)


def _named(row: Row[Any], names: tuple[str, ...]) -> Figures:
    return tuple((name, row._mapping[name]) for name in names)
