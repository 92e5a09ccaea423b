"""The panel of today's slots: what each came to, and what keeps those to come from entering (rules 3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from core.domain.operation.outcomes import Outcome
from core.snapshot import SlotState
from widgets.base import format as figures
from widgets.base.day_panel import DayPanel
from widgets.base.fates import after_word, sign_of, slot_told
from widgets.base.lines import Drawing, Line, Part, Tone, fit, wrap

if TYPE_CHECKING:
    from core.snapshot import SlotView

_COMING = {
    SlotState.TO_COME: "to come",
    SlotState.NEXT: "next",
    SlotState.WILL_MISS: "will miss",
    SlotState.HELD: "held",
}
"""The words of slots that have not been."""
_WORD = 10
_HELD = "held"
_WRAP_FROM_ROWS = 24
"""From this many rows on reasons are wrapped: every slot fits even when its reason takes two rows."""


class SchedulePanel(DayPanel["tuple[SlotView, ...]"]):
    NAME = "Schedule (ET)"
    EMPTY = "no slot today"

    def draw(self, value: tuple[SlotView, ...], width: int, height: int) -> Drawing:
        if not value:
            return self.nothing(width)
        lines: list[Line] = []
        follow: int | None = None
        entered: int | None = None
        for slots in _rows(value):
            if slots[0].state in (SlotState.NEXT, SlotState.RUNNING, SlotState.HELD, SlotState.WILL_MISS):
                follow = len(lines) if follow is None or slots[0].state is SlotState.RUNNING else follow
            if (told := slots[0].told) is not None and (told.fate is not None or told.outcome is Outcome.SUCCEEDED):
                entered = len(lines)
            lines += _slot(slots[0], width, height) if len(slots) == 1 else _held(slots, width, height)
        planned = [slot for slot in value if not slot.forced]
        run = sum(slot.state is SlotState.DONE for slot in planned)
        missed = sum(slot.state is SlotState.MISSED for slot in planned)
        forced = f", {len(value) - len(planned)} forced" if len(planned) < len(value) else ""
        counts = f"  {run} run, {missed} missed, {len(planned)} in all{forced}"
        return Drawing(
            f"{self.NAME}{counts if width > 44 else ''}", tuple(lines), follow=entered if follow is None else follow
        )


def slot_part(slot: SlotView) -> Part:
    """A sign for what became of a slot, or what keeps it from entering, and its tone."""
    told = slot_told(slot)
    if slot.state is SlotState.HELD:
        return sign_of("held")
    return sign_of(slot.state.value if told is None or slot.state is SlotState.WILL_MISS else told.word)


def _rows(slots: Sequence[SlotView]) -> Iterator[tuple[SlotView, ...]]:
    """The slots one by one, but for those that one thing keeps from entering: these stand together, those that have
    been with those to come."""
    for _, group in groupby(slots, _stands_with):
        yield tuple(group)


def _stands_with(slot: SlotView) -> object:
    """The same for neighbours that stand in one row."""
    told = slot.told
    if slot.forced:
        return slot.at, True
    if slot.state is SlotState.HELD or (told is not None and told.word == _HELD):
        return _HELD
    if slot.state is SlotState.WILL_MISS or (slot.state is SlotState.MISSED and told is not None):
        return slot.state, told
    return slot.at, False


def _held(slots: Sequence[SlotView], width: int, height: int) -> list[Line]:
    """Several slots that enter nothing for one reason: `- 10:45 to 15:45  20 slots: done today (filled 6.73)`."""
    last = slots[-1]
    sign, tone = slot_part(last)
    told = slot_told(last)
    lead = f"{sign} {figures.minute(slots[0].at)} to {figures.minute(last.at)}  "
    words = last.state.value if told is None else told.words
    if told is not None and told.word == _HELD and last.state is SlotState.DONE:
        words = f"held by the day's entry: {after_word(told)}"
    if last.state is SlotState.MISSED:
        words = f"MISSED  {words}"
    return _hanging(((lead, tone),), len(lead), f"{len(slots)} slots: {words}", tone, width, height)


def _slot(slot: SlotView, width: int, height: int) -> list[Line]:
    sign, tone = slot_part(slot)
    told = slot_told(slot)
    if told is None or slot.state in _COMING:
        word, text = _COMING.get(slot.state, slot.state.value), slot.reason if told is None else told.words
    else:
        word, text = told.word.upper(), after_word(told)
    word = fit(word, max(_WORD, len(word) + 1))
    parts: tuple[Part, ...] = ((f"{sign} {figures.minute(slot.at)}  ", tone), (word, tone))
    if slot.forced:
        parts += (("forced  ", Tone.ACCENT),)
    return _hanging(parts, sum(len(part) for part, _ in parts), text, Tone.DIM, width, height)


def _hanging(lead: Line, taken: int, text: str, tone: Tone, width: int, height: int) -> list[Line]:
    """A row with its reason, which is cut at the width, and wrapped where there are rows enough."""
    room = max(8, width - taken)
    first, *rest = wrap(text, room) if height >= _WRAP_FROM_ROWS else [fit(text, room)]
    return [(*lead, (first, tone)), *(((" " * taken + more, tone),) for more in rest)]
