"""The panel of today's attempts: each with its figures, result and reason, newest first (rules 4.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from widgets.base import format as figures
from widgets.base.lines import Drawing, Line, Tone, fit, right, wrap
from widgets.base.panel import LinePanel

if TYPE_CHECKING:
    from core.snapshot import AttemptView

RESULT_TONES = {"PASS": Tone.GOOD, "RETRY": Tone.WARN, "REFUSED": Tone.BAD, "NOW": Tone.ACCENT}
_LEAD = 19 + 5 + 8
"""The cells before the figures: cycle, try and time; then the underlying; then the result."""
_ONE_LINE_FROM = 110


class AttemptsPanel(LinePanel["tuple[AttemptView, ...]"]):
    NAME = "Attempts"
    PLACEHOLDER = "no attempt yet today"

    def draw(self, value: tuple[AttemptView, ...], width: int, height: int) -> Drawing:
        if not value:
            return Drawing(self.NAME, (((self.PLACEHOLDER, Tone.DIM),),))
        one_line = width >= _ONE_LINE_FROM
        lines: list[Line] = [_head(width, one_line)]
        newest_first = sorted(value, key=lambda a: a.at, reverse=True)
        for attempt in newest_first:
            lines += _attempt(attempt, width, one_line)
        return Drawing(f"{self.NAME}  {len(value)} today", tuple(lines), head=1)


def _head(width: int, one_line: bool) -> Line:
    tail = "  reason" if one_line else ""
    figure = _figure(width)
    heads = ("mid", "natural" if figure > 7 else "nat", "limit")
    text = "cycle try time     und  result  " + "".join(right(t, figure) for t in heads) + tail
    return ((fit(text, width), Tone.DIM),)


def _figure(width: int) -> int:
    return 8 if width >= _LEAD + 24 else 6


def _attempt(attempt: AttemptView, width: int, one_line: bool) -> list[Line]:
    figures_text = "".join(
        right(figures.price(x), _figure(width)) for x in (attempt.mid, attempt.natural, attempt.limit)
    )
    lead: Line = (
        (f"{right(str(attempt.cycle), 5)} {right(str(attempt.attempt), 3)} {figures.clock(attempt.at)} ", Tone.DIM),
        (fit(attempt.underlying, 5), Tone.PLAIN),
        (fit(attempt.result, 8), RESULT_TONES.get(attempt.result, Tone.PLAIN)),
        (figures_text, Tone.PLAIN),
    )
    if not attempt.reason:
        return [lead]
    if one_line:
        used = _LEAD + 3 * _figure(width)
        room = max(10, width - used - 2)
        first, *rest = wrap(attempt.reason, room)
        return [(*lead, (f"  {first}", Tone.DIM)), *(((" " * (used + 2) + more, Tone.DIM),) for more in rest)]
    return [lead, *(((f"      {more}", Tone.DIM),) for more in wrap(attempt.reason, max(10, width - 6)))]
