"""The panel of the running cycle, or of the last one: what it came to, steps in the order of rules 4, what comes next.

While the console starts it shows the steps of the start.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from core.domain.orders.next_step import Next
from core.snapshot import StartState, StepState
from widgets.base import format as figures
from widgets.base.day_panel import DayPanel
from widgets.base.fates import cycle_told, next_session, step_sign, told_line, tone_of
from widgets.base.lines import Drawing, Line, Tone, fit, flow, wrap

if TYPE_CHECKING:
    from core.snapshot import CycleSlice, StepView

_GOES_ON = (StartState.NOW, StartState.FAILED)


class CyclePanel(DayPanel["CycleSlice"]):
    NAME = "Cycle"
    EMPTY = "no cycle yet today"

    def draw(self, value: CycleSlice, width: int, height: int) -> Drawing:
        if value.number == 0 or (self.context.start and not value.running):
            return self.nothing(width)
        steps = step_rows(value.steps, width)
        accounts = self._accounts(value, width)
        if value.running:
            lines = [*steps, *_running(value, width), *accounts]
        else:
            told = cycle_told(value)
            text = f"{told_line(told)}; took {figures.span(value.elapsed_s)}"
            lines = [*(((row, tone_of(told.word)),) for row in wrap(text, width)), *accounts, *steps]
        return Drawing(self._title(value), (*lines, *self._foot(value, width)[: max(0, height - len(lines))]))

    def nothing(self, width: int) -> Drawing:
        """The steps of the start; else that there is no cycle yet, and what comes next."""
        if self.context.start:
            return self._start(width)
        unknown = self.unknown(width)
        lines = unknown or tuple(((row, Tone.DIM),) for row in wrap(self.EMPTY, width))
        return Drawing(self.NAME, (*lines, *self._next(width)))

    def _start(self, width: int) -> Drawing:
        steps = flow(((f"{step_sign(s.state)[0]} {s.name}", step_sign(s.state)[1]) for s in self.context.start), width)
        lines = list(steps)
        lines += flow(((f"{s.name} {s.seconds} s", Tone.DIM) for s in self.context.start if s.state in _GOES_ON), width)
        for step in self.context.start:
            lines += [((row, Tone.BAD),) for row in wrap(f"{step.name}: {step.detail}", width) if step.detail]
        return Drawing("Start", tuple(lines))

    def _accounts(self, value: CycleSlice, width: int) -> list[Line]:
        """What each account's part came to, when there are several: in one line where all fit, else a line each."""
        if len(value.accounts) < 2:
            return []
        parts = [(f"{each.account}  {told_line(each.told)}", tone_of(each.told.word)) for each in value.accounts]
        together = flow(parts, width, "   ")
        if len(together) == 1:
            return together
        return [((fit(text, min(width, len(text))), tone),) for text, tone in parts]

    def _foot(self, value: CycleSlice, width: int) -> list[Line]:
        lines = self._next(width)
        if value.previous:
            text = f"before: {value.previous}"
            lines.append(((fit(text, min(width, len(text))), Tone.DIM),))
        return lines

    def _next(self, width: int) -> list[Line]:
        """What comes next, in the words of every other place; nothing while the cycle itself is what comes."""
        overall = self.context.overall
        if overall is None or overall.kind is Next.RUNNING:
            return []
        words = "; ".join(filter(None, (overall.words, next_session(overall, self.context.today))))
        return [((row, Tone.DIM),) for row in wrap(words, width)]

    def _title(self, value: CycleSlice) -> str:
        day = self.day_words(value.day)
        slot = figures.minute(value.slot)
        when = f"slot {slot}" if not value.forced else "forced" if value.slot is None else f"forced {slot}"
        attempt = f"attempt {value.attempt} of {value.max_attempts}" if value.attempt else ""
        words = (f"Cycle {value.number}", day, when, attempt, cycle_told(value).word)
        return "  ".join(word for word in words if word)


def _running(value: CycleSlice, width: int) -> list[Line]:
    """How long it runs, when it tries again, and what its step says."""
    text = f"running {figures.span(value.elapsed_s)}"
    if value.retry_in_s is not None:
        text += f", retrying in {value.retry_in_s} s"
    now = next((step for step in value.steps if step.state is StepState.NOW), None)
    if now is not None and now.detail:
        text += f", {now.name}: {now.detail}"
    elif value.reason:
        text += f", {value.reason}"
    return [((row, Tone.PLAIN),) for row in wrap(text, width)]


def step_rows(steps: Sequence[StepView], width: int) -> list[Line]:
    """The steps side by side. Where they need more than a row, neighbours that stand alike are told by the first and
    the last of them, the most of them first: `✓ guard to strikes  ▶ quotes  · pricing to send`."""
    runs = [[step] for step in steps]
    while len(rows := flow((_run(run) for run in runs), width)) > 1:
        alike = [tuple(group) for _, group in groupby(steps, lambda step: step.state)]
        apart = [run for run in alike if len(run) > 2 and [*run] not in runs]
        if not apart:
            break
        longest = max(apart, key=len)
        place = next(number for number, run in enumerate(runs) if run[0] is longest[0])
        runs[place : place + len(longest)] = [[*longest]]
    return rows


def _run(steps: Sequence[StepView]) -> tuple[str, Tone]:
    sign, tone = step_sign(steps[0].state)
    name = steps[0].name if len(steps) == 1 else f"{steps[0].name} to {steps[-1].name}"
    return f"{sign} {name}", tone
