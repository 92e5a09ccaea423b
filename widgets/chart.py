"""The underlying's day as a line chart, drawn by plotext only when it is in sight and its data changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from widgets.lines import Drawing, Line, Tone
from widgets.panel import LinePanel

if TYPE_CHECKING:
    from core.snapshot import QuoteSlice

REDRAW_S = 5.0
"""At most one drawing in so many wall seconds (console reference 5.4)."""
_OPEN_MINUTE = 9 * 60 + 30
_BRAILLE = range(0x2800, 0x2900)


class ChartPanel(LinePanel["QuoteSlice"]):
    """Price over the session. A new size draws at once; new data waits its turn."""

    NAME = "Today"
    PLACEHOLDER = "no price yet today"

    def __init__(self, monotonic: Callable[[], float], *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._monotonic = monotonic
        self._drawn_at = float("-inf")
        self._drawn_path: tuple[str, tuple[tuple[int, float], ...]] | None = None

    def show(self, value: QuoteSlice | None) -> None:
        self._slice = value
        if value is None or not self.display or self.content_size.width < 4:
            return
        path = (value.symbol, value.day_path)
        if path == self._drawn_path or self._monotonic() - self._drawn_at < REDRAW_S:
            return
        self.redraw()

    def redraw(self) -> None:
        if self._slice is not None and self.content_size.width >= 4:
            self._drawn_at, self._drawn_path = self._monotonic(), (self._slice.symbol, self._slice.day_path)
        super().redraw()

    def draw(self, value: QuoteSlice, width: int, height: int) -> Drawing:
        title = f"{value.symbol} today (ET)"
        if len(value.day_path) < 2 or height < 5 or width < 20:
            return Drawing(title, (((self.PLACEHOLDER, Tone.DIM),),))
        return Drawing(title, tuple(_toned(row) for row in plot(value.day_path, width, height)))


def plot(path: Sequence[tuple[int, float]], width: int, height: int) -> list[str]:
    """The rows of the chart: seconds since the open along, price up. Loads plotext on first use."""
    import plotext

    # plotext draws on one global figure and clamps it to the terminal unless told not to.
    figure: Any = plotext.figure
    plotext.terminal.limit(False, False)
    figure.clear.all()
    figure.plot_size(width, height)
    figure.theme("colorless")
    seconds = [second for second, _ in path]
    line = figure.signal(seconds, [value for _, value in path], marker="braille")
    line.lines()
    figure.draw(line)
    marks = _time_marks(seconds[0], seconds[-1])
    figure.ruler("x", "lower").ticks([mark for mark, _ in marks], [label for _, label in marks])
    rows: list[str] = figure.build().string(colorless=True).splitlines()
    return rows


def _time_marks(first: int, last: int) -> list[tuple[int, str]]:
    """Round times of day inside the chart, at most about eight."""
    step = next((s for s in (300, 900, 1800, 3600) if (last - first) / s <= 8), 7200)
    # The session opens at half past, so whole hours are offset by 30 minutes from the open.
    begin = -1800 if step >= 3600 else 0
    marks = [second for second in range(begin, last + 1, step) if first <= second <= last] or [first]
    return [(second, _time_label(second)) for second in marks]


def _time_label(second: int) -> str:
    hours, minutes = divmod(_OPEN_MINUTE + second // 60, 60)
    return f"{hours:02}:{minutes:02}"


def _toned(row: str) -> Line:
    """The curve in the accent tone, frame and labels dim."""
    parts: list[tuple[str, Tone]] = []
    for character in row:
        tone = Tone.ACCENT if ord(character) in _BRAILLE else Tone.DIM
        if parts and parts[-1][1] is tone:
            parts[-1] = (parts[-1][0] + character, tone)
        else:
            parts.append((character, tone))
    return tuple(parts)
