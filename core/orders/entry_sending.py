"""An entry on its way to the broker: its intent holds the account's day, and its last guards are those of a decision
that is a few seconds old (rules 9)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from core.broker.port import Broker, BrokerError, BrokerFault, DryRunAnswer
from core.domain.market.underlying import Underlying
from core.domain.operation.reasons import Reason, Refusal, refuse
from core.domain.orders.opposing import is_opposing, opposed
from core.domain.orders.order_states import OrderState, state_for
from core.domain.orders.orders import Entry, OrderReport, OrderRequest
from core.domain.orders.shape import ended_unfilled, forbids_entry
from core.domain.trident.pricing import Pricing, PricingRefusal
from core.domain.trident.trident import Trident, body_for
from core.guards.gate import TradingGate
from core.market.calendar import SessionCalendar
from core.orders.attribution import entry_of
from core.orders.decision import Decision
from core.orders.suggestion_record import dry_run_record
from core.records.records import Records
from core.records.repositories.rows import DayHeld
from core.runtime.clock import Clock
from core.runtime.clock_jumps import elapsed_s

MAX_DECISION_AGE_S = 5.0
# Warnings that a perfectly good order may carry; any other one refuses it (rules 9). None is known: the warning about
# the next valid session (broker 5) means that the order would work on another day than the one of its entry.
LISTED_WARNINGS: frozenset[str] = frozenset()


class PriceNow(Protocol):
    """Gives prices of this moment. They are asked for once more just before sending."""

    async def price(self, underlying: Underlying) -> Decimal | Refusal:
        """The underlying's price, or why none can be used. May ask the broker."""
        ...

    def reprice(self, trident: Trident) -> Pricing | PricingRefusal:
        """The trident priced from the quotes of this moment. Waits for nothing."""
        ...


