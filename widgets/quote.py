"""The panel of one underlying: price, change, bid and ask, age and freshness (rules 14)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from core.snapshot import Freshness
from widgets.base import format as figures
from widgets.base.digits import ROWS, tall
from widgets.base.lines import Drawing, Line, Tone, beside, fit, width_of
from widgets.base.panel import LinePanel
from widgets.base.profit import profit_tone
from widgets.charts.trail import day_range, sparkline

if TYPE_CHECKING:
    from core.snapshot import QuoteSlice

_ROOM_BESIDE_DIGITS = 24
NO_QUOTE = "no quote: the engine has ended"
INDEX_NOTE = "index: last trade"
BARS_NOTE = "bars of a minute"


class QuotePanel(LinePanel["QuoteSlice"]):
    """Two lines; one where there is no room for more. Three with tall digits, and the bars of the last minutes, where
    there is; while the day's chart is in sight, the price's place in the day's range in place of the bars.

    Tall digits and bars are made of signs that ASCII does not have.
    """

    NAME = "Quote"

    def __init__(
        self,
        chart_in_sight: Callable[[], bool] = lambda: False,
        *,
        unnamed: str = NAME,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """`chart_in_sight` says whether the day's chart is in sight too: one picture of the day is enough. `unnamed` is
        the title while it is not known which underlying it is."""
        self.NAME = unnamed  # type: ignore[misc]
        super().__init__(id=id, classes=classes)
        self._chart_in_sight = chart_in_sight
        self._made: tuple[tuple[tuple[int, float], ...], int, Line] = ((), 0, ())

    def show_ended(self, ended: bool) -> None:
        """Says, where there is no quote, whether one may still come."""
        self.PLACEHOLDER = NO_QUOTE if ended else LinePanel.PLACEHOLDER  # type: ignore[misc]
        self.redraw()

    def _drawn(self, width: int, height: int) -> Drawing:
        if self._slice is None and height == 1:  # without a title
            return Drawing(self.NAME, (((fit(f"{self.NAME}: {self.PLACEHOLDER}", width), Tone.DIM),),))
        return super()._drawn(width, height)

    def draw(self, value: QuoteSlice, width: int, height: int) -> Drawing:
        if height == 1:
            return Drawing(value.symbol, (_one_line(value, width),))
        if height < ROWS:
            return Drawing(value.symbol, _two_lines(value, width))
        rows = _digits(value)
        room = width - len(rows[0]) - 2
        has_digits = not self.is_ascii and room >= _ROOM_BESIDE_DIGITS
        bars = self._bars(value, room if has_digits else width)
        picture = bars or _dated_range(value, room if has_digits else width, ascii=self.is_ascii)
        lines: tuple[Line, ...]
        if has_digits:
            lines = _beside_digits(value, rows, picture, width)
        else:
            lines = (*_two_lines(value, width, with_day=False), picture)
        day = _day_words(value, " - ") if bars and value.day_low is not None else ""
        if day and height > ROWS:  # the panel has the screen for itself
            return Drawing(value.symbol, (*lines, _dated_range(value, width, ascii=self.is_ascii)), note=BARS_NOTE)
        return Drawing(value.symbol, lines, note=f"{BARS_NOTE}  {day}".rstrip() if bars else "")

    def _bars(self, value: QuoteSlice, width: int) -> Line:
        """The bars of the last minutes. They are made anew with the path, which grows much more rarely than quotes
        come."""
        if self.is_ascii or self._chart_in_sight():
            return ()
        path, wide, bars = self._made
        if path is not value.day_path or wide != width:
            bars = sparkline(value.day_path, width)
            self._made = value.day_path, width, bars
        return bars


def freshness(value: QuoteSlice) -> Line:
    """How fresh a quote is, in a word with its age: `live 0s`, `quiet 12s`, `STALE 41s`, `no quote`."""
    age = figures.age(value.age_s)
    if value.freshness is Freshness.STALE:
        return ((f"STALE {age}", Tone.BAD),)
    if value.freshness is Freshness.QUIET:
        return ((f"quiet {age}", Tone.WARN),)
    if value.freshness is Freshness.LIVE:
        return ((f"live {age:>3}", Tone.DIM),)
    return (("no quote", Tone.WARN),)


def _two_lines(value: QuoteSlice, width: int, *, with_day: bool = True) -> tuple[Line, Line]:
    """Price, change and freshness; bid, ask and the day's range. What does not fit beside the rest is left out."""
    fresh, change, sides = freshness(value), _change(value), _sides(value)
    has_room = width_of(change) + len(_price(value)[0]) + width_of(fresh) < width
    day: Line = ((_day_words(value, "-"), Tone.DIM),) if with_day and value.day_low is not None else ()
    return (
        beside((_price(value), *(change if has_room else ())), fresh, width),
        beside(sides, day if width_of(sides) + width_of(day) < width else (), width),
    )


