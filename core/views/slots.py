"""Today's slots for the screen, and the forced cycles between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from core.domain.orders.next_step import Next, NextStep, rest_words
from core.domain.reporting.told import Told, told_slot
from core.records.repositories.rows import CycleRecord, SlotRecord
from core.records.search.told_cycles import CycleTold
from core.snapshot import SlotState, SlotView, ToldView

_STATES = {"claimed": SlotState.RUNNING, "done": SlotState.DONE, "missed": SlotState.MISSED}
_ENTERS_NOTHING = frozenset({Next.DONE, Next.VALIDATED, Next.HELD, Next.WORKING, Next.SKIPPED, Next.OFF})
"""What keeps every slot that is left from entering, for as long as it stands."""


def slot_views(
    slots: Sequence[datetime],
    records: Sequence[SlotRecord],
    cycles: Sequence[CycleRecord],
    told: Mapping[int, CycleTold],
    coming: NextStep,
    now: datetime,
) -> tuple[SlotView, ...]:
    """Every slot of today with its state: recorded, or what the next step makes of one that comes. Each forced cycle
    stands among them at the time at which it began, and so does a recorded slot that the settings no longer plan.

    `told` has what each of the day's `cycles` came to, by number; `coming` what comes next for the console.
    """
    recorded = {record.slot: record for record in records}
    views = [_forced(cycle, told[cycle.number].told) for cycle in cycles if cycle.slot is None]
    for slot in {*slots, *recorded}:
        record = recorded.get(slot)
        if record is not None:
            views.append(_recorded(record, told))
        elif slot <= now:
            views.append(SlotView(slot, SlotState.TO_COME, "", "due"))
        else:
            views.append(_coming(slot, coming))
    return tuple(sorted(views, key=lambda view: (view.at, view.forced, view.cycle or 0)))


def _recorded(record: SlotRecord, cycles: Mapping[int, CycleTold]) -> SlotView:
    ran = None if record.cycle is None else cycles.get(record.cycle)
    whole = None if ran is None else ran.told
    told = told_slot(record.state, record.outcome, record.reason_code, record.reason_text, whole)
    return _view(record.slot, _STATES.get(record.state, SlotState.DONE), told, record.cycle)


def _forced(cycle: CycleRecord, told: Told) -> SlotView:
    state = SlotState.RUNNING if cycle.ended_at is None else SlotState.DONE
    return _view(cycle.began_at.replace(microsecond=0), state, told, cycle.number, forced=True)


def _view(at: datetime, state: SlotState, told: Told, cycle: int | None, *, forced: bool = False) -> SlotView:
    return SlotView(
        at=at,
        state=state,
        outcome="" if told.outcome is None else told.outcome.value,
        reason=told.beside_word,
        forced=forced,
        told=ToldView.of(told),
        cycle=cycle,
    )


def _coming(slot: datetime, coming: NextStep) -> SlotView:
    """A slot that comes. Where it enters nothing, or will be missed, it says why."""
    if slot == coming.enters_at:
        return SlotView(slot, SlotState.NEXT, "", "")
    state = SlotState.TO_COME
    if slot == coming.misses_at:
        state = SlotState.WILL_MISS
    elif coming.kind in _ENTERS_NOTHING or coming.next_day is not None:
        state = SlotState.HELD
    elif coming.misses_at is not None and slot > coming.misses_at:
        words = rest_words(coming.kind, ends_today=coming.next_day is None)
        return SlotView(slot, SlotState.WILL_MISS, "", words, told=ToldView(None, coming.kind.value, words))
    if state is SlotState.TO_COME:
        return SlotView(slot, state, "", "")
    return SlotView(slot, state, "", coming.words, told=ToldView(None, coming.kind.value, coming.words))