@dataclass(eq=False, repr=False, kw_only=True)
class EntrySending:
    """Sends the order of one decision (`core.orders.sending.Sending`).

    `age_s` has the wall seconds since an instant, at least, also when the clock was set meanwhile.
    """

    broker: Broker
    records: Records
    clock: Clock
    age_s: Callable[[datetime], float]
    calendar: SessionCalendar
    gate: TradingGate
    preflight_first: bool
    decision: Decision
    prices: PriceNow
    request: OrderRequest
    intent_id: str
    sender = "the cycle"

    async def prepare(self) -> Entry | Refusal:
        decision, suggestion, trident = self.decision, self.decision.suggestion, self.decision.suggestion.trident
        prepared = await self.records.entries.prepare(
            Entry(
                id=self.intent_id,
                account=decision.account,
                session_day=decision.session_day,
                cycle=decision.cycle,
                suggestion_id=suggestion.id,
                underlying=trident.underlying,
                expiration=trident.expiration,
                strikes=trident.strikes(),
                identifier=self.request.identifier,
                request=self.request,
                limit=decision.price.limit,
                natural=suggestion.pricing.natural,
                mid=suggestion.pricing.mid,
                width=trident.width,
                max_risk=decision.risk.max_risk,
                state=OrderState.PREPARED,
                holds_day=True,
                prepared_at=self.clock.now(),
                sent_at=None,
                order_id=None,
                broker_status=None,
                terminal_at=None,
                detail="",
            )
        )
        if isinstance(prepared, DayHeld):
            return refuse(Reason.ENTRY_TODAY, state=prepared.existing.state.words)
        return prepared

    async def guards(self, intent: Entry) -> Refusal | None:
        """The broker is read first, so that the quotes are read last."""
        if self.preflight_first:
            answer = await preflight(self.broker, intent.account, intent.request)
            if isinstance(answer, Refusal):
                return answer
            await self.records.journal.record_dry_run(dry_run_record(intent.suggestion_id, answer, self.clock.now()))
            warned = unlisted_warning(answer)
            if warned is not None:
                return warned
        return await self._broker_guard() or await self._market_guard()

    async def _broker_guard(self) -> Refusal | None:
        try:
            market, orders = await asyncio.gather(
                self.broker.market_state(),
                self.broker.orders_since(self.decision.account, self.decision.session_day),
            )
        except BrokerError as error:
            return refuse(Reason.ORDERS_UNREADABLE, detail=error.detail)
        if not market.is_open:
            return refuse(Reason.MARKET_CLOSED)
        for report in orders:
            if await self._forbids_entry(report):
                return refuse(Reason.ALREADY_AT_BROKER, order_id=report.order_id)
        return None

    async def _forbids_entry(self, report: OrderReport) -> bool:
        """Whether an order of today forbids another one. Orders of ours do, by their record or by their shape, unless
        they are known to be rejected. A foreign one is kept: no cycle need come so far again."""
        if state_for(report.status) is OrderState.REJECTED and not report.fills:
            return False
        entry = await entry_of(self.records.intents, report)
        if entry is not None:
            return entry.holds_day or not ended_unfilled(report)
        if forbids_entry(report):
            self.gate.foreign.found(self.decision.account, report.order_id)
            return True
        return False

    async def _market_guard(self) -> Refusal | None:
        decision, suggestion = self.decision, self.decision.suggestion
        price = await self.prices.price(suggestion.underlying)  # may take time, so it comes before the quotes
        if isinstance(price, Refusal):
            return price
        body = body_for(price, suggestion.underlying.step)
        if body != suggestion.trident.body:
            return refuse(Reason.BODY_MOVED, was=suggestion.trident.body, now=body)
        pricing = self.prices.reprice(suggestion.trident)
        if isinstance(pricing, PricingRefusal):
            return pricing.refusal
        if pricing.natural > decision.price.limit:
            return refuse(Reason.NATURAL_ABOVE_LIMIT, natural=pricing.natural, limit=decision.price.limit)
        # A clock that was set makes nothing older: the gate bars for it, and says so.
        old_s = elapsed_s(self.clock, self.age_s, suggestion.decided, suggestion.at)
        if old_s > MAX_DECISION_AGE_S:
            return refuse(Reason.DECISION_OLD, age_s=f"{old_s:.1f}", limit_s=f"{MAX_DECISION_AGE_S:g}")
        return None

    def barred(self) -> Refusal | None:
        """The gate with the HALT file, and the calendar."""
        barred = self.gate.account_refusal(self.decision.account, self.decision.login)
        if barred is not None:
            return barred
        if not self.calendar.is_open(self.clock.now()):
            return refuse(Reason.MARKET_CLOSED)
        return None

    async def mark_sent(self, intent: Entry) -> bool:
        session = self.calendar.on(intent.session_day)
        if session is None:
            return False
        return await self.records.entries.mark_sent(
            intent.id, self.clock.now(), epoch=self.records.epoch, closes=session.close
        )

    async def why_not_sent(self, intent: Entry) -> Refusal:
        """A pause, halt or breaker meanwhile, or another console's epoch."""
        await self.gate.read()
        barred = self.gate.account_refusal(intent.account, self.decision.login)
        return barred or refuse(Reason.RECORD_FAILED, detail="another console or a cancel took this entry over")


async def preflight(broker: Broker, account: str, request: OrderRequest) -> DryRunAnswer | Refusal:
    """The broker's dry run of the order."""
    try:
        return await broker.dry_run(account, request)
    except BrokerError as error:
        if error.fault in (BrokerFault.REFUSED, BrokerFault.NOT_FOUND):
            if is_opposing(error.detail):
                return opposed(request.underlying, error.detail)
            return refuse(Reason.DRY_RUN_REFUSED, detail=error.detail)
        return refuse(Reason.DRY_RUN_FAILED, detail=error.detail)


def unlisted_warning(answer: DryRunAnswer) -> Refusal | None:
    """The refusal for a warning that nobody has looked at (rules 9)."""
    unlisted = next((code for code, _ in answer.warnings if code not in LISTED_WARNINGS), None)
    return None if unlisted is None else refuse(Reason.DRY_RUN_WARNING, code=unlisted)
