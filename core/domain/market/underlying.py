"""An underlying as the rules see it (rules 2). QQQ and SPX are shipped."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum


class PriceSource(Enum):
    """Where the price of an underlying comes from (rules 2). An index is never priced from a quote."""

    MIDPOINT = "midpoint"
    LAST = "last"


@dataclass(frozen=True, slots=True)
class Underlying:
    """What options are on. `step` and `width_multiple` are in dollars.

    The body (the strike that both short options share) is a multiple of `step`; the width (its distance to the long
    strikes) is rounded up to a multiple of `width_multiple`.
    """

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
