"""The running cycle, or the last one, for the screen."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from core.cycle.progress import MAX_ATTEMPTS, CycleProgress
from core.domain.operation import times
from core.domain.operation.events import Step, masked
from core.domain.operation.outcomes import Outcome
from core.domain.orders.fate import Fate
from core.domain.reporting.told import HELD, STILL_RUNNING, CycleEnd, Told, told_cycle
from core.records.repositories.rows import CycleRecord
from core.records.search.told_cycles import CycleTold
from core.snapshot import AccountTold, CycleSlice, SlotState, SlotView, StepState, StepView, ToldView
from core.views.day_panels import DayPanels
from core.views.moment import Moment

_NO_CYCLE = CycleSlice(
    number=0,
    slot=None,
    forced=False,
    running=False,
    attempt=0,
    max_attempts=MAX_ATTEMPTS,
    steps=tuple(StepView(step.word, StepState.TODO) for step in Step),
    elapsed_s=0,
    outcome="",
    reason="",
    previous="",
)
_SENT = {Outcome.SUCCEEDED: StepState.DONE, Outcome.SKIPPED: StepState.SKIPPED, Outcome.UNKNOWN: StepState.FAILED}


def cycle_slice(
    moment: Moment,
    panels: DayPanels,
    record: CycleRecord | None,
    told: CycleTold | None,
    fates: Mapping[str, Fate],
    slots: Sequence[SlotView],
    speed: float,
    newest: int,
) -> CycleSlice:
    """The cycle's steps and figures, number 0 before the first of the day.

    `panels` has the progress of its accounts; `record` and `told` are those of the same cycle, None while the records
    do not have them. `fates` is by entry id, `speed` market seconds in a wall second, `newest` the number of the newest
    cycle of any day.
    """
    progress = panels.cycle
    if progress is None:
        return replace(_NO_CYCLE, previous=_before(0, slots), newest=newest)
    accounts = _accounts(panels, told)
    whole = _with_each_refusal(_whole(panels, accounts, told if _has_ended(record) else None), progress)
    return CycleSlice(
        number=progress.number,
        slot=progress.slot,
        forced=progress.forced,
        running=_runs(panels),
        attempt=progress.attempt,
        max_attempts=MAX_ATTEMPTS,
        steps=_steps(progress, fates),
        elapsed_s=_elapsed(moment, progress, record, speed),
        outcome="" if whole.outcome is None else whole.outcome.value,
        reason="" if whole.outcome in (None, Outcome.SUCCEEDED) else whole.words,
        previous=_before(progress.number, slots),
        newest=newest,
        day=progress.day,
        told=ToldView.of(whole),
        accounts=tuple(AccountTold(masked(account), ToldView.of(each)) for account, each in accounts.items()),
        retry_in_s=None if progress.retry_at is None else max(0, math.ceil(progress.retry_at - moment.monotonic)),
    )


def _has_ended(record: CycleRecord | None) -> bool:
    return record is not None and record.ended_at is not None


def _runs(panels: DayPanels) -> bool:
    return any(run.ended is None for run in panels.accounts)


def _whole(panels: DayPanels, accounts: Mapping[str, Told], told: CycleTold | None) -> Told:
    """What the cycle came to: by the records once they have its end, before that by its accounts."""
    if told is not None:
        return told.told
    run = panels.cycle
    if run is None or run.outcome is None or _runs(panels):
        return STILL_RUNNING
    code, text = ("", "") if run.refusal is None else (run.refusal.code, run.refusal.sentence())
    return told_cycle(CycleEnd(True, run.outcome.value, code, text), accounts)


def _accounts(panels: DayPanels, told: CycleTold | None) -> Mapping[str, Told]:
    """What each account's part has come to: by the records, else by its progress."""
    known = {} if told is None else told.accounts
    return {**{run.account: _so_far(run) for run in panels.accounts if run.account}, **known}


def _so_far(run: CycleProgress) -> Told:
    """What a run that is not recorded yet has come to."""
    if run.outcome is None:
        return STILL_RUNNING
    if run.refusal is None:
        return Told(run.outcome, run.outcome.value, run.outcome.value)
    return Told(run.outcome, run.outcome.value, run.refusal.sentence(), run.refusal.code)


def _with_each_refusal(told: Told, progress: CycleProgress) -> Told:
    """When no underlying passed, what the last attempt at each of them said (rules 4.2)."""
    last = {attempt.underlying: attempt for attempt in progress.attempts}
    each = list(dict.fromkeys(attempt.reason for attempt in last.values()))
    if len(last) < 2 or any(attempt.result not in ("RETRY", "REFUSED") for attempt in last.values()):
        return told
    return replace(told, words="; ".join(each)) if told.words in each else told


def _elapsed(moment: Moment, progress: CycleProgress, record: CycleRecord | None, speed: float) -> int:
    """Whole wall seconds, by the records as soon as they have the cycle."""
    if record is None:
        ended = moment.monotonic if progress.ended is None else progress.ended
        return int(ended - progress.started)
    return max(0, int(((record.ended_at or moment.now) - record.began_at).total_seconds() / speed))


def _steps(progress: CycleProgress, fates: Mapping[str, Fate]) -> tuple[StepView, ...]:
    steps = {step: StepView(step.word, progress.steps[step], progress.details.get(step, "")) for step in Step}
    spread = progress.spread
    fate = None if spread is None or spread.entry_id is None else fates.get(spread.entry_id)
    if fate is not None and fate.outcome is not None and progress.ended is not None:
        state = _SENT.get(fate.outcome, StepState.FAILED)
        steps[Step.SEND] = StepView(Step.SEND.word, state, "" if state is StepState.DONE else fate.kind.value)
    return tuple(steps.values())


def _before(shown: int, slots: Sequence[SlotView]) -> str:
    """One line about the newest slot or forced cycle that is over, other than the shown cycle, by its number, and those
    that only met the day's entry."""
    for view in reversed(slots):
        if view.told is None or view.told.word == HELD:
            continue
        if view.cycle != shown and view.state in (SlotState.DONE, SlotState.MISSED):
            told = view.told
            words = told.word if told.words == told.word else f"{told.word}: {told.words}"
            if told.words.startswith(told.word.upper()):
                words = told.words  # it begins with the word: `FILLED 6.73`
            forced = "forced " if view.forced else ""
            return f"{forced}{times.minute(view.at)} {words}"
    return ""
