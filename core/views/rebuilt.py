"""A cycle that has ended, as it was: its progress from the events of its steps, one for each account (rules 4).

The panels show an ended cycle only in this form, whether or not this process ran it. So nothing is shown otherwise
after a restart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from core.cycle.progress import CycleProgress
from core.domain.operation.events import Event, Step, StepResult
from core.domain.operation.outcomes import Outcome
from core.domain.operation.reasons import Reason, Refusal
from core.domain.operation.runs import AccountRun
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Entry
from core.records.repositories.rows import CycleRecord, SuggestionRecord
from core.views.day_records import DayRecords
from core.views.step_figures import (
    entry_price_from,
    figure,
    judgement_from,
    pricing_from,
    trident_from,
    utilization_from,
)

_DID_NOT_RUN = frozenset({Reason.ACCOUNT_DISABLED.code, Reason.NOT_ASKED.code})
_BROKEN_OFF = frozenset({Reason.INTERRUPTED.code, Reason.INTERNAL.code})
"""Reasons that no step gave: what ran when they came left no event."""


def rebuilt(day: DayRecords, cycle: int, speed: float) -> tuple[CycleProgress, ...]:
    """The progress of each account in this cycle of the day, by account number. One without an account when none took
    part; none when the day has no such cycle.

    `speed` is market seconds per wall second. The seconds of the progress mean nothing: the cycle's record has its
    times.
    """
    record = next((one for one in day.cycles if one.number == cycle), None)
    if record is None:
        return ()
    runs = {run.account: run for run in day.runs if run.cycle == cycle and run.reason not in _DID_NOT_RUN}
    entries = {entry.account: entry for entry in day.entries if entry.cycle == cycle}
    steps: dict[str, list[Event]] = {}
    for event in day.steps.get(cycle, ()):
        steps.setdefault(event.account or "", []).append(event)
    return tuple(
        _Rebuilt(record, account, speed, [s for s in day.suggestions if (s.cycle, s.account) == (cycle, account)]).of(
            steps.get(account, ()), runs.get(account), entries.get(account)
        )
        for account in sorted({*steps, *runs, *entries}) or [""]
    )


class _Rebuilt:
    """One account's progress, taken up event by event."""

    def __init__(
        self, record: CycleRecord, account: str, speed: float, suggestions: Sequence[SuggestionRecord]
    ) -> None:
        self._record = record
        self._speed = speed
        self._suggestions = suggestions
        self._progress = CycleProgress(record.number, record.slot, record.forced, 0.0, account, day=record.day)

    def of(self, steps: Sequence[Event], run: AccountRun | None, entry: Entry | None) -> CycleProgress:
        progress = self._progress
        for event in steps:
            self._take(event)
        if entry is not None and entry.state is not OrderState.NOT_SENT:
            progress.entered(entry.id)
        if self._record.ended_at is not None:
            self._end(steps, run, entry)
        return progress

    def _take(self, event: Event) -> None:
        progress, symbol = self._progress, event.underlying
        if event.step is None:
            return
        if event.attempt is not None and symbol is not None:
            newest = next(reversed(progress.attempts), None)
            if newest is None or (newest.attempt, newest.underlying) != (event.attempt, symbol):
                took = timedelta(milliseconds=event.duration_ms or 0) * self._speed
                progress.attempt_started(event.attempt, symbol, event.at - took)
        progress.step_started(event.step)
        match event.step:
            case Step.JUDGEMENT if (judgement := judgement_from(event)) is not None:
                progress.judged(judgement)
            case Step.STRIKES if (trident := trident_from(event)) is not None:
                progress.planned(trident)
            case Step.PRICING if symbol in progress.spreads:
                self._price(event, symbol)
            case Step.RISK if progress.spread is not None:
                progress.spread.utilization = utilization_from(
                    event, self._suggestion(progress.attempt, progress.tried)
                )
            case Step.LIMIT if (price := entry_price_from(event)) is not None:
                progress.limited(price)
        if event.attempt is not None and symbol is not None:
            self._end_attempt(event, symbol)

    def _price(self, event: Event, symbol: str) -> None:
        suggestion = self._suggestion(self._progress.attempt, symbol)
        spread = self._progress.spreads[symbol]
        spread.trident, pricing = pricing_from(event, spread.trident, suggestion)
        if pricing is not None:
            self._progress.priced(symbol, pricing)

    def _suggestion(self, attempt: int, symbol: str) -> SuggestionRecord | None:
        return next((s for s in self._suggestions if (s.attempt, s.underlying) == (attempt, symbol)), None)

    def _end_attempt(self, event: Event, symbol: str) -> None:
        """An attempt ends with the step that refuses, or when its legs are priced. The words are those recorded."""
        progress = self._progress
        if event.reason is not None:
            progress.attempt_ended(symbol, _refusal(event))
            progress.attempts[-1] = replace(progress.attempts[-1], reason=event.text)
            if symbol in progress.spreads:
                progress.spreads[symbol].reason = event.text
        elif event.step is Step.PRICING:
            progress.attempt_ended(symbol, None)
            mid, natural = figure(event, "mid_credit"), figure(event, "natural_credit")
            progress.attempts[-1] = replace(progress.attempts[-1], mid=mid, natural=natural)

    def _end(self, steps: Sequence[Event], run: AccountRun | None, entry: Entry | None) -> None:
        progress, record = self._progress, self._record
        code, text = (record.reason_code, record.reason_text) if run is None else (run.reason, run.reason_text)
        outcome = Outcome(record.outcome or Outcome.FAILED) if run is None else run.outcome
        if run is None and entry is not None:  # it was broken off while it sent, and recorded no run
            progress.step_started(Step.SEND)
        elif code in _BROKEN_OFF:
            progress.step_started(_after(steps))
        refusal = _ended_by(steps, code) if code else None
        broken_off = progress.attempts and progress.attempts[-1].result == "NOW"
        progress.ended_with(outcome, refusal, 0.0)
        if broken_off:
            progress.attempts[-1] = replace(progress.attempts[-1], result="REFUSED", code=code, reason=text)
        shown = progress.spreads.get(progress.shown_first)
        if shown is not None and shown.verdict == "refused" and refusal is not None:
            shown.reason = text


def _refusal(event: Event) -> Refusal:
    reason = Reason.INTERNAL if event.reason is None else event.reason
    return Refusal(reason, event.figures, event.underlying or "")


def _ended_by(steps: Sequence[Event], code: str) -> Refusal:
    """The refusal that ended the run. Of several attempts with this reason it is the first of the last one when another
    might have helped, else the first (rules 4.2)."""
    refused = [event for event in steps if event.reason is not None and event.reason.code == code]
    if not refused:
        return Refusal(Reason.of(code))
    tried = [event.attempt for event in refused if event.attempt is not None]
    if tried and Reason.of(code).transient:
        return _refusal(next(event for event in refused if event.attempt == max(tried)))
    return _refusal(refused[0])


def _after(steps: Sequence[Event]) -> Step:
    """The step that ran when the cycle was broken off: the one after the last that ended."""
    last = steps[-1].step if steps else None
    if last is None:
        return Step.GUARD
    order = list(Step)
    place = order.index(last) + (steps[-1].result is StepResult.PASSED)
    return order[min(place, len(order) - 1)]
