"""The only way to send an order: the intent is recorded first, then the order is sent, then its outcome is recorded by
evidence (rules 9)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from structlog.contextvars import bind_contextvars

from core.broker.port import Broker, BrokerError, BrokerFault, DryRunAnswer
from core.domain.market.underlying import Underlying
from core.domain.operation.events import masked
from core.domain.operation.failures import failure_words
from core.domain.operation.reasons import Reason, Refusal, refuse
from core.domain.orders.identifiers import identifier_for
from core.domain.orders.order_states import OrderState, state_for
from core.domain.orders.orders import Entry, OrderReport, OrderRequest, SendClass, SendOutcome
from core.domain.orders.shape import ended_unfilled, forbids_entry
from core.domain.trident.pricing import Pricing, PricingRefusal
from core.domain.trident.trident import Trident, body_for
from core.guards.gate import TradingGate
from core.locks.folder_lock import LockLost, OneTrader
from core.market.calendar import SessionCalendar
from core.orders.attribution import entry_of
from core.orders.decision import Decision, Validated
from core.orders.suggestion_record import dry_run_record, suggestion_record
from core.orders.tracker import OrderTracker
from core.records.records import Records
from core.records.repositories.rows import DayHeld
from core.records.store.errors import AlreadyValidated, RecordsError
from core.runtime.bus import Bus
from core.runtime.clock import Clock
from core.runtime.ids import Ids

MAX_DECISION_AGE_S = 5.0
MAX_WIRE_DELAY_S = 2.0
# Warnings that a perfectly good order may carry; any other one refuses it (rules 9). None is known: the warning about
# the next valid session (broker 5) means that the order would work on another day than the one of its entry.
LISTED_WARNINGS: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class SendingRules:
    """What the mode allows. With `preflight` the broker's dry run is asked first. Without `sends` nothing is ever
    sent."""

    preflight: bool
    sends: bool


class PriceNow(Protocol):
    """Gives prices of this moment. The desk asks for them once more just before sending."""

    async def price(self, underlying: Underlying) -> Decimal | Refusal:
        """The underlying's price, or why none can be used. May ask the broker."""
        ...

    def reprice(self, trident: Trident) -> Pricing | PricingRefusal:
        """The trident priced from the quotes of this moment. Waits for nothing."""
        ...


