"""The transactions of the simulated broker: trades, deliveries and money movements, as rows of each account."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal

from core.simulator.exchange.orders import FeeCalculation

TRADE = "Trade"
RECEIVE_DELIVER = "Receive Deliver"
MONEY_MOVEMENT = "Money Movement"
DIVIDEND = "Dividend"
"""A money movement: what shares pay."""


@dataclass(frozen=True, slots=True)
class SimTransaction:
    """One row of an account's transactions. Amounts are in $: a credit is positive, fees are costs. Times are UTC.

    `kind` and `sub_kind` are the broker's words, like Receive Deliver and Expiration. `quantity` counts contracts or
    shares and is positive; `price` is $ per share. `day` is the exchange date on which it counts. `id` is 0 until the
    row is posted, and `created_at` the instant at which it is. `order_id` and what follows it belong to trades;
    `reverses` is the id of the row that this one undoes.
    """

    id: int
    account: str
    kind: str
    sub_kind: str
    description: str
    instrument_type: str | None
    symbol: str | None
    underlying: str | None
    action: str | None
    quantity: Decimal | None
    price: Decimal | None
    value: Decimal
    fees: FeeCalculation
    executed_at: datetime
    day: date
    created_at: datetime
    estimated: bool
    """Whether its fees are an estimate."""
    order_id: int | None = None
    fill_id: str | None = None
    leg_count: int | None = None
    venue: str | None = None
    reverses: int | None = None

    @property
    def net_value(self) -> Decimal:
        """By how many $ it changes the cash."""
        return self.value - self.fees.total_fees


@dataclass(frozen=True, slots=True)
class Move:
    """A change of one position by a posting: contracts or shares, negative when they leave, at a price per share.

    It moves no cash: the rows of its posting do. One that `converts` is half of what a split does: a position leaves
    and comes in again, at its cost, and nothing is opened or closed.
    """

    symbol: str
    change: int
    price: Decimal
    converts: bool = False


@dataclass(frozen=True, slots=True)
class Posting:
    """Rows that the broker adds to an account at an instant of market time, with what they do to its positions.

    With an `order_id` it tells of a fill of that order. `settled` means that the cash and the true positions have
    changed already, as they do with a fill. It is plain data, so that it can be stored before it is due.
    """

    at: datetime
    account: str
    rows: tuple[SimTransaction, ...]
    moves: tuple[Move, ...] = ()
    order_id: int | None = None
    settled: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which transactions are asked for. What is None or empty asks for all."""

    kinds: frozenset[str] = frozenset()
    sub_kinds: frozenset[str] = frozenset()
    since: datetime | None = None
    """The earliest instant of execution, included."""
    until: datetime | None = None
    """The latest instant of execution, left out."""
    instrument_type: str | None = None
    symbol: str | None = None
    underlying: str | None = None
    action: str | None = None

    def includes(self, row: SimTransaction) -> bool:
        """Whether a row is asked for."""
        return (
            (not self.kinds or row.kind in self.kinds)
            and (not self.sub_kinds or row.sub_kind in self.sub_kinds)
            and (self.since is None or row.executed_at >= self.since)
            and (self.until is None or row.executed_at < self.until)
            and self.instrument_type in (None, row.instrument_type)
            and self.symbol in (None, row.symbol)
            and self.underlying in (None, row.underlying)
            and self.action in (None, row.action)
        )


ALL = Wanted()


@dataclass(slots=True)
class TransactionIds:
    """The ids of the transactions of one broker, ascending in the order in which they are posted."""

    last: int

    def next(self) -> int:
        """The next id."""
        self.last += 1
        return self.last


@dataclass(slots=True, eq=False)
class TransactionLog:
    """The posted transactions of one account."""

    ids: TransactionIds
    posted: dict[int, SimTransaction] = field(default_factory=dict)
    """By id, ascending."""
    estimated: set[int] = field(default_factory=set)
    """The ids of the rows whose fees are an estimate."""

    def add(self, rows: Iterable[SimTransaction], at: datetime) -> list[SimTransaction]:
        """Posts rows at an instant, each with an id of its own. Returns them."""
        added = [replace(row, id=self.ids.next(), created_at=at) for row in rows]
        self.posted.update((row.id, row) for row in added)
        self.estimated.update(row.id for row in added if row.estimated)
        return added

    def drop_order(self, order_id: int) -> None:
        """Drops the rows of an order without a word."""
        self.posted = {number: row for number, row in self.posted.items() if row.order_id != order_id}
        self.estimated &= set(self.posted)

    def settle_fees(self, before: datetime) -> None:
        """Makes the fees of the rows posted before this instant final, in place."""
        for number in [number for number in self.estimated if self.posted[number].created_at < before]:
            self.posted[number] = replace(self.posted[number], estimated=False)
            self.estimated.remove(number)

    def rows(self, wanted: Wanted = ALL) -> list[SimTransaction]:
        """The rows asked for by instant of execution, oldest first, those of one instant by id."""
        found = [row for row in self.posted.values() if wanted.includes(row)]
        return sorted(found, key=lambda row: (row.executed_at, row.id))

    def net_value(self) -> Decimal:
        """By how many $ all rows together have changed the cash."""
        return sum((row.net_value for row in self.posted.values()), Decimal(0))


def cash_of(rows: Sequence[SimTransaction]) -> Decimal:
    """By how many $ rows change the cash."""
    return sum((row.net_value for row in rows), Decimal(0))
