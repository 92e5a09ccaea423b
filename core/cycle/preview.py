"""What a cycle would do now, without one: nothing is claimed, recorded or sent (rules 5).

A preview takes the steps of a cycle and goes on where a cycle would stop, so that it names every reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from core.broker.port import AccountReads
from core.cycle.account_steps import AccountSteps, account_refusals, exposure_refusals
from core.cycle.parts import CycleParts
from core.cycle.slots import SlotBook
from core.cycle.underlying_steps import Plan, UnderlyingSteps
from core.domain.market.judgement import Judgement
from core.domain.market.sessions import may_force
from core.domain.market.underlying import Underlying
from core.domain.operation.events import Step
from core.domain.operation.reasons import Reason, Refusal, refuse
from core.domain.risk.exposure import Exposure
from core.domain.risk.risk import RiskAssessment, capital
from core.domain.trident.entry_price import EntryPrice
from core.domain.trident.pricing import Pricing, PricingRefusal
from core.domain.trident.trident import break_evens
from core.records.repositories.rows import AccountRecord

RELEASED_WITHIN_S = 2.0


@dataclass(frozen=True, slots=True)
class StepRefusal:
    """A step that would refuse, and why."""

    step: Step
    refusal: Refusal


@dataclass(frozen=True, slots=True)
class UnderlyingPreview:
    """What the steps find at one underlying for one account. What could not be found is None.

    `attempt` has why the attempt would not pass, from the judgement to the pricing; `order` why no order would be made
    of it, by risk and limit.
    """

    underlying: str
    attempt: tuple[StepRefusal, ...]
    order: tuple[StepRefusal, ...]
    judgement: Judgement | None
    plan: Plan | None
    pricing: Pricing | PricingRefusal | None
    risk: RiskAssessment | None
    limit: EntryPrice | None

    @property
    def would_pass(self) -> bool:
        """Whether the attempt would pass. Without the account's capital nothing is priced, and nothing passes."""
        return isinstance(self.pricing, Pricing) and not self.attempt

    @property
    def break_evens(self) -> tuple[Decimal | None, Decimal | None]:
        """The settlements below and above the body at which the package, filled at the limit, comes to zero."""
        if self.plan is None or self.limit is None:
            return None, None
        return break_evens(self.plan.trident.body, self.plan.trident.width, self.limit.limit)


@dataclass(frozen=True, slots=True)
class Preview:
    """What a cycle would do now for one account (full number). `at` is market time, UTC.

    `account_refusals` are the reasons of the account and the market. `reads` is None when the broker did not tell.
    """

    account: str
    at: datetime
    account_refusals: tuple[StepRefusal, ...]
    reads: AccountReads | None
    exposure: Exposure | None
    underlyings: tuple[UnderlyingPreview, ...]

    @property
    def chosen(self) -> UnderlyingPreview | None:
        """The underlying that a cycle would take: the first, in the order of preference, that would pass."""
        return next((one for one in self.underlyings if one.would_pass), None)

    @property
    def would_send(self) -> bool:
        """Whether a cycle would send an order."""
        return self.chosen is not None and not self.reasons

    @property
    def reasons(self) -> tuple[StepRefusal, ...]:
        """Every reason for which a cycle would send nothing."""
        chosen = self.chosen
        if chosen is not None:
            return (*self.account_refusals, *chosen.order)
        return (*self.account_refusals, *(one for each in self.underlyings for one in each.attempt))


