"""Searches the records: one kind of thing at a time, filtered, newest first, page by page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from typing import Any

from sqlalchemy import Label, case, literal, or_, select
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.operation.events import Step, StepResult
from core.domain.operation.figures import Figures
from core.domain.orders.fate import Fate, FateKind, fate_of, fate_words
from core.domain.orders.order_states import OrderState
from core.domain.reporting.told import VALIDATED
from core.records.repositories.entry_rows import entries_where, read_entries
from core.records.search.conditions import (
    any_of,
    between,
    full_page,
    holds,
    newest,
    newest_holding,
    row_found,
    when,
    within,
)
from core.records.search.cycle_rows import cycles_found, missed_found
from core.records.search.history_rows import (
    OUTCOMES,
    PRICED,
    REFUSED,
    HistoryFilter,
    HistoryKind,
    HistoryRow,
    Mark,
    not_of,
    outcome_word,
)
from core.records.search.trident_rows import Results, exits_found, result_figures, results_of, tridents_found
from core.records.store.database import Database
from core.records.store.one_of import one_of
from core.records.store.tables import commands, entries, events, fills, suggestions
from core.records.store.types import stored_words

_ENTRIES_BY_ID = entries_where(one_of(entries.c.id, "ids"))

__all__ = ["OUTCOMES", "History", "HistoryFilter", "HistoryKind", "HistoryRow", "Mark", "not_of", "outcome_word"]


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
        wanted = replace(wanted, outcome=outcome_word(wanted.outcome), text=stored_words(wanted.text))
        async with self._database.read() as connection:
            found: list[HistoryRow] = []
            for source in _SOURCES[kind]:
                found += await source(connection, wanted, limit, after)
        # Cycles and missed slots come from two tables, each ordered by itself.
        ordered = sorted(found, key=lambda row: row.at, reverse=True) if len(_SOURCES[kind]) > 1 else found
        return tuple(islice(ordered, limit))


_Source = Callable[[AsyncConnection, HistoryFilter, int, Mark | None], Any]


async def _attempts(
    connection: AsyncConnection, wanted: HistoryFilter, limit: int, after: Mark | None
) -> list[HistoryRow]:
    """The end of each attempt at an underlying: the event of its refusal, or of its price."""
    ended = or_(events.c.result == StepResult.REFUSED.value, events.c.step == Step.PRICING.value)
    conditions = [
        events.c.attempt.is_not(None),
        ended,
        *within(events.c.at, wanted),
        *when(wanted.account, events.c.account == wanted.account),
        *when(wanted.outcome, events.c.result == wanted.outcome),
        *when(wanted.reason, events.c.reason == wanted.reason),
        *when(wanted.underlying, events.c.underlying == wanted.underlying),
        *when(wanted.text, holds(events.c.text, wanted.text)),
    ]
    query, order = select(events).where(*conditions), (events.c.at, events.c.seq)
    if wanted.text:
        found = await newest_holding(connection, query, *order, limit, after)
    else:
        found = (await connection.execute(newest(query, *order, limit, after))).all()
    return [
        row_found(
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
        for row in found
    ]


async def _suggestions(
    connection: AsyncConnection, wanted: HistoryFilter, limit: int, after: Mark | None
) -> list[HistoryRow]:
    s = suggestions.c
    conditions = [
        *between(s.session_day, wanted),
        *when(wanted.account, s.account == wanted.account),
        *when(wanted.outcome, _suggestion_word() == wanted.outcome),
        *when(wanted.underlying, s.underlying == wanted.underlying),
        *when(wanted.text, any_of(wanted.text, s.id, s.underlying, s.strikes)),
    ]
    query = newest(select(suggestions, _suggestion_word()).where(*conditions), s.at, s.id, limit, after)
    shown = ("id", "attempt", "expiration", "strikes", "natural", "mid", "limit", "offset", "max_risk")
    return [
        row_found(
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
    """The orders that fit: by what the broker's word made of them, and by their fates (rules 9)."""
    e = entries.c
    words = (e.id, e.underlying, e.strikes, e.identifier, e.order_id, e.broker_status)
    has_text = any_of(wanted.text, *words)
    conditions = [
        *between(e.session_day, wanted),
        *when(wanted.account, e.account == wanted.account),
        *when(wanted.outcome, e.state.in_(_states_of(wanted.outcome))),
        *when(wanted.underlying, e.underlying == wanted.underlying),
        *when(wanted.text, or_(has_text, any_of(wanted.text, e.detail, e.cancel_requested_by))),
    ]
    query = select(entries, (has_text if wanted.text else literal(True)).label("has_text")).where(*conditions)

    async def batch(size: int, older_than: Mark | None) -> list[tuple[HistoryRow, bool]]:
        rows = (await connection.execute(newest(query, e.prepared_at, e.id, size, older_than))).all()
        recorded = await read_entries(connection, _ENTRIES_BY_ID, {"ids": [row.id for row in rows]}) if rows else ()
        fates = {entry.id: fate_of(entry) for entry in recorded}
        earned = await results_of(connection, [row.id for row in rows]) if rows else {}
        return [
            (_order(row, fates[row.id], earned.get(row.id)), _order_fits(row, fates[row.id], wanted)) for row in rows
        ]

    return await full_page(batch, limit, after, some_may_not_fit=bool(wanted.outcome or wanted.text))


