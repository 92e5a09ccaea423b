"""Attempts at a suggestion. Each tries the underlyings in order of preference; transient refusals are tried again
(rules 4.2, 4.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from core.cycle.progress import CycleProgress
from core.cycle.step_log import StepLog
from core.domain.market.chain import Expiration
from core.domain.market.judgement import Judgement
from core.domain.market.underlying import Underlying
from core.domain.operation import amounts
from core.domain.operation.events import Step
from core.domain.operation.reasons import Figures, Reason, Refusal, refuse
from core.domain.trident.causes import suspected_causes
from core.domain.trident.expiration import choose_expiration
from core.domain.trident.pricing import (
    MAX_QUOTE_AGE_S,
    LegQuote,
    Pricing,
    PricingRefusal,
    mid_subtraction,
    price_trident,
    subtraction,
)
from core.domain.trident.suggestion import Suggestion
from core.domain.trident.trident import Trident, body_for, build_trident, width_for
from core.market.feed import Feed, LegSubscription
from core.market.quote_store import QuoteStore
from core.market.study import MarketStudy
from core.runtime.clock import Clock
from core.runtime.ids import Ids

MAX_ATTEMPTS = 3
PAUSE_BETWEEN_ATTEMPTS_S = 5.0
MAX_PRICE_AGE_S = 10.0
LEG_WAIT_S = 15.0


@dataclass(frozen=True, slots=True)
class _Plan:
    price: Decimal
    expiration: Expiration
    trident: Trident


@dataclass(eq=False, repr=False, kw_only=True)
class Attempts:
    """The attempts of one account in one cycle. While it holds a suggestion it also holds the subscription of its
    legs."""

    study: MarketStudy
    feed: Feed
    quotes: QuoteStore
    clock: Clock
    ids: Ids
    steps: StepLog
    progress: CycleProgress
    underlyings: Sequence[Underlying]
    capital: Decimal
    fixed_width: Decimal | None
    stabilization_s: float
    opened: datetime | None = None
    """When today's session opened (UTC)."""
    legs: LegSubscription | None = field(init=False, default=None)

    async def find(self) -> Suggestion | Refusal:
        """The first suggestion that passes, else a refusal: a transient one of the last attempt, or the first terminal
        one. It carries its underlying."""
        remaining = list(self.underlyings)
        first_terminal: Refusal | None = None
        transient: Refusal | None = None
        for attempt in range(1, MAX_ATTEMPTS + 1):
            transient = None
            for underlying in tuple(remaining):
                result = await self._try(underlying, attempt)
                if isinstance(result, Suggestion):
                    return result
                if result.transient:
                    transient = transient or result
                else:
                    remaining.remove(underlying)
                    first_terminal = first_terminal or result
            if transient is None:
                break
            if attempt < MAX_ATTEMPTS:
                await self._wait_to_retry(attempt)
        return transient or first_terminal or refuse(Reason.INTERNAL, detail="no underlying is configured")

    async def _wait_to_retry(self, attempt: int) -> None:
        retry_at = self.clock.monotonic() + PAUSE_BETWEEN_ATTEMPTS_S
        self.progress.retries(retry_at)
        await self.steps.retrying(attempt, MAX_ATTEMPTS, PAUSE_BETWEEN_ATTEMPTS_S)
        await self.clock.sleep(max(0.0, retry_at - self.clock.monotonic()))

    async def _try(self, underlying: Underlying, attempt: int) -> Suggestion | Refusal:
        symbol = underlying.symbol
        self.progress.attempt_started(attempt, symbol, self.clock.now())
        result = await self._price(underlying, attempt)
        if isinstance(result, Refusal):
            result = replace(result, underlying=symbol)
        self.progress.attempt_ended(symbol, result if isinstance(result, Refusal) else None)
        return result

    async def _price(self, underlying: Underlying, attempt: int) -> Suggestion | Refusal:
        symbol = underlying.symbol
        self.progress.step_started(Step.JUDGEMENT)
        judgement = await self.steps.run(
            Step.JUDGEMENT,
            self._judgement(underlying),
            figures=_judgement_figures,
            also_refused=lambda j: j.refusal,
            attempt=attempt,
            underlying=symbol,
        )
        if isinstance(judgement, Refusal):
            return judgement
        self.progress.step_started(Step.STRIKES)
        plan = await self.steps.run(
            Step.STRIKES, self._strikes(underlying), figures=_strikes_figures, attempt=attempt, underlying=symbol
        )
        if isinstance(plan, Refusal):
            return plan
        self.progress.planned(plan.trident)
        self.progress.step_started(Step.QUOTES)
        ready = await self.steps.run(
            Step.QUOTES,
            self._quotes(plan.trident, underlying),
            figures=self._quote_figures,
            attempt=attempt,
            underlying=symbol,
        )
        if isinstance(ready, Refusal):
            return ready
        self.progress.step_started(Step.PRICING)
        pricing = await self.steps.run(
            Step.PRICING, self._pricing(plan.trident), figures=_pricing_figures, attempt=attempt, underlying=symbol
        )
        if isinstance(pricing, Refusal):
            await self.release()
            return pricing
        return Suggestion(
            id=self.ids.new(),
            attempt=attempt,
            at=self.clock.now(),
            decided=self.clock.monotonic(),
            underlying=underlying,
            price=plan.price,
            expiration=plan.expiration,
            trident=plan.trident,
            pricing=pricing,
            judgement=judgement,
        )

    async def _judgement(self, underlying: Underlying) -> Judgement | Refusal:
        if not self.feed.is_live(self.clock.monotonic()):
            return refuse(Reason.FEED_DOWN, detail=self.feed.why_not_live())
        judgement = await self.study.judge(underlying)
        self.progress.judged(judgement)
        return judgement

    async def _strikes(self, underlying: Underlying) -> _Plan | Refusal:
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
        return trident if isinstance(trident, Refusal) else _Plan(price, expiration, trident)

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

    async def _quotes(self, trident: Trident, underlying: Underlying) -> LegSubscription | Refusal:
        await self.release()
        self.legs = await self.feed.subscribe_legs([leg.symbols.streamer for leg in trident.legs])
        refusal = await self.feed.wait_ready(
            self.legs, underlying, stabilization_s=self.stabilization_s, give_up_s=LEG_WAIT_S
        )
        if refusal is None:
            return self.legs
        await self.release()
        return refusal

    def _quote_figures(self, legs: LegSubscription) -> Figures:
        """The oldest quote of the legs, by when its sides were set: one just received may be hours old (rules 4.3)."""
        now = self.clock.monotonic()
        ages = {symbol: quote.age(now) for symbol, quote in self.quotes.quotes(legs.symbols).items()}
        if not ages:  # the connection was lost just now
            return ()
        oldest = max(ages, key=ages.__getitem__)
        return (("oldest_age_s", f"{ages[oldest]:.1f}"), ("oldest", oldest), ("limit_s", f"{MAX_QUOTE_AGE_S:g}"))

    async def _pricing(self, trident: Trident) -> Pricing | Refusal:
        pricing = self.reprice(trident)
        self.progress.priced(trident.underlying, pricing)
        return self._diagnosed(pricing) if isinstance(pricing, PricingRefusal) else pricing

    def _diagnosed(self, refused: PricingRefusal) -> Refusal:
        """The refusal with what is needed to check it: bid, ask and age of every leg, the subtraction, and what may lie
        behind it (rules 6)."""
        since_open = None if self.opened is None else (self.clock.now() - self.opened).total_seconds()
        causes = suspected_causes(refused, since_open)
        figures = (*refused.refusal.figures, *_leg_figures(refused.legs), ("subtraction", refused.subtraction))
        suspected = (("suspected", "; ".join(causes)),) if causes else ()
        return Refusal(refused.refusal.reason, (*figures, *suspected))

    def reprice(self, trident: Trident) -> Pricing | PricingRefusal:
        """Prices the trident from the quotes of this moment."""
        quotes = self.quotes.quotes([leg.symbols.streamer for leg in trident.legs])
        return price_trident(trident, quotes, self.clock.monotonic())

    async def release(self) -> None:
        """Ends the leg subscription, if one is held."""
        if self.legs is not None:
            legs, self.legs = self.legs, None
            await self.feed.release(legs)


