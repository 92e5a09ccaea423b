"""The picture of the credit: natural, mid and limit over the day's attempts and since the entry."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from core.snapshot import AttemptView, CreditTrail
from widgets.base import format as figures
from widgets.base.lines import Drawing, Part, Tone
from widgets.charts.picture import ChartView, second_of_day, time_marks, traded
from widgets.charts.plot import Plot, Point, Scale, reach, with_words

_LEAST_S = 300
"""The picture spans at least this many seconds of market time."""


@dataclass(frozen=True, slots=True)
class CreditPicture:
    symbol: str
    attempts: tuple[AttemptView, ...]
    trail: CreditTrail | None
    limit: Decimal | None
    fill: Decimal | None

    @classmethod
    def of(cls, view: ChartView) -> CreditPicture:
        spread, trails = view.spread, view.pictures.credits
        symbol = traded(view)
        mine = [t for t in trails if spread is not None and (t.underlying, t.strikes) == (symbol, spread.strikes)]
        of_symbol = mine or [t for t in trails if t.underlying == symbol]
        same = spread is not None and spread.underlying == symbol
        return cls(
            symbol=symbol,
            attempts=tuple(a for a in view.attempts if a.underlying == symbol),
            trail=of_symbol[-1] if of_symbol else None,
            limit=spread.limit if same and spread is not None else None,
            fill=spread.fill_credit if same and spread is not None else None,
        )

    def draw(self, width: int, height: int, *, ascii: bool = False) -> Drawing:
        title = f"{self.symbol} credit (ET)".strip()
        natural, mid, limit = self._series()
        if not natural and not mid:
            return Drawing(title, ((("no credit yet today", Tone.DIM),),))

        def paint(columns: int, rows: int) -> list[tuple[Part, ...]]:
            return _plot(columns, rows, (natural, mid, limit), self._followed, ascii=ascii).lines()

        return Drawing(title, with_words(self._words(ascii), width, height, paint))

    @property
    def _followed(self) -> int | None:
        """The second of the exchange's day from which on the entry is followed; None when it is not."""
        return None if self.trail is None or not self.trail.points else second_of_day(self.trail.points[0].at)

    def _series(self) -> tuple[list[Point], list[Point], list[Point]]:
        """Natural, mid and limit as (second of the day, credit), oldest first. The present limit goes on to the end."""
        rows = [(second_of_day(a.at), a.natural, a.mid) for a in self.attempts]
        if self.trail is not None:
            rows += [(second_of_day(point.at), point.natural, point.mid) for point in self.trail.points]
        rows.sort(key=lambda row: row[0])
        limits = sorted((second_of_day(a.at), a.limit) for a in self.attempts if a.limit is not None)
        if self.limit is not None and rows:
            limits.append((rows[-1][0], self.limit))
        return (
            _known([(at, natural) for at, natural, _ in rows]),
            _known([(at, mid) for at, _, mid in rows]),
            _known(limits),
        )

    def _words(self, ascii: bool) -> list[Part]:
        last_natural, last_mid = self._last()
        parts: list[Part] = [
            (f"mid {figures.price(last_mid)} ({'stars' if ascii else 'line'})", Tone.ACCENT),
            (f"natural {figures.price(last_natural)} (dots)", Tone.PLAIN),
        ]
        if self.limit is not None:
            parts.append((f"limit {figures.price(self.limit)} (dashes)", Tone.WARN))
        if self.fill is not None:
            parts.append((f"filled at {figures.price(self.fill)}", Tone.GOOD))
        if self.attempts:
            priced = sum(a.mid is not None for a in self.attempts)
            parts.append((f"{priced} of {len(self.attempts)} attempts priced", Tone.DIM))
        if self.trail is not None and self.trail.points:
            parts.append((f"┊ followed from {figures.minute(self.trail.points[0].at)}", Tone.DIM))
        return parts

    def _last(self) -> tuple[Decimal | None, Decimal | None]:
        """The newest natural and mid credit."""
        if self.trail is not None and self.trail.points:
            return self.trail.points[-1].natural, self.trail.points[-1].mid
        newest = max((a for a in self.attempts if a.mid is not None), key=lambda a: a.at, default=None)
        return (None, None) if newest is None else (newest.natural, newest.mid)


def _known(points: Sequence[tuple[int, Decimal | None]]) -> list[Point]:
    """The points that have a credit, as floats for drawing. No decision reads them."""
    return [(at, float(value)) for at, value in points if value is not None and math.isfinite(value)]


def _plot(
    width: int, height: int, series: tuple[list[Point], list[Point], list[Point]], followed: int | None, *, ascii: bool
) -> Plot:
    natural, mid, limit = series
    seconds = [at for at, _ in (*natural, *mid)]
    first, last = int(min(seconds)), int(max(seconds))
    last = max(last, first + _LEAST_S)
    plot = Plot(width, height, Scale((first, last), reach([v for each in series for _, v in each])), ascii=ascii)
    for number, (at, value) in enumerate(limit):
        if number + 1 == len(limit) or limit[number + 1][1] != value or number == 0:
            plot.level(value, Tone.WARN, at, limit[number + 1][0] if number + 1 < len(limit) else None)
    if followed is not None and followed > first:
        plot.upright(followed, Tone.DIM)
    plot.curve(natural, Tone.PLAIN, dots=True)
    plot.curve(mid, Tone.ACCENT)
    for second, label in time_marks(first, last, plot.columns // 12):
        plot.tick(second, label)
    return plot
