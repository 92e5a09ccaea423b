"""The pictures of the day, one at a time: drawn only when in sight, when their data changed, and not too often."""

from __future__ import annotations

from collections.abc import Callable

from widgets.base.key_names import key_for
from widgets.base.lines import Drawing
from widgets.base.panel import LinePanel
from widgets.charts.credit import CreditPicture
from widgets.charts.day import DayPicture
from widgets.charts.payoff import PayoffPicture
from widgets.charts.picture import ChartView, Picture, drawn
from widgets.charts.score import ScorePicture

REDRAW_S, BLURRED_REDRAW_S = 5.0, 20.0
"""At most one drawing in so many wall seconds, with and without the terminal's focus (console reference 5.4)."""
PICTURES: tuple[tuple[str, Callable[[ChartView], Picture]], ...] = (
    ("day", DayPicture.of),
    ("credit", CreditPicture.of),
    ("payoff", PayoffPicture.of),
    ("score", ScorePicture.of),
)
"""In the order of the key: what the title calls it, and its data taken from the slices."""


class ChartPanel(LinePanel[ChartView]):
    """One of the pictures. A new size or another picture draws at once; new data waits its turn."""

    NAME = "Chart"

    def __init__(
        self,
        monotonic: Callable[[], float],
        *,
        ascii: bool = False,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.ascii = ascii
        self._monotonic = monotonic
        self._number = 0
        self._drawn_at = float("-inf")
        self._shown: Picture | None = None
        self._is_due = False

    @property
    def picture(self) -> str:
        """The name of the picture in the panel."""
        return PICTURES[self._number][0]

    def next_picture(self) -> None:
        """The next of the pictures, in a circle, drawn at once."""
        self._number = (self._number + 1) % len(PICTURES)
        self._scrolled, self._top = False, 0
        self.redraw()

    def show(self, value: ChartView | None) -> None:
        """Keeps the slices; several that change in one pull are drawn together after it."""
        self._slice = value
        if not self._is_due and self._may_draw():
            self._is_due = True
            self.call_later(self._draw_if_changed)

    def _may_draw(self) -> bool:
        if self.content_size.width < 4 or not self.display or self.app.screen is not self.screen:
            return False
        every_s = REDRAW_S if self.app.app_focus else BLURRED_REDRAW_S
        return self._monotonic() - self._drawn_at >= every_s

    def _draw_if_changed(self) -> None:
        self._is_due = False
        if self._slice is not None and self._may_draw() and self._data(self._slice) != self._shown:
            self.redraw()

    def _data(self, value: ChartView) -> Picture:
        return PICTURES[self._number][1](value)

    def draw(self, value: ChartView, width: int, height: int) -> Drawing:
        self._drawn_at, self._shown = self._monotonic(), self._data(value)
        drawing = drawn(self._shown, width, height, ascii=self.ascii or self.is_ascii)
        after = PICTURES[(self._number + 1) % len(PICTURES)][0]
        place = f"{self._number + 1}/{len(PICTURES)}"
        title = f"{drawing.title}  {place}  {key_for('picture', 'v')} next: {after}"
        return Drawing(title, drawing.lines, drawing.head)
