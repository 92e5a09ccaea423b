"""The steps at one underlying, from its judgement to the price of its trident (rules 4.2, 4.3, 5, 6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from core.domain.market.chain import Expiration
from core.domain.market.judgement import Judgement
from core.domain.market.underlying import Underlying
from core.domain.operation import amounts
from core.domain.operation.figures import Figures
from core.domain.operation.reasons import Reason, Refusal, refuse
from core.domain.trident.causes import suspected_causes
from core.domain.trident.expiration import choose_expiration
from core.domain.trident.pricing import LegQuote, Pricing, PricingRefusal, price_trident
from core.domain.trident.trident import Trident, body_for, build_trident, width_for
from core.market.feed import Feed, LegSubscription
from core.market.quote_store import QuoteStore
from core.market.study import MarketStudy
from core.runtime.clock import Clock

MAX_PRICE_AGE_S = 10.0
LEG_WAIT_S = 15.0


@dataclass(frozen=True, slots=True)
class Plan:
    """A trident to price, the underlying's price that its body comes from, and its expiration."""

    price: Decimal
    expiration: Expiration
    trident: Trident


@dataclass(eq=False, repr=False, kw_only=True)
class UnderlyingSteps:
    """The steps at an underlying, for an account with this capital in $. They record nothing.

    `opposed` has the underlyings whose order the broker refused today beside a closing order of ours, by symbol.
    At most one subscription of legs is held at a time, in `legs`; end it with `release`.
    """

    study: MarketStudy
    feed: Feed
    quotes: QuoteStore
    clock: Clock
    capital: Decimal
    fixed_width: Decimal | None
    stabilization_s: float
    opened: datetime | None = None
    """When today's session opened (UTC)."""
    opposed: Mapping[str, Refusal] = field(default_factory=dict)
    legs: LegSubscription | None = field(init=False, default=None)

    async def judge(self, underlying: Underlying) -> Judgement | Refusal:
        """The judgement, which may carry a refusal; without a live feed there is none (rules 5), nor for an underlying
        that is over for today."""
        if underlying.symbol in self.opposed:
            return self.opposed[underlying.symbol]
        if not self.feed.is_live(self.clock.monotonic()):
            return refuse(Reason.FEED_DOWN, detail=self.feed.why_not_live())
        return await self.study.judge(underlying)

    async def plan(self, underlying: Underlying) -> Plan | Refusal:
        """The trident that would be entered now, by price, chain and capital (rules 2)."""
        price = await self.price(underlying)
        if isinstance(price, Refusal):
            return price
        chain = await self.study.chain(underlying.symbol)
        if isinstance(chain, Refusal):
            return chain
        expiration = choose_expiration(chain, self.study.today())
        if isinstance(expiration, Refusal):
            return expiration
        body = body_for(price, underlying.step)
        width = width_for(self.capital, underlying.width_multiple, self.fixed_width)
        trident = build_trident(underlying, expiration, body, width)
        return trident if isinstance(trident, Refusal) else Plan(price, expiration, trident)

    async def price(self, underlying: Underlying) -> Decimal | Refusal:
        """The underlying's price, at most 10 s old, or why there is none (rules 2)."""
        price = await self.study.price(underlying)
        if price is None:
            return refuse(Reason.PRICE_MISSING, symbol=underlying.symbol)
        if price[1] > MAX_PRICE_AGE_S:
            return refuse(
                Reason.PRICE_STALE,
                symbol=underlying.symbol,
                age_s=f"{price[1]:.1f}",
                limit_s=f"{MAX_PRICE_AGE_S:g}",
            )
        return price[0]

    async def subscribe(self, trident: Trident, underlying: Underlying) -> LegSubscription | Refusal:
        """Subscribes the four legs afresh and waits until they can be priced from (rules 4.3)."""
        await self.release()
        self.legs = await self.feed.subscribe_legs([leg.symbols.streamer for leg in trident.legs])
        refusal = await self.feed.wait_ready(
            self.legs, underlying, stabilization_s=self.stabilization_s, give_up_s=LEG_WAIT_S
        )
        if refusal is None:
            return self.legs
        await self.release()
        return refusal

    def reprice(self, trident: Trident) -> Pricing | PricingRefusal:
        """Prices the trident from the quotes of this moment."""
        quotes = self.quotes.quotes([leg.symbols.streamer for leg in trident.legs])
        return price_trident(trident, quotes, self.clock.monotonic())

    def diagnosed(self, refused: PricingRefusal) -> Refusal:
        """The refusal with what is needed to check it: bid, ask and age of every leg, the subtraction, and what may lie
        behind it (rules 6)."""
        since_open = None if self.opened is None else (self.clock.now() - self.opened).total_seconds()
        causes = suspected_causes(refused, since_open)
        figures = (*refused.refusal.figures, *leg_figures(refused.legs), ("subtraction", refused.subtraction))
        suspected = (("suspected", "; ".join(causes)),) if causes else ()
        return Refusal(refused.refusal.reason, (*figures, *suspected))

    async def release(self) -> None:
        """Ends the leg subscription, if one is held."""
        if self.legs is not None:
            legs, self.legs = self.legs, None
            await self.feed.release(legs)


def leg_figures(legs: Sequence[LegQuote]) -> Figures:
    """Bid, ask and age of every leg, by its streamer symbol."""
    return tuple(
        (
            leg.leg.symbols.streamer,
            f"bid {_shown(leg.bid)} ask {_shown(leg.ask)} age {'none' if leg.age_s is None else f'{leg.age_s:.1f} s'}",
        )
        for leg in legs
    )


def _shown(value: Decimal | None) -> str:
    return "none" if value is None else amounts.credit(value)
