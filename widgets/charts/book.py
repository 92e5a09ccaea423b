"""The picture of what tridents of one underlying bring together at expiry: of all that are open, or of one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from core.domain.operation.amounts import signed_dollars
from core.domain.trident.book_payoff import BookPayoff, book_of
from core.snapshot import Freshness, PositionView
from widgets.base import format as figures
from widgets.base.lines import Drawing, Line, Part, Tone, flow
from widgets.base.profit import profit_tone
from widgets.charts.plot import Plot, Scale, both_sides, reach, with_words

_SIDES = Decimal("0.7")
"""How far the picture reaches beyond the lowest and the highest strike, in widths of the widest trident."""
_FURTHEST = Decimal(4)
"""How many of these widths it reaches at most for a price far away."""
_LEAST_WORDS, _LEAST_PLOT = 4, 7
"""The words that always stay, and the rows of a picture for which the others give way."""
_MOST_NAMED = 3
"""How many break-evens are written out at most."""


@dataclass(frozen=True, slots=True)
class BookPicture:
    """`price` is the underlying's, the results now are in $, None where one of them is not known. `without` counts the
    tridents whose payoff is not known, `expirations` those of the others."""

    symbol: str
    book: BookPayoff
    price: Decimal | None
    profit_mid: Decimal | None
    profit_natural: Decimal | None
    stale: bool
    without: int
    expirations: int

    @classmethod
    def of(cls, views: Sequence[PositionView]) -> BookPicture:
        """The picture of these open tridents, which are of one underlying; there must be at least one."""
        known = [view for view in views if view.left is not None]
        return cls(
            symbol=views[0].underlying,
            book=book_of(view.left for view in known),
            price=views[0].price,
            profit_mid=_sum(view.profit_mid for view in known),
            profit_natural=_sum(view.profit_natural for view in known),
            stale=any(view.freshness is Freshness.STALE for view in known),
            without=len(views) - len(known),
            expirations=len({view.expiration for view in known}),
        )

    def draw(self, width: int, height: int, *, ascii: bool = False) -> Drawing:
        count = len(self.book.tridents)
        title = f"{self.symbol} {figures.counted(count, 'trident')} at expiry, $"
        if not self.book.bends:
            said = f"what {self.symbol} brings at expiry is not known yet"
            return Drawing(title, (((self._without or said, Tone.DIM),),))

        def paint(columns: int, rows: int) -> Sequence[Line]:
            span = _span(self.book, self.price)
            price = _in_column(self.price, span, columns)
            return _painted(self.book, self.named, price, span, self.stale, columns, rows, ascii)

        words = self._words()
        while len(words) > _LEAST_WORDS and height > _LEAST_PLOT and len(flow(words, width)) > height - _LEAST_PLOT:
            words.pop()
        return Drawing(title, with_words(words, width, height, paint))

    @property
    def _without(self) -> str:
        return f"without {self.without}: its payoff is not known" if self.without else ""

    def _words(self) -> list[Part]:
        book, parts = self.book, list[Part]()
        if self.price is not None:
            word, then = "STALE" if self.stale else "now", book.at(self.price)
            tone = profit_tone(then, stale=self.stale)
            parts.append((f"▲ {word} {figures.price(self.price)}: {signed_dollars(then)} at expiry", tone))
        if self.profit_mid is not None:
            stale = "STALE " if self.stale else ""
            natural = signed_dollars(self.profit_natural)
            now = f"{stale}close now {signed_dollars(self.profit_mid)} mid, {natural} natural"
            parts.append((now, profit_tone(self.profit_mid, stale=self.stale)))
        most, least = book.best, book.worst
        parts.append((f"most {signed_dollars(most[1])} {self._where(most[0])}", profit_tone(most[1])))
        parts.append((f"least {signed_dollars(least[1])} {self._where(least[0])}", profit_tone(least[1])))
        parts.append((self._break_evens(), Tone.PLAIN))
        if self.without:
            parts.append((self._without, Tone.WARN))
        parts.append(("before fees, with what is realized", Tone.DIM))
        if self.expirations > 1:
            parts.append((f"{self.expirations} expirations, each settled at that price", Tone.DIM))
        return parts

    @property
    def named(self) -> tuple[Decimal, ...]:
        """The break-evens that are written out: all of a few, the ones nearest to the price of many."""
        settles = self.book.break_evens
        if len(settles) <= _MOST_NAMED:
            return settles
        middle = self.price if self.price is not None else settles[len(settles) // 2]
        return tuple(sorted(sorted(settles, key=lambda settle: abs(settle - middle))[:_MOST_NAMED]))

    def _break_evens(self) -> str:
        if not self.named:
            return "no break-even"
        told = ", ".join(figures.price(settle) for settle in self.named)
        more = len(self.book.break_evens) - len(self.named)
        return f"◆ break-even {told}" + (f" and {more} more" if more else "")

    def _where(self, settle: Decimal) -> str:
        """Where a result comes: it stays the same beyond the outermost strikes."""
        bends, at = self.book.bends, figures.strike(settle)
        result = self.book.at(settle)
        if result == self.book.at(bends[0]):
            return f"at {figures.strike(bends[0])} and below"
        return f"at {at} and above" if result == self.book.at(bends[-1]) else f"at {at}"


@lru_cache(maxsize=16)
def _painted(
    book: BookPayoff,
    named: tuple[Decimal, ...],
    price: float | None,
    span: tuple[Decimal, Decimal],
    stale: bool,
    width: int,
    height: int,
    ascii: bool,
) -> tuple[Line, ...]:
    """The picture without its words. It changes only when the price comes to another column."""
    low, high = span
    points = [(float(settle), float(profit)) for settle, profit in book.curve(low, high)]
    sides = both_sides(reach([0.0, *(profit for _, profit in points)]), height - 2)
    scale = Scale((float(low), float(high)), sides)
    plot = Plot(width, height, scale, ascii=ascii)
    plot.area(points)
    if price is not None:
        plot.upright(price, Tone.STRONG)
    for settle in book.break_evens:
        plot.write(float(settle), 0.0, "◆", Tone.WARN)
    bodies = sorted({one.body for one in book.tridents})
    for strike in (*bodies, book.bends[0], book.bends[-1]):
        plot.tick(float(strike), figures.strike(strike))
    for settle in named:
        plot.tick(float(settle), figures.price(settle))
    if price is not None:
        plot.mark(price, "▲", Tone.BAD if stale else Tone.STRONG)
    return tuple(plot.lines())


def _in_column(price: Decimal | None, span: tuple[Decimal, Decimal], width: int) -> float | None:
    """The price as one of `width` places between the lowest and the highest settlement shown."""
    if price is None:
        return None
    low, high = float(span[0]), float(span[1])
    share = min(1.0, max(0.0, (float(price) - low) / (high - low)))
    return low + round(share * width) / width * (high - low)


def _span(book: BookPayoff, price: Decimal | None) -> tuple[Decimal, Decimal]:
    """The lowest and highest settlement shown: every strike, and the price unless it is very far away."""
    width = max(one.width for one in book.tridents)
    low, high = book.bends[0] - _SIDES * width, book.bends[-1] + _SIDES * width
    if price is None:
        return low, high
    far, step = _FURTHEST * width, width / 2
    below, above = (price // step - 1) * step, (price // step + 2) * step  # in steps: a price does not move the picture
    return min(low, max(below, low - far)), max(high, min(above, high + far))


def _sum(values: Iterable[Decimal | None]) -> Decimal | None:
    """The sum of all; None where one of them is not known, or there is none."""
    given = list(values)
    known = [value for value in given if value is not None]
    return sum(known, Decimal(0)) if known and len(known) == len(given) else None
