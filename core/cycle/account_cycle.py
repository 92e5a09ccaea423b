"""One cycle, top to bottom: the accounts side by side, the steps of each in order (rules 4)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TypeVar

from structlog.contextvars import bind_contextvars

from core.broker.port import AccountReads, MarketState
from core.cycle.account_steps import AccountSteps
from core.cycle.attempts import Attempts
from core.cycle.parts import CycleParts
from core.cycle.progress import CycleProgress
from core.cycle.step_log import StepLog
from core.domain.operation.events import Severity, Step, masked
from core.domain.operation.failures import failure_words
from core.domain.operation.figures import Figures
from core.domain.operation.outcomes import Outcome, outcome_for
from core.domain.operation.reasons import Reason, Refusal, refuse
from core.domain.orders.opposing import opposed, was_opposed
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Entry
from core.domain.reporting.figures import AccountRun
from core.domain.risk.exposure import Exposure
from core.domain.risk.risk import RiskAssessment, capital
from core.domain.trident.entry_price import EntryPrice
from core.domain.trident.suggestion import Suggestion
from core.orders.decision import Decision, Validated
from core.orders.suggestion_record import refused_record
from core.records.repositories.rows import AccountRecord
from core.records.store.errors import RecordsError
from core.runtime.redaction import redact

log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class AccountResult:
    """How the cycle ended for one account. `entry` is set once the broker has acknowledged it.

    `acknowledged_ms` is wall milliseconds from the slot, or from the start of a forced cycle, to that acknowledgement;
    in dry-run mode to the broker's validation.
    """

    account: str
    outcome: Outcome
    refusal: Refusal | None
    progress: CycleProgress
    suggestion: Suggestion | None = None
    risk: RiskAssessment | None = None
    price: EntryPrice | None = None
    entry: Entry | None = None
    acknowledged_ms: int | None = None

    @property
    def is_validated(self) -> bool:
        """Whether it succeeded without an entry: a dry run validates and sends nothing."""
        return self.outcome is Outcome.SUCCEEDED and self.entry is None

    def run(self, day: date) -> AccountRun:
        """This result as the records keep it. `day` is the cycle's session date."""
        return AccountRun(
            cycle=self.progress.number,
            account=self.account,
            day=day,
            outcome=self.outcome,
            reason="" if self.refusal is None else self.refusal.code,
            reason_text="" if self.refusal is None else self.refusal.sentence(),
            attempts=self.progress.attempt,
            reached_pricing=self.progress.priced_attempts > 0,
            pricing_refusals=len(self.progress.refused_attempts),
            acknowledged_ms=self.acknowledged_ms,
        )


async def run_cycle(
    parts: CycleParts, accounts: Sequence[AccountRecord], progress: Sequence[CycleProgress]
) -> tuple[AccountResult, ...]:
    """Runs the accounts side by side. A slow or failing account delays no other."""
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(_Account(parts, account, seen).run(), name=f"cycle {seen.number}")
            for account, seen in zip(accounts, progress, strict=True)
        ]
    return tuple(task.result() for task in tasks)