def _digits(value: QuoteSlice) -> tuple[str, ...]:
    """The price in tall digits. A stale one is never set in them: they cannot be struck through and would look live."""
    price = figures.price(value.price)
    live = value.freshness is not Freshness.STALE and value.price is not None
    return tall(price) if live else tuple(row.ljust(len(tall(price)[0])) for row in ("", price, ""))


def _beside_digits(value: QuoteSlice, rows: tuple[str, ...], picture: Line, width: int) -> tuple[Line, ...]:
    """The digits at the left; change, bid and ask, and the picture at the right."""
    room = width - len(rows[0]) - 2
    fresh, change, sides = freshness(value), _change(value), _sides(value)
    together = (*change[1:], ("  ", Tone.PLAIN), *fresh)
    is_dated = width_of(together) > room
    facts = (fresh, change, sides or picture) if is_dated else (together, sides, picture)
    tone = _price(value)[1]
    return tuple(
        beside(((row.rstrip(), tone),) if row.strip() else (), fact if width_of(fact) <= room else (), width)
        for row, fact in zip(rows, facts, strict=True)
    )


def _one_line(value: QuoteSlice, width: int) -> Line:
    """One line: symbol, price and freshness always; the change, and bid and ask, as far as they fit."""
    fresh, name = freshness(value), (f"{value.symbol} ", Tone.STRONG)
    sides, change = _sides(value), _change(value)
    for more in ((*change, ("  ", Tone.PLAIN), *sides), change, ()):
        left = (name, _price(value), *more)
        if width_of(left) + width_of(fresh) + 2 <= width:
            break
    return beside(left, fresh, width)


def _price(value: QuoteSlice) -> tuple[str, Tone]:
    return (figures.price(value.price), Tone.STALE if value.freshness is Freshness.STALE else Tone.STRONG)


def _change(value: QuoteSlice) -> Line:
    if value.change is None:
        return ()
    tone = Tone.STALE if value.freshness is Freshness.STALE else profit_tone(value.change)
    dated = "" if value.day is None else f"{_day(value)} "
    text = f"{figures.arrow(value.change)} {figures.signed(value.change)} {figures.percent(value.change_percent)}"
    return (("  ", Tone.PLAIN), (dated, Tone.DIM), (text.strip(), tone))


def _day(value: QuoteSlice) -> str:
    """Of which day the change and the range are: their date, unless they are of today."""
    return "day" if value.day is None else figures.day_of(value.day, value.day)


def _sides(value: QuoteSlice) -> Line:
    if value.bid is None and value.ask is None:
        return ((INDEX_NOTE, Tone.DIM),) if value.price is not None else ()
    tone = Tone.STALE if value.freshness is Freshness.STALE else Tone.PLAIN
    bid, ask = figures.price(value.bid), figures.price(value.ask)
    return (("bid ", Tone.DIM), (bid, tone), ("  ask ", Tone.DIM), (ask, tone))


def _day_words(value: QuoteSlice, between: str) -> str:
    """The day's lowest and highest price; `between` stands between them."""
    return f"{_day(value)} {figures.price(value.day_low)}{between}{figures.price(value.day_high)}"


def _dated_range(value: QuoteSlice, width: int, *, ascii: bool) -> Line:
    """The price's place in the day's range, else the range in words; empty where neither fits."""
    if value.day_low is None:
        return ()
    before: Line = ((f"{_day(value)} ", Tone.DIM),)
    rail = day_range(value.price, value.day_low, value.day_high, width - width_of(before), ascii=ascii)
    words: Line = ((_day_words(value, " - "), Tone.DIM),)
    return (*before, *rail) if rail else words if width_of(words) <= width else ()
