"""The running cycle, or the last one, for the screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from core.cycle.attempts import MAX_ATTEMPTS
from core.cycle.progress import CycleProgress
from core.domain.operation import times
from core.domain.operation.events import Step, masked
from core.domain.reporting.told import STILL_RUNNING
from core.records.repositories.rows import CycleRecord
from core.records.search.told_cycles import CycleTold
from core.snapshot import AccountTold, CycleSlice, SlotState, SlotView, StepState, StepView, ToldView
from core.views.moment import Moment


def cycle_slice(
    moment: Moment,
    progress: CycleProgress | None,
    newest: int,
    slots: Sequence[SlotView],
    next_slot: datetime,
    speed: float,
    recorded: CycleRecord | None = None,
    told: CycleTold | None = None,
) -> CycleSlice:
    """The cycle's steps and figures. Before the first cycle of this process it is the last one `recorded` today, or
    number 0 without one. `speed` is market seconds in a wall second, `told` what the cycle came to, once it ended."""
    # Market time without microseconds, like the clock on the screen, so that the two never differ.
    until_next = max(0, int((next_slot - moment.now.replace(microsecond=0)).total_seconds()))
    previous = _previous(None if progress is None else progress.slot, slots)
    if progress is None and recorded is not None:
        return replace(
            _recorded(recorded, newest, _previous(recorded.slot, slots), until_next, moment.now, speed),
            day=recorded.day,
            **_told(told),
        )
    if progress is None:
        steps = tuple(StepView(step.word, StepState.TODO) for step in Step)
        return CycleSlice(0, None, False, False, 0, MAX_ATTEMPTS, steps, 0, "", "", "", previous, until_next, newest)
    ended = progress.ended if progress.ended is not None else moment.monotonic
    return CycleSlice(
        number=progress.number,
        slot=progress.slot,
        forced=progress.forced,
        running=progress.ended is None,
        attempt=progress.attempt,
        max_attempts=MAX_ATTEMPTS,
        steps=tuple(StepView(s.word, progress.steps[s], progress.details.get(s, "")) for s in Step),
        elapsed_s=int(ended - progress.started),
        outcome="" if progress.outcome is None else progress.outcome.value,
        reason_code="" if progress.refusal is None else progress.refusal.code,
        reason=_reason(progress),
        previous=previous,
        next_slot_in_s=until_next,
        newest=newest,
        day=progress.day,
        **_told(told),
    )


def _told(told: CycleTold | None) -> dict[str, Any]:
    """What the cycle came to, in all and by account. One that has not ended yet is still running."""
    if told is None:
        return {"told": ToldView.of(STILL_RUNNING)}
    accounts = (AccountTold(masked(account), ToldView.of(each)) for account, each in told.accounts.items())
    return {"told": ToldView.of(told.told), "accounts": tuple(accounts)}


def _reason(progress: CycleProgress) -> str:
    """Why the cycle ended so. When no underlying passed, what the last attempt at each of them said (rules 4.2)."""
    if progress.refusal is None:
        return ""
    last = {attempt.underlying: attempt for attempt in progress.attempts}
    if len(last) < 2 or any(attempt.result not in ("RETRY", "REFUSED") for attempt in last.values()):
        return progress.refusal.sentence()
    return "; ".join(dict.fromkeys(attempt.reason for attempt in last.values()))


def _recorded(
    cycle: CycleRecord, newest: int, previous: str, until_next: int, now: datetime, speed: float
) -> CycleSlice:
    """A cycle of an earlier process: its end is known here, its steps only in the journal."""
    ended = cycle.ended_at or now
    return CycleSlice(
        number=cycle.number,
        slot=cycle.slot,
        forced=cycle.forced,
        running=False,
        attempt=0,
        max_attempts=MAX_ATTEMPTS,
        steps=(),
        elapsed_s=int((ended - cycle.began_at).total_seconds() / speed),
        outcome=cycle.outcome,
        reason_code=cycle.reason_code,
        reason=cycle.reason_text,
        previous=previous,
        next_slot_in_s=until_next,
        newest=newest,
    )


def _previous(shown: datetime | None, slots: Sequence[SlotView]) -> str:
    """One line about the slot before that of the shown cycle."""
    for view in reversed(slots):
        if view.at == shown or view.state not in (SlotState.DONE, SlotState.MISSED):
            continue
        word = view.outcome or view.state.value
        return f"{times.minute(view.at)} {word}" + (f": {view.reason}" if view.reason else "")
    return ""