@dataclass(eq=False, repr=False)
class _Account:
    """Runs the steps of one account, in the order of rules 4."""

    parts: CycleParts
    account: AccountRecord
    progress: CycleProgress
    _steps: AccountSteps = field(init=False)
    _log: StepLog = field(init=False)
    _attempts: Attempts | None = field(init=False, default=None)
    _entry_id: str | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._steps = AccountSteps(self.parts, self.account)
        self._log = StepLog(self.parts.bus, self.parts.clock, self.progress.number, self.account.number)

    async def run(self) -> AccountResult:
        """Runs the steps. Never raises: what breaks inside one account is that account's failure."""
        # This task is the account's own: every log line from here on, also of the SDK, carries both values.
        bind_contextvars(cycle=self.progress.number, account=masked(self.account.number))
        try:
            return await self._run()
        except Exception as error:
            log.exception("cycle %s failed", self.progress.number)
            refusal = refuse(Reason.INTERNAL, detail=redact(failure_words(error)))
            with suppress(RecordsError):  # the records may be what broke; the other accounts go on
                await self._log.tell_held()
                await self.parts.bus.say(
                    "cycle.error",
                    refusal.sentence(),
                    Severity.CRITICAL,
                    cycle=self.progress.number,
                    account=self.account.number,
                    reason=refusal.reason,
                )
            return self._result(refusal)
        finally:
            if self._attempts is not None:
                await self._attempts.release()

    async def _run(self) -> AccountResult:
        guard = await self._step(Step.GUARD, self._steps.guard())
        if isinstance(guard, Refusal):
            return self._result(guard)
        market = await self._step(Step.MARKET, self._steps.market(), figures=_market_figures)
        if isinstance(market, Refusal):
            return self._result(market)
        account = await self._step(Step.ACCOUNT, self._steps.read_account(), figures=_account_figures)
        if isinstance(account, Refusal):
            return self._result(account)
        reads, exposed = account

        capital_now = capital(reads.derivative_buying_power, exposed.open_risk or Decimal(0))
        self._attempts = self._new_attempts(capital_now, await self._steps.opposed())
        suggestion = await self._attempts.find()
        if isinstance(suggestion, Refusal):
            return self._result(suggestion)

        risk = await self._step(
            Step.RISK,
            self._risk(suggestion, reads, exposed),
            figures=_risk_figures,
            also_refused=lambda r: r.refusal,
            held=True,
        )
        if isinstance(risk, Refusal):
            await self._keep_refused(suggestion)
            return self._result(risk, suggestion)
        price = await self._step(Step.LIMIT, self._limit(suggestion), figures=_limit_figures, held=True)
        if isinstance(price, Refusal):
            await self._keep_refused(suggestion)
            return self._result(price, suggestion, risk)
        self.progress.limited(price)

        decision = Decision(
            self.account.number, self.account.login, self._steps.day, self.progress.number, suggestion, risk, price
        )
        sent: Entry | Validated | Refusal = await self._step(
            Step.SEND,
            self.parts.desk.enter(decision, self._attempts, self._prepared, self._log.take_held()),
            figures=_entry_figures,
        )
        return await self._conclude(decision, sent, self._attempts)

    async def _step(
        self,
        step: Step,
        work: Awaitable[T | Refusal],
        *,
        figures: Callable[[T], Figures] | None = None,
        also_refused: Callable[[T], Refusal | None] | None = None,
        held: bool = False,
    ) -> T | Refusal:
        self.progress.step_started(step)
        return await self._log.run(step, work, figures=figures, also_refused=also_refused, held=held)

    # The steps

    def _new_attempts(self, capital_now: Decimal, opposed: Mapping[str, Refusal]) -> Attempts:
        parts = self.parts
        return Attempts(
            study=parts.study,
            feed=parts.feed,
            quotes=parts.quotes,
            clock=parts.clock,
            ids=parts.ids,
            steps=self._log,
            progress=self.progress,
            underlyings=parts.underlyings,
            capital=capital_now,
            fixed_width=self._steps.fixed_width,
            stabilization_s=parts.settings.trading.stabilization_seconds,
            opened=self._steps.opened,
            opposed=opposed,
        )

    async def _risk(self, suggestion: Suggestion, reads: AccountReads, exposed: Exposure) -> RiskAssessment:
        assessed = self._steps.risk(suggestion.trident, suggestion.pricing, reads, exposed)
        self.progress.assessed(assessed)
        return assessed

    async def _limit(self, suggestion: Suggestion) -> EntryPrice | Refusal:
        return self._steps.limit(suggestion.pricing, suggestion.expiration)

    # The end

    async def _keep_refused(self, suggestion: Suggestion) -> None:
        """Records a suggestion that became no order. The order desk records the others before it sends."""
        record = refused_record(self.account.number, self._steps.day, self.progress.number, suggestion)
        await self.parts.records.journal.record_suggestion(record)

    async def _conclude(
        self, decision: Decision, sent: Entry | Validated | Refusal, attempts: Attempts
    ) -> AccountResult:
        if isinstance(sent, Refusal):
            if sent.reason is Reason.OUTCOME_UNKNOWN:
                await self._keep_legs(attempts)
            elif not await self._was_refused():
                self.progress.not_entered()
            return self._result(sent, decision.suggestion, decision.risk, decision.price)
        if isinstance(sent, Validated):
            return self._result(None, decision.suggestion, decision.risk, decision.price)
        if sent.state is OrderState.REJECTED:
            refusal = (
                opposed(sent.underlying, sent.detail)
                if was_opposed(sent)
                else refuse(Reason.REJECTED, detail=sent.detail or "no reason given")
            )
            return self._result(refusal, decision.suggestion, decision.risk, decision.price, sent)
        if sent.state is OrderState.INCIDENT:  # the order that the broker acknowledged is not the one asked for
            refusal = refuse(Reason.ENTRY_INCIDENT)
            return self._result(refusal, decision.suggestion, decision.risk, decision.price, sent)
        if sent.state is OrderState.WORKING:
            await self._keep_legs(attempts)
        return self._result(None, decision.suggestion, decision.risk, decision.price, sent)

    async def _was_refused(self) -> bool:
        """Whether the order of this run left, and the broker refused it: its record tells, also when an alert has told
        of it."""
        if self._entry_id is None:
            return False
        return (await self.parts.records.entries.get(self._entry_id)).state is OrderState.REJECTED

    def _prepared(self, entry_id: str) -> None:
        """Keeps the entry of this run from its intent on: an answer that is lost must not hide it (rules 4.4)."""
        self._entry_id = entry_id
        self.progress.entered(entry_id)

    async def _keep_legs(self, attempts: Attempts) -> None:
        """Keeps the legs quoted until the entry ends: it works, or may (rules 4.5)."""
        if self._entry_id is not None and attempts.legs is not None:
            legs, attempts.legs = attempts.legs, None
            await self.parts.legs.keep(self._entry_id, legs)

    def _result(
        self,
        refusal: Refusal | None,
        suggestion: Suggestion | None = None,
        risk: RiskAssessment | None = None,
        price: EntryPrice | None = None,
        entry: Entry | None = None,
    ) -> AccountResult:
        outcome = Outcome.SUCCEEDED if refusal is None else outcome_for(refusal.reason)
        self.progress.ended_with(outcome, refusal, self.parts.clock.monotonic())
        took_ms = self._since_slot_ms() if outcome is Outcome.SUCCEEDED else None
        return AccountResult(
            self.account.number, outcome, refusal, self.progress, suggestion, risk, price, entry, took_ms
        )

    def _since_slot_ms(self) -> int:
        clock, slot = self.parts.clock, self.progress.slot
        if slot is None:
            return round(1000 * (clock.monotonic() - self.progress.started))
        return round(1000 * (clock.now() - slot).total_seconds() / clock.speed)


