"""What closing a spread costs by the quotes of its two contracts, and whether a quote may be closed on (rules 15.3)."""

from __future__ import annotations

from core.domain.market.quotes import Quote
from core.domain.positions.walk import ClosePrices
from core.domain.trident.pricing import MAX_QUOTE_AGE_S


def unusable(quote: Quote | None, now: float) -> str:
    """Why nothing is closed on this quote at the monotonic second `now`, in words; empty when it may be: both sides are
    there, not crossed, and at most 30 s old. A bid of 0 is one."""
    if quote is None:
        return "has no quote"
    if quote.bid is None or quote.ask is None or quote.bid < 0 or quote.ask < 0:
        return "has no usable bid and ask"
    if quote.crossed:
        return "is crossed"
    age_s = quote.age(now)
    if age_s is None:
        return "is dated ahead of the broker's clock"
    return f"is {age_s:.0f} s old" if age_s > MAX_QUOTE_AGE_S else ""


def spread_prices(short: Quote | None, long: Quote | None, now: float) -> ClosePrices | None:
    """The debit per share for which a contract of each is closed: the short one bought, the long one sold. None unless
    both quotes may be used."""
    if short is None or long is None or unusable(short, now) or unusable(long, now):
        return None
    if short.mid is None or long.mid is None or short.ask is None or long.bid is None:
        return None
    return ClosePrices(short.mid - long.mid, short.ask - long.bid)
