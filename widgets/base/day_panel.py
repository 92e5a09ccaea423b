"""The base of the panels that show what today's records say, and what they know beside their own slice."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, ClassVar

from core.snapshot import Reading, ReadingState
from widgets.base import format as figures
from widgets.base.lines import Drawing, Line, Tone, wrap
from widgets.base.panel import LinePanel, Slice

if TYPE_CHECKING:
    from core.domain.orders.next_step import NextStep
    from core.snapshot import Snapshot, StartStep

_KNOWN = Reading(ReadingState.KNOWN)


@dataclass(frozen=True, slots=True)
class DayContext:
    """What these panels show of the rest of the snapshot.

    `reading` says whether today's records are known, and `ended` is true once no engine reads them. `several`: more
    than one account took part today, so that each is named. `start` has the steps of a start, until it is over.
    """

    reading: Reading = _KNOWN
    ended: bool = False
    today: date | None = None
    several: bool = False
    start: tuple[StartStep, ...] = ()
    overall: NextStep | None = None


def day_context(shown: Snapshot) -> DayContext:
    """The context that a snapshot gives its panels."""
    status = shown.status
    # A recording made before the day was told has none: its slices are all there was.
    is_old_recording = shown.day is None and status.now is not None
    return DayContext(
        reading=_KNOWN if is_old_recording else shown.reading,
        ended=status.engine.is_over,
        today=shown.day if status.now is None else shown.day or figures.exchange_day(status.now),
        several=len(_accounts(shown)) > 1,
        start=status.start,
        overall=shown.overall if status.engine.tells_day else None,
    )


def _accounts(shown: Snapshot) -> set[str]:
    """The accounts, masked, that took part today."""
    told = [] if shown.cycle is None else [each.account for each in shown.cycle.accounts]
    took_part = (*told, *(a.account for a in shown.attempts), *(order.account for order in shown.orders))
    return {account for account in took_part if account}


class DayPanel(LinePanel[Slice]):
    """Says that today's records are being read until they are known; only then that there is nothing in them."""

    EMPTY: ClassVar[str] = ""
    """The sentence for a day that has nothing to show here."""

    context = DayContext()

    def show_context(self, context: DayContext) -> None:
        """Shows the same slice in another context."""
        if context != self.context:
            self.context = context
            self.redraw()

    def nothing(self, width: int) -> Drawing:
        """What the panel shows while its slice has nothing."""
        return Drawing(self.NAME, self.unknown(width) or tuple(((row, Tone.DIM),) for row in wrap(self.EMPTY, width)))

    def unknown(self, width: int) -> tuple[Line, ...]:
        """The line that says that today's records are being read, or were not; none when they are known."""
        reading = self.context.reading
        if reading.state is not ReadingState.READING:
            return ()
        text = "today's records were not read" if self.context.ended else "reading today's records"
        text += f": {reading.why}" if reading.why else ""
        return tuple(((row, Tone.DIM),) for row in wrap(text, width))

    def day_words(self, day: date | None) -> str:
        """The date of something that is not of today; empty for what is of today."""
        today = self.context.today
        return "" if day is None or today is None or day == today else figures.day_of(day, today)

    def drawing(self, value: Slice | None, width: int, height: int) -> Drawing:
        """What the panel shows of a slice, or without one, in its context."""
        drawing = self.nothing(width) if value is None else self.draw(value, width, height)
        reading = self.context.reading
        if reading.state is not ReadingState.OLD:
            return drawing
        return replace(drawing, title=f"{drawing.title}  as of {figures.clock(reading.at)}")

    def _drawn(self, width: int, height: int) -> Drawing:
        return self.drawing(self._slice, width, height)
