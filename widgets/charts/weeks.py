"""The picture of the weeks: a bar for what each earned after fees, above zero or below it."""

from __future__ import annotations

from dataclasses import dataclass

from core.domain.operation import amounts
from core.snapshot.money import MoneyWeek
from widgets.base.lines import Drawing, Tone
from widgets.base.profit import profit_tone
from widgets.charts.earned import day_mark, month_marks
from widgets.charts.plot import Plot, Scale, reach

_WIDEST = 8
"""Cells of a bar at most, with the gap beside it."""
_A_MARK = 9
_SMALLEST = (24, 5)
"""The fewest columns and rows in which bars can be told apart."""


@dataclass(frozen=True, slots=True)
class WeeksPicture:
    weeks: tuple[MoneyWeek, ...]

    def draw(self, width: int, height: int, *, ascii: bool = False) -> Drawing:
        """The newest weeks for which there is room, the newest at the right."""
        gained = sum(one.realized > 0 for one in self.weeks)
        lost = sum(one.realized < 0 for one in self.weeks)
        if width < _SMALLEST[0] or height < _SMALLEST[1]:
            return Drawing("Weeks, $", tuple(_in_words(week) for week in reversed(self.weeks)))
        plot, shown = self._plot(width, height, ascii)
        left_out = len(self.weeks) - shown
        of = f"the newest {shown} of {len(self.weeks)}" if left_out else amounts.counted(shown, "week")
        return Drawing(f"Weeks, $: {of}, {gained} gained, {lost} lost", tuple(plot.lines()))

    def _plot(self, width: int, height: int, ascii: bool) -> tuple[_Bars, int]:
        """The picture, and how many weeks it has."""
        margin = _Bars(width, height, self._scale(self.weeks), ascii=ascii).columns
        shown = self.weeks[-(margin // 2) :]
        plot = _Bars(width, height, self._scale(shown), ascii=ascii)
        each = max(1, min(_WIDEST, plot.columns // len(shown)))
        wide = max(1, each - 1)
        plot.level(0.0, Tone.DIM)
        places = {}
        for number, one in enumerate(shown):
            places[one.begins] = number * each
            plot.bar(number * each, wide, float(one.realized))
        first, last = shown[0].begins, shown[-1].begins
        for day, label in (*month_marks(first, last, plot.columns // _A_MARK), day_mark(first), day_mark(last)):
            begins = next(week for week in places if week >= day)
            plot.tick(places[begins] / (plot.columns - 1), label)
        return plot, len(shown)

    @staticmethod
    def _scale(weeks: tuple[MoneyWeek, ...]) -> Scale:
        """Floats are for drawing alone: no figure is made from them."""
        return Scale((0.0, 1.0), reach([0.0, *(float(one.realized) for one in weeks)]))


def _in_words(week: MoneyWeek) -> tuple[tuple[str, Tone], ...]:
    tone = profit_tone(week.realized) if week.realized else Tone.DIM
    told = amounts.realized(week.realized, estimated=week.estimated)
    return ((f"{week.begins:%b %d} ", Tone.DIM), (told, tone))


class _Bars(Plot):
    """A picture with bars that begin at zero."""

    def bar(self, column: int, wide: int, value: float) -> None:
        """Gains are full blocks above the line at zero, losses shaded below it; each is at least a cell high."""
        zero, end = self.row(0.0), self.row(value)
        if not value:
            return
        rows = range(min(end, zero - 1), zero) if value > 0 else range(zero + 1, max(end, zero + 1) + 1)
        part = (self._glyphs["bar"], Tone.GAIN) if value > 0 else (self._glyphs["loss"], Tone.LOSS)
        for row in rows:
            for x in range(column, min(column + wide, self.columns)):
                self._cells[row, x] = part