def _market_figures(market: MarketState) -> Figures:
    return (("market", market.word), ("close", market.close_at))


def _account_figures(account: tuple[AccountReads, Exposure]) -> Figures:
    reads, exposed = account
    return (
        ("buying_power", reads.derivative_buying_power),
        ("open_risk", exposed.open_risk),
        ("open_tridents", exposed.open_tridents),
    )


def _risk_figures(risk: RiskAssessment) -> Figures:
    return (
        ("max_risk", risk.max_risk),
        ("budget", risk.budget),
        ("capital", risk.capital),
        ("open_risk", risk.open_risk),
        ("open_tridents", risk.open_tridents),
        ("utilization", None if risk.utilization is None else round(risk.utilization, 4)),
    )


def _limit_figures(price: EntryPrice) -> Figures:
    return (
        ("mid", price.mid),
        ("natural", price.natural),
        ("offset", price.offset),
        ("raw", price.raw),
        ("limit", price.limit),
        ("rounding", price.rounding),
        ("floored", price.floored),
    )


def _entry_figures(sent: Entry | Validated | Refusal) -> Figures:
    if isinstance(sent, Refusal):
        return sent.figures
    if isinstance(sent, Validated):
        return (("validated", True), ("suggestion", sent.suggestion.id))
    return (("entry", sent.id), ("order_id", sent.order_id), ("state", sent.state.value), ("limit", sent.limit))
