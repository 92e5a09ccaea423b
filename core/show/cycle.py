"""The running or last cycle as the operator sees it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from core.attempts import MAX_ATTEMPTS
from core.clock import Clock, exchange_time
from core.domain.events import Step
from core.progress import CycleProgress
from core.snapshot import CycleSlice, SlotState, SlotView, StepState, StepView


def cycle_slice(
    progress: CycleProgress | None,
    newest: int,
    slots: Sequence[SlotView],
    next_slot: datetime,
    clock: Clock,
) -> CycleSlice:
    """The cycle's steps and figures; number 0 before the first cycle of this process."""
    # Market time, cut as the clock on the screen is, so that the two never differ.
    until_next = max(0, int((next_slot - clock.now().replace(microsecond=0)).total_seconds()))
    previous = _previous(progress, slots)
    if progress is None:
        steps = tuple(StepView(step.value, StepState.TODO) for step in Step)
        return CycleSlice(0, None, False, False, 0, MAX_ATTEMPTS, steps, 0, "", "", "", previous, until_next, newest)
    ended = progress.ended if progress.ended is not None else clock.monotonic()
    return CycleSlice(
        number=progress.number,
        slot=progress.slot,
        forced=progress.forced,
        running=progress.ended is None,
        attempt=progress.attempt,
        max_attempts=MAX_ATTEMPTS,
        steps=tuple(StepView(s.value, progress.steps[s], progress.details.get(s, "")) for s in Step),
        elapsed_s=int(ended - progress.started),
        outcome="" if progress.outcome is None else progress.outcome.value,
        reason_code="" if progress.refusal is None else progress.refusal.code,
        reason=_reason(progress),
        previous=previous,
        next_slot_in_s=until_next,
        newest=newest,
    )


def _reason(progress: CycleProgress) -> str:
    """Why it ended so: when no underlying passed, what the last attempt at each said (SPEC 4.2)."""
    if progress.refusal is None:
        return ""
    last = {attempt.underlying: attempt for attempt in progress.attempts}
    if len(last) < 2 or any(attempt.result not in ("RETRY", "REFUSED") for attempt in last.values()):
        return progress.refusal.sentence()
    return "; ".join(dict.fromkeys(attempt.reason for attempt in last.values()))


def _previous(progress: CycleProgress | None, slots: Sequence[SlotView]) -> str:
    """The slot before the shown cycle, in a line."""
    shown = None if progress is None else progress.slot
    for view in reversed(slots):
        if view.at == shown or view.state not in (SlotState.DONE, SlotState.MISSED):
            continue
        word = view.outcome or view.state.value
        return f"{exchange_time(view.at):%H:%M} {word}" + (f": {view.reason}" if view.reason else "")
    return ""
