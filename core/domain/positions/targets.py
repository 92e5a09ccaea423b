"""The price of a profit target (rules 15.2)."""

from __future__ import annotations

from decimal import Decimal

from core.domain.market.chain import TickTable
from core.domain.market.ticks import down

TARGET_PERCENTS = (1, 95)
"""The lowest and the highest percent that a target may take."""


def target_price(credit: Decimal, percent: int, ticks: TickTable) -> Decimal | None:
    """The debit per share that closes a unit of this credit at `percent` of its credit as profit, rounded down to the
    tick. None under one tick: such a target is never placed. Raises ValueError for a percent outside 1..95."""
    lowest, highest = TARGET_PERCENTS
    if not lowest <= percent <= highest:
        raise ValueError(f"target {percent} is outside {lowest}..{highest} percent")
    price = down(credit * (100 - percent) / 100, ticks)
    return price if price is not None and price > 0 else None
