"""The broker's record of what changed an account's cash and positions, as the engine reads it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Transaction:
    """One transaction of an account, known by its id. Amounts are signed $: a credit to the account is positive.

    `kind` and `sub_kind` are the broker's words, like Receive Deliver and Assignment; `text` is its description.
    `quantity` counts contracts or shares, `price` is per share. `fees` is what the row was charged, negative for a
    cost: `net_value` is `value` and `fees` together. With `fees_estimated` they may still change. `executed_at` is
    aware UTC, `day` the exchange date on which it counts. `reverses` is the id of the transaction that it undoes. Texts
    are empty and numbers None where the broker says nothing.
    """

    id: str
    account: str
    kind: str
    sub_kind: str
    symbol: str
    underlying: str
    action: str
    quantity: Decimal | None
    price: Decimal | None
    value: Decimal
    net_value: Decimal
    fees: Decimal
    fees_estimated: bool
    executed_at: datetime
    day: date
    order_id: str
    reverses: str
    text: str
