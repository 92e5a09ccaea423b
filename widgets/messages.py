"""The panel of the engine's messages to the operator, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.snapshot import Level
from widgets.base import format as figures
from widgets.base.day_panel import DayPanel
from widgets.base.lines import Drawing, Line, Tone, fit, wrap

if TYPE_CHECKING:
    from core.snapshot import MessageView

WORDS = {
    Level.INFO: ("info", Tone.DIM),
    Level.WARNING: ("▲ WARN", Tone.WARN),
    Level.CRITICAL: ("✖ CRIT", Tone.BAD),
}
_WRAP_FROM_ROWS = 5


class MessagesPanel(DayPanel["tuple[MessageView, ...]"]):
    NAME = "Messages"
    EMPTY = "no message yet"

    def draw(self, value: tuple[MessageView, ...], width: int, height: int) -> Drawing:
        if not value:
            return self.nothing(width)
        lines: list[Line] = []
        before = ""
        for message in sorted(value, key=lambda m: m.number, reverse=True):
            day = self.day_words(figures.exchange_day(message.at))
            if day and day != before:
                lines.append(((f"of {day}", Tone.DIM),))
            before = day
            lines += _message(message, width, wrapped=height >= _WRAP_FROM_ROWS)
        return Drawing(self.NAME, tuple(lines))


def _message(message: MessageView, width: int, *, wrapped: bool) -> list[Line]:
    word, tone = WORDS[message.level]
    lead: Line = (
        (f"{figures.clock(message.at)}  ", Tone.DIM),
        (fit(word, 8), tone),
        (fit(message.source, 10) + " ", Tone.DIM),
    )
    room = max(10, width - 29)
    body = Tone.PLAIN if message.level is Level.INFO else tone
    if not wrapped:
        return [(*lead, (fit(message.text, room), body))]
    first, *rest = wrap(message.text, room)
    return [(*lead, (first, body)), *(((" " * 29 + more, body),) for more in rest)]
