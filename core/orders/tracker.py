"""Follows intents at the broker to their end, by alerts, polls and fills (rules 9)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from core.broker.port import StreamState, StreamStatus
from core.domain.orders.comparison import is_partial
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import AnyIntent, Entry, OrderReport
from core.guards.refused_orders import RefusedOrders
from core.orders.attribution import intent_of
from core.orders.folding import Folding
from core.orders.unclaimed_alerts import UnclaimedAlerts
from core.records.store.errors import RecordsError
from core.runtime.clock import exchange_time

EVERY_ACCOUNT = ""
"""Stands for the number of an account where every one is meant."""


@dataclass(eq=False, repr=False, kw_only=True)
class OrderTracker(Folding):
    """Hears of orders, and knows which are being sent; `Folding` changes their intents. After sending, nothing else
    writes an intent's state.

    An alert that no intent explains goes to `on_stranger`; without an identifier, only once no order of ours may be the
    one that it tells of.
    """

    refused: RefusedOrders
    on_alerts_connected: Callable[[], None]
    on_alerts_lost: Callable[[], None] = lambda: None
    on_stranger: Callable[[OrderReport], Awaitable[None]] | None = None
    poll_wanted: asyncio.Event = field(init=False, default_factory=asyncio.Event)
    poll_urgent: set[str] = field(init=False, default_factory=set)
    _heard: asyncio.Queue[OrderReport] = field(init=False, default_factory=asyncio.Queue)
    _preparing: set[str] = field(init=False, default_factory=set)
    _sending: dict[str, StreamStatus] = field(init=False, default_factory=dict)
    _unclaimed: UnclaimedAlerts = field(init=False)
    alerts: StreamStatus = field(init=False)

    def __post_init__(self) -> None:
        self._unclaimed = UnclaimedAlerts(self.clock)
        self.alerts = StreamStatus(StreamState.CONNECTING, self.clock.monotonic())

    # Called by the alert stream

    def on_order(self, report: OrderReport) -> None:
        self._heard.put_nowait(report)

    def on_order_unreadable(self) -> None:
        self.poll_soon()

    def on_alert_status(self, status: StreamStatus) -> None:
        reconnected = status.state is StreamState.CONNECTED and self.alerts.state is not StreamState.CONNECTED
        self.alerts = status
        if reconnected:
            self.on_alerts_connected()
        if status.state is StreamState.WAITING:
            self.refused.alerts_lost()
            self.on_alerts_lost()

    # Called by the engine and the desk

    async def recover(self) -> None:
        """Settles what an earlier process left: an intent that was prepared and not sent did not leave; one that was
        sent and has no outcome is unknown; after an entry that was refused at once nobody listened.
        Raises RecordsError."""
        for intent in await self.records.intents.being_sent():
            if intent.state is OrderState.PREPARED:
                await self._become(intent, OrderState.NOT_SENT, detail="the process ended before sending")
            else:
                await self._become(intent, OrderState.UNKNOWN, detail="the process ended before the broker's answer")
        for entry in await self.records.entries.of_day(exchange_time(self.clock.now()).date()):
            if entry.state is OrderState.REJECTED and entry.order_id is None and entry.terminal_at is not None:
                evidence = await self.records.entries.evidence(entry.id)
                if not any(seen.kind == "listened" for seen in evidence):
                    self.refused.refused(entry.account, entry.id, entry.terminal_at, heard=False)
        self.poll_soon()

    def poll_soon(self, account: str = EVERY_ACCOUNT) -> None:
        """Has the broker asked at once about this account, or about every one with an intent that is followed, or with
        an entry of today."""
        self.poll_urgent.add(account)
        self.poll_wanted.set()

    async def run(self) -> None:
        """Applies alerts until cancelled. An alert that could not be stored is kept for the next try. Raises
        RecordsError."""
        while True:
            report = await self._heard.get()
            try:
                await self._offer(report)
            except RecordsError:
                self._heard.put_nowait(report)
                raise

    @contextmanager
    def preparing(self, intent_id: str) -> Iterator[None]:
        """Marks a `prepared` intent as on its way to be sent. A prepared intent without the mark was not sent; only the
        record of that failed."""
        self._preparing.add(intent_id)
        try:
            yield
        finally:
            self._preparing.discard(intent_id)

    @contextmanager
    def sending(self, intent_id: str) -> Iterator[None]:
        """Marks a `sent` intent as on its way. A sent intent without the mark has an outcome that could not be
        recorded."""
        self._sending[intent_id] = self.alerts
        try:
            yield
        finally:
            self._sending.pop(intent_id, None)

    async def acknowledged(self, intent: AnyIntent, report: OrderReport) -> AnyIntent:
        """Stores the broker's acknowledgement, then the alerts that came before it. Raises RecordsError."""
        intent = await self.apply(intent, report, by_id=True)
        # All are applied: the last alert to arrive need not report the last change.
        for heard in self._unclaimed.claim(report.order_id):
            intent = await self.apply(intent, heard)
        return intent

    async def settle_lost(self) -> None:
        """Settles intents whose sending is over and whose outcome could not be recorded. Raises RecordsError."""
        for intent in await self.records.intents.being_sent():
            if intent.state is OrderState.PREPARED and intent.id not in self._preparing | self._sending.keys():
                await self._become(
                    intent, OrderState.NOT_SENT, detail="it did not leave, and that could not be recorded"
                )
            elif intent.state is OrderState.SENT and intent.id not in self._sending:
                await self.unacknowledged(intent, OrderState.UNKNOWN, "its outcome could not be recorded")

    async def note_listened(self) -> None:
        """Records of refused entries that the alert stream told nothing of their orders. Raises RecordsError."""
        for entry_id in self.refused.listened():
            await self.records.entries.add_evidence(
                entry_id, "listened", who="engine", complete=True, detail={"told": "of no order"}, at=self.clock.now()
            )
            self.refused.recorded(entry_id)

    async def drop_unclaimed(self) -> None:
        """Tells and forgets alerts without an identifier that no acknowledgement has claimed for too long. Raises
        RecordsError."""
        while (report := self._unclaimed.overdue()) is not None:
            await self._offer(report, may_wait=False)
            self._unclaimed.claim(report.order_id)

    async def _offer(self, report: OrderReport, *, may_wait: bool = True) -> None:
        """Gives an alert to its intent. One without an identifier may be about an order of ours whose id is not known
        yet, and waits for that."""
        # Asked first: an acknowledgement that comes in between gives the id by which the intent is found.
        waits = may_wait and report.identifier is None and await self._awaits_id(report.account)
        intent = await intent_of(self.records.intents, report)
        if intent is not None:
            await self.apply(intent, report)
            if is_partial(intent.terms, report):
                self.poll_soon(intent.account)
        elif waits:
            self._unclaimed.keep(report)
        elif self.on_stranger is not None:
            await self.on_stranger(report)

    async def _awaits_id(self, account: str) -> bool:
        """Whether an order of the account may have left whose id the broker has not told."""
        return any(one.account == account and one.order_id is None for one in await self.records.intents.open())

    async def unacknowledged(self, intent: AnyIntent, state: OrderState, detail: str) -> AnyIntent:
        """Records the state of a sending that has no acknowledgement. What an alert has proved meanwhile stands. Raises
        RecordsError."""
        async with self._turns.of(intent.id):
            current = await self.records.intents.of(intent).get(intent.id)
            if current.state is not OrderState.SENT:
                return current
            # An entry that may be there all the same bars another one. An exit bars none: its legs are read first.
            if state is OrderState.REJECTED and isinstance(current, Entry):
                heard = self._hears_since_sending(current.id)
                self.refused.refused(current.account, current.id, self.clock.now(), heard=heard)
            return await self._become(current, state, detail=detail)

    def _hears_since_sending(self, intent_id: str) -> bool:
        """Whether the alert stream has been connected since before the order left."""
        before, now = self._sending.get(intent_id), self.alerts
        return before is not None and before.state is now.state is StreamState.CONNECTED and before.since == now.since
