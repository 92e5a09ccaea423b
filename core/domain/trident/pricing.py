"""Prices a trident from the quotes of its four legs (rules 6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from core.domain.market.quotes import Quote
from core.domain.operation import amounts
from core.domain.operation.reasons import Reason, Refusal, refuse
from core.domain.trident.trident import CALL_SPREADS, PUT_SPREADS, Leg, Trident, max_risk

MAX_QUOTE_AGE_S = 30.0


@dataclass(frozen=True, slots=True)
class LegQuote:
    """A leg's quote when it was priced. `age_s` is in wall seconds; None when the leg had no quote, or one dated
    `ahead_s` ahead of the broker's clock."""

    leg: Leg
    bid: Decimal | None
    ask: Decimal | None
    age_s: float | None
    ahead_s: float | None = None

    @property
    def is_crossed(self) -> bool:
        """Whether the bid is above the ask: such a quote has no mid that means anything."""
        if self.bid is None or self.ask is None or not (self.bid.is_finite() and self.ask.is_finite()):
            return False
        return self.bid > self.ask

    @property
    def mid(self) -> Decimal | None:
        if self.bid is None or self.ask is None or self.is_crossed:
            return None
        return (self.bid + self.ask) / 2


@dataclass(frozen=True, slots=True)
class Pricing:
    """The credits of a trident, per share.

    Natural credits sell at the bid and buy at the ask; mid credits use the midpoints.
    """

    legs: tuple[LegQuote, LegQuote, LegQuote, LegQuote]
    natural_put: Decimal
    natural_call: Decimal
    mid_put: Decimal
    mid_call: Decimal
    width: Decimal

    @property
    def natural(self) -> Decimal:
        """The natural credit of the package, per share."""
        return PUT_SPREADS * self.natural_put + CALL_SPREADS * self.natural_call

    @property
    def mid(self) -> Decimal:
        """The mid credit of the package, per share."""
        return PUT_SPREADS * self.mid_put + CALL_SPREADS * self.mid_call

    @property
    def max_risk_natural(self) -> Decimal:
        """The max risk in $ per package at the natural credit; the risk gates use it (rules 2)."""
        return max_risk(self.width, self.natural)

    @property
    def max_risk_mid(self) -> Decimal:
        """The max risk in $ per package at the mid credit."""
        return max_risk(self.width, self.mid)


@dataclass(frozen=True, slots=True)
class PricingRefusal:
    """Why the legs could not be priced, with every leg's figures and the subtraction as text (rules 6)."""

    refusal: Refusal
    legs: tuple[LegQuote, LegQuote, LegQuote, LegQuote]
    subtraction: str


def price_trident(trident: Trident, quotes: Mapping[str, Quote], now: float) -> Pricing | PricingRefusal:
    """Prices the four legs, or refuses with each leg's bid, ask and age.

    `quotes` is by streamer symbol; `now` is the clock's monotonic second. The oldest leg decides whether quotes are
    stale.
    """
    legs = _leg_quotes(trident, quotes, now)
    for check in (_unusable, _stale):
        refusal = check(legs)
        if refusal is not None:
            return PricingRefusal(refusal, legs, subtraction(legs))
    pricing = pricing_of(legs, trident.width)
    refusal = _implausible(pricing)
    return pricing if refusal is None else PricingRefusal(refusal, legs, subtraction(legs))


def pricing_of(legs: tuple[LegQuote, LegQuote, LegQuote, LegQuote], width: Decimal) -> Pricing:
    """The credits that these quotes give, whether or not the rules accept them."""
    short_put, long_put, short_call, long_call = ((q.bid or Decimal(0), q.ask or Decimal(0)) for q in legs)
    return Pricing(
        legs=legs,
        natural_put=short_put[0] - long_put[1],
        natural_call=short_call[0] - long_call[1],
        mid_put=(sum(short_put, Decimal(0)) - sum(long_put, Decimal(0))) / 2,
        mid_call=(sum(short_call, Decimal(0)) - sum(long_call, Decimal(0))) / 2,
        width=width,
    )


