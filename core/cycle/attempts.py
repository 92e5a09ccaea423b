"""Attempts at a suggestion. Each tries the underlyings in order of preference; transient refusals are tried again
(rules 4.2, 4.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.cycle.progress import MAX_ATTEMPTS, CycleProgress
from core.cycle.step_log import StepLog
from core.cycle.underlying_steps import Plan, UnderlyingSteps, leg_figures
from core.domain.market.judgement import Judgement
from core.domain.market.underlying import Underlying
from core.domain.operation.events import Step
from core.domain.operation.figures import Figures
from core.domain.operation.reasons import Reason, Refusal, refuse
from core.domain.trident.pricing import MAX_QUOTE_AGE_S, Pricing, PricingRefusal, mid_subtraction, subtraction
from core.domain.trident.suggestion import Suggestion
from core.domain.trident.trident import Trident
from core.market.feed import LegSubscription
from core.runtime.ids import Ids

PAUSE_BETWEEN_ATTEMPTS_S = 5.0


@dataclass(eq=False, repr=False, kw_only=True)
class Attempts(UnderlyingSteps):
    """The attempts of one account in one cycle. While it holds a suggestion it also holds the subscription of its
    legs."""

    ids: Ids
    steps: StepLog
    progress: CycleProgress
    underlyings: Sequence[Underlying]

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
            self._judged(underlying),
            figures=_judgement_figures,
            also_refused=lambda j: j.refusal,
            attempt=attempt,
            underlying=symbol,
        )
        if isinstance(judgement, Refusal):
            return judgement
        self.progress.step_started(Step.STRIKES)
        plan = await self.steps.run(
            Step.STRIKES, self.plan(underlying), figures=_strikes_figures, attempt=attempt, underlying=symbol
        )
        if isinstance(plan, Refusal):
            return plan
        self.progress.planned(plan.trident)
        self.progress.step_started(Step.QUOTES)
        ready = await self.steps.run(
            Step.QUOTES,
            self.subscribe(plan.trident, underlying),
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

    async def _judged(self, underlying: Underlying) -> Judgement | Refusal:
        judgement = await self.judge(underlying)
        if isinstance(judgement, Judgement):
            self.progress.judged(judgement)
        return judgement

    def _quote_figures(self, legs: LegSubscription) -> Figures:
        """The oldest quote of the legs, by when its sides were set: one just received may be hours old (rules 4.3)."""
        now = self.clock.monotonic()
        quotes = self.quotes.quotes(legs.symbols)
        ages = {symbol: age_s for symbol, quote in quotes.items() if (age_s := quote.age(now)) is not None}
        if not ages:  # the connection was lost just now, or all are dated ahead
            return ()
        oldest = max(ages, key=ages.__getitem__)
        return (("oldest_age_s", f"{ages[oldest]:.1f}"), ("oldest", oldest), ("limit_s", f"{MAX_QUOTE_AGE_S:g}"))

    async def _pricing(self, trident: Trident) -> Pricing | Refusal:
        pricing = self.reprice(trident)
        self.progress.priced(trident.underlying, pricing)
        return self.diagnosed(pricing) if isinstance(pricing, PricingRefusal) else pricing


def _judgement_figures(judgement: Judgement) -> Figures:
    shown: Figures = tuple((f.name, f"{f.shown} ({f.points:+})") for f in judgement.factors)
    return (("score", judgement.score), ("minimum", judgement.minimum), ("regime", judgement.regime.value), *shown)


def _strikes_figures(plan: Plan) -> Figures:
    trident = plan.trident
    return (
        ("price", plan.price),
        ("expiration", trident.expiration),
        ("root", trident.root),
        ("body", trident.body),
        ("width", trident.width),
        ("trident", trident.strikes()),
    )


def _pricing_figures(pricing: Pricing) -> Figures:
    return (
        ("natural_credit", pricing.natural),
        ("mid_credit", pricing.mid),
        ("max_risk", pricing.max_risk_natural),
        *leg_figures(pricing.legs),
        ("subtraction", subtraction(pricing.legs)),
        ("mid_subtraction", mid_subtraction(pricing)),
    )
