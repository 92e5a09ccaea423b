"""Searches the cycles and the slots that were missed, by what they are told to have come to (rules 4.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, exists, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.operation.figures import Figures
from core.domain.operation.outcomes import RANKED
from core.domain.operation.reasons import Reason
from core.domain.orders.fate import FATE_REASONS, FateKind
from core.domain.orders.order_states import OrderState
from core.domain.reporting.told import (
    HELD,
    HELD_BY,
    INTERRUPTED,
    MISSED,
    RUNNING,
    VALIDATED,
    may_tell_of_filled,
)
from core.records.repositories.cycles import cycle_of
from core.records.repositories.rows import CycleRecord
from core.records.search.conditions import Batch, between, full_page, holds, newest, row_found, when
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
_IS_ANOTHER = entries.c.state != OrderState.FILLED.value
_MADE_ANOTHER_ENTRY = cycles.c.number.in_(select(entries.c.cycle).where(_IS_ANOTHER))
_MET_ANOTHER_ENTRY = cycles.c.number.in_(
    select(account_results.c.cycle)
    .join(
        entries,
        (entries.c.account == account_results.c.account) & (entries.c.session_day == account_results.c.session_day),
    )
    .where(account_results.c.reason_code.in_(sorted(HELD_BY)), _IS_ANOTHER)
)
"""As the two above, for an entry that is not filled."""
_MADE_IN = select(entries.c.id, entries.c.cycle).where(entries.c.cycle.in_(bindparam("numbers", expanding=True)))
_VALIDATED = cycles.c.number.in_(select(suggestions.c.cycle).where(suggestions.c.validated))


NEAR = 1_000
"""How many of the newest cycles have the steps of each looked up for words, before all steps are read."""
FAR_AT_A_TIME = 2_000
"""How many older cycles are read at a time: each time, all steps are read."""


async def cycles_found(
    connection: AsyncConnection, wanted: HistoryFilter, limit: int, after: Mark | None
) -> list[HistoryRow]:
    """The cycles that fit. SQL finds those that may, and what each is told to have come to decides."""
    if wanted.outcome == MISSED:
        return []
    step = [events.c.cycle == cycles.c.number]
    has_reason = exists().where(*step, events.c.reason == wanted.reason)
    conditions = [
        *between(cycles.c.session_day, wanted),
        *when(wanted.outcome, _may_have_come_to(wanted.outcome)),
        *when(wanted.account, exists().where(*step, events.c.account == wanted.account)),
        *when(wanted.underlying, exists().where(*step, events.c.underlying == wanted.underlying)),
        *when(wanted.reason, _may_have_reason(wanted.reason)),
    ]
    of_reason = (has_reason if wanted.reason else literal(True)).label("has_reason")
    query = select(cycles, of_reason).where(*conditions)
    if not wanted.text:
        asked = bool(wanted.outcome or wanted.reason)
        every = _batches(connection, query.add_columns(literal(True).label("has_text")), wanted)
        return await full_page(every, limit, after, some_may_not_fit=asked)

    in_step = holds(events.c.text, wanted.text)
    told = _may_be_told_with(wanted.text)

    def with_text(has_text: ColumnElement[bool]) -> Select[Any]:
        return query.where(or_(has_text, told)).add_columns(has_text.label("has_text"))

    older = [] if after is None else [cycles.c.began_at <= after.at]
    began = select(cycles.c.began_at).where(*older).order_by(cycles.c.began_at.desc())
    far = (await connection.execute(began.limit(1).offset(NEAR))).scalar()
    near = with_text(exists().where(*step, in_step))
    near = near if far is None else near.where(cycles.c.began_at > far)
    page = await full_page(_batches(connection, near, wanted), limit, after, some_may_not_fit=True)
    if far is None or len(page) >= limit:
        return page
    # Rare words: to read all steps once from end to end takes less than to look up those of each cycle.
    rest = with_text(cycles.c.number.in_(select(events.c.cycle).where(in_step))).where(cycles.c.began_at <= far)
    return page + await full_page(
        _batches(connection, rest, wanted), limit - len(page), after, some_may_not_fit=True, at_a_time=FAR_AT_A_TIME
    )


def _batches(connection: AsyncConnection, query: Select[Any], wanted: HistoryFilter) -> Batch:
    """Reads cycles of this query, which says of each whether its steps have the text and the reason."""

    async def batch(size: int, older_than: Mark | None) -> list[tuple[HistoryRow, bool]]:
        rows = (await connection.execute(newest(query, cycles.c.began_at, cycles.c.number, size, older_than))).all()
        read = [cycle_of(row) for row in rows]
        told = await told_of(connection, read)
        fits = [_fits(told[row.number], row, wanted) for row in rows]
        shown = [cycle.number for cycle, is_wanted in zip(read, fits, strict=True) if is_wanted]
        earned = await _realized_in(connection, shown)
        return [
            (_row(cycle, told[cycle.number], earned.get(cycle.number)), is_wanted)
            for cycle, is_wanted in zip(read, fits, strict=True)
        ]

    return batch


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
    """Where a cycle may be told with this text: as it was recorded, or in words made of a fate or of an outcome.

    Most entries are filled in the end, and little is told of them: cycles told by them alone are left out where that
    cannot have the text.
    """
    of_runs = select(account_results.c.cycle).where(holds(account_results.c.reason_text, text))
    recorded = or_(holds(cycles.c.reason_text, text), cycles.c.number.in_(of_runs))
    in_words = cycles.c.reason_text == ""
    if may_tell_of_filled(text):
        return or_(recorded, in_words, _MADE_AN_ENTRY, _MET_THE_DAYS_ENTRY)
    return or_(recorded, in_words & (cycles.c.reason_code != ""), _MADE_ANOTHER_ENTRY, _MET_ANOTHER_ENTRY)


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
