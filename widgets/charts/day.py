"""The picture of the underlying's day: its price, the body strike, and what became of each slot."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from core.domain.operation.outcomes import Outcome
from core.domain.orders.fate import FateKind
from core.snapshot import Freshness, QuoteSlice, SlotState, SlotView
from widgets.base import format as figures
from widgets.base.fates import slot_told
from widgets.base.lines import Drawing, Part, Tone, wrap
from widgets.charts.picture import ChartView, second_of_day, time_marks, traded
from widgets.charts.plot import Plot, Scale, reach, with_words
from widgets.schedule import slot_part

OPEN_S = 9 * 3600 + 1800
"""The session's open, in seconds since midnight at the exchange."""
_WORKS = (FateKind.WORKING, FateKind.PARTLY)


@dataclass(frozen=True, slots=True)
class DayPicture:
    symbol: str
    path: tuple[tuple[int, float], ...]
    slots: tuple[SlotView, ...]
    body: Decimal | None
    price: Decimal | None
    stale: bool
    coming: str = ""

    @classmethod
    def of(cls, view: ChartView) -> DayPicture:
        symbol = traded(view)
        quote: QuoteSlice | None = next((q for q in view.quotes if q.symbol == symbol), None)
        path = () if quote is None else quote.day_path
        # The price is said in words where the curve ends: it changes with the curve, not with every quote.
        return cls(
            symbol=symbol,
            path=path,
            slots=view.schedule,
            body=None if view.spread is None else view.spread.body,
            price=None if not path else Decimal(str(path[-1][1])),
            stale=quote is not None and quote.freshness is Freshness.STALE,
            coming="" if path else view.coming,
        )

    def draw(self, width: int, height: int, *, ascii: bool = False) -> Drawing:
        title = f"{self.symbol} today (ET)".strip()
        if not self.path:
            said = ". ".join(filter(None, ("no price seen yet today", self.coming)))
            return Drawing(title, tuple(((line, Tone.DIM),) for line in wrap(said, width)))
        return Drawing(
            title,
            with_words(self._words(), width, height, lambda columns, rows: self._plot(columns, rows, ascii).lines()),
        )

    def _words(self) -> list[Part]:
        prices = [Decimal(str(value)) for _, value in self.path]
        parts: list[Part] = [
            (
                f"{'STALE' if self.stale else 'last'} {figures.price(self.price)}",
                Tone.BAD if self.stale else Tone.STRONG,
            )
        ]
        if self.body is not None:
            parts.append((f"body {figures.strike(self.body)} (dashes)", Tone.WARN))
        parts.append((f"seen {figures.price(min(prices))} to {figures.price(max(prices))}", Tone.DIM))
        over = [slot for slot in self.slots if slot.state in (SlotState.DONE, SlotState.MISSED)]
        for word in ("entered", "working", "unknown", "failed", "not entered", "missed"):
            group = [slot for slot in over if _came_to(slot) == word]
            if group:
                sign, tone = slot_part(group[-1])
                parts.append((f"{sign} {len(group)} {word}", tone))
        for slot in self.slots:
            if slot.state in (SlotState.NEXT, SlotState.RUNNING):
                sign, tone = slot_part(slot)
                parts.append((f"{sign} {slot.state.value} {figures.minute(slot.at)}", tone))
        return parts

    def _plot(self, width: int, height: int, ascii: bool) -> Plot:
        points = [(float(OPEN_S + second), value) for second, value in self.path]
        upcoming = [second_of_day(slot.at) for slot in self.slots if slot.state in (SlotState.NEXT, SlotState.RUNNING)]
        first = min(OPEN_S, self.path[0][0] + OPEN_S)
        last = max([int(points[-1][0]), first + 900, *upcoming])
        values = [value for _, value in points]
        if self.body is not None and _is_near(float(self.body), values):
            values.append(float(self.body))
        plot = Plot(width, height, Scale((first, last), reach(values)), ascii=ascii)
        if self.body is not None and len(values) > len(points):
            plot.level(float(self.body), Tone.WARN)
        plot.curve(points, Tone.ACCENT)
        for slot in self.slots:
            second = second_of_day(slot.at)
            if first <= second <= last:
                sign, tone = slot_part(slot)
                plot.mark(second, sign, tone)
        for second, label in time_marks(first, last, plot.columns // 12):
            plot.tick(second, label)
        return plot


def _came_to(slot: SlotView) -> str:
    """Whether a slot entered, as the words beside the curve count it."""
    if slot.state is SlotState.MISSED:
        return "missed"
    told = slot_told(slot)
    if told is None or told.outcome in (None, Outcome.SKIPPED, Outcome.NOT_ASKED):
        return "not entered"
    if told.outcome is not Outcome.SUCCEEDED:
        return told.outcome.value
    return "working" if told.word in _WORKS else "entered"


def _is_near(body: float, values: list[float]) -> bool:
    """Whether the body strike is near enough to show without flattening the curve. The words always name it."""
    low, high = min(values), max(values)
    room = 2 * max(high - low, abs(high) * 0.002)
    return low - room <= body <= high + room
