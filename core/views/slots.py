"""Today's slots for the screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from core.domain.orders.next_step import Next, NextStep
from core.domain.reporting.told import told_slot
from core.records.repositories.rows import SlotRecord
from core.records.search.told_cycles import CycleTold
from core.snapshot import SlotState, SlotView, ToldView

_STATES = {"claimed": SlotState.RUNNING, "done": SlotState.DONE, "missed": SlotState.MISSED}
_ENTERS_NOTHING = frozenset({Next.DONE, Next.VALIDATED, Next.HELD, Next.WORKING, Next.SKIPPED, Next.OFF})
"""What keeps every slot that is left from entering, for as long as it stands."""


def slot_views(
    slots: Sequence[datetime],
    records: Sequence[SlotRecord],
    cycles: Mapping[int, CycleTold],
    coming: NextStep,
    now: datetime,
) -> tuple[SlotView, ...]:
    """Every slot of today with its state: recorded, or what the next step makes of one that comes.

    `cycles` has what each cycle came to, by number; `coming` what comes next for the console.
    """
    recorded = {record.slot: record for record in records}
    views: list[SlotView] = []
    for slot in slots:
        record = recorded.get(slot)
        if record is not None:
            views.append(_recorded(record, cycles))
        elif slot <= now:
            views.append(SlotView(slot, SlotState.TO_COME, "", "due"))
        else:
            views.append(_coming(slot, coming))
    return tuple(views)


def _recorded(record: SlotRecord, cycles: Mapping[int, CycleTold]) -> SlotView:
    ran = None if record.cycle is None else cycles.get(record.cycle)
    whole = None if ran is None else ran.told
    told = told_slot(record.state, record.outcome, record.reason_code, record.reason_text, whole)
    return SlotView(
        at=record.slot,
        state=_STATES.get(record.state, SlotState.DONE),
        outcome="" if told.outcome is None else told.outcome.value,
        reason=told.beside_word,
        told=ToldView.of(told),
        cycle=record.cycle,
    )


def _coming(slot: datetime, coming: NextStep) -> SlotView:
    """A slot that comes. Where it enters nothing, or will be missed, it says why."""
    if slot == coming.enters_at:
        return SlotView(slot, SlotState.NEXT, "", "")
    state = SlotState.TO_COME
    if slot == coming.misses_at:
        state = SlotState.WILL_MISS
    elif coming.kind in _ENTERS_NOTHING:
        state = SlotState.HELD
    if state is SlotState.TO_COME:
        return SlotView(slot, state, "", "")
    return SlotView(slot, state, "", coming.words, told=ToldView(None, coming.kind.value, coming.words))
