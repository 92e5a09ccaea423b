"""Folds what the broker reports of an order into its recorded entry: the one place where an entry's state changes after
it was sent (rules 9)."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from core.domain.operation.events import Severity
from core.domain.orders.comparison import is_partial
from core.domain.orders.engine_cancel import canceller, ended_by_it, is_not_carried_out
from core.domain.orders.fills import is_balanced, is_complete, is_known, is_overfilled, is_rest_open, with_fills_of
from core.domain.orders.news import contradiction, has_ended, is_aside, is_older, known_order, successor
from core.domain.orders.order_states import OPEN_STATES, OrderState, may_become, state_for
from core.domain.orders.orders import Entry, IntentOrder, OrderReport, OrderRequest
from core.orders.order_events import OrderEvents
from core.records.records import Records
from core.runtime.bus import Bus
from core.runtime.clock import Clock
from core.runtime.keyed_locks import KeyedLocks

log = logging.getLogger(__name__)


@dataclass(eq=False, repr=False, kw_only=True)
class Folding:
    """Applies reports and proofs to the recorded entries.

    What is read of an entry and written of it is one turn: a lock per entry keeps another report of it out meanwhile.
    Entries do not wait for each other. What holds between two of them, as one entry an account and day, rests on the
    records' own commits. `on_closed` is told an entry's id once it has ended, `on_incident` the entry and why.
    """

    records: Records
    bus: Bus
    clock: Clock
    on_closed: Callable[[str], Awaitable[None]]
    on_incident: Callable[[Entry, str], Awaitable[None]]
    _turns: KeyedLocks = field(init=False, default_factory=KeyedLocks)
    _unknown_words: set[tuple[str, str]] = field(init=False, default_factory=set)
    _events: OrderEvents = field(init=False)

    def __post_init__(self) -> None:
        self._events = OrderEvents(self.bus)

    async def apply(self, entry_id: str, report: OrderReport, *, by_id: bool = False) -> Entry:
        """Applies one report to the entry and returns the entry. Fills are always stored; a state never goes back
        (rules 9).

        `by_id`: it is the broker's answer about just this order, and not a listing or an alert, which may be short.
        Raises RecordsError.
        """
        async with self._turns.of(entry_id):
            entry = await self.records.entries.get(entry_id)
            orders = await self.records.intent_orders.of(entry_id)
            with_fills = with_fills_of(entry, report)
            is_hint = is_partial(entry.terms, report) and not by_id  # on which the order is read
            if is_hint and is_overfilled(entry.terms, with_fills.fills):
                return entry
            why = "" if is_hint else contradiction(with_fills, orders, report)
            if why:  # before its fills: should the process die in between, they must not count as those of one order
                entry = await self._contradicted(entry, report, why)
            fills_are_new = await self._store_fills(entry, report)
            if fills_are_new:
                entry = await self.records.entries.get(entry_id)
            if is_hint:
                return entry
            if not why:
                if fills_are_new:
                    await self._events.fills(entry, report)
                if is_not_carried_out(entry, report, self.clock.now(), self.clock.speed):
                    await self.records.entries.void_engine_cancel(entry_id, self.clock.now())
                    entry = replace(entry, engine_cancel_at=None)
                entry = await self._fold(entry, orders, report)
            # After the state: if the process dies in between, the same report is news again.
            await self._note_orders(entry, orders, report)
            return entry

    async def not_sent(self, entry_id: str, why: str) -> None:
        """Records that a prepared entry did not leave. Raises RecordsError."""
        entry = await self.records.entries.become(entry_id, OrderState.NOT_SENT, at=self.clock.now(), detail=why)
        await self.announce(entry)

    async def absent(self, entry: Entry, proof: str) -> Entry:
        """Records that an unknown entry is proved not to be at the broker. It still holds the day (policy `close_day`).
        Raises RecordsError."""
        async with self._turns.of(entry.id):
            current = await self.records.entries.get(entry.id)
            if current.state is not OrderState.UNKNOWN:
                return current
            return await self._become(current, OrderState.ABSENT, detail=proof)

    async def attested(
        self,
        entry: Entry,
        state: OrderState,
        who: str,
        why: str,
        report: OrderReport | None = None,
        taken: OrderRequest | None = None,
    ) -> Entry:
        """Records an incident as what an operator attests it to be, whose word is on record. `taken` is the order as
        the broker has it, when it is another than the one asked for. Raises RecordsError."""
        async with self._turns.of(entry.id):
            current = await self.records.entries.get(entry.id)
            if current.state is not OrderState.INCIDENT:
                return current
            current = await self.records.entries.become(
                entry.id,
                state,
                at=self.clock.now(),
                order_id=None if report is None else report.order_id,
                broker_status=None if report is None else report.status,
                detail=why,
                attested_by=who,
                taken=taken,
            )
            await self._events.announce(current)
            return current

    async def forgotten(self, entry_id: str, order_id: str) -> None:
        """Records that the broker no longer knows the order of a working entry: what became of it is unknown, and with
        fills an incident. Raises RecordsError."""
        async with self._turns.of(entry_id):
            entry = await self.records.entries.get(entry_id)
            if entry.state is OrderState.WORKING and entry.order_id == order_id:
                why = f"the broker no longer knows order {order_id}: two complete reads and its own word"
                state = OrderState.INCIDENT if entry.fills else OrderState.UNKNOWN
                await self._become(entry, state, detail=why)

    async def cancel_taken(self, entry_id: str, asked_at: datetime) -> None:
        """Records that the broker took this console's own cancel, unless the order has ended meanwhile by somebody
        else's. Raises RecordsError."""
        async with self._turns.of(entry_id):
            entry = await self.records.entries.get(entry_id)
            ended = entry.terminal_at
            if ended is None or (asked_at <= ended and ended_by_it(asked_at, ended, self.clock.speed)):
                await self.records.entries.note_engine_cancel(entry_id, asked_at)

    async def announce(self, entry: Entry) -> None:
        """Publishes the entry's state with its figures. Raises RecordsError."""
        await self._events.announce(entry)

    async def both_live(self, entry_id: str, order_ids: Sequence[str]) -> None:
        """Records that two orders of the entry are live at once, as one listing shows them. Raises RecordsError."""
        async with self._turns.of(entry_id):
            entry = await self.records.entries.get(entry_id)
            if may_become(entry.state, OrderState.INCIDENT) and entry.state is not OrderState.INCIDENT:
                why = f"orders {' and '.join(order_ids)} of this entry are live at once"
                await self._become(entry, OrderState.INCIDENT, detail=why)

    async def _store_fills(self, entry: Entry, report: OrderReport) -> bool:
        """Stores the fills that are not on record yet. Whether there were any."""
        if all(is_known(fill, entry.fills) for fill in report.fills):
            return False
        at, rest_is_open = self.clock.now(), is_rest_open(report)
        return bool(await self.records.entries.add_fills(entry.id, report.fills, at, rest_is_open=rest_is_open))

    async def _contradicted(self, entry: Entry, report: OrderReport, why: str) -> Entry:
        other = entry.order_id not in (None, report.order_id)
        return await self._become(
            entry,
            OrderState.INCIDENT,
            order_id=None if other else report.order_id,
            status=None if other else report.status,
            detail=why,
        )

    async def _fold(self, entry: Entry, orders: Sequence[IntentOrder], report: OrderReport) -> Entry:
        """Takes on the state that the report shows, unless it is older news."""
        aside = is_aside(entry, orders, report)
        state = self._state_from(entry, report)
        if state is None:
            await self._park_status(entry, report)
            return entry
        if entry.state is OrderState.INCIDENT:
            return entry
        if aside and not is_complete(entry.terms, entry.fills):
            log.info("entry %s: order %s is %s, %s stands", entry.id, report.order_id, report.status, entry.order_id)
            return entry
        order_id, status = (None, None) if aside else (report.order_id, report.status)
        if state is OrderState.CANCELLED and not report.fills:
            following = successor(orders, report)
            if following is not None:
                order_id, state = following, OrderState.WORKING
                known = known_order(orders, following)
                status = known.status if known is not None and known.status else entry.broker_status
        if state is not OrderState.FILLED and is_older(known_order(orders, report.order_id), report):
            return entry
        if state is entry.state:
            if aside or (status, order_id) == (entry.broker_status, entry.order_id):
                return entry
            if entry.state is OrderState.FILLED and state_for(report.status) is not OrderState.FILLED:
                return entry
            entry = await self._record(entry, state, order_id, status, entry.detail, report.cancelled_by)
            await self._events.say(entry, "order.status", f"order {order_id}: {status}", Severity.INFO)
            return entry
        if not may_become(entry.state, state):
            log.info("entry %s stays %s: the broker's %s is older news", entry.id, entry.state, report.status)
            return entry
        return await self._become(
            entry,
            state,
            order_id=order_id,
            status=status,
            detail=report.reject_reason or "",
            cancelled_by=canceller(entry, report, self.clock.now(), self.clock.speed),
        )

    async def _note_orders(self, entry: Entry, orders: Sequence[IntentOrder], report: OrderReport) -> None:
        """Records the order as it was seen, and one that replaces it, so that both are followed."""
        at = self.clock.now()
        known = known_order(orders, report.order_id)
        if not is_older(known, report):
            seen = IntentOrder(
                entry.id,
                entry.account,
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
                IntentOrder(entry.id, entry.account, report.replaced_by, "", None, at, replaces=report.order_id)
            )

    def _state_from(self, entry: Entry, report: OrderReport) -> OrderState | None:
        """The state that the fills show; where they show none, the one that the broker's status means."""
        state = state_for(report.status)
        if is_complete(entry.terms, entry.fills):
            return OrderState.FILLED
        if state in (OrderState.CANCELLED, OrderState.EXPIRED, OrderState.REJECTED) and not is_balanced(
            entry.terms, entry.fills
        ):
            return OrderState.INCIDENT
        return state

    async def _park_status(self, entry: Entry, report: OrderReport) -> None:
        await self.records.entries.note_status(entry.id, report.status, self.clock.now())
        if (entry.id, report.status) not in self._unknown_words:
            self._unknown_words.add((entry.id, report.status))
            text = f"the broker calls order {report.order_id} {report.status!r}, which this console does not know"
            await self._events.say(entry, "order.status_unknown", text, Severity.CRITICAL)

    async def _become(
        self,
        entry: Entry,
        state: OrderState,
        *,
        order_id: str | None = None,
        status: str | None = None,
        detail: str = "",
        cancelled_by: str = "",
    ) -> Entry:
        entry = await self._record(entry, state, order_id, status, detail, cancelled_by)
        if entry.state is OrderState.INCIDENT:
            await self.on_incident(entry, entry.detail or "fills do not add up to the order")
        await self._events.announce(entry)
        if entry.state not in OPEN_STATES:
            await self.on_closed(entry.id)
        return entry

    async def _record(
        self, entry: Entry, state: OrderState, order_id: str | None, status: str | None, detail: str, cancelled_by: str
    ) -> Entry:
        return await self.records.entries.become(
            entry.id,
            state,
            at=self.clock.now(),
            order_id=order_id,
            broker_status=status,
            detail=detail,
            cancelled_by=cancelled_by,
        )
