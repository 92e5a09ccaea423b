"""The picture of one trident's P&L at expiry: break-evens, the price now, and what closing now would bring."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from core.domain.trident.book_payoff import BookPayoff
from core.snapshot import PayoffView
from widgets.base import format as figures
from widgets.base.key_names import key_for
from widgets.base.lines import Drawing, Line, Part, Tone
from widgets.base.profit import profit_tone
from widgets.charts.book import BookPicture
from widgets.charts.picture import ChartView
from widgets.charts.plot import Plot, Scale, both_sides, reach, with_words

_SIDES = Decimal("1.7")
_FURTHEST = Decimal(5)
"""How many widths the picture reaches to both sides of the body, and how many at most for a price far away."""


@dataclass(frozen=True, slots=True)
class PayoffPicture:
    view: PayoffView | None

    @classmethod
    def of(cls, view: ChartView) -> PayoffPicture:
        return cls(view.pictures.payoff)

    def draw(self, width: int, height: int, *, ascii: bool = False) -> Drawing:
        view = self.view
        if view is None:
            return Drawing("Payoff at expiry", ((("no trident priced or open", Tone.DIM),),))
        day = f"{view.expiration:%b} {view.expiration.day}"
        title = f"{view.underlying} {day} payoff at expiry, $"
        if view.left is not None:
            return replace(_of_what_is_left(view, view.left).draw(width, height, ascii=ascii), title=title)

        def paint(columns: int, rows: int) -> list[Line]:
            return _plot(view, columns, rows, ascii).lines()

        words, gives_way = _words(view)
        return Drawing(title, with_words(words, width, height, paint, gives_way))


def _of_what_is_left(view: PayoffView, left: BookPayoff) -> BookPicture:
    """Once a unit has ended, the payoff of the whole trident is no longer what it will bring."""
    return BookPicture(
        symbol=view.underlying,
        book=left,
        price=view.price,
        profit_mid=view.profit_mid,
        profit_natural=view.profit_natural,
        stale=view.price_stale or view.marks_stale,
        without=0 if left.tridents else 1,
        expirations=1,
    )


def _words(view: PayoffView) -> tuple[list[Part], list[Part]]:
    """What the picture shows, in words, and what of it gives way where there is little room, in that order. In this
    order the words fill the rows of a narrow panel best."""
    payoff, parts = view.payoff, list[Part]()
    lower, upper = figures.strike(payoff.body - payoff.width), figures.strike(payoff.body + payoff.width)
    if view.price is not None:
        word, then = "STALE" if view.price_stale else "now", payoff.at(view.price)
        tone = Tone.BAD if view.price_stale else profit_tone(then)
        parts.append((f"▲ {word} {figures.price(view.price)}: {_dollars(then)} at expiry", tone))
    parts.append((f"max profit {figures.dollars(payoff.max_profit)} $ at {figures.strike(payoff.body)}", Tone.ABOVE))
    if payoff.max_loss > 0:
        parts.append((f"max loss {figures.dollars(payoff.max_loss)} $ at {lower}", Tone.BELOW))
    else:
        parts.append((f"never below {_dollars(-payoff.max_loss)}", Tone.ABOVE))
    if view.profit_mid is not None:
        mid, natural = _dollars(view.profit_mid), _dollars(view.profit_natural)
        stale = "STALE " if view.marks_stale else ""
        parts.append((f"{stale}close now {mid} mid, {natural} natural", profit_tone(view.profit_mid)))
    parts.append((_break_evens(view), Tone.PLAIN))
    more: list[Part] = [
        (f"{_dollars(payoff.beyond_call)} above {upper}", profit_tone(payoff.beyond_call)),
        (f"credit {figures.price(payoff.credit)} ({view.basis}) {view.account}".rstrip(), Tone.DIM),
    ]
    if view.others:
        more.append((f"{view.others} more open: {key_for('positions', 't')}", Tone.DIM))
    return [*parts, *more], more[::-1]


def _break_evens(view: PayoffView) -> str:
    below, above = view.payoff.break_evens
    if below is None and above is None:
        return "no break-even"
    if above is None or below is None:
        return f"◆ break-even {figures.price(below or above)}, none {'above' if above is None else 'below'}"
    return f"◆ break-even {figures.price(below)} and {figures.price(above)}"


def _plot(view: PayoffView, width: int, height: int, ascii: bool) -> Plot:
    payoff = view.payoff
    low, high = _span(payoff.body, payoff.width, view.price)
    points = [(float(settle), float(profit)) for settle, profit in payoff.curve(low, high)]
    sides = both_sides(reach([0.0, *(profit for _, profit in points)]), height - 2)
    scale = Scale((float(low), float(high)), sides)
    plot = Plot(width, height, scale, ascii=ascii)
    plot.area(points)
    if view.price is not None:
        plot.upright(float(view.price), Tone.STRONG)
    known = [settle for settle in payoff.break_evens if settle is not None]
    for settle in known:
        plot.write(float(settle), 0.0, "◆", Tone.WARN)
    plot.tick(float(payoff.body), figures.strike(payoff.body))
    for strike in (payoff.body - payoff.width, payoff.body + payoff.width):
        plot.tick(float(strike), figures.strike(strike))
    for settle in known:
        plot.tick(float(settle), figures.price(settle))
    if view.price is not None:
        plot.mark(float(view.price), "▲", Tone.BAD if view.price_stale else Tone.STRONG)
    return plot


def _span(body: Decimal, width: Decimal, price: Decimal | None) -> tuple[Decimal, Decimal]:
    """The lowest and highest settlement shown: both wings, and the price unless it is very far away."""
    aside = max(_SIDES * width, Decimal("0.01"))
    if price is not None:
        aside = max(aside, min(abs(price - body) * Decimal("1.05"), _FURTHEST * width))
    return body - aside, body + aside


def _dollars(value: Decimal | None) -> str:
    if value is None:
        return figures.NONE
    return f"{'+' if value > 0 else ''}{figures.dollars(value)} $"
