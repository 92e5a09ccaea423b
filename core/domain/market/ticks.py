"""Rounds prices to the ticks of a table. A price may land in a band with another tick: it is rounded again there."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from core.domain.market.chain import TickTable


def down(price: Decimal, ticks: TickTable) -> Decimal | None:
    """The price rounded down to the tick; None where the table has no tick."""
    return _rounded(price, ticks, ROUND_FLOOR)


def up(price: Decimal, ticks: TickTable) -> Decimal | None:
    """The price rounded up to the tick; None where the table has no tick."""
    return _rounded(price, ticks, ROUND_CEILING)


def is_on_tick(price: Decimal, ticks: TickTable) -> bool:
    """Whether the broker takes this price."""
    tick = ticks.tick(price)
    return tick is not None and price % tick == 0


def _rounded(price: Decimal, ticks: TickTable, rounding: str) -> Decimal | None:
    tick = ticks.tick(price)
    while tick is not None and price % tick:
        price = (price / tick).to_integral_value(rounding=rounding) * tick
        tick = ticks.tick(price)
    return None if tick is None else price
