"""Searches the cycles and the slots that were missed, by what they are told to have come to (rules 4.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, bindparam, exists, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.operation.figures import Figures
from core.domain.operation.outcomes import RANKED
from core.domain.operation.reasons import Reason
from core.domain.orders.fate import FATE_REASONS, FateKind
from core.domain.reporting.told import HELD, HELD_BY, INTERRUPTED, MISSED, RUNNING, VALIDATED
from core.records.repositories.cycles import cycle_of
from core.records.repositories.rows import CycleRecord
from core.records.search.conditions import between, full_page, holds, newest, row_found, when
from core.records.search.history_rows import HistoryFilter, HistoryRow, Mark
from core.records.search.told_cycles import CycleTold, told_of
from core.records.search.trident_rows import Results, result_figures, results_of
from core.records.store.tables import account_results, cycles, entries, events, slots, suggestions

_OUTCOMES = frozenset(outcome.value for outcome in RANKED)
_FATES = frozenset(kind.value for kind in FateKind)
_OF_FATES = frozenset(reason.code for reason in FATE_REASONS)
_MADE_AN_ENTRY = cycles.c.number.in_(select(entries.c.cycle))
_MET_THE_DAYS_ENTRY = cycles.c.number.in_(
    select(account_results.c.cycle).where(account_results.c.reason_code.in_(sorted(HELD_BY)))
)
_MADE_IN = select(entries.c.id, entries.c.cycle).where(entries.c.cycle.in_(bindparam("numbers", expanding=True)))
_VALIDATED = cycles.c.number.in_(select(suggestions.c.cycle).where(suggestions.c.validated))


async def cycles_found(
    connection: AsyncConnection, wanted: HistoryFilter, limit: int, after: Mark | None
) -> list[HistoryRow]:
    """The cycles that fit. SQL finds those that may, and what each is told to have come to decides."""
    if wanted.outcome == MISSED:
        return []
    step = [events.c.cycle == cycles.c.number]
    has_text = exists().where(*step, holds(events.c.text, wanted.text))
    has_reason = exists().where(*step, events.c.reason == wanted.reason)
    conditions = [
        *between(cycles.c.session_day, wanted),
        *when(wanted.outcome, _may_have_come_to(wanted.outcome)),
        *when(wanted.account, exists().where(*step, events.c.account == wanted.account)),
        *when(wanted.underlying, exists().where(*step, events.c.underlying == wanted.underlying)),
        *when(wanted.reason, _may_have_reason(wanted.reason)),
        *when(wanted.text, or_(has_text, _may_be_told_with(wanted.text))),
    ]
    columns = (
        (has_text if wanted.text else literal(True)).label("has_text"),
        (has_reason if wanted.reason else literal(True)).label("has_reason"),
    )
    query = select(cycles, *columns).where(*conditions)

    async def batch(size: int, older_than: Mark | None) -> list[tuple[HistoryRow, bool]]:
        rows = (await connection.execute(newest(query, cycles.c.began_at, cycles.c.number, size, older_than))).all()
        read = [cycle_of(row) for row in rows]
        told = await told_of(connection, read)
        earned = await _realized_in(connection, [cycle.number for cycle in read])
        return [
            (_row(cycle, told[cycle.number], earned.get(cycle.number)), _fits(told[cycle.number], row, wanted))
            for cycle, row in zip(read, rows, strict=True)
        ]

    asked = bool(wanted.outcome or wanted.reason or wanted.text)
    return await full_page(batch, limit, after, some_may_not_fit=asked)


def _may_have_come_to(outcome: str) -> ColumnElement[bool]:
    """Where a cycle may be told to have come to this: a fate takes the place of what was recorded."""
    if outcome in _OUTCOMES:
        return or_(cycles.c.outcome == outcome, _MADE_AN_ENTRY)
    where = {
        RUNNING: cycles.c.ended_at.is_(None),
        VALIDATED: _VALIDATED,
        HELD: _MET_THE_DAYS_ENTRY,
        INTERRUPTED: cycles.c.reason_code == Reason.INTERRUPTED.code,
    }
    return where.get(outcome, _MADE_AN_ENTRY)


def _may_have_reason(reason: str) -> ColumnElement[bool]:
    found = or_(
        cycles.c.reason_code == reason,
        # Not `exists`: most reasons are rare, and the index of reasons has their cycles.
        cycles.c.number.in_(select(events.c.cycle).where(events.c.reason == reason)),
    )
    return or_(found, _MADE_AN_ENTRY) if reason in _OF_FATES else found


def _may_be_told_with(text: str) -> ColumnElement[bool]:
    """Where a cycle may be told with this text: as it was recorded, or in words made of a fate or of an outcome."""
    of_runs = select(account_results.c.cycle).where(holds(account_results.c.reason_text, text))
    recorded = holds(cycles.c.reason_text, text)
    in_words = cycles.c.reason_text == ""
    return or_(recorded, cycles.c.number.in_(of_runs), in_words, _MADE_AN_ENTRY, _MET_THE_DAYS_ENTRY)


def _fits(came_to: CycleTold, row: Any, wanted: HistoryFilter) -> bool:
    told = (came_to.told, *came_to.accounts.values())
    return (
        (not wanted.outcome or _came_to(came_to, wanted.outcome))
        and (row.has_reason or any(one.reason == wanted.reason for one in told))
        and (row.has_text or any(wanted.text.lower() in one.beside_outcome.lower() for one in told))
    )


def _came_to(came_to: CycleTold, outcome: str) -> bool:
    """Whether the cycle came to this outcome, or to a word like `filled` for one of its accounts."""
    if outcome in _OUTCOMES:
        return came_to.told.outcome is not None and came_to.told.outcome.value == outcome
    told = (came_to.told, *came_to.accounts.values())
    if outcome == INTERRUPTED:
        return any(one.reason == Reason.INTERRUPTED.code for one in told)
    return outcome in {one.word for one in told}


async def _realized_in(connection: AsyncConnection, numbers: Sequence[int]) -> Mapping[int, Results]:
    """What the tridents that were entered in each of these cycles have realized so far, by the cycle's number."""
    if not numbers:
        return {}
    made = {row.id: row.cycle for row in await connection.execute(_MADE_IN, {"numbers": list(numbers)})}
    earned: dict[int, Results] = {}
    for entry_id, realized in (await results_of(connection, list(made)) if made else {}).items():
        earned[made[entry_id]] = earned.get(made[entry_id], Results()) + realized
    return earned


