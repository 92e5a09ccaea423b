"""The table of what each month earned, the newest first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from core.domain.operation import amounts
from core.domain.reporting.money import MoneyPart
from core.snapshot.money import MoneyView
from widgets.base.lines import Drawing, Line, Part, Tone, fit, right, wrap
from widgets.base.panel import LinePanel
from widgets.base.profit import profit_tone

_NAME = 8
_GAP = "  "


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of `width` cells. Of those that do not fit, the ones with the greatest `rank` go first."""

    head: str
    width: int
    rank: int
    cell: Callable[[MoneyPart], Part]


class MonthsPanel(LinePanel[MoneyView]):
    NAME = "Months"
    PLACEHOLDER = ""
    EMPTY = "Each month with its result, fees, tridents ended, share of wins, days held and return on risk."

    def draw(self, value: MoneyView, width: int, height: int) -> Drawing:
        if not value.figures.periods:
            return Drawing(self.NAME, tuple(((line, Tone.DIM),) for line in wrap(self.EMPTY, width)))
        rows = [(f"{begins:%Y-%m}", part) for begins, part in reversed(value.figures.periods)]
        title = f"{self.NAME}  {amounts.counted(len(rows), 'month')}"
        lines = table([("all", value.figures.total), *rows], "MONTH", width)
        return Drawing(title, tuple(lines), head=2)


def table(rows: list[tuple[str, MoneyPart]], head: str, width: int) -> list[Line]:
    """The rows under a line of heads, with the columns that fit in so many cells."""
    columns, left = [], width - _NAME
    for column in sorted(_COLUMNS, key=lambda each: each.rank):
        if column.width + len(_GAP) <= left:
            columns.append(column)
            left -= column.width + len(_GAP)
        else:
            break
    shown = [column for column in _COLUMNS if column in columns]
    heads = [(_GAP + right(column.head, column.width), Tone.DIM) for column in shown]
    lines: list[Line] = [((fit(head, _NAME), Tone.DIM), *heads)]
    for name, part in rows:
        cells = [(column.cell(part), column.width) for column in shown]
        padded = [(_GAP + right(text, wide), tone) for (text, tone), wide in cells]
        lines.append(((fit(name, _NAME), Tone.STRONG), *padded))
    return lines


def _result(value: Decimal | None, *, estimated: bool = False) -> Part:
    return amounts.realized_money(value, estimated=estimated), profit_tone(value)


def _share(value: Decimal | None) -> Part:
    return ("--" if value is None else f"{value:.1f} %"), Tone.PLAIN


_COLUMNS = (
    _Column("REALIZED $", 12, 0, lambda part: _result(part.realized, estimated=part.estimated)),
    _Column("FEES $", 9, 2, lambda part: (amounts.money(part.fees), Tone.DIM)),
    _Column("ENDED", 5, 1, lambda part: (str(part.ended), Tone.PLAIN)),
    _Column("WON", 7, 3, lambda part: _share(part.wins.percent)),
    _Column("AVG WIN", 9, 6, lambda part: _result(part.average_win)),
    _Column("AVG LOSS", 9, 7, lambda part: _result(part.average_loss)),
    _Column("DAYS", 5, 5, lambda part: ("--" if part.days_held is None else f"{part.days_held:.1f}", Tone.PLAIN)),
    _Column("RETURN", 8, 4, lambda part: _share(part.return_on_risk)),
    _Column("IN USE", 7, 8, lambda part: _share(part.capital_use)),
)
