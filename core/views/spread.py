"""The trident being priced, working or filled, for the screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from core.cycle.progress import SpreadProgress
from core.domain.market.chain import OptionSymbols, Right
from core.domain.market.quotes import Quote
from core.domain.orders.fills import fill_credit
from core.domain.orders.orders import Entry
from core.domain.trident.pricing import LegQuote, Pricing, price_trident
from core.domain.trident.trident import Action, Leg, LegRole, Trident, max_risk
from core.snapshot import LegView, SpreadSlice
from core.views.moment import Moment


def spread_slice(
    moment: Moment, spread: SpreadProgress | None, entries: Sequence[Entry], *, subscribed: bool
) -> SpreadSlice | None:
    """The spread of the running cycle, or of the last cycle that priced one. Its legs are live while `subscribed`."""
    if spread is None:
        return None
    entry = next((e for e in entries if e.id == spread.entry_id), None)
    pricing = spread.pricing
    if subscribed:
        streamers = [leg.symbols.streamer for leg in spread.trident.legs]
        seen = price_trident(spread.trident, moment.quotes.quotes(streamers), moment.monotonic)
        if isinstance(seen, Pricing) or spread.pricing is None:
            pricing = seen
    return _slice(spread, pricing, entry, live=subscribed)


def _slice(spread: SpreadProgress, pricing: object, entry: Entry | None, *, live: bool) -> SpreadSlice:
    trident = spread.trident
    quotes: Sequence[LegQuote | None] = getattr(pricing, "legs", (None,) * 4)
    known = pricing if isinstance(pricing, Pricing) else None
    price = spread.entry_price
    limit = None if price is None else price.limit
    fill = None if entry is None else fill_credit(entry.request, entry.fills)
    return SpreadSlice(
        underlying=trident.underlying,
        expiration=trident.expiration,
        dte=spread.dte,
        strikes=trident.strikes(),
        body=trident.body,
        width=trident.width,
        legs=tuple(_leg_view(leg, quote) for leg, quote in zip(trident.legs, quotes, strict=True)),
        live=live,
        natural=None if known is None else known.natural,
        mid=None if known is None else known.mid,
        limit=limit,
        offset=None if price is None else price.offset,
        floored=price is not None and price.floored,
        max_risk_natural=None if known is None else known.max_risk_natural,
        max_risk_mid=None if known is None else known.max_risk_mid,
        max_risk_limit=_risk(trident.width, limit),
        fill_credit=fill,
        max_risk_fill=_risk(trident.width, fill),
        verdict=spread.verdict if entry is None else entry.state.value,
        reason=spread.reason if entry is None else entry.detail,
        utilization=spread.utilization,
    )


def _risk(width: Decimal, credit: Decimal | None) -> Decimal | None:
    return None if credit is None else max_risk(width, credit)


def _leg_view(leg: Leg, quote: LegQuote | None) -> LegView:
    return LegView(
        role=leg.role.value,
        action=leg.action.value,
        strike=leg.strike,
        right=leg.right.value,
        quantity=leg.quantity,
        bid=None if quote is None else quote.bid,
        ask=None if quote is None else quote.ask,
        mid=None if quote is None else quote.mid,
        age_s=None if quote is None or quote.age_s is None else int(quote.age_s),
    )


def repriced(shown: SpreadSlice, streamers: Sequence[str], quotes: Mapping[str, Quote], now: float) -> SpreadSlice:
    """A spread that another process shows, with the credits of these quotes by the same rules. Unchanged where the
    rules refuse the quotes.

    `streamers` are the symbols of its legs, in their order. `now` is the monotonic second of the quotes' clock.
    """
    if len(streamers) != len(shown.legs):
        return shown
    put, wing, call, call_wing = (
        Leg(
            LegRole(leg.role),
            Right(leg.right),
            leg.strike,
            Action(leg.action),
            leg.quantity,
            OptionSymbols("", streamer),
        )
        for leg, streamer in zip(shown.legs, streamers, strict=True)
    )
    trident = Trident(shown.underlying, "", shown.expiration, shown.body, shown.width, (put, wing, call, call_wing))
    pricing = price_trident(trident, quotes, now)
    if not isinstance(pricing, Pricing):
        return shown
    return replace(
        shown,
        legs=tuple(_leg_view(quote.leg, quote) for quote in pricing.legs),
        natural=pricing.natural,
        mid=pricing.mid,
        max_risk_natural=pricing.max_risk_natural,
        max_risk_mid=pricing.max_risk_mid,
    )
