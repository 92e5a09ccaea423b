"""The panel of one underlying: price, change, bid and ask, age and freshness (rules 14)."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from textual.renderables.digits import DIGITS, DIGITS3X3

from core.snapshot import Freshness
from widgets.base import format as figures
from widgets.base.lines import Drawing, Line, Tone, beside, fit, width_of
from widgets.base.panel import LinePanel

if TYPE_CHECKING:
    from core.snapshot import QuoteSlice

_BARS = "▁▂▃▄▅▆▇█"
_TALL_FROM = (44, 4)
NO_QUOTE = "no quote: the engine has ended"
INDEX_NOTE = "index: last trade"


class QuotePanel(LinePanel["QuoteSlice"]):
    """Two lines; one where there is no room for more, and four with tall digits and recent prices where there is.

    Tall digits are made of signs that ASCII does not have.
    """

    NAME = "Quote"

    def show_ended(self, ended: bool) -> None:
        """Says, where there is no quote, whether one may still come."""
        self.PLACEHOLDER = NO_QUOTE if ended else LinePanel.PLACEHOLDER  # type: ignore[misc]
        self.redraw()

    def draw(self, value: QuoteSlice, width: int, height: int) -> Drawing:
        if width >= _TALL_FROM[0] and height >= _TALL_FROM[1] and not self.is_ascii:
            lines = _tall(value, width)
        elif height == 1:
            lines = (_one_line(value, width),)
        else:
            fresh = freshness(value)
            low, high = figures.price(value.day_low), figures.price(value.day_high)
            day: Line = () if value.day_low is None else ((f"{_day(value)} {low}-{high}", Tone.DIM),)
            change = _change(value)
            top = (
                _price(value),
                *(change if width_of(change) + len(_price(value)[0]) + width_of(fresh) < width else ()),
            )
            lines = (
                beside(top, fresh, width),
                beside(_sides(value), day if width_of(_sides(value)) + width_of(day) < width else (), width),
            )
        return Drawing(value.symbol, lines)


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
    tone = Tone.STALE if value.freshness is Freshness.STALE else _direction(value.change)
    dated = "" if value.day is None else f"{_day(value)} "
    text = f"{figures.arrow(value.change)} {figures.signed(value.change)} {figures.percent(value.change_percent)}"
    return (("  ", Tone.PLAIN), (dated, Tone.DIM), (text.strip(), tone))


def _day(value: QuoteSlice) -> str:
    """Of which day the change and the range are: their date, unless they are of today."""
    return "day" if value.day is None else figures.day_of(value.day, value.day)


def _direction(change: Decimal) -> Tone:
    return Tone.GOOD if change > 0 else Tone.BAD if change < 0 else Tone.PLAIN


def _sides(value: QuoteSlice) -> Line:
    if value.bid is None and value.ask is None:
        return ((INDEX_NOTE, Tone.DIM),) if value.price is not None else ()
    tone = Tone.STALE if value.freshness is Freshness.STALE else Tone.PLAIN
    bid, ask = figures.price(value.bid), figures.price(value.ask)
    return (("bid ", Tone.DIM), (bid, tone), ("  ask ", Tone.DIM), (ask, tone))


def _tall(value: QuoteSlice, width: int) -> tuple[Line, ...]:
    live = value.freshness is not Freshness.STALE and value.price is not None
    # A stale price is never set in tall digits: they cannot be struck through, and would look live.
    rows = digits(figures.price(value.price)) if live else ("", figures.price(value.price), "")
    tone = Tone.STRONG if live else Tone.STALE
    left = [((row, tone if row else Tone.PLAIN),) for row in rows]
    low, high = figures.price(value.day_low), figures.price(value.day_high)
    day: Line = () if value.day_low is None else ((f"{_day(value)} ", Tone.DIM), (f"{low} - {high}", Tone.PLAIN))
    facts = (_change(value), _sides(value), day)
    fresh = freshness(value)
    picture = sparkline(value.trail, width - width_of(fresh) - 2)
    return (
        *(beside(a, b, width) for a, b in zip(left, facts, strict=True)),
        beside(((picture, Tone.PICTURE),), fresh, width),
    )


def digits(text: str) -> tuple[str, str, str]:
    """The text in three rows of tall digits. A character without a tall form stands on the last row."""
    rows = ["", "", ""]
    for character in text.replace(".", "•"):
        place = DIGITS.find(character)
        for y in range(3):
            rows[y] += DIGITS3X3[place * 3 + y].ljust(3) if place >= 0 else character if y == 2 else " "
    return rows[0], rows[1], rows[2]


def sparkline(values: tuple[float, ...], width: int) -> str:
    """The newest `width` values as bars, a cell each, scaled between their lowest and highest."""
    if width <= 0 or not values:
        return ""
    shown = values[-width:]
    low, high = min(shown), max(shown)
    reach = (high - low) or 1.0
    return fit("".join(_BARS[min(7, int((value - low) / reach * 8))] for value in shown), min(width, len(shown)))
