"""The panel of the engine's messages to the operator: fills and refusals first, then the others, newest first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from core.snapshot import Level
from widgets.base import format as figures
from widgets.base.day_panel import DayPanel
from widgets.base.lines import Drawing, Line, Tone, fit, safe, wrap

if TYPE_CHECKING:
    from core.snapshot import MessageView

SIGNS = {
    Level.INFO: (" ", Tone.PLAIN),
    Level.WARNING: ("▲", Tone.WARN),
    Level.CRITICAL: ("✖", Tone.BAD),
}
FILLED = ("✓", Tone.GOOD)
"""The sign of a fill: a pinned message that warns of nothing."""
_WRAP_FROM_ROWS = 5
_SOURCE_FROM = 90
"""From this width on a message says which part of the engine it is from."""


@dataclass(frozen=True, slots=True)
class LastLook:
    """The number of the newest message that the operator has seen, and when he looked last. `at` is None before."""

    number: int
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Row:
    """Equal messages as one, with the newest's time."""

    message: MessageView
    numbers: frozenset[int]

    @property
    def text(self) -> str:
        text = safe(self.message.text)
        return text if len(self.numbers) == 1 else f"{text} (x{len(self.numbers)})"


class MessagesPanel(DayPanel["tuple[MessageView, ...]"]):
    NAME = "Messages"
    EMPTY = "no message yet"

    last_look: LastLook | None = None

    def show_look(self, look: LastLook | None) -> None:
        """Draws the line between what came since the operator looked and what was there."""
        if look != self.last_look:
            self.last_look = look
            self.redraw()

    def draw(self, value: tuple[MessageView, ...], width: int, height: int) -> Drawing:
        if not value:
            return self.nothing(width)
        newest = sorted(value, key=lambda m: m.number, reverse=True)
        wrapped = height >= _WRAP_FROM_ROWS
        lines: list[Line] = []
        above: set[int] = set()
        for row in _merged(m for m in newest if m.pinned and not self._day(m)):
            drawn = _lines(row, width, wrapped=wrapped)
            if lines and len(lines) + len(drawn) > height // 2:
                break
            lines += drawn
            above |= row.numbers
        rest = [m for m in newest if m.number not in above]
        seen = newest[0].number if self.last_look is None else self.last_look.number
        new, old = [m for m in rest if m.number > seen], [m for m in rest if m.number <= seen]
        fresh = sum(m.number > seen for m in newest)
        lines += self._rows(new, width, wrapped=wrapped)
        if fresh and wrapped:
            lines.append(_rule(self._since(fresh), width))
        lines += self._rows(old, width, wrapped=wrapped)
        return Drawing(self.NAME, tuple(lines), note=self._since(fresh) if fresh and not wrapped else "")

    def _rows(self, messages: Sequence[MessageView], width: int, *, wrapped: bool) -> list[Line]:
        lines: list[Line] = []
        before = ""
        for row in _merged(messages):
            day = self._day(row.message)
            if day and day != before:
                lines.append(((f"of {day}", Tone.DIM),))
            before = day
            lines += _lines(row, width, wrapped=wrapped)
        return lines

    def _day(self, message: MessageView) -> str:
        return self.day_words(figures.exchange_day(message.at))

    def _since(self, count: int) -> str:
        look = self.last_look
        at = "" if look is None or look.at is None else f" at {figures.clock(look.at)[:5]}"
        return f"{count} since you looked{at}"


def _merged(messages: Iterable[MessageView]) -> list[_Row]:
    """Equal messages of one day as one, where its newest stands."""
    rows: dict[tuple[object, ...], _Row] = {}
    for message in messages:
        same = (figures.exchange_day(message.at), message.level, message.source, message.text)
        known = rows.get(same)
        rows[same] = _Row(message if known is None else known.message, _numbers_of(known) | {message.number})
    return list(rows.values())


def _numbers_of(row: _Row | None) -> frozenset[int]:
    return frozenset() if row is None else row.numbers


def _rule(text: str, width: int) -> Line:
    return ((f"── {text} ".ljust(width, "─")[:width], Tone.ACCENT),)


def _lines(row: _Row, width: int, *, wrapped: bool) -> list[Line]:
    message = row.message
    good = message.pinned and message.level is Level.INFO
    sign, tone = FILLED if good else SIGNS[message.level]
    source = f"{fit(message.source, 10)} " if width >= _SOURCE_FROM else ""
    lead: Line = (
        (f"{figures.clock(message.at)} ", Tone.DIM),
        (f"{sign} ", tone),
        (source, Tone.DIM),
    )
    taken = 11 + len(source)
    room = max(10, width - taken)
    body = Tone.PLAIN if message.level is Level.INFO else tone
    if not wrapped:
        return [(*lead, (fit(row.text, room), body))]
    first, *more = wrap(row.text, room) or [""]
    return [(*lead, (first, body)), *(((" " * taken + line, body),) for line in more)]