@dataclass(eq=False, repr=False)
class Previews:
    """Makes previews, one after another. One that runs is given up when a cycle starts."""

    parts: CycleParts
    slots: SlotBook
    _under_way: set[asyncio.Task[tuple[Preview, ...]]] = field(init=False, default_factory=set)
    _turn: asyncio.Lock = field(init=False, default_factory=asyncio.Lock)

    async def of(self, accounts: Sequence[AccountRecord]) -> tuple[Preview, ...] | None:
        """A preview of each account, or None when a cycle started meanwhile. Call it while no cycle runs.

        Raises RecordsError.
        """
        task = asyncio.create_task(self._made(accounts), name="preview")
        self._under_way.add(task)
        try:
            await asyncio.wait({task})
            return None if task.cancelled() else task.result()
        finally:
            task.cancel()
            self._under_way.discard(task)

    async def give_up(self) -> None:
        """Ends the previews under way. Their legs are released: a cycle subscribes its own afresh."""
        for task in self._under_way:
            task.cancel()
        if self._under_way:
            await asyncio.wait(set(self._under_way), timeout=RELEASED_WITHIN_S)

    async def _made(self, accounts: Sequence[AccountRecord]) -> tuple[Preview, ...]:
        async with self._turn:
            return tuple(await asyncio.gather(*(self._of(account) for account in accounts)))

    async def _of(self, account: AccountRecord) -> Preview:
        steps = AccountSteps(self.parts, account)
        refusals = [StepRefusal(Step.GUARD, one) for one in self._forbidden(account)]
        refusals += [StepRefusal(Step.GUARD, one) async for one in steps.guard_refusals()]
        market = await steps.market()
        if isinstance(market, Refusal):
            refusals.append(StepRefusal(Step.MARKET, market))
        reads: AccountReads | None = None
        exposed: Exposure | None = None
        read = await steps.reads()
        if isinstance(read, Refusal):
            refusals.append(StepRefusal(Step.ACCOUNT, read))
        else:
            reads, orders = read
            refusals += [StepRefusal(Step.ACCOUNT, one) for one in account_refusals(reads)]
            exposed = await steps.exposed(reads, orders)
            refusals += [StepRefusal(Step.ACCOUNT, one) for one in exposure_refusals(exposed)]
        underlyings = await asyncio.gather(
            *(self._at(steps, underlying, reads, exposed) for underlying in self.parts.underlyings)
        )
        return Preview(account.number, self.parts.clock.now(), tuple(refusals), reads, exposed, tuple(underlyings))

    def _forbidden(self, account: AccountRecord) -> list[Refusal]:
        """What keeps a cycle from starting for this account at all, but for what the guard step says itself."""
        found = [refuse(Reason.ACCOUNT_DISABLED)] if not account.enabled else []
        early_or_late = may_force(self.parts.clock.now(), self.slots.session(), self.slots.times)
        if early_or_late is not None and early_or_late.reason is not Reason.MARKET_CLOSED:  # the market step says it
            found.append(early_or_late)
        return found

    async def _at(
        self, account: AccountSteps, underlying: Underlying, reads: AccountReads | None, exposed: Exposure | None
    ) -> UnderlyingPreview:
        parts = self.parts
        buying_power = None if reads is None else reads.derivative_buying_power
        known = None
        open_risk = None if exposed is None else exposed.open_risk
        if buying_power is not None and buying_power.is_finite() and open_risk is not None:
            known = capital(buying_power, open_risk)
        steps = UnderlyingSteps(
            study=parts.study,
            feed=parts.feed,
            quotes=parts.quotes,
            clock=parts.clock,
            capital=known or Decimal(0),
            fixed_width=account.fixed_width,
            stabilization_s=parts.settings.trading.stabilization_seconds,
            opened=account.opened,
            opposed=await account.opposed(),
        )
        judgement, refused = await _judged(steps, underlying)
        # The width goes by the capital. Without it there is no trident to price, and the account step has said why.
        has_width = known is not None or account.fixed_width is not None
        plan = await steps.plan(underlying) if has_width else None
        pricing: Pricing | PricingRefusal | None = None
        if isinstance(plan, Refusal):
            refused.append(StepRefusal(Step.STRIKES, plan))
        elif plan is not None:
            try:
                ready = await steps.subscribe(plan.trident, underlying)
                if isinstance(ready, Refusal):
                    refused.append(StepRefusal(Step.QUOTES, ready))
                pricing = steps.reprice(plan.trident)
            finally:
                await steps.release()
            if isinstance(pricing, PricingRefusal):
                refused.append(StepRefusal(Step.PRICING, steps.diagnosed(pricing)))
        risk, limit, order = self._order(account, plan, pricing, reads, exposed)
        return UnderlyingPreview(
            underlying=underlying.symbol,
            attempt=tuple(refused),
            order=tuple(order),
            judgement=judgement,
            plan=None if isinstance(plan, Refusal) else plan,
            pricing=pricing,
            risk=risk,
            limit=limit,
        )

    def _order(
        self,
        account: AccountSteps,
        plan: Plan | Refusal | None,
        pricing: Pricing | PricingRefusal | None,
        reads: AccountReads | None,
        exposed: Exposure | None,
    ) -> tuple[RiskAssessment | None, EntryPrice | None, list[StepRefusal]]:
        """Risk and limit of what was priced, and why they would make no order of it."""
        if not isinstance(plan, Plan) or not isinstance(pricing, Pricing):
            return None, None, []
        refused: list[StepRefusal] = []
        risk: RiskAssessment | None = None
        if reads is not None and exposed is not None:
            risk = account.risk(plan.trident, pricing, reads, exposed)
            refused += [StepRefusal(Step.RISK, one) for one in risk.refusals]
        limit = account.limit(pricing, plan.expiration)
        if isinstance(limit, Refusal):
            refused.append(StepRefusal(Step.LIMIT, limit))
            return risk, None, refused
        return risk, limit, refused


async def _judged(steps: UnderlyingSteps, underlying: Underlying) -> tuple[Judgement | None, list[StepRefusal]]:
    found = await steps.judge(underlying)
    judgement = None if isinstance(found, Refusal) else found
    refusal = found if isinstance(found, Refusal) else found.refusal
    return judgement, [] if refusal is None else [StepRefusal(Step.JUDGEMENT, refusal)]
