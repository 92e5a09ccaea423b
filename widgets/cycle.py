"""The panel of the running cycle, or of the last one: steps in the order of rules 4, attempt, outcome, reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.snapshot import StepState
from widgets.base import format as figures
from widgets.base.lines import Drawing, Line, Part, Tone, fit, flow, wrap
from widgets.base.panel import LinePanel

if TYPE_CHECKING:
    from core.snapshot import CycleSlice

SIGNS = {
    StepState.TODO: ("·", Tone.DIM),
    StepState.NOW: ("▶", Tone.ACCENT),
    StepState.DONE: ("✓", Tone.GOOD),
    StepState.FAILED: ("✖", Tone.BAD),
    StepState.SKIPPED: ("-", Tone.DIM),
}
OUTCOME_TONES = {"succeeded": Tone.GOOD, "failed": Tone.BAD, "unknown": Tone.BAD, "skipped": Tone.WARN}


class CyclePanel(LinePanel["CycleSlice"]):
    NAME = "Cycle"
    PLACEHOLDER = "no cycle yet"

    def draw(self, value: CycleSlice, width: int, height: int) -> Drawing:
        if value.number == 0:
            due = figures.span(value.next_slot_in_s)
            text = "no cycle yet" + ("" if value.next_slot_in_s is None else f"; the next slot is in {due}")
            return Drawing(self.NAME, (((text, Tone.DIM),),))
        steps = flow((_step(step.name, step.state) for step in value.steps), width)
        verdict = self._verdict(value, width, height, len(steps))
        lines = [*steps, *(((fit(text, width), tone),) for text, tone in verdict)]
        spare = height - len(lines)
        foot = self._foot(value, width)
        lines += foot[: max(0, spare)]
        return Drawing(_title(value), tuple(lines))

    def _verdict(self, value: CycleSlice, width: int, height: int, used: int) -> list[Part]:
        """The outcome and reason; of a running cycle what its step says. Wrapped into the rows that are left."""
        if value.running:
            now = next((s for s in value.steps if s.state is StepState.NOW), None)
            text = f"running {figures.span(value.elapsed_s)}"
            if now is not None and now.detail:
                text += f", {now.name}: {now.detail}"
            elif value.reason:
                text += f", {value.reason}"
            return [(line, Tone.PLAIN) for line in wrap(text, width)[: max(1, height - used)]]
        text = value.outcome.upper() + (f": {value.reason}" if value.reason else "")
        text += f"; took {figures.span(value.elapsed_s)}"
        tone = OUTCOME_TONES.get(value.outcome, Tone.PLAIN)
        return [(line, tone) for line in wrap(text, width)[: max(1, height - used)]]

    def _foot(self, value: CycleSlice, width: int) -> list[Line]:
        texts = []
        if value.previous:
            texts.append(f"before: {value.previous}")
        if value.next_slot_in_s is not None:
            texts.append(f"next slot in {figures.span(value.next_slot_in_s)}")
        return flow(((fit(t, min(width, len(t))), Tone.DIM) for t in texts), width, "   ")


def _step(name: str, state: StepState) -> Part:
    sign, tone = SIGNS[state]
    return f"{sign} {name}", tone


def _title(value: CycleSlice) -> str:
    when = "forced" if value.forced else f"slot {figures.minute(value.slot)}"
    if value.forced and value.slot is not None:
        when = f"forced {figures.minute(value.slot)}"
    attempt = f"  attempt {value.attempt} of {value.max_attempts}" if value.attempt else ""
    state = "running" if value.running else value.outcome
    return f"Cycle {value.number}  {when}{attempt}  {state}".rstrip()
