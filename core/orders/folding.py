"""Folds what the broker reports of an order into its recorded intent: the one place where an intent's state changes
after it was sent (rules 9)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from core.domain.operation.events import Severity
from core.domain.orders.comparison import is_partial
from core.domain.orders.engine_cancel import canceller, ended_by_it, is_not_carried_out
from core.domain.orders.fills import (
    is_balanced,
    is_complete,
    is_known,
    is_overfilled,
    is_rest_open,
    may_end_so,
    with_fills_of,
)
from core.domain.orders.news import contradiction, has_ended, is_aside, is_older, known_order, successor
from core.domain.orders.order_states import OPEN_STATES, OrderState, may_become, state_for
from core.domain.orders.orders import AnyIntent, Intent, IntentOrder, OrderReport, OrderRequest
from core.orders.kinds import Kinds
from core.records.records import Records
from core.runtime.clock import Clock
from core.runtime.keyed_locks import KeyedLocks

log = logging.getLogger(__name__)


@dataclass(eq=False, repr=False, kw_only=True)
class Folding:
    """Applies reports and proofs to the recorded intents.

    What is read of an intent and written of it is one turn: a lock per intent keeps another report of it out meanwhile.
    Intents do not wait for each other. What holds between two of them, as one entry an account and day, rests on the
    records' own commits. Of an intent that is handed in only its id and kind count: how it stands now is read.
    """

    records: Records
    kinds: Kinds
    clock: Clock
    _turns: KeyedLocks = field(init=False, default_factory=KeyedLocks)
    _unknown_words: set[tuple[str, str]] = field(init=False, default_factory=set)

    async def apply(self, intent: AnyIntent, report: OrderReport, *, by_id: bool = False) -> AnyIntent:
        """Applies one report to the intent and returns the intent. Fills are always stored; a state never goes back
        (rules 9).

        `by_id`: it is the broker's answer about just this order, and not a listing or an alert, which may be short.
        Raises RecordsError.
        """
        of_kind = self.records.intents.of(intent)
        async with self._turns.of(intent.id):
            intent = await of_kind.get(intent.id)
            orders = await self.records.intent_orders.of(intent.id)
            with_fills = with_fills_of(intent, report)
            is_hint = is_partial(intent.terms, report) and not by_id  # on which the order is read
            if is_hint and is_overfilled(intent.terms, with_fills.fills):
                return intent
            why = "" if is_hint else contradiction(with_fills, orders, report)
            if why:  # before its fills: should the process die in between, they must not count as those of one order
                intent = await self._contradicted(intent, report, why)
            fills_are_new = await self._store_fills(intent, report)
            if fills_are_new:
                intent = await of_kind.get(intent.id)
            if is_hint:
                return intent
            if not why:
                if fills_are_new:
                    await self.kinds.words_of(intent).fills(intent, report)
                if is_not_carried_out(intent, report, self.clock.now(), self.clock.speed):
                    await of_kind.void_engine_cancel(intent.id, self.clock.now())
                    intent = replace(intent, engine_cancel_at=None)
                intent = await self._fold(intent, orders, report)
            # After the state: if the process dies in between, the same report is news again.
            await self._note_orders(intent, orders, report)
            return intent

    async def not_sent(self, intent: Intent, why: str) -> None:
        """Records that a prepared intent did not leave. Raises RecordsError."""
        at = self.clock.now()
        await self.announce(
            await self.records.intents.of(intent).become(intent.id, OrderState.NOT_SENT, at=at, detail=why)
        )

    async def absent(self, intent: AnyIntent, proof: str) -> AnyIntent:
        """Records that an unknown intent is proved not to be at the broker. An entry still holds the day (policy
        `close_day`). Raises RecordsError."""
        async with self._turns.of(intent.id):
            current = await self.records.intents.of(intent).get(intent.id)
            if current.state is not OrderState.UNKNOWN:
                return current
            return await self._become(current, OrderState.ABSENT, detail=proof)

    async def attested(
        self,
        intent: AnyIntent,
        state: OrderState,
        who: str,
        why: str,
        report: OrderReport | None = None,
        taken: OrderRequest | None = None,
    ) -> AnyIntent:
        """Records an incident as what an operator attests it to be, whose word is on record. `taken` is the order as
        the broker has it, when it is another than the one asked for. Raises RecordsError."""
        async with self._turns.of(intent.id):
            current = await self.records.intents.of(intent).get(intent.id)
            if current.state is not OrderState.INCIDENT:
                return current
            current = await self.records.intents.of(intent).become(
                intent.id,
                state,
                at=self.clock.now(),
                order_id=None if report is None else report.order_id,
                broker_status=None if report is None else report.status,
                detail=why,
                attested_by=who,
                taken=taken,
            )
            await self.announce(current)
            return current

    async def forgotten(self, intent: Intent, order_id: str) -> None:
        """Records that the broker no longer knows the order of a working intent: what became of it is unknown, and with
        fills an incident. Raises RecordsError."""
        async with self._turns.of(intent.id):
            intent = await self.records.intents.of(intent).get(intent.id)
            if intent.state is OrderState.WORKING and intent.order_id == order_id:
                why = f"the broker no longer knows order {order_id}: two complete reads and its own word"
                state = OrderState.UNKNOWN if may_end_so(intent) else OrderState.INCIDENT
                await self._become(intent, state, detail=why)

    async def cancel_taken(self, intent: Intent, asked_at: datetime) -> None:
        """Records that the broker took this console's own cancel, unless the order has ended meanwhile by somebody
        else's. Raises RecordsError."""
        async with self._turns.of(intent.id):
            intent = await self.records.intents.of(intent).get(intent.id)
            ended = intent.terminal_at
            if ended is None or (asked_at <= ended and ended_by_it(asked_at, ended, self.clock.speed)):
                await self.records.intents.of(intent).note_engine_cancel(intent.id, asked_at)

    async def announce(self, intent: Intent) -> None:
        """Publishes the intent's state with its figures. Raises RecordsError."""
        await self.kinds.words_of(intent).announce(intent)

    async def both_live(self, intent: Intent, order_ids: Sequence[str]) -> None:
        """Records that two orders of the intent are live at once, as one listing shows them. Raises RecordsError."""
        async with self._turns.of(intent.id):
            intent = await self.records.intents.of(intent).get(intent.id)
            if may_become(intent.state, OrderState.INCIDENT) and intent.state is not OrderState.INCIDENT:
                why = f"orders {' and '.join(order_ids)} of this {intent.KIND} are live at once"
                await self._become(intent, OrderState.INCIDENT, detail=why)

    async def _store_fills(self, intent: AnyIntent, report: OrderReport) -> bool:
        """Stores the fills that are not on record yet. Whether there were any."""
        if all(is_known(fill, intent.fills) for fill in report.fills):
            return False
        at, rest_is_open = self.clock.now(), is_rest_open(report)
        return bool(
            await self.records.intents.of(intent).add_fills(intent.id, report.fills, at, rest_is_open=rest_is_open)
        )

    async def _contradicted(self, intent: AnyIntent, report: OrderReport, why: str) -> AnyIntent:
        other = intent.order_id not in (None, report.order_id)
        return await self._become(
            intent,
            OrderState.INCIDENT,
            order_id=None if other else report.order_id,
            status=None if other else report.status,
            detail=why,
        )

    async def _fold(self, intent: AnyIntent, orders: Sequence[IntentOrder], report: OrderReport) -> AnyIntent:
        """Takes on the state that the report shows, unless it is older news."""
        aside = is_aside(intent, orders, report)
        state = self._state_from(intent, report)
        if state is None:
            await self._park_status(intent, report)
            return intent
        if intent.state is OrderState.INCIDENT:
            return intent
        if aside and not is_complete(intent.terms, intent.fills):
            log.info("intent %s: order %s is %s, %s stands", intent.id, report.order_id, report.status, intent.order_id)
            return intent
        order_id, status = (None, None) if aside else (report.order_id, report.status)
        if state is OrderState.CANCELLED and not report.fills:
            following = successor(orders, report)
            if following is not None:
                order_id, state = following, OrderState.WORKING
                known = known_order(orders, following)
                status = known.status if known is not None and known.status else intent.broker_status
        if state is not OrderState.FILLED and is_older(known_order(orders, report.order_id), report):
            return intent
        if state is intent.state:
            if aside or (status, order_id) == (intent.broker_status, intent.order_id):
                return intent
            if intent.state is OrderState.FILLED and state_for(report.status) is not OrderState.FILLED:
                return intent
            intent = await self._record(intent, state, order_id, status, intent.detail, report.cancelled_by)
            await self.kinds.words_of(intent).say(intent, "status", f"order {order_id}: {status}", Severity.INFO)
            return intent
        if not may_become(intent.state, state):
            log.info("intent %s stays %s: the broker's %s is older news", intent.id, intent.state, report.status)
            return intent
        return await self._become(
            intent,
            state,
            order_id=order_id,
            status=status,
            detail=report.reject_reason or "",
            cancelled_by=canceller(intent, report, self.clock.now(), self.clock.speed),
        )

    async def _note_orders(self, intent: AnyIntent, orders: Sequence[IntentOrder], report: OrderReport) -> None:
        """Records the order as it was seen, and one that replaces it, so that both are followed."""
        at = self.clock.now()
        known = known_order(orders, report.order_id)
        if not is_older(known, report):
            seen = IntentOrder(
                intent.id,
                intent.account,
                report.order_id,
                report.status,
                report.updated_at,
                at,
                ended=has_ended(report),
                replaces=report.replaces or ("" if known is None else known.replaces),
            )
            if known is None or replace(known, seen_at=at) != seen:
                await self.records.intent_orders.note(seen)
        if report.replaced_by and known_order(orders, report.replaced_by) is None:
            await self.records.intent_orders.note(
                IntentOrder(intent.id, intent.account, report.replaced_by, "", None, at, replaces=report.order_id)
            )

    def _state_from(self, intent: AnyIntent, report: OrderReport) -> OrderState | None:
        """The state that the fills show; where they show none, the one that the broker's status means."""
        state = state_for(report.status)
        if is_complete(intent.terms, intent.fills):
            return OrderState.FILLED
        if state in (OrderState.CANCELLED, OrderState.EXPIRED, OrderState.REJECTED) and not is_balanced(
            intent.terms, intent.fills
        ):
            return OrderState.INCIDENT
        return state

    async def _park_status(self, intent: AnyIntent, report: OrderReport) -> None:
        await self.records.intents.of(intent).note_status(intent.id, report.status, self.clock.now())
        if (intent.id, report.status) not in self._unknown_words:
            self._unknown_words.add((intent.id, report.status))
            text = f"the broker calls order {report.order_id} {report.status!r}, which this console does not know"
            await self.kinds.words_of(intent).say(intent, "status_unknown", text, Severity.CRITICAL)

    async def _become(
        self,
        intent: AnyIntent,
        state: OrderState,
        *,
        order_id: str | None = None,
        status: str | None = None,
        detail: str = "",
        cancelled_by: str = "",
    ) -> AnyIntent:
        intent = await self._record(intent, state, order_id, status, detail, cancelled_by)
        if intent.state is OrderState.INCIDENT:
            await self.kinds.of(intent).on_incident(intent, intent.detail or "fills do not add up to the order")
        await self.kinds.words_of(intent).announce(intent)
        if intent.state not in OPEN_STATES:
            await self.kinds.of(intent).on_closed(intent)
        return intent

    async def _record(
        self,
        intent: AnyIntent,
        state: OrderState,
        order_id: str | None,
        status: str | None,
        detail: str,
        cancelled_by: str,
    ) -> AnyIntent:
        return await self.records.intents.of(intent).become(
            intent.id,
            state,
            at=self.clock.now(),
            order_id=order_id,
            broker_status=status,
            detail=detail,
            cancelled_by=cancelled_by,
        )
