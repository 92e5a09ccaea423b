"""The only way to send an order: the intent is recorded first, then the order is sent, then its outcome is recorded by
evidence (rules 9)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from core.broker.port import Broker
from core.domain.operation.failures import failure_words
from core.domain.operation.reasons import Reason, Refusal, refuse
from core.domain.orders.opposing import is_opposing, opposed
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import AnyIntent, Entry, Intent, SendClass, SendOutcome
from core.locks.folder_lock import LockLost, OneTrader
from core.orders.sending import Sending
from core.orders.tracker import OrderTracker
from core.records.store.errors import RecordsError
from core.runtime.clock import Clock
from core.runtime.clock_jumps import elapsed_s

MAX_WIRE_DELAY_S = 2.0


@dataclass(eq=False, repr=False, kw_only=True)
class OrderDesk:
    """Prepares, guards, sends and records one order. The tracker follows it from then on.

    `age_s` has the wall seconds since an instant, at least, also when the clock was set meanwhile.
    """

    broker: Broker
    tracker: OrderTracker
    clock: Clock
    age_s: Callable[[datetime], float]
    locks: OneTrader

    async def place(
        self, sending: Sending[AnyIntent], on_prepared: Callable[[str], None] = lambda _: None
    ) -> AnyIntent | Refusal:
        """Takes an order to the broker, once. A returned intent is acknowledged: it works, or has got further.

        `on_prepared` is given the intent's id once it is recorded. So whoever shows it knows the intent also when the
        answer is lost or this call fails: what became of it is in its record alone. Raises RecordsError, and then
        nothing was sent unless the intent is recorded as sent.
        """
        with self.tracker.preparing(sending.intent_id):
            intent = await sending.prepare()
            if isinstance(intent, Refusal):
                return intent
            on_prepared(intent.id)
            try:
                refusal = await sending.guards(intent) or self._barred(sending)
            except BaseException as error:
                with suppress(RecordsError):
                    detail = f"before sending, {_failed(sending.sender, error)}"
                    await self._not_sent(intent, refuse(Reason.NOT_SENT, detail=detail))
                raise
            if refusal is not None:
                await self._not_sent(intent, refusal)
                return refusal
            return await self._send_shielded(sending, intent)

    def _barred(self, sending: Sending[AnyIntent]) -> Refusal | None:
        """What can be checked without waiting: the trader's lock, and what bars orders of this kind."""
        try:
            self.locks.verify()
        except LockLost as lost:
            return refuse(Reason.LOCK_LOST, detail=str(lost))
        return sending.barred()

    async def _not_sent(self, intent: Intent, refusal: Refusal) -> None:
        await self.tracker.not_sent(intent, refusal.recorded())

    async def _send_shielded(self, sending: Sending[AnyIntent], intent: AnyIntent) -> AnyIntent | Refusal:
        """Sends, and runs on until the outcome is recorded even when the caller is cancelled."""
        task = asyncio.create_task(self._mark_and_send(sending, intent), name=f"send {intent.id}")
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait({task})
            raise

    async def _mark_and_send(self, sending: Sending[AnyIntent], intent: AnyIntent) -> AnyIntent | Refusal:
        with self.tracker.sending(intent.id):
            if not await sending.mark_sent(intent):
                refusal = await sending.why_not_sent(intent)
                await self._not_sent(intent, refusal)
                return refusal
            return await self._send(sending, intent)

    async def _send(self, sending: Sending[AnyIntent], intent: AnyIntent) -> AnyIntent | Refusal:
        committed, committed_at = self.clock.monotonic(), self.clock.now()
        refused_at_wire: list[Refusal] = []

        def guard() -> Refusal | None:
            late_s = elapsed_s(self.clock, self.age_s, committed, committed_at)
            refusal = (
                refuse(Reason.SEND_LATE, late_s=f"{late_s:.1f}") if late_s > MAX_WIRE_DELAY_S else self._barred(sending)
            )
            if refusal is not None:
                refused_at_wire.append(refusal)
            return refusal

        outcome = await self.broker.send(intent.account, intent.request, guard)
        if outcome.kind is SendClass.ACKNOWLEDGED and outcome.report is not None:
            acknowledged = await self.tracker.acknowledged(intent, outcome.report)
            if isinstance(intent, Entry):  # of an exit the guards have just seen what closes its legs
                self.tracker.poll_soon(intent.account)  # another console may have sent an order at the same moment
            return acknowledged
        state, refusal = _without_acknowledgement(intent.underlying, outcome, refused_at_wire)
        recorded = await self.tracker.unacknowledged(intent, state, outcome.detail)
        if recorded.state is not state:
            # An alert has proved meanwhile what the answer left open.
            return recorded
        if state is OrderState.UNKNOWN:
            self.tracker.poll_soon(intent.account)
        return refusal


def _failed(sender: str, error: BaseException) -> str:
    ended = isinstance(error, asyncio.CancelledError)
    return f"{sender} was ended" if ended else f"the last guards failed: {failure_words(error)}"


def _without_acknowledgement(
    underlying: str, outcome: SendOutcome, refused_at_wire: list[Refusal]
) -> tuple[OrderState, Refusal]:
    if outcome.kind is SendClass.NOT_SENT:
        refusal = refused_at_wire[0] if refused_at_wire else refuse(Reason.NOT_SENT, detail=outcome.detail)
        return OrderState.NOT_SENT, refusal
    if outcome.kind is SendClass.REJECTED and is_opposing(outcome.detail):
        return OrderState.REJECTED, opposed(underlying, outcome.detail)
    if outcome.kind is SendClass.REJECTED:
        return OrderState.REJECTED, refuse(Reason.REJECTED, detail=outcome.detail)
    return OrderState.UNKNOWN, refuse(Reason.OUTCOME_UNKNOWN, detail=outcome.detail)
