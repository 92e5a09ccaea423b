"""What happens at the exchange by itself, in the order of its instants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum

from core.simulator.exchange.clearing import Clearing
from core.simulator.exchange.nights import Hour, Nights
from core.simulator.exchange.order_book import OrderBook
from core.simulator.exchange.schedule import Due, Schedule


class Turn(IntEnum):
    """What happens first at one instant."""

    DESK = 0
    """The risk desk and the account's operator place their orders."""
    BOOK = 1
    """Orders reach their next state, fill and expire."""
    POSTINGS = 2
    """What waits for its instant is posted, and shown."""
    DUE = 3
    """What was set for the instant is done."""
    NIGHT = 4
    """The broker settles its accounts."""


_WITH_ORDERS = (Hour.HAND, Hour.DESK)


@dataclass(eq=False)
class Timeline:
    """Runs the events of one exchange up to an instant of market time."""

    book: OrderBook
    clearing: Clearing
    nights: Nights
    schedule: Schedule
    on_due: Callable[[Due, datetime], None]
    now: datetime
    """The last instant it was brought up to."""
    settled_to: datetime = field(init=False)
    """Until when the hours of the broker's day have passed."""
    _running: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self.settled_to = self.now

    def next(self) -> tuple[datetime, Turn] | None:
        """The instant of the next event, and whose turn it is; None if nothing is due."""
        events = [
            (self.book.next_event_at(), Turn.BOOK),
            (self.clearing.next_posting_at(), Turn.POSTINGS),
            (self.schedule.next_at(), Turn.DUE),
        ]
        if not self.nights.idle():
            at, hour, _ = self.nights.next_after(self.settled_to)
            events.append((at, Turn.DESK if hour in _WITH_ORDERS else Turn.NIGHT))
        return min(((at, turn) for at, turn in events if at is not None), default=None)

    def advance(self, now: datetime) -> None:
        """Runs every event up to the instant. Does nothing while one runs: it ends before the next begins."""
        if self._running:
            return
        self.now = max(self.now, now)
        while (event := self.next()) is not None and event[0] <= now:
            self._running = True
            try:
                self._run(*event)
            finally:
                self._running = False
        self.settled_to = max(self.settled_to, now)

    def _run(self, at: datetime, turn: Turn) -> None:
        match turn:
            case Turn.BOOK:
                self.book.run_next()
            case Turn.POSTINGS:
                self.clearing.post_due(at)
            case Turn.DUE:
                self.on_due(self.schedule.take_next(), at)
            case Turn.DESK | Turn.NIGHT:
                _, hour, hours = self.nights.next_after(self.settled_to)
                self.settled_to = at
                self.nights.run(hour, hours)
