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
from core.domain.trident.trident import Trident
from core.snapshot import AttemptView, StepState

MAX_ATTEMPTS = 3
"""The most attempts of one account in one cycle (rules 4.2)."""


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
    """The progress of one account in one cycle. `day` is its session date, `slot` market time, UTC; `started`, `ended`
    and `retry_at` are monotonic seconds. `account` is the full number, empty before the cycle's accounts are known."""

    number: int
    slot: datetime | None
    forced: bool
    started: float
    account: str = ""
    ended: float | None = None
    attempt: int = 0
    retry_at: float | None = None
    """When the next attempt starts. None unless one is waited for."""
    steps: dict[Step, StepState] = field(default_factory=lambda: dict.fromkeys(Step, StepState.TODO))
    details: dict[Step, str] = field(default_factory=dict)
    current: Step | None = None
    attempts: list[AttemptView] = field(default_factory=list)
    judgements: dict[str, Judgement] = field(default_factory=dict)
    spreads: dict[str, SpreadProgress] = field(default_factory=dict)
    """The newest trident of each underlying, in the order in which they were planned."""
    tried: str = ""
    """The underlying that is being tried, or the one that passed."""
    outcome: Outcome | None = None
    refusal: Refusal | None = None
    priced_attempts: int = 0
    refused_attempts: set[int] = field(default_factory=set)
    """Numbers of the attempts in which pricing refused, however many underlyings were tried in one."""
    day: date | None = None

    @property
    def shown_first(self) -> str:
        """The underlying that is shown before the others: the one being tried or traded, or the one whose refusal ended
        the attempts. Empty before the first attempt."""
        refused = "" if self.refusal is None else self.refusal.underlying
        return refused or self.tried

    @property
    def spread(self) -> SpreadProgress | None:
        """The trident that is shown first: of `shown_first`, else the one planned last. Its refusal is its own."""
        return self.spreads.get(self.shown_first) or next(reversed(self.spreads.values()), None)

    def step_started(self, step: Step) -> None:
        """Marks this step as running, those before it as done and those after it as to come."""
        self.current = step
        order = list(Step)
        for other in order:
            self.steps[other] = StepState.DONE if order.index(other) < order.index(step) else StepState.TODO
        self.steps[step] = StepState.NOW

    def attempt_started(self, attempt: int, symbol: str, at: datetime) -> None:
        self.attempt, self.tried, self.retry_at = attempt, symbol, None
        self.attempts.append(
            AttemptView(
                cycle=self.number,
                attempt=attempt,
                at=at.replace(microsecond=0),
                underlying=symbol,
                mid=None,
                natural=None,
                limit=None,
                result="NOW",
                code="",
                reason="",
                account=masked(self.account) if self.account else "",
                day=self.day,
            )
        )

    def attempt_ended(self, symbol: str, refusal: Refusal | None) -> None:
        """Keeps the attempt's end: what refused it, or None when it passed."""
        pricing = self._pricing_of(symbol)
        word = "PASS"
        if refusal is not None:
            word = "RETRY" if refusal.transient else "REFUSED"
            self._refuse_spread(symbol, refusal.sentence())
        self.attempts[-1] = replace(
            self.attempts[-1],
            mid=None if pricing is None else pricing.mid,
            natural=None if pricing is None else pricing.natural,
            result=word,
            code="" if refusal is None else refusal.code,
            reason="" if refusal is None else refusal.sentence(),
        )
        if refusal is None or self.attempt >= MAX_ATTEMPTS:
            self._no_more_attempts()

    def retries(self, at: float) -> None:
        """Keeps when the next attempt starts, in monotonic seconds."""
        self.retry_at = at

    def judged(self, judgement: Judgement) -> None:
        self.judgements[judgement.symbol] = judgement

    def planned(self, trident: Trident) -> None:
        self.spreads.pop(trident.underlying, None)
        self.spreads[trident.underlying] = SpreadProgress(trident, cycle=self.number, account=self.account)

    def priced(self, symbol: str, pricing: Pricing | PricingRefusal) -> None:
        self.priced_attempts += 1
        if isinstance(pricing, PricingRefusal):
            self.refused_attempts.add(self.attempt)
        self.spreads[symbol].pricing = pricing

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

    def not_entered(self) -> None:
        """Takes back an entry that is proved not to have left: why it was refused is shown again."""
        if self.spread is not None:
            self.spread.entry_id = None
        if self.attempts:
            self.attempts[-1] = replace(self.attempts[-1], traded=False)

    def ended_with(self, outcome: Outcome, refusal: Refusal | None, now: float) -> None:
        self.ended, self.retry_at = now, None
        self.outcome = outcome
        self.refusal = refusal
        self._no_more_attempts()
        if refusal is not None and self.attempts and self.attempts[-1].result == "NOW":
            self.attempts[-1] = replace(
                self.attempts[-1], result="REFUSED", code=refusal.code, reason=refusal.sentence()
            )
        if self.current is not None:
            failed = refusal is not None
            refused = StepState.SKIPPED if outcome is Outcome.SKIPPED else StepState.FAILED
            self.steps[self.current] = refused if failed else StepState.DONE
            if refusal is not None:
                self.details[self.current] = refusal.code
        spread = self.spreads.get(self.shown_first)
        if spread is None or spread.entry_id is not None:
            return
        if refusal is not None:
            spread.verdict, spread.reason = "refused", refusal.sentence()
        elif outcome is Outcome.SUCCEEDED:
            spread.verdict = "validated"

    def _no_more_attempts(self) -> None:
        """Nothing of the newest attempt is tried again: it was the last, another passed, or the run ended."""
        self.attempts[:] = [
            replace(one, result="REFUSED") if one.result == "RETRY" and one.attempt == self.attempt else one
            for one in self.attempts
        ]

    def _pricing_of(self, symbol: str) -> Pricing | None:
        spread = self.spreads.get(symbol)
        return spread.pricing if spread is not None and isinstance(spread.pricing, Pricing) else None

    def _refuse_spread(self, symbol: str, reason: str) -> None:
        spread = self.spreads.get(symbol)
        if spread is not None:
            spread.verdict, spread.reason = "refused", reason
