"""What follows a fill at the broker: cash and positions at once, and later the postings that tell of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Protocol

from core.simulator.exchange.fills import FilledLeg
from core.simulator.exchange.habits import Habits, TradesPosted
from core.simulator.exchange.ledger import Ledger
from core.simulator.exchange.money_rows import Correction
from core.simulator.exchange.orders import SimOrder
from core.simulator.exchange.session_hours import evening_of
from core.simulator.exchange.trade_rows import trade_rows
from core.simulator.exchange.transactions import Move, Posting


@dataclass(frozen=True, slots=True)
class Late:
    """How much later in market time something is posted, and whether positions and cash wait for it too."""

    by: timedelta
    with_positions: bool


class PostingTrouble(Protocol):
    """What goes wrong with the postings of an account now. None where nothing does."""

    def position_lag(self, number: str) -> timedelta | None:
        """How long after a fill the positions show it, in market time."""
        ...

    def late(self, number: str) -> Late | None:
        """How late transactions are posted."""
        ...

    def correction(self, number: str) -> Correction | None:
        """What the broker corrects this morning."""
        ...


@dataclass(eq=False)
class Clearing:
    """Keeps the ledgers of one broker. `speed` returns the market seconds of one wall second."""

    ledgers: Mapping[str, Ledger]
    seed: int
    speed: Callable[[], float]
    on_posted: Callable[[Posting], None]
    """Called with each posting once its rows are listed and its positions are shown."""
    troubles: list[PostingTrouble] = field(default_factory=list)

    def fill(self, order: SimOrder, filled: Sequence[FilledLeg], habits: Habits, at: datetime) -> None:
        """Takes a fill that the order has just had into its account."""
        number = order.account_number
        ledger, late = self.ledgers[number], self._late(number)
        legs = [order.legs[index] for index, _, _ in filled]
        rows = trade_rows(order, filled, [ledger.instrument(leg.symbol) for leg in legs], at)
        moves = tuple(
            Move(leg.symbol, -quantity if leg.sells else quantity, price)
            for leg, (_, quantity, price) in zip(legs, filled, strict=True)
        )
        ledger.settle(moves, rows, at)
        shown_at = max(ledger.last_shown_at(at), at + self._lag(order, habits))
        posted_at = evening_of(at) if habits.trades_posted is TradesPosted.EVENING else shown_at
        if late is not None:
            posted_at += late.by
            shown_at += late.by if late.with_positions else timedelta(0)
        for posting in (
            Posting(shown_at, number, () if posted_at > shown_at else rows, moves, order.id, settled=True),
            Posting(posted_at, number, rows if posted_at > shown_at else (), (), order.id, settled=True),
        ):
            if posting.rows or posting.moves:
                ledger.expect(posting)

    def next_posting_at(self) -> datetime | None:
        """When the next posting of any account is due, or None."""
        return min((at for each in self.ledgers.values() if (at := each.next_posting_at()) is not None), default=None)

    def post_due(self, at: datetime) -> None:
        """Posts what is due by this instant, account by account."""
        for ledger in self.ledgers.values():
            while (due := ledger.next_posting_at()) is not None and due <= at:
                self.on_posted(ledger.post_next())

    def post(self, posting: Posting) -> None:
        """Posts something now, or later what is late."""
        ledger, late = self.ledgers[posting.account], self._late(posting.account)
        if late is not None and late.with_positions:
            ledger.expect(replace(posting, at=posting.at + late.by))
            return
        ledger.settle(posting.moves, posting.rows, posting.at)
        shown_at = ledger.last_shown_at(posting.at)
        if late is not None:
            ledger.expect(replace(posting, at=posting.at + late.by, moves=(), settled=True))
            posting = replace(posting, rows=())
        if shown_at > posting.at:  # fills of before are not shown yet
            ledger.expect(replace(posting, at=shown_at, settled=True))
            return
        ledger.post(replace(posting, settled=True))
        self.on_posted(posting)

    def correction(self, number: str) -> Correction | None:
        """What is corrected in an account this morning."""
        return next((c for each in self.troubles if (c := each.correction(number)) is not None), None)

    def _late(self, number: str) -> Late | None:
        return next((late for each in self.troubles if (late := each.late(number)) is not None), None)

    def _lag(self, order: SimOrder, habits: Habits) -> timedelta:
        """From a fill until the positions show it: drawn apart for each fill of an order."""
        number = order.account_number
        armed = next((lag for each in self.troubles if (lag := each.position_lag(number)) is not None), None)
        if armed is not None:
            return armed
        least, most = habits.position_lag_s
        fills = sum(len(leg.fills) for leg in order.legs)
        drawn = Random(f"{self.seed} shown {order.id} {fills}").random()
        return timedelta(seconds=(least + (most - least) * drawn) * self.speed())
