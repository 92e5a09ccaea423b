"""Shared by all pictures: the slices they are drawn from, their protocol, ASCII, and marks of time."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from core.snapshot import PicturesSlice
from widgets.base.format import EXCHANGE
from widgets.base.lines import Drawing

if TYPE_CHECKING:
    from core.domain.market.judgement import Judgement
    from core.snapshot import AttemptView, QuoteSlice, SlotView, SpreadSlice

_ASCII_SIGNS = str.maketrans(
    {
        "✓": "+",
        "✖": "X",
        "▶": ">",
        "○": "o",
        "·": ".",
        "▲": "^",
        "◆": "#",
        "…": "~",
        "█": "#",
        "▒": "=",
        "│": "|",
        "┆": ":",
        "┊": ":",
    }
)
"""The pictures' signs, and the ASCII shown in their place."""


@dataclass(frozen=True, slots=True)
class ChartView:
    """The slices that pictures are drawn from. `coming` says when there will be prices, while there are none."""

    quotes: tuple[QuoteSlice, ...] = ()
    schedule: tuple[SlotView, ...] = ()
    spread: SpreadSlice | None = None
    attempts: tuple[AttemptView, ...] = ()
    judgements: tuple[Judgement, ...] = ()
    pictures: PicturesSlice = field(default_factory=PicturesSlice)
    coming: str = ""


class Picture(Protocol):
    """A picture with the data of one moment. Pictures that compare equal draw the same."""

    def draw(self, width: int, height: int, *, ascii: bool = False) -> Drawing:
        """Draws the picture in `width` x `height` cells, with its figures in words. `ascii` asks for ASCII alone.

        Has no side effects.
        """
        ...


def drawn(picture: Picture, width: int, height: int, *, ascii: bool) -> Drawing:
    """Draws a picture in `width` x `height` cells; with `ascii` every character of it is ASCII."""
    drawing = picture.draw(width, height, ascii=ascii)
    if not ascii:
        return drawing
    lines = tuple(tuple((_in_ascii(text), tone) for text, tone in line) for line in drawing.lines)
    return replace(drawing, title=_in_ascii(drawing.title), lines=lines, note=_in_ascii(drawing.note))


def _in_ascii(text: str) -> str:
    return text.translate(_ASCII_SIGNS).encode("ascii", "replace").decode("ascii")


def traded(view: ChartView) -> str:
    """The symbol of the underlying that pictures are about: the one being traded, else the first with prices today."""
    if view.spread is not None:
        return view.spread.underlying
    shown = next((q for q in view.quotes if q.day_path), view.quotes[0] if view.quotes else None)
    return "" if shown is None else shown.symbol


def second_of_day(at: datetime) -> int:
    """The seconds from midnight at the exchange to this instant."""
    local = at.astimezone(EXCHANGE)
    return local.hour * 3600 + local.minute * 60 + local.second


def time_marks(first: int, last: int, most: int) -> list[tuple[int, str]]:
    """About `most` round times between two seconds of the day: (second, words like 10:30)."""
    steps = (60, 300, 900, 1800, 3600, 7200)
    step = next((s for s in steps if (last - first) / s <= max(1, most)), 14_400)
    begin = -(-first // step) * step
    marks = list(range(begin, last + 1, step)) or [first]
    return [(second, f"{second // 3600:02}:{second // 60 % 60:02}") for second in marks]