def _leg_figures(legs: Sequence[LegQuote]) -> Figures:
    return tuple(
        (
            leg.leg.symbols.streamer,
            f"bid {_shown(leg.bid)} ask {_shown(leg.ask)} age {'none' if leg.age_s is None else f'{leg.age_s:.1f} s'}",
        )
        for leg in legs
    )


def _judgement_figures(judgement: Judgement) -> Figures:
    shown: Figures = tuple((f.name, f"{f.shown} ({f.points:+})") for f in judgement.factors)
    return (("score", judgement.score), ("minimum", judgement.minimum), ("regime", judgement.regime.value), *shown)


def _strikes_figures(plan: _Plan) -> Figures:
    trident = plan.trident
    return (
        ("price", plan.price),
        ("expiration", trident.expiration),
        ("root", trident.root),
        ("body", trident.body),
        ("width", trident.width),
        ("trident", trident.strikes()),
    )


def _shown(value: Decimal | None) -> str:
    return "none" if value is None else amounts.credit(value)


def _pricing_figures(pricing: Pricing) -> Figures:
    return (
        ("natural_credit", pricing.natural),
        ("mid_credit", pricing.mid),
        ("max_risk", pricing.max_risk_natural),
        *_leg_figures(pricing.legs),
        ("subtraction", subtraction(pricing.legs)),
        ("mid_subtraction", mid_subtraction(pricing)),
    )