def _row(cycle: CycleRecord, came_to: CycleTold, realized: Results | None) -> HistoryRow:
    told = came_to.told
    counts = {o.value: came_to.totals.get(o, 0) for o in RANKED} if came_to.totals else cycle.totals
    return row_found(
        cycle.began_at,
        cycle.number,
        cycle=cycle.number,
        outcome=told.word if told.outcome is None else told.outcome.value,
        reason=told.reason,
        text=told.beside_outcome,
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
            *result_figures(realized),
        ),
    )


async def missed_found(
    connection: AsyncConnection, wanted: HistoryFilter, limit: int, after: Mark | None
) -> list[HistoryRow]:
    """The missed slots that fit."""
    if wanted.outcome not in ("", MISSED) or wanted.account or wanted.underlying:
        return []
    conditions = [
        slots.c.cycle.is_(None),
        slots.c.state == MISSED,
        *between(slots.c.session_day, wanted),
        *when(wanted.reason, slots.c.reason_code == wanted.reason),
        *when(wanted.text, holds(slots.c.reason_text, wanted.text)),
        # A cycle that began at the instant of a missed slot is listed before it.
        *([] if after is None else [slots.c.slot <= after.at if after.tie else slots.c.slot < after.at]),
    ]
    query = select(slots).where(*conditions).order_by(slots.c.session_day.desc(), slots.c.slot.desc()).limit(limit)
    empty = ("ended_at", "processed", *(o.value for o in RANKED))
    nothing: Figures = (*((name, None) for name in empty), ("word", MISSED), ("recorded_outcome", MISSED))
    return [
        row_found(
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
                *result_figures(None),
            ),
        )
        for row in await connection.execute(query)
    ]
