"""How far the running cycle is, for the screen. The cycle writes it, the snapshot builder reads it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal

from core.domain.market.judgement import Judgement
from core.domain.operation.events import Step, masked
from core.domain.operation.outcomes import Outcome
from core.domain.operation.reasons import Refusal
from core.domain.risk.risk import RiskAssessment
from core.domain.trident.entry_price import EntryPrice
from core.domain.trident.pricing import Pricing, PricingRefusal
from core.domain.trident.suggestion import Suggestion
from core.domain.trident.trident import Trident
from core.snapshot import AttemptView, StepState


@dataclass
class SpreadProgress:
    """The trident being priced, or the last one that was. `account` is the full number."""

    trident: Trident
    pricing: Pricing | PricingRefusal | None = None
    entry_price: EntryPrice | None = None
    utilization: Decimal | None = None
    verdict: str = "pricing"
    reason: str = ""
    entry_id: str | None = None
    cycle: int | None = None
    account: str = ""


@dataclass
class CycleProgress:
    """The progress of one cycle for one account, empty while none takes part. `day` is its session date, `slot` market
    time, UTC; `started` and `ended` are monotonic seconds."""

    number: int
    slot: datetime | None
    forced: bool
    started: float
    ended: float | None = None
    attempt: int = 0
    steps: dict[Step, StepState] = field(default_factory=lambda: dict.fromkeys(Step, StepState.TODO))
    details: dict[Step, str] = field(default_factory=dict)
    current: Step | None = None
    attempts: list[AttemptView] = field(default_factory=list)
    judgements: dict[str, Judgement] = field(default_factory=dict)
    spread: SpreadProgress | None = None
    outcome: Outcome | None = None
    refusal: Refusal | None = None
    priced_attempts: int = 0
    refused_attempts: set[int] = field(default_factory=set)
    """Numbers of the attempts in which pricing refused, however many underlyings were tried in one."""
    account: str = ""
    day: date | None = None

    def step_started(self, step: Step) -> None:
        """Marks this step as running, those before it as done and those after it as to come."""
        self.current = step
        order = list(Step)
        for other in order:
            self.steps[other] = StepState.DONE if order.index(other) < order.index(step) else StepState.TODO
        self.steps[step] = StepState.NOW

    def attempt_started(self, attempt: int, symbol: str, at: datetime) -> None:
        self.attempt = attempt
        shown = AttemptView(self.number, attempt, at.replace(microsecond=0), symbol, None, None, None, "NOW", "", "")
        self.attempts.append(replace(shown, account=masked(self.account) if self.account else "", day=self.day))

    def attempt_ended(self, symbol: str, result: Suggestion | Refusal) -> None:
        pricing = self._pricing_of(symbol, result)
        if isinstance(result, Refusal):
            word = "RETRY" if result.transient else "REFUSED"
            code, reason = result.code, result.sentence()
            self._refuse_spread(symbol, reason)
        else:
            word, code, reason = "PASS", "", ""
        self.attempts[-1] = replace(
            self.attempts[-1],
            mid=None if pricing is None else pricing.mid,
            natural=None if pricing is None else pricing.natural,
            result=word,
            code=code,
            reason=reason,
        )

    def judged(self, judgement: Judgement) -> None:
        self.judgements[judgement.symbol] = judgement

    def planned(self, trident: Trident) -> None:
        self.spread = SpreadProgress(trident, cycle=self.number, account=self.account)

    def priced(self, pricing: Pricing | PricingRefusal) -> None:
        self.priced_attempts += 1
        if isinstance(pricing, PricingRefusal):
            self.refused_attempts.add(self.attempt)
        if self.spread is not None:
            self.spread.pricing = pricing

    def assessed(self, risk: RiskAssessment) -> None:
        """Keeps the utilization, whether or not a risk gate refused (rules 7)."""
        if self.spread is not None:
            self.spread.utilization = risk.utilization

    def limited(self, price: EntryPrice) -> None:
        """Keeps the entry price, on the spread and on the attempt that passed."""
        if self.spread is not None:
            self.spread.entry_price = price
            self.spread.verdict = "passed"
        if self.attempts:
            self.attempts[-1] = replace(self.attempts[-1], limit=price.limit)

    def entered(self, entry_id: str) -> None:
        """Keeps the entry that the spread became. From now on the spread shows the entry's state."""
        if self.spread is not None:
            self.spread.entry_id = entry_id
        if self.attempts:
            self.attempts[-1] = replace(self.attempts[-1], traded=True)

    def ended_with(self, outcome: Outcome, refusal: Refusal | None, now: float) -> None:
        self.ended = now
        self.outcome = outcome
        self.refusal = refusal
        if self.current is not None:
            failed = refusal is not None
            refused = StepState.SKIPPED if outcome is Outcome.SKIPPED else StepState.FAILED
            self.steps[self.current] = refused if failed else StepState.DONE
            if refusal is not None:
                self.details[self.current] = refusal.code
        if refusal is not None and self.spread is not None and self.spread.entry_id is None:
            self.spread.verdict, self.spread.reason = "refused", refusal.sentence()
        elif self.spread is not None and outcome is Outcome.SUCCEEDED and self.spread.entry_id is None:
            self.spread.verdict = "validated"

    def _pricing_of(self, symbol: str, result: Suggestion | Refusal) -> Pricing | None:
        if isinstance(result, Suggestion):
            return result.pricing
        spread = self.spread
        if spread is None or spread.trident.underlying != symbol or not isinstance(spread.pricing, Pricing):
            return None
        return spread.pricing

    def _refuse_spread(self, symbol: str, reason: str) -> None:
        if self.spread is not None and self.spread.trident.underlying == symbol:
            self.spread.verdict, self.spread.reason = "refused", reason
