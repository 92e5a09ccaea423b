"""The price of an underlying, from the quotes of a store."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from core.domain.market.underlying import PriceSource, Underlying
from core.market.quote_store import QuoteReads


class UnderlyingPrice(NamedTuple):
    """A price in dollars. `age_s` is in wall seconds; `source` is a value of PriceSource."""

    price: Decimal
    age_s: float
    source: str


def underlying_price(quotes: QuoteReads, underlying: Underlying, now: float) -> UnderlyingPrice | None:
    """The underlying's price at this monotonic second, and its age; None without one on this connection.

    It is the midpoint of a quote that is not crossed; for an index the last trade, never a quote (rules 2). One that is
    dated ahead of the broker's clock is no price. The caller judges the age.
    """
    if underlying.price_source is PriceSource.LAST:
        trade = quotes.trade(underlying.symbol)
        age_s = None if trade is None else trade.age(now)
        if trade is None or age_s is None or trade.price <= 0:
            return None
        return UnderlyingPrice(trade.price, age_s, PriceSource.LAST.value)
    quote = quotes.quote(underlying.symbol)
    mid = quote.mid if quote is not None else None
    age_s = quote.age(now) if quote is not None else None
    if quote is None or mid is None or age_s is None or quote.bid is None or quote.bid <= 0:
        return None
    return UnderlyingPrice(mid, age_s, PriceSource.MIDPOINT.value)
