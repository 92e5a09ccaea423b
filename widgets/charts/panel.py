"""The chart: one of the day's pictures at a time, drawn only in sight, on changed data, and not too often."""

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
"""At most one drawing in so many wall seconds, with and without the terminal's focus."""
PICTURES: tuple[tuple[str, Callable[[ChartView], Picture]], ...] = (
    ("day", DayPicture.of),
    ("credit", CreditPicture.of),
    ("payoff", PayoffPicture.of),
    ("score", ScorePicture.of),
)
"""Each picture's name in the title and the function that takes its data from the slices, in the order of the key."""


class ChartPanel(LinePanel[ChartView]):
    """Shows one of the pictures. A new size and another picture are drawn at once; new data waits for the next turn."""

    NAME = "Chart"

    def __init__(
        self,
        monotonic: Callable[[], float],
        *,
        ascii: bool = False,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """`monotonic` gives wall seconds. With `ascii` the pictures are ASCII even where the screen is not."""
        super().__init__(id=id, classes=classes)
        self.ascii = ascii
        self.elsewhere: Callable[[], frozenset[str]] = frozenset
        """The names of the pictures that other panels show now: this one does not show them too."""
        self._monotonic = monotonic
        self._name = PICTURES[0][0]
        self._drawn_at = float("-inf")
        self._shown: Picture | None = None
        self._is_due = False

    @property
    def offered(self) -> list[str]:
        """The names of the pictures that the panel can show now, in the order of the key."""
        elsewhere = self.elsewhere()
        return [name for name, _ in PICTURES if name not in elsewhere]

    @property
    def picture(self) -> str:
        """The name of the picture that the panel shows."""
        offered = self.offered
        return self._name if self._name in offered else offered[0]

    @property
    def _next(self) -> str:
        offered = self.offered
        return offered[(offered.index(self.picture) + 1) % len(offered)]

    def next_picture(self) -> None:
        """Shows the next picture at once; after the last comes the first."""
        self._name = self._next
        self._scrolled, self._top = False, 0
        self.redraw()

    def show(self, value: ChartView | None) -> None:
        """Keeps the slices and draws them soon; several changes in one pull make one drawing."""
        self._slice = value
        if not self._is_due and self._may_draw():
            self._is_due = True
            self.call_later(self._draw_if_changed)

    def catch_up(self) -> None:
        """Draws what came while the chart was behind another screen, when that is due."""
        self.show(self._slice)

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
        return dict(PICTURES)[self.picture](value)

    def draw(self, value: ChartView, width: int, height: int) -> Drawing:
        self._name = self.picture  # it stays so when the picture it gave way to is offered again
        self._drawn_at, self._shown = self._monotonic(), self._data(value)
        drawing = drawn(self._shown, width, height, ascii=self.ascii or self.is_ascii)
        return Drawing(f"{drawing.title}  {self._turn()}".rstrip(), drawing.lines, drawing.head)

    def _turn(self) -> str:
        """Which of the pictures it is, and how to see the next one."""
        offered = self.offered
        place = f"{offered.index(self.picture) + 1}/{len(offered)}"
        return f"{place}  {key_for('picture', 'v')} next: {self._next}" if len(offered) > 1 else ""


class PayoffPanel(ChartPanel):
    """Shows the payoff alone, where there is room for it beside the chart."""

    NAME = "Payoff"

    @property
    def offered(self) -> list[str]:
        return ["payoff"]
