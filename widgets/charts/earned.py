"""The picture of what was earned: what is realized so far as a line, and what is open by mid shaded on top of it."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from core.domain.operation import amounts
from core.snapshot.money import MoneyDay, MoneyView
from widgets.base.lines import Drawing, Part, Tone
from widgets.charts.plot import Plot, Scale, reach, with_words

_LEAST_DAYS = 5
"""The picture spans at least so many days."""
_STEPS = (1, 2, 3, 6, 12, 24, 60)
"""Between two marks under the picture, in months."""
_A_MARK = 9
"""Cells that a mark takes at least."""
_LONG_TITLE = 74


@dataclass(frozen=True, slots=True)
class EarnedPicture:
    view: MoneyView

    def draw(self, width: int, height: int, *, ascii: bool = False) -> Drawing:
        days = self.view.days
        title = "Earned, $"
        if width >= _LONG_TITLE:
            line = "stars" if ascii else "line"
            title = f"{title}: {line} realized after fees, shaded with what was open at mid"
        words = _words(self.view)
        return Drawing(title, with_words(words, width, height, lambda w, h: _plot(days, w, h, ascii).lines()))


def _words(view: MoneyView) -> list[Part]:
    """The figures of all months, as `senex report --pnl` names them; what was realized stands above the picture."""
    total = view.figures.total
    mark = amounts.ESTIMATED if total.estimated else ""
    parts: list[Part] = [(f"fees {mark}{amounts.dollars(total.fees)}", Tone.PLAIN)]
    if total.ended:
        won = f"{amounts.counted(total.wins.count, 'win')} of {total.wins.of} ended"
        parts.append((f"{won}, {_percent(total.wins.percent)}", Tone.PLAIN))
    if total.average_win is not None:
        parts.append((f"average win {amounts.signed_dollars(total.average_win)}", Tone.PLAIN))
    if total.average_loss is not None:
        parts.append((f"average loss {amounts.signed_dollars(total.average_loss)}", Tone.PLAIN))
    if total.days_held is not None:
        parts.append((f"held {total.days_held:.1f} days", Tone.PLAIN))
    if total.return_on_risk is not None:
        parts.append((f"return on risk {_percent(total.return_on_risk)}", Tone.PLAIN))
    if total.capital_use is not None:
        parts.append((f"capital in use {_percent(total.capital_use)}", Tone.PLAIN))
    if total.estimated:
        parts.append((f"{amounts.ESTIMATED} estimated fees", Tone.DIM))
    return parts


def _percent(value: Decimal | None) -> str:
    return amounts.NONE if value is None else f"{value:.1f} %"


def _plot(days: tuple[MoneyDay, ...], width: int, height: int, ascii: bool) -> _Shaded:
    """Floats are for drawing alone: no figure is made from them."""
    first, last = days[0].day, max(days[-1].day, days[0].day + timedelta(days=_LEAST_DAYS))
    curve = [(float(one.day.toordinal()), float(one.realized)) for one in days]
    tops = [float(one.realized + one.open_mid) for one in days if one.open_mid is not None]
    scale = Scale((first.toordinal(), last.toordinal()), reach([0.0, *(value for _, value in curve), *tops]))
    plot = _Shaded(width, height, scale, ascii=ascii)
    plot.level(0.0, Tone.DIM)
    plot.shade(days)
    plot.curve(curve, Tone.ACCENT)
    for day, label in (*month_marks(first, last, plot.columns // _A_MARK), day_mark(first), day_mark(last)):
        plot.tick(day.toordinal(), label)
    return plot


class _Shaded(Plot):
    """A picture with an area between what was realized and what closing all that was open would have made of it."""

    def shade(self, days: tuple[MoneyDay, ...]) -> None:
        """In each column stands the newest day up to there."""
        ordinals = [one.day.toordinal() for one in days]
        first, last = self._scale.x
        for column in range(self.columns):
            at = first + (last - first) * (column + 0.5) / self.columns
            place = bisect_right(ordinals, at) - 1
            if place < 0 or at > ordinals[-1] + 1:
                continue
            one = days[place]
            if not one.open_mid:
                continue
            low, high = sorted((self.row(float(one.realized)), self.row(float(one.realized + one.open_mid))))
            sign, tone = (self._glyphs["gain"], Tone.GAIN) if one.open_mid > 0 else (self._glyphs["loss"], Tone.LOSS)
            for row in range(low, high + 1):
                self._cells[row, column] = (sign, tone)


def day_mark(day: date) -> tuple[date, str]:
    """A date as a mark under a picture."""
    return day, f"{day:%b} {day.day}"


def month_marks(first: date, last: date, most: int) -> list[tuple[date, str]]:
    """About `most` first days of months between two dates, with the month's name, or the year's at its begin."""
    months = [
        date(year, month, 1)
        for year in range(first.year, last.year + 1)
        for month in range(1, 13)
        if first <= date(year, month, 1) <= last
    ]
    step = next((step for step in _STEPS if len(months) / step <= max(1, most)), _STEPS[-1])
    marks = [month for month in months if ((month.year * 12) + month.month - 1) % step == 0]
    found = [(month, f"{month:%Y}" if month.month == 1 else f"{month:%b}") for month in marks]
    return found
