"""The trident being priced, working or filled, for the screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from core.cycle.progress import SpreadProgress
from core.domain.market.chain import OptionSymbols, Right
from core.domain.market.quotes import Quote
from core.domain.operation.events import masked
from core.domain.operation.reasons import Reason
from core.domain.orders.orders import Entry
from core.domain.trident.pricing import LegQuote, Pricing, PricingRefusal, price_trident
from core.domain.trident.trident import Action, Leg, LegRole, Trident, max_risk
from core.snapshot import FateView, LegView, SpreadSlice
from core.views.moment import Moment


def spread_slice(
    moment: Moment,
    spread: SpreadProgress | None,
    entries: Sequence[Entry],
    fates: Mapping[str, FateView],
    *,
    subscribed: bool,
) -> SpreadSlice | None:
    """The spread of the running cycle, or of the last cycle that priced one.

    Its legs are live while they are `subscribed`, the feed is live, and none of their quotes is missing or stale. Else
    they are as they were priced. `fates` is by entry id.
    """
    if spread is None:
        return None
    entry = next((e for e in entries if e.id == spread.entry_id), None)
    seen = _seen(moment, spread.trident) if subscribed else None
    live = seen is not None and (spread.pricing is None or not _is_old(seen))
    fate = None if entry is None else fates.get(entry.id)
    return _slice(spread, seen if live else spread.pricing, entry, fate, moment.today, live=live)


def _seen(moment: Moment, trident: Trident) -> Pricing | PricingRefusal | None:
    """The legs as they are quoted now; None without a live feed."""
    if not moment.live:
        return None
    quotes = moment.quotes.quotes([leg.symbols.streamer for leg in trident.legs])
    return price_trident(trident, quotes, moment.monotonic)


_WITHOUT_AGE = (Reason.LEG_MISSING, Reason.LEG_AHEAD, Reason.LEG_STALE)


def _is_old(seen: Pricing | PricingRefusal) -> bool:
    return isinstance(seen, PricingRefusal) and seen.refusal.reason in _WITHOUT_AGE


def _slice(
    spread: SpreadProgress,
    pricing: Pricing | PricingRefusal | None,
    entry: Entry | None,
    fate: FateView | None,
    today: date,
    *,
    live: bool,
) -> SpreadSlice:
    trident = spread.trident
    quotes: Sequence[LegQuote | None] = (None,) * 4 if pricing is None else pricing.legs
    known = pricing if isinstance(pricing, Pricing) else None
    price = spread.entry_price
    limit = None if price is None else price.limit
    fill = None if fate is None else fate.credit
    return SpreadSlice(
        underlying=trident.underlying,
        expiration=trident.expiration,
        dte=(trident.expiration - today).days,
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
        max_risk_fill=None if fate is None or fill is None else fate.max_risk,
        verdict=spread.verdict if entry is None else entry.state.value,
        reason=spread.reason if fate is None else fate.why,
        utilization=spread.utilization,
        cycle=spread.cycle,
        account=masked(spread.account) if spread.account else "",
        fate=fate,
        entry_id="" if entry is None else entry.id,
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
        mid=None if quote is None or quote.is_crossed else quote.mid,
        age_s=None if quote is None or quote.age_s is None else int(quote.age_s),
        crossed=quote is not None and quote.is_crossed,
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
