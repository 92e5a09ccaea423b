"""The panel of the engine's messages to the operator, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.snapshot import Level
from widgets.base import format as figures
from widgets.base.lines import Drawing, Line, Tone, fit, wrap
from widgets.base.panel import LinePanel

if TYPE_CHECKING:
    from core.snapshot import MessageView

WORDS = {
    Level.INFO: ("info", Tone.DIM),
    Level.WARNING: ("▲ WARN", Tone.WARN),
    Level.CRITICAL: ("✖ CRIT", Tone.BAD),
}
_WRAP_FROM_ROWS = 5


class MessagesPanel(LinePanel["tuple[MessageView, ...]"]):
    NAME = "Messages"
    PLACEHOLDER = "no message yet"

    def draw(self, value: tuple[MessageView, ...], width: int, height: int) -> Drawing:
        if not value:
            return Drawing(self.NAME, (((self.PLACEHOLDER, Tone.DIM),),))
        lines: list[Line] = []
        for message in sorted(value, key=lambda m: m.number, reverse=True):
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
