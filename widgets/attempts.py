"""The panel of the attempts: the traded underlying's first, each with its figures, result and reason (rules 4.2)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING

from widgets.base import format as figures
from widgets.base.day_panel import DayPanel
from widgets.base.lines import Drawing, Line, Tone, fit, right, wrap

if TYPE_CHECKING:
    from core.snapshot import AttemptView

RESULT_TONES = {"PASS": Tone.GOOD, "RETRY": Tone.WARN, "REFUSED": Tone.BAD, "NOW": Tone.ACCENT}
_LEAD = 19 + 5 + 8
"""The cells before the figures: cycle, try and time; then the underlying; then the result."""
_ONE_LINE_FROM = 110


class AttemptsPanel(DayPanel["tuple[AttemptView, ...]"]):
    NAME = "Attempts"
    EMPTY = "no attempt yet today"

    def draw(self, value: tuple[AttemptView, ...], width: int, height: int) -> Drawing:
        if not value:
            return self.nothing(width)
        one_line = width >= _ONE_LINE_FROM
        lines: list[Line] = [_head(width, one_line)]
        before: date | None = None
        for attempt in shown_first(value):
            day = attempt.day if self.day_words(attempt.day) else None
            if day is not None and day != before:
                lines.append(((f"of {self.day_words(day)}", Tone.DIM),))
            before = day
            lines += _attempt(attempt, width, one_line, self.context.several)
        today = {(a.cycle, a.account, a.attempt) for a in value if not self.day_words(a.day)}
        return Drawing(f"{self.NAME}  {len(today)} today", tuple(lines), head=1)


def shown_first(attempts: Sequence[AttemptView]) -> list[AttemptView]:
    """The attempts in the order in which they are shown: those of an underlying together, never mixed.

    The underlying that was traded comes first, then the one tried last; of each the newest attempt first. Those of an
    earlier day come after all of a later one.
    """
    newest_first = sorted(attempts, key=lambda a: a.at, reverse=True)
    return [each for day in _days(newest_first) for each in _by_underlying(day)]


def _days(newest_first: Sequence[AttemptView]) -> Iterator[list[AttemptView]]:
    for day in dict.fromkeys(a.day for a in newest_first):
        yield [a for a in newest_first if a.day == day]


def _by_underlying(newest_first: Sequence[AttemptView]) -> Iterator[AttemptView]:
    traded = [a.underlying for a in newest_first if a.traded]
    for symbol in dict.fromkeys([*traded, *(a.underlying for a in newest_first)]):
        yield from (a for a in newest_first if a.underlying == symbol)


def _head(width: int, one_line: bool) -> Line:
    tail = "  reason" if one_line else ""
    figure = _figure(width)
    heads = ("mid", "natural" if figure > 7 else "nat", "limit")
    text = "cycle try time     und  result  " + "".join(right(t, figure) for t in heads) + tail
    return ((fit(text, width), Tone.DIM),)


def _figure(width: int) -> int:
    return 8 if width >= _LEAD + 24 else 6


def _attempt(attempt: AttemptView, width: int, one_line: bool, several: bool) -> list[Line]:
    figures_text = "".join(
        right(figures.price(x), _figure(width)) for x in (attempt.mid, attempt.natural, attempt.limit)
    )
    lead: Line = (
        (f"{right(str(attempt.cycle), 5)} {right(str(attempt.attempt), 3)} {figures.clock(attempt.at)} ", Tone.DIM),
        (fit(attempt.underlying, 5), Tone.STRONG if attempt.traded else Tone.PLAIN),
        (fit(attempt.result, 8), RESULT_TONES.get(attempt.result, Tone.PLAIN)),
        (figures_text, Tone.PLAIN),
    )
    reason = ": ".join(part for part in (attempt.account if several else "", attempt.reason) if part)
    if not reason:
        return [lead]
    if one_line:
        used = _LEAD + 3 * _figure(width)
        room = max(10, width - used - 2)
        first, *rest = wrap(reason, room)
        return [(*lead, (f"  {first}", Tone.DIM)), *(((" " * (used + 2) + more, Tone.DIM),) for more in rest)]
    return [lead, *(((f"      {more}", Tone.DIM),) for more in wrap(reason, max(10, width - 6)))]
