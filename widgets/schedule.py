"""The panel of today's slots and what became of each (rules 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.snapshot import SlotState
from widgets.base import format as figures
from widgets.base.lines import Drawing, Line, Part, Tone, fit, wrap
from widgets.base.panel import LinePanel
from widgets.cycle import OUTCOME_TONES

if TYPE_CHECKING:
    from core.snapshot import SlotView

SIGNS = {
    SlotState.TO_COME: ("·", Tone.DIM),
    SlotState.NEXT: ("○", Tone.ACCENT),
    SlotState.RUNNING: ("▶", Tone.ACCENT),
    SlotState.DONE: ("✓", Tone.GOOD),
    SlotState.MISSED: ("-", Tone.WARN),
}
_OUTCOME_SIGNS = {"succeeded": "✓", "failed": "✖", "unknown": "?", "skipped": "-"}

_WRAP_FROM_ROWS = 24
"""From this many rows on reasons are wrapped: every slot fits even when its reason takes two rows."""


class SchedulePanel(LinePanel["tuple[SlotView, ...]"]):
    NAME = "Schedule (ET)"
    PLACEHOLDER = "no slot today"

    def draw(self, value: tuple[SlotView, ...], width: int, height: int) -> Drawing:
        if not value:
            return Drawing(self.NAME, (((self.PLACEHOLDER, Tone.DIM),),))
        lines: list[Line] = []
        follow: int | None = None
        for slot in value:
            if slot.state in (SlotState.NEXT, SlotState.RUNNING):
                follow = len(lines)
            lines += _slot(slot, width, wrapped=height >= _WRAP_FROM_ROWS)
        run = sum(slot.state is SlotState.DONE for slot in value)
        missed = sum(slot.state is SlotState.MISSED for slot in value)
        counts = f"  {run} run, {missed} missed, {sum(not slot.forced for slot in value)} in all"
        return Drawing(f"{self.NAME}{counts if width > 44 else ''}", tuple(lines), follow=follow)


def sign_of(slot: SlotView) -> Part:
    """A sign for what became of a slot, and its tone."""
    sign, tone = SIGNS[slot.state]
    return _OUTCOME_SIGNS.get(slot.outcome, sign), OUTCOME_TONES.get(slot.outcome, tone)


def _slot(slot: SlotView, width: int, *, wrapped: bool) -> list[Line]:
    sign, tone = sign_of(slot)
    word = slot.outcome or slot.state.value
    shown = word if slot.state in (SlotState.TO_COME, SlotState.NEXT) else word.upper()
    lead = f"{sign} {figures.minute(slot.at)}  "
    forced = "forced  " if slot.forced else ""
    room = max(8, width - len(lead) - 10 - len(forced))
    first, *rest = wrap(slot.reason, room) if wrapped else [fit(slot.reason, room)]
    lines: list[Line] = [
        ((lead, tone), (fit(shown, 10), tone), (forced, Tone.ACCENT), (first, Tone.DIM)),
    ]
    return lines + [((" " * (len(lead) + 10 + len(forced)) + more, Tone.DIM),) for more in rest]
