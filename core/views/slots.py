"""Today's slots for the screen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from core.domain.operation.outcomes import Outcome
from core.records.repositories.rows import SlotRecord
from core.snapshot import SlotState, SlotView

_STATES = {"claimed": SlotState.RUNNING, "done": SlotState.DONE, "missed": SlotState.MISSED}


def slot_views(
    slots: Sequence[datetime], records: Sequence[SlotRecord], next_slot: datetime, now: datetime
) -> tuple[SlotView, ...]:
    """Every slot of today with its state: recorded, next or to come."""
    recorded = {record.slot: record for record in records}
    views: list[SlotView] = []
    for slot in slots:
        record = recorded.get(slot)
        if record is not None:
            state = _STATES.get(record.state, SlotState.DONE)
            outcome = record.outcome or (Outcome.FAILED.value if record.state == "interrupted" else "")
            views.append(SlotView(slot, state, outcome, record.reason_text))
        elif slot <= now:
            views.append(SlotView(slot, SlotState.TO_COME, "", "due"))
        else:
            views.append(SlotView(slot, SlotState.NEXT if slot == next_slot else SlotState.TO_COME, "", ""))
    return tuple(views)
