"""An account's history at the broker: each row is a movement of cash, of contracts or of shares (broker 2.7)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Transaction:
    """One row, known by its id. The words are the broker's own, and empty where it says nothing.

    `kind` and `sub_kind` say what it is: `Trade` and the leg's action, `Receive Deliver` and `Expiration`. `symbol` is
    the OCC symbol of an option. `quantity` is absolute; `price` is per share, of a settlement or an assignment the
    strike. Amounts are in $, positive where the account received them. A broker may write a row again under its id
    while `fees_estimated`. `executed_at` is aware UTC, `day` the date to which it is charged. `order_id` is empty where
    no order brought it about, `reverses` names the row that it undoes.
    """

    id: str
    account: str
    kind: str
    sub_kind: str
    instrument_type: str
    symbol: str
    underlying: str
    action: str
    quantity: Decimal | None
    price: Decimal | None
    value: Decimal
    net_value: Decimal
    fees_estimated: bool
    executed_at: datetime
    day: date
    order_id: str
    reverses: str
    text: str

    @property
    def fees(self) -> Decimal:
        """All charges of the row in $, a cost positive: in each row value less fees is the net value."""
        return self.value - self.net_value
