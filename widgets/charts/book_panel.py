"""The panel of what tridents of one underlying bring together at expiry."""

from __future__ import annotations

from core.snapshot import PositionView
from widgets.base.lines import Drawing
from widgets.base.panel import LinePanel
from widgets.charts.book import BookPicture
from widgets.charts.picture import drawn

BESIDE_FROM, BELOW_FROM = 150, 32
"""From so many columns of the terminal on there is room for it beside a list or a story, from so many rows on below."""


class BookPanel(LinePanel["tuple[PositionView, ...]"]):
    """Shows open tridents of one underlying, one or several."""

    NAME = "At expiry"
    PLACEHOLDER = "no trident is open"

    def draw(self, value: tuple[PositionView, ...], width: int, height: int) -> Drawing:
        return drawn(BookPicture.of(value), width, height, ascii=self.is_ascii)
