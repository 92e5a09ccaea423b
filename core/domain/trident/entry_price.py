"""The limit of the entry: the mid credit less the offset, not below the natural credit, on the tick (rules 8)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_DOWN, Decimal

from core.domain.market.chain import TickTable
from core.domain.operation.reasons import Reason, Refusal, refuse

MAX_OFFSET_CENTS = 25


@dataclass(frozen=True, slots=True)
class EntryPrice:
    """The limit and the figures behind it, as credits per share.

    `floored` says that the natural credit was the floor.
    """

    mid: Decimal
    natural: Decimal
    offset: Decimal
    raw: Decimal
    limit: Decimal
    floored: bool

    @property
    def rounding(self) -> Decimal:
        """What rounding to the tick changed: the limit less `raw`."""
        return self.limit - self.raw


def entry_price(mid: Decimal | None, natural: Decimal, offset_cents: int, ticks: TickTable) -> EntryPrice | Refusal:
    """`max(mid - offset, natural)` rounded to the nearest tick, ties down, but never below natural.

    Credits are per share. Raises ValueError for an offset outside 0..25 cents.
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
    # Rounding may have moved the limit into a band with another tick. It only goes up, so the last band ends this.
    while (landed := ticks.tick(limit)) is not None and limit % landed:
        limit = _tick_up(limit, landed)
    if landed is None:
        return refuse(Reason.NO_TICK, price=limit)
    return EntryPrice(mid=mid, natural=natural, offset=offset, raw=raw, limit=limit, floored=floored)


def _tick_up(price: Decimal, tick: Decimal) -> Decimal:
    """The lowest multiple of the tick that is not below the price."""
    return (price / tick).to_integral_value(rounding=ROUND_CEILING) * tick
