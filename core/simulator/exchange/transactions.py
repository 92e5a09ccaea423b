"""The transactions of the simulated broker: trades, deliveries and money movements."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from core.simulator.exchange.orders import FeeCalculation


@dataclass(frozen=True, slots=True)
class SimTransaction:
    """One row of an account's transactions. Amounts are in $: a credit is positive, fees are costs. Times are UTC.

    `kind` and `sub_kind` are the broker's words, like Receive Deliver and Expiration. `quantity` counts contracts or
    shares and is positive; `price` is $ per share. `day` is the exchange date on which it counts. `id` is 0 until the
    row is posted. `order_id` and what follows it belong to trades; `reverses` is the id of the row that this one
    undoes.
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

    It moves no cash: the rows of its posting do.
    """

    symbol: str
    change: int
    price: Decimal


@dataclass(frozen=True, slots=True)
class Posting:
    """Rows that the broker adds to an account at an instant of market time, with what they do to its positions.

    It is plain data, so that it can be stored before it is due.
    """

    at: datetime
    account: str
    rows: tuple[SimTransaction, ...]
    moves: tuple[Move, ...] = ()