@dataclass(eq=False, repr=False, kw_only=True)
class OrderDesk:
    """Prepares, guards, sends and records entries. The tracker follows them from then on.

    `age_s` has the wall seconds since an instant, at least, also when the clock was set meanwhile.
    """

    broker: Broker
    records: Records
    tracker: OrderTracker
    bus: Bus
    clock: Clock
    age_s: Callable[[datetime], float]
    ids: Ids
    calendar: SessionCalendar
    gate: TradingGate
    locks: OneTrader
    rules: SendingRules

    async def enter(
        self, decision: Decision, prices: PriceNow, on_prepared: Callable[[str], None] = lambda _: None
    ) -> Entry | Validated | Refusal:
        """Takes a decision to the broker, once. A returned entry is acknowledged: it works, or has got further.

        `on_prepared` is given the entry's id once its intent is recorded. So whoever shows it knows the entry also when
        the answer is lost or this call fails: what became of it is in its record alone. Raises RecordsError, and then
        nothing was sent unless the entry is recorded as sent.
        """
        identifier = identifier_for(self.ids.new())
        request = OrderRequest.for_trident(decision.suggestion.trident, decision.price.limit, identifier)
        if not self.rules.sends:
            return await self._validate(decision, request)
        await self.records.journal.record_suggestion(suggestion_record(decision, validated=False))
        entry_id = self.ids.new()
        with self.tracker.preparing(entry_id):
            entry = await self._prepare(decision, request, entry_id)
            if isinstance(entry, Refusal):
                return entry
            on_prepared(entry_id)
            bind_contextvars(entry=entry_id)
            try:
                refusal = await self._guards(decision, request, prices)
            except BaseException as error:
                with suppress(RecordsError):
                    detail = f"before sending, {_failed(error)}"
                    await self._not_sent(entry, refuse(Reason.NOT_SENT, detail=detail))
                raise
            if refusal is not None:
                await self._not_sent(entry, refusal)
                return refusal
            return await self._send_shielded(decision, entry, request)

    async def _validate(self, decision: Decision, request: OrderRequest) -> Validated | Refusal:
        answer = await self._preflight(decision.account, request)
        if isinstance(answer, Refusal):
            return answer
        warned = _unlisted_warning(answer)
        record = suggestion_record(decision, validated=warned is None)
        try:
            await self.records.journal.record_suggestion(record, dry_run_record(record.id, answer, self.clock.now()))
        except AlreadyValidated:
            return refuse(Reason.VALIDATED_TODAY)
        if warned is not None:
            return warned
        await self._say_validated(decision)
        return Validated(record)

    async def _prepare(self, decision: Decision, request: OrderRequest, entry_id: str) -> Entry | Refusal:
        suggestion, trident = decision.suggestion, decision.suggestion.trident
        prepared = await self.records.entries.prepare(
            Entry(
                id=entry_id,
                account=decision.account,
                session_day=decision.session_day,
                cycle=decision.cycle,
                suggestion_id=suggestion.id,
                underlying=trident.underlying,
                expiration=trident.expiration,
                strikes=trident.strikes(),
                identifier=request.identifier,
                request=request,
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

    async def _preflight(self, account: str, request: OrderRequest) -> DryRunAnswer | Refusal:
        try:
            return await self.broker.dry_run(account, request)
        except BrokerError as error:
            if error.fault in (BrokerFault.REFUSED, BrokerFault.NOT_FOUND):
                return refuse(Reason.DRY_RUN_REFUSED, detail=error.detail)
            return refuse(Reason.DRY_RUN_FAILED, detail=error.detail)

    async def _guards(self, decision: Decision, request: OrderRequest, prices: PriceNow) -> Refusal | None:
        """The last guards (rules 9). The broker is read first, so that the quotes are read last."""
        if self.rules.preflight:
            answer = await self._preflight(decision.account, request)
            if isinstance(answer, Refusal):
                return answer
            await self.records.journal.record_dry_run(dry_run_record(decision.suggestion.id, answer, self.clock.now()))
            warned = _unlisted_warning(answer)
            if warned is not None:
                return warned
        refusal = await self._broker_guard(decision)
        return refusal or await self._market_guard(decision, prices)

    async def _broker_guard(self, decision: Decision) -> Refusal | None:
        try:
            market, orders = await asyncio.gather(
                self.broker.market_state(),
                self.broker.orders_since(decision.account, decision.session_day),
            )
        except BrokerError as error:
            return refuse(Reason.ORDERS_UNREADABLE, detail=error.detail)
        if not market.is_open:
            return refuse(Reason.MARKET_CLOSED)
        for report in orders:
            if await self._forbids_entry(decision, report):
                return refuse(Reason.ALREADY_AT_BROKER, order_id=report.order_id)
        return None

    async def _forbids_entry(self, decision: Decision, report: OrderReport) -> bool:
        """Whether an order of today forbids another one. Orders of ours do, by their record or by their shape, unless
        they are known to be rejected. A foreign one is kept: no cycle need come so far again."""
        if state_for(report.status) is OrderState.REJECTED and not report.fills:
            return False
        entry = await entry_of(self.records.entries, report)
        if entry is not None:
            return entry.holds_day or not ended_unfilled(report)
        if forbids_entry(report):
            self.gate.foreign.found(decision.account, report.order_id)
            return True
        return False

    async def _market_guard(self, decision: Decision, prices: PriceNow) -> Refusal | None:
        suggestion = decision.suggestion
        price = await prices.price(suggestion.underlying)  # may take time, so it comes before the quotes
        if isinstance(price, Refusal):
            return price
        body = body_for(price, suggestion.underlying.step)
        if body != suggestion.trident.body:
            return refuse(Reason.BODY_MOVED, was=suggestion.trident.body, now=body)
        pricing = prices.reprice(suggestion.trident)
        if isinstance(pricing, PricingRefusal):
            return pricing.refusal
        if pricing.natural > decision.price.limit:
            return refuse(Reason.NATURAL_ABOVE_LIMIT, natural=pricing.natural, limit=decision.price.limit)
        age = self._since(suggestion.decided, suggestion.at)
        if age > MAX_DECISION_AGE_S:
            return refuse(Reason.DECISION_OLD, age_s=f"{age:.1f}", limit_s=f"{MAX_DECISION_AGE_S:g}")
        return self._wire_refusal(decision.account, decision.login)

    def _since(self, mono: float, at: datetime) -> float:
        """Wall seconds since a moment known on both clocks. The longer one counts, because the monotonic clock stands
        still while a machine sleeps. A clock that was set makes nothing older: the gate bars for it, and says so."""
        return max(self.clock.monotonic() - mono, self.age_s(at))

    def _wire_refusal(self, account: str, login: str) -> Refusal | None:
        """What can be checked without waiting: the trader's lock, the gate with the HALT file, the calendar."""
        try:
            self.locks.verify()
        except LockLost as lost:
            return refuse(Reason.LOCK_LOST, detail=str(lost))
        barred = self.gate.account_refusal(account, login)
        if barred is not None:
            return barred
        if not self.calendar.is_open(self.clock.now()):
            return refuse(Reason.MARKET_CLOSED)
        return None

    async def _mark_sent(self, entry: Entry) -> bool:
        session = self.calendar.on(entry.session_day)
        if session is None:
            return False
        return await self.records.entries.mark_sent(
            entry.id, self.clock.now(), epoch=self.records.epoch, closes=session.close
        )

    async def _why_not_sent(self, decision: Decision) -> Refusal:
        """Why the entry could not be marked as sent: a pause, halt or breaker meanwhile, or another console's epoch."""
        await self.gate.read()
        barred = self.gate.account_refusal(decision.account, decision.login)
        return barred or refuse(Reason.RECORD_FAILED, detail="another console or a cancel took this entry over")

    async def _not_sent(self, entry: Entry, refusal: Refusal) -> None:
        entry = await self.records.entries.become(
            entry.id, OrderState.NOT_SENT, at=self.clock.now(), detail=refusal.sentence()
        )
        await self.tracker.announce(entry)

    async def _send_shielded(self, decision: Decision, entry: Entry, request: OrderRequest) -> Entry | Refusal:
        """Sends, and runs on until the outcome is recorded even when the caller is cancelled."""
        sending = asyncio.create_task(self._mark_and_send(decision, entry, request), name=f"send {entry.id}")
        try:
            return await asyncio.shield(sending)
        except asyncio.CancelledError:
            await asyncio.wait({sending})
            raise

    async def _mark_and_send(self, decision: Decision, entry: Entry, request: OrderRequest) -> Entry | Refusal:
        with self.tracker.sending(entry.id):
            if not await self._mark_sent(entry):
                refusal = await self._why_not_sent(decision)
                await self._not_sent(entry, refusal)
                return refusal
            return await self._send(entry, request, decision.login)

    async def _send(self, entry: Entry, request: OrderRequest, login: str) -> Entry | Refusal:
        committed, committed_at = self.clock.monotonic(), self.clock.now()
        refused_at_wire: list[Refusal] = []

        def guard() -> Refusal | None:
            late = self._since(committed, committed_at)
            refusal = (
                refuse(Reason.SEND_LATE, late_s=f"{late:.1f}")
                if late > MAX_WIRE_DELAY_S
                else self._wire_refusal(entry.account, login)
            )
            if refusal is not None:
                refused_at_wire.append(refusal)
            return refusal

        outcome = await self.broker.send(entry.account, request, guard)
        if outcome.kind is SendClass.ACKNOWLEDGED and outcome.report is not None:
            acknowledged = await self.tracker.acknowledged(entry.id, outcome.report)
            self.tracker.poll_soon()  # another console may have sent an order at the same moment
            return acknowledged
        state, refusal = _without_acknowledgement(outcome, refused_at_wire)
        recorded = await self.tracker.unacknowledged(entry.id, state, outcome.detail)
        if recorded.state is not state:
            return recorded  # an alert has proved meanwhile what the answer left open
        if state is OrderState.UNKNOWN:
            self.tracker.poll_soon()
        return refusal

    async def _say_validated(self, decision: Decision) -> None:
        price, symbol = decision.price, decision.suggestion.underlying.symbol
        await self.bus.say(
            "order.validated",
            f"{symbol} {masked(decision.account)}: the broker validated the order; a dry run sends nothing",
            cycle=decision.cycle,
            account=decision.account,
            underlying=symbol,
            figures=(("limit", price.limit), ("mid", price.mid), ("natural", price.natural)),
        )


def _failed(error: BaseException) -> str:
    ended = isinstance(error, asyncio.CancelledError)
    return "the cycle was ended" if ended else f"the last guards failed: {failure_words(error)}"


def _unlisted_warning(answer: DryRunAnswer) -> Refusal | None:
    """The refusal for a warning that nobody has looked at (rules 9)."""
    unlisted = next((code for code, _ in answer.warnings if code not in LISTED_WARNINGS), None)
    return None if unlisted is None else refuse(Reason.DRY_RUN_WARNING, code=unlisted)


def _without_acknowledgement(outcome: SendOutcome, refused_at_wire: list[Refusal]) -> tuple[OrderState, Refusal]:
    if outcome.kind is SendClass.NOT_SENT:
        refusal = refused_at_wire[0] if refused_at_wire else refuse(Reason.NOT_SENT, detail=outcome.detail)
        return OrderState.NOT_SENT, refusal
    if outcome.kind is SendClass.REJECTED:
        return OrderState.REJECTED, refuse(Reason.REJECTED, detail=outcome.detail)
    return OrderState.UNKNOWN, refuse(Reason.OUTCOME_UNKNOWN, detail=outcome.detail)