def _states_of(outcome: str) -> list[str]:
    """The recorded states of the orders that may have this state or fate."""
    more = {
        FateKind.SENDING.value: (OrderState.PREPARED, OrderState.SENT),
        FateKind.PARTLY.value: (OrderState.WORKING,),
    }
    return [s.value for s in more.get(outcome, [s for s in OrderState if outcome_word(s.value) == outcome])]


def _order_fits(row: Row[Any], fate: Fate, wanted: HistoryFilter) -> bool:
    """The record may keep the detail of an earlier state, which the fate no longer tells."""
    is_outcome = wanted.outcome in ("", outcome_word(row.state), fate.kind.value)
    return is_outcome and (row.has_text or wanted.text.lower() in fate_words(fate).lower())


def _order(row: Row[Any], fate: Fate, realized: Results | None) -> HistoryRow:
    shown = ("natural", "mid", "max_risk", "order_id", "broker_status")
    later = ("sent_at", "terminal_at", "holds_day", "identifier", "suggestion_id")
    return row_found(
        row.prepared_at,
        row.id,
        cycle=row.cycle,
        account=row.account,
        underlying=row.underlying,
        outcome=row.state,
        text=fate.why,
        figures=(
            ("session_day", row.session_day),
            *_named(row, ("id", "expiration", "strikes")),
            ("limit", fate.limit),
            *_named(row, shown),
            *_named(row, later),
            ("fate", fate.kind.value),
            ("told", fate_words(fate)),
            ("fill_credit", fate.credit),
            *result_figures(realized),
        ),
    )


async def _fills(
    connection: AsyncConnection, wanted: HistoryFilter, limit: int, after: Mark | None
) -> list[HistoryRow]:
    of_entry = (
        entries.c.id.label("entry_id"),
        entries.c.cycle,
        entries.c.underlying,
        entries.c.session_day,
        entries.c.order_id,
    )
    conditions = [
        *within(fills.c.at, wanted),
        *when(wanted.account, fills.c.account == wanted.account),
        *when(wanted.underlying, entries.c.underlying == wanted.underlying),
        *when(wanted.text, any_of(wanted.text, fills.c.symbol, fills.c.fill_id, entries.c.order_id, entries.c.id)),
    ]
    every = select(fills, *of_entry).join(entries, entries.c.id == fills.c.intent_id).where(*conditions)
    query = newest(every, fills.c.at, fills.c.seq, limit, after)
    shown = ("entry_id", "order_id", "fill_id", "symbol", "quantity", "price")
    return [
        row_found(
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
        *within(c.at, wanted),
        *when(wanted.outcome, c.state == wanted.outcome),
        *when(wanted.text, any_of(wanted.text, c.id, c.kind, c.who, c.target, c.note, c.text)),
    ]
    query = newest(select(commands).where(*conditions), c.at, c.seq, limit, after)
    return [
        row_found(
            row.at,
            row.seq,
            outcome=row.state,
            text=row.text,
            figures=_named(row, ("id", "kind", "who", "target", "note", "finished_at")),
        )
        for row in await connection.execute(query)
    ]


_SOURCES: dict[HistoryKind, tuple[_Source, ...]] = {
    HistoryKind.CYCLES: (cycles_found, missed_found),
    HistoryKind.ATTEMPTS: (_attempts,),
    HistoryKind.SUGGESTIONS: (_suggestions,),
    HistoryKind.ORDERS: (_orders,),
    HistoryKind.FILLS: (_fills,),
    HistoryKind.COMMANDS: (_commands,),
    HistoryKind.EXITS: (exits_found,),
    HistoryKind.TRIDENTS: (tridents_found,),
}


def _named(row: Row[Any], names: tuple[str, ...]) -> Figures:
    return tuple((name, row._mapping[name]) for name in names)
