"""The panel of the market judgement: each factor with its input and points, as a waterfall (rules 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from widgets.base.lines import Drawing, Line, Tone
from widgets.base.panel import LinePanel
from widgets.charts.score import waterfall

if TYPE_CHECKING:
    from core.domain.market.judgement import Judgement


class JudgementPanel(LinePanel["tuple[Judgement, ...]"]):
    NAME = "Judgement"
    PLACEHOLDER = "no underlying judged yet"

    def draw(self, value: tuple[Judgement, ...], width: int, height: int) -> Drawing:
        lines: list[Line] = [line for judgement in value for line in waterfall(judgement, width)]
        return Drawing(self.NAME, tuple(lines) or (((self.PLACEHOLDER, Tone.DIM),),))