def subtraction(legs: tuple[LegQuote, LegQuote, LegQuote, LegQuote]) -> str:
    """The natural credits as sums that a trader can check by hand."""
    short_put, long_put, short_call, long_call = legs

    def shown(value: Decimal | None) -> str:
        return "?" if value is None else amounts.credit(value)

    def spread(short: LegQuote, long: LegQuote) -> str:
        bid, ask = short.bid, long.ask
        result = bid - ask if bid is not None and ask is not None and bid.is_finite() and ask.is_finite() else None
        return f"{shown(bid)} - {shown(ask)} = {shown(result)}"

    return f"put {spread(short_put, long_put)}; call {spread(short_call, long_call)}"


def mid_subtraction(pricing: Pricing) -> str:
    """The mid credits as sums that a trader can check by hand."""
    put, put_wing, call, call_wing = (leg.mid for leg in pricing.legs)
    return (
        f"put {amounts.credit(put)} - {amounts.credit(put_wing)} = {amounts.credit(pricing.mid_put)}; "
        f"call {amounts.credit(call)} - {amounts.credit(call_wing)} = {amounts.credit(pricing.mid_call)}"
    )


def _leg_quotes(
    trident: Trident, quotes: Mapping[str, Quote], now: float
) -> tuple[LegQuote, LegQuote, LegQuote, LegQuote]:
    def seen(leg: Leg) -> LegQuote:
        quote = quotes.get(leg.symbols.streamer)
        if quote is None:
            return LegQuote(leg, None, None, None)
        return LegQuote(leg, quote.bid, quote.ask, quote.age(now), quote.ahead_s)

    return seen(trident.short_put), seen(trident.long_put), seen(trident.short_call), seen(trident.long_call)


def _unusable(legs: tuple[LegQuote, ...]) -> Refusal | None:
    for q in legs:
        if q.ahead_s is not None:
            return refuse(Reason.LEG_AHEAD, symbol=q.leg.symbols.streamer, ahead_s=f"{q.ahead_s:.1f}")
        if q.age_s is None:
            return refuse(Reason.LEG_MISSING, symbol=q.leg.symbols.streamer)
        for side, value in (("bid", q.bid), ("ask", q.ask)):
            # Nobody sells an option for nothing: an ask of 0 means there is none. Used, it would overstate the credit.
            missing_ask = side == "ask" and value is not None and value.is_zero()
            if value is None or not value.is_finite() or value < 0 or missing_ask:
                return refuse(Reason.LEG_UNUSABLE, symbol=q.leg.symbols.streamer, side=side, value=value)
        if q.is_crossed:
            return refuse(Reason.LEG_CROSSED, symbol=q.leg.symbols.streamer, bid=q.bid, ask=q.ask)
    return None


def _stale(legs: tuple[LegQuote, ...]) -> Refusal | None:
    oldest = max(legs, key=lambda q: q.age_s or 0.0)
    if oldest.age_s is not None and oldest.age_s > MAX_QUOTE_AGE_S:
        return refuse(
            Reason.LEG_STALE,
            symbol=oldest.leg.symbols.streamer,
            age_s=f"{oldest.age_s:.1f}",
            limit_s=f"{MAX_QUOTE_AGE_S:g}",
        )
    return None


def _implausible(pricing: Pricing) -> Refusal | None:
    if pricing.natural_put <= 0:
        return refuse(Reason.PUT_CREDIT_NOT_POSITIVE, credit=pricing.natural_put)
    if pricing.natural_call <= 0:
        return refuse(Reason.CALL_CREDIT_NOT_POSITIVE, credit=pricing.natural_call)
    if pricing.natural <= 0:
        return refuse(Reason.PACKAGE_CREDIT_NOT_POSITIVE, credit=pricing.natural)
    for spread, which, credit in (
        ("put", "natural", pricing.natural_put),
        ("call", "natural", pricing.natural_call),
        ("put", "mid", pricing.mid_put),
        ("call", "mid", pricing.mid_call),
    ):
        if credit >= pricing.width:
            return refuse(Reason.CREDIT_ABOVE_WIDTH, spread=spread, which=which, credit=credit, width=pricing.width)
    return None
