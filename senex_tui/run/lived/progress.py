"""The line that shows how far the days are: a bar on a terminal, elsewhere a line every ten sessions."""

from __future__ import annotations

import os
import sys

from core.domain.operation import times
from core.domain.operation.amounts import counted
from core.domain.operation.ascii import ascii_look
from core.runtime.clock import Clock
from senex_tui.run.lived.order import LivedDay
from senex_tui.support.outlet import print_line, redraw_line

EVERY = 10
"""Sessions between two lines where nothing can be redrawn."""
WIDEST, NARROWEST = 24, 10
"""The most and the fewest cells of the bar."""
_NO_TERMINAL = 80
_HINT = "ctrl+c gives up"
_ECHO = "^C"
"""What a terminal puts behind the line at ctrl+c; without room for it the line would break and not be taken away."""


class DaysProgress:
    """`what` says which days: `before the demo`, or `until Tue 3 Mar 2026`."""

    def __init__(self, what: str, clock: Clock, *, ascii_only: bool) -> None:
        self._what, self._clock, self._ascii = what, clock, ascii_only
        self._began_s, self._begun = clock.monotonic(), 0
        """From when the time of a day is told, and how many days had ended then."""
        self._redraws = sys.stderr.isatty()

    def begin(self) -> None:
        """Says that the days begin; the first one takes a while."""
        self._draw(f"living the sessions {self._what}; {_HINT}", always=True)

    def show(self, day: LivedDay) -> None:
        """Shows a day that was lived."""
        now = self._clock.monotonic()
        left = round((now - self._began_s) / (day.done - self._begun) * (day.of - day.done))
        if not self._begun:
            self._began_s, self._begun = now, day.done  # the first day has the start of the process in it
        self._draw(bar_line(day, self._what, left, _columns()), always=day.done % EVERY == 0 or day.done == day.of)

    def end(self, words: str = "") -> None:
        """Takes the bar away, and says the last word where there is one."""
        if self._redraws:
            redraw_line("")
        if words:
            print_line(self._look(words), error=True)

    def _draw(self, text: str, *, always: bool) -> None:
        if self._redraws:
            redraw_line(self._look(text))
        elif always:
            print_line(self._look(text), error=True)

    def _look(self, text: str) -> str:
        return ascii_look(text) if self._ascii else text


def bar_line(day: LivedDay, what: str, left_s: int, columns: int) -> str:
    """The line for a terminal of so many columns: what is least needed goes first, and the bar takes what is left."""
    sessions = counted(day.of, "session")
    left = f"{times.span(left_s) if left_s >= 100 else f'{left_s} s'} left"
    entries = f"{day.entries} {'entry' if day.entries == 1 else 'entries'}"
    forms = (
        (f"{sessions} {what}: ", f" {day.done}/{day.of}  {times.weekday(day.day)}  {entries}  {left}, {_HINT}"),
        (f"{sessions} {what}: ", f" {day.done}/{day.of}  {times.weekday(day.day)}  {left}, {_HINT}"),
        (f"{sessions} {what}: ", f" {day.done}/{day.of}  {left}, {_HINT}"),
        (f"{sessions}: ", f" {day.done}/{day.of}  {left}, {_HINT}"),
        ("", f" {day.done}/{day.of}  {left}, {_HINT}"),
        ("", f" {day.done}/{day.of}  {left}"),
    )
    room = columns - len(_ECHO) - 1
    before, after = next((f for f in forms if len(f[0]) + NARROWEST + len(f[1]) <= room), forms[-1])
    cells = max(NARROWEST, min(WIDEST, room - len(before) - len(after)))
    full = cells * day.done // day.of
    return f"{before}{'█' * full}{'░' * (cells - full)}{after}"


def _columns() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or _NO_TERMINAL
    except (OSError, ValueError):
        return _NO_TERMINAL
