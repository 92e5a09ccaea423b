"""What may lie behind a refused pricing: suspicions for the operator to check, never a ground to trade (rules 6)."""

from __future__ import annotations

from collections.abc import Iterator

from core.domain.operation import amounts
from core.domain.trident.pricing import MAX_QUOTE_AGE_S, LegQuote, PricingRefusal

OPENING_S = 1800.0
"""How long after the open quotes are known to be thin and late."""


def suspected_causes(refused: PricingRefusal, since_open_s: float | None) -> tuple[str, ...]:
    """What may have caused this refusal, the likeliest first; empty when nothing suggests itself.

    `since_open_s` is how many seconds of market time ago the session opened, None when that is not known.
    """
    return tuple(_causes(refused.legs, since_open_s))


def _causes(legs: tuple[LegQuote, ...], since_open_s: float | None) -> Iterator[str]:
    old = [leg for leg in legs if leg.age_s is not None and leg.age_s > MAX_QUOTE_AGE_S]
    crossed = [leg for leg in legs if leg.is_crossed]
    if old:
        yield f"the feed answered with cached quotes of {_named(old)}; nothing newer has come"
    if crossed:
        yield f"bid and ask may be exchanged in the quotes of {_named(crossed)}"
    yield from _exchanged(legs)
    if since_open_s is not None and 0 <= since_open_s < OPENING_S:
        minutes = amounts.counted(int(since_open_s // 60), "minute")
        yield f"stale data near the open, {minutes} ago: quotes are thin and late then"


def _exchanged(legs: tuple[LegQuote, ...]) -> Iterator[str]:
    """A spread without a credit, or with more of one than its width: its legs may be exchanged, or its quotes wide."""
    short_put, long_put, short_call, long_call = legs
    for name, short, long in (("put", short_put, long_put), ("call", short_call, long_call)):
        if short.mid is None or long.mid is None or short.bid is None or long.ask is None:
            continue
        if not (short.mid.is_finite() and long.mid.is_finite()):
            continue
        credit, width = short.mid - long.mid, abs(short.leg.strike - long.leg.strike)
        if credit <= 0:
            worth = f"the long one is worth {amounts.credit(long.mid)}, the short one {amounts.credit(short.mid)}"
            yield f"the {name} legs may be exchanged: {worth}"
        elif credit >= width:
            yield f"a quote of the {name} legs may belong to another strike: their credit is more than their width"
        elif short.bid <= long.ask:
            yield f"the quotes of the {name} legs are wide: at the mids the spread gives {amounts.credit(credit)}"


def _named(legs: list[LegQuote]) -> str:
    return ", ".join(leg.leg.symbols.streamer for leg in legs)
