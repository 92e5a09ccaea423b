"""The panel of the market judgement: each factor with its input and points, as a waterfall (rules 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from widgets.base.day_panel import DayPanel
from widgets.base.lines import Drawing, Line
from widgets.charts.score import waterfall

if TYPE_CHECKING:
    from core.domain.market.judgement import Judgement


class JudgementPanel(DayPanel["tuple[Judgement, ...]"]):
    """The underlying of the shown spread comes first, as in its slice."""

    NAME = "Judgement"
    EMPTY = "no underlying judged yet today"

    def draw(self, value: tuple[Judgement, ...], width: int, height: int) -> Drawing:
        if not value:
            return self.nothing(width)
        lines: list[Line] = [line for judgement in value for line in waterfall(judgement, width)]
        return Drawing(self.NAME, tuple(lines))
