"""Where a cycle hands in its decision: the order is sent, or in dry-run mode validated (rules 9)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from structlog.contextvars import bind_contextvars

from core.broker.port import Broker
from core.domain.operation.events import Event, masked
from core.domain.operation.reasons import Reason, Refusal, refuse
from core.domain.orders.identifiers import identifier_for
from core.domain.orders.orders import Entry, OrderRequest
from core.guards.gate import TradingGate
from core.market.calendar import SessionCalendar
from core.orders.decision import Decision, Validated
from core.orders.desk import OrderDesk
from core.orders.entry_sending import EntrySending, PriceNow, preflight, unlisted_warning
from core.orders.sending import SendingRules
from core.orders.suggestion_record import dry_run_record, suggestion_record
from core.orders.target_checks import TargetChecks
from core.records.records import Records
from core.records.store.errors import AlreadyValidated
from core.runtime.bus import Bus
from core.runtime.clock import Clock
from core.runtime.ids import Ids


@dataclass(eq=False, repr=False, kw_only=True)
class EntryDesk:
    """Records a decision's suggestion, and has its order sent or validated.

    `age_s` has the wall seconds since an instant, at least, also when the clock was set meanwhile.
    """

    desk: OrderDesk
    broker: Broker
    records: Records
    bus: Bus
    clock: Clock
    age_s: Callable[[datetime], float]
    ids: Ids
    calendar: SessionCalendar
    gate: TradingGate
    rules: SendingRules

    async def enter(
        self,
        decision: Decision,
        prices: PriceNow,
        on_prepared: Callable[[str], None] = lambda _: None,
        steps: Sequence[Event] = (),
    ) -> Entry | Validated | Refusal:
        """Takes a decision to the broker, once (`OrderDesk.place`). `steps` are those that led to it and are not
        recorded yet: they are in one commit with its suggestion. Raises RecordsError, and then nothing was sent unless
        the entry is recorded as sent."""
        identifier = identifier_for(self.ids.new())
        request = OrderRequest.for_trident(decision.suggestion.trident, decision.price.limit, identifier)
        if not self.rules.sends:
            for step in steps:
                await self.bus.publish(step)
            return await self._validate(decision, request)
        record = suggestion_record(decision, validated=False)
        await self.bus.publish_before(
            steps, lambda events: self.records.journal.record_suggestion(record, after=events)
        )
        sending = EntrySending(
            broker=self.broker,
            records=self.records,
            clock=self.clock,
            age_s=self.age_s,
            calendar=self.calendar,
            gate=self.gate,
            preflight_first=self.rules.preflight,
            decision=decision,
            prices=prices,
            request=request,
            intent_id=self.ids.new(),
        )

        def prepared(entry_id: str) -> None:
            on_prepared(entry_id)
            bind_contextvars(entry=entry_id)

        return await self.desk.place(sending, prepared)

    async def _validate(self, decision: Decision, request: OrderRequest) -> Validated | Refusal:
        answer = await preflight(self.broker, decision.account, request)
        if isinstance(answer, Refusal):
            return answer
        warned = unlisted_warning(answer)
        record = suggestion_record(decision, validated=warned is None)
        try:
            await self.records.journal.record_suggestion(record, dry_run_record(record.id, answer, self.clock.now()))
        except AlreadyValidated:
            return refuse(Reason.VALIDATED_TODAY)
        if warned is not None:
            return warned
        await self._say_validated(decision)
        await TargetChecks(self.broker, self.records, self.bus, self.ids).check(decision, request)
        return Validated(record)

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
