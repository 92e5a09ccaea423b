"""The panel of today's slots: what each came to, and what keeps those to come from entering (rules 3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from core.domain.operation.outcomes import Outcome
from core.domain.orders.fate import FateKind
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
        for slots, is_quiet in _rows(value, several=self.context.several):
            if slots[0].state in (SlotState.NEXT, SlotState.RUNNING, SlotState.HELD, SlotState.WILL_MISS):
                follow = len(lines) if follow is None or slots[0].state is SlotState.RUNNING else follow
            if (told := slots[0].told) is not None and (told.fate is not None or told.outcome is Outcome.SUCCEEDED):
                entered = len(lines)
            if len(slots) > 1:
                lines += (_quiet if is_quiet else _alike)(slots, width, height)
            else:
                lines += _slot(slots[0], width, height, is_quiet=is_quiet)
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


def _rows(slots: Sequence[SlotView], *, several: bool) -> Iterator[tuple[tuple[SlotView, ...], bool]]:
    """The slots one by one, but for those that one thing keeps from entering: these stand together, those that have
    been with those to come, and with them whether it is the day's entry. `several`: more than one account took part, so
    that the fill of one is not the end of the day for the others."""
    filled = next((slot.at for slot in slots if slot.told is not None and slot.told.fate is FateKind.FILLED), None)
    done_after = None if several else filled

    def stands_with(slot: SlotView) -> object:
        """The same for neighbours that stand in one row."""
        told = slot.told
        if slot.forced:
            return slot.at, True
        if slot.state is SlotState.HELD or (told is not None and told.word == _HELD):
            return _HELD
        if slot.state is SlotState.MISSED and done_after is not None and slot.at > done_after:
            return _HELD
        if slot.state is SlotState.WILL_MISS or (slot.state is SlotState.MISSED and told is not None):
            return slot.state, told
        return slot.at, False

    for key, group in groupby(slots, stands_with):
        yield tuple(group), key == _HELD


def _quiet(slots: Sequence[SlotView], width: int, height: int) -> list[Line]:
    """Slots that the day's entry keeps from entering: `- 10:45 to 15:45  20 slots: done today (filled 6.73)`. One that
    was missed then is no trouble, and is told apart: `18 slots: done today (filled 6.73); 2 missed`."""
    missed = sum(slot.state is SlotState.MISSED for slot in slots)
    held = figures.counted(len(slots) - missed, "slot")
    told = next((slot_told(slot) for slot in reversed(slots) if slot.state is not SlotState.MISSED), None)
    if told is None:
        words = f"{figures.counted(missed, 'slot')} missed: the day was done"
    else:
        said = told.words if slots[-1].state is SlotState.HELD else f"held by the day's entry: {after_word(told)}"
        words = f"{held}: {said}{f'; {missed} missed' if missed else ''}"
    return _together(slots, words, sign_of("held"), width, height)


def _alike(slots: Sequence[SlotView], width: int, height: int) -> list[Line]:
    """Slots that were or will be missed for one reason: `- 09:45 to 10:15  3 slots: MISSED  no console was running`."""
    told = slot_told(slots[0])
    words = slots[0].state.value if told is None else told.words
    if slots[0].state is SlotState.MISSED:
        words = f"MISSED  {words}"
    return _together(slots, f"{figures.counted(len(slots), 'slot')}: {words}", slot_part(slots[0]), width, height)


def _together(slots: Sequence[SlotView], words: str, part: Part, width: int, height: int) -> list[Line]:
    sign, tone = part
    lead = f"{sign} {figures.minute(slots[0].at)} to {figures.minute(slots[-1].at)}  "
    return _hanging(((lead, tone),), len(lead), words, tone, width, height)


def _slot(slot: SlotView, width: int, height: int, *, is_quiet: bool) -> list[Line]:
    sign, tone = sign_of("held") if is_quiet else slot_part(slot)
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
