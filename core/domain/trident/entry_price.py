"""The limit of the entry: mid less the offset, floored at natural, on the tick (SPEC 8)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_DOWN, Decimal

from core.domain.market.chain import TickTable
from core.domain.operation.reasons import Reason, Refusal, refuse

MAX_OFFSET_CENTS = 25


@dataclass(frozen=True, slots=True)
class EntryPrice:
    """The limit and how it came about; all per share, positive is a credit."""

    mid: Decimal
    natural: Decimal
    offset: Decimal
    raw: Decimal
    limit: Decimal
    floored: bool

    @property
    def rounding(self) -> Decimal:
        """The limit less the raw figure: what the tick changed."""
        return self.limit - self.raw


def entry_price(mid: Decimal | None, natural: Decimal, offset_cents: int, ticks: TickTable) -> EntryPrice | Refusal:
    """`max(mid - offset, natural)` to the nearest tick, ties down, never below natural.

    Raises ValueError for an offset outside 0..25 cents.
    """
    if not 0 <= offset_cents <= MAX_OFFSET_CENTS:
        raise ValueError(f"entry offset {offset_cents} is outside 0..{MAX_OFFSET_CENTS} cents")
    if mid is None or not mid.is_finite():
        return refuse(Reason.NO_MID)
    offset = Decimal(offset_cents) / 100
    floored = mid - offset < natural
    raw = max(mid - offset, natural)
    tick = ticks.tick(raw)
    if tick is None:
        return refuse(Reason.NO_TICK, price=raw)
    limit = (raw / tick).to_integral_value(rounding=ROUND_HALF_DOWN) * tick
    if limit < natural:
        limit = _tick_up(natural, tick)
    # The rounding may have crossed into a band with another tick; going up ends at the last band.
    while (landed := ticks.tick(limit)) is not None and limit % landed:
        limit = _tick_up(limit, landed)
    if landed is None:
        return refuse(Reason.NO_TICK, price=limit)
    return EntryPrice(mid=mid, natural=natural, offset=offset, raw=raw, limit=limit, floored=floored)


def _tick_up(price: Decimal, tick: Decimal) -> Decimal:
    """The lowest multiple of the tick that is not below the price."""
    return (price / tick).to_integral_value(rounding=ROUND_CEILING) * tick
