"""What the rules need to know of an underlying (SPEC 2). QQQ and SPX are shipped."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum


class PriceSource(Enum):
    """Where an underlying's price comes from (SPEC 2): an index is never priced from a quote."""

    MIDPOINT = "midpoint"
    LAST = "last"


@dataclass(frozen=True, slots=True)
class Underlying:
    """`step` rounds the body; `width_multiple` rounds the width up; both in dollars."""

    symbol: str
    step: Decimal
    width_multiple: Decimal
    price_source: PriceSource

    @property
    def is_index(self) -> bool:
        return self.price_source is PriceSource.LAST


QQQ = Underlying("QQQ", Decimal(2), Decimal(1), PriceSource.MIDPOINT)
SPX = Underlying("SPX", Decimal(10), Decimal(5), PriceSource.LAST)
SHIPPED = {u.symbol: u for u in (QQQ, SPX)}
