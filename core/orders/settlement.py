"""Settles what only the passing of time can prove: that an unknown order never arrived, that a cancelled one never
filled (rules 9).

The proof is two complete reads at the broker, 30 s apart and both some time after the event, with the alert stream
connected over both and the positions unchanged (rules 9, 15.4). How long it takes is a rule of the intent's kind.
Seconds are wall seconds (rules 14).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from core.broker.port import Broker, BrokerError, BrokerFault, StreamState
from core.domain.operation.events import masked
from core.domain.operation.times import clock
from core.domain.orders.comparison import same_legs
from core.domain.orders.fate import needs_operators_word
from core.domain.orders.order_states import OrderState, state_for
from core.domain.orders.orders import Entry, Intent, OrderReport
from core.domain.orders.shape import ended_unfilled
from core.orders.attribution import intent_of
from core.orders.tracker import OrderTracker
from core.records.records import Records
from core.runtime.bus import Bus
from core.runtime.clock import Clock, exchange_time


@dataclass(frozen=True, slots=True)
class _Read:
    """One complete read: when it was, over which alert connection, a digest of the positions, and the intent's
    orders."""

    at: datetime
    alerts: tuple[int, int]
    positions: str
    reports: tuple[OrderReport, ...]


@dataclass(eq=False, repr=False)
class Settlement:
    """Reads the broker about intents that are unknown, and entries that ended without a fill, until two reads agree.
    `age_s` has the wall seconds since a market instant, at least, also when the clock was set meanwhile."""

    broker: Broker
    records: Records
    tracker: OrderTracker
    bus: Bus
    clock: Clock
    age_s: Callable[[datetime], float]
    _first: dict[str, _Read] = field(init=False, default_factory=dict)

    async def check(self) -> None:
        """Looks once at every intent that waits. A read that fails or is incomplete does not count. Raises
        RecordsError."""
        await self.tracker.note_listened()
        for intent in await self.records.intents.waiting(exchange_time(self.clock.now()).date()):
            if intent.state is OrderState.UNKNOWN:
                # An order that the broker had, and knows no longer, is settled by a word only.
                if intent.order_id is None:
                    await self._look_at(intent, since=intent.sent_at)
            elif isinstance(intent, Entry) and await self._may_free(intent):
                await self._look_at(intent, since=intent.terminal_at)

    async def _may_free(self, entry: Entry) -> bool:
        return not needs_operators_word(entry) or await self.records.entries.reentry_allowed(entry.id)

    async def _look_at(self, intent: Intent, since: datetime | None) -> None:
        times = self.tracker.kinds.of(intent).settle_times(intent)
        if since is None or self.age_s(since) < times.settle_s:
            return
        first = self._first.get(intent.id)
        if first is not None and self.age_s(first.at) < times.between_reads_s:
            return
        read = await self._read(intent)
        if read is None:
            self._first.pop(intent.id, None)
            return
        for report in read.reports:
            current = await self.tracker.apply(intent, report)
            if current.state is not intent.state or current.fills:
                self._first.pop(intent.id, None)
                return
        is_unknown = intent.state is OrderState.UNKNOWN
        gone = not is_unknown and isinstance(intent, Entry) and not read.reports and await self._is_gone(intent)
        if not is_unknown and not gone and not _all_ended_unfilled(read.reports):
            self._first.pop(intent.id, None)
            return
        await self.records.intents.of(intent).add_evidence(
            intent.id,
            "missing" if gone else "listing",
            who="engine",
            complete=True,
            detail={"found": bool(read.reports), "positions": read.positions, "alerts": list(read.alerts)},
            at=read.at,
        )
        if first is None or (first.alerts, first.positions) != (read.alerts, read.positions):
            self._first[intent.id] = read
            return
        self._first.pop(intent.id, None)
        await self._conclude(intent, first, read)

    async def _read(self, intent: Intent) -> _Read | None:
        status = self.tracker.alerts
        if status.state is not StreamState.CONNECTED:
            return None
        try:
            listed = await self.broker.orders_since(intent.account, intent.session_day)
            reads = await self.broker.account_reads(intent.account)
        except BrokerError:
            return None
        if self.tracker.alerts.connections != status.connections:
            return None
        is_unknown = intent.state is OrderState.UNKNOWN
        if is_unknown and await self.tracker.kinds.of(intent).may_have_filled(intent, reads.positions):
            return None  # only the listing may be late: here time proves nothing
        held = sorted(f"{p.symbol} {p.direction} {p.quantity}" for p in reads.positions if p.quantity)
        fingerprint = hashlib.sha256("\n".join(held).encode()).hexdigest()[:16]
        reports: list[OrderReport] = []
        for report in listed:
            owner = await intent_of(self.records.intents, report)
            if owner is None and is_unknown and _may_be_its_order(intent, report):
                return None
            if owner is not None and owner.id == intent.id:
                reports.append(report)
        return _Read(self.clock.now(), (self.records.epoch, status.connections), fingerprint, tuple(reports))

    async def _is_gone(self, entry: Entry) -> bool:
        """Whether the broker itself says that it no longer knows the entry's order, after an operator has allowed
        another entry. Their word stands for the end that nobody can show any more (rules 9)."""
        if entry.order_id is None or not await self.records.entries.reentry_allowed(entry.id):
            return False
        try:
            report = await self.broker.order(entry.account, entry.order_id)
        except BrokerError as error:
            return error.fault is BrokerFault.NOT_FOUND
        await self.tracker.apply(entry, report, by_id=True)
        return False

    async def _conclude(self, intent: Intent, first: _Read, second: _Read) -> None:
        proof = f"two complete reads at {clock(first.at)} and {clock(second.at)} ET show no"
        if intent.state is OrderState.UNKNOWN:
            if not first.reports and not second.reports:
                await self.tracker.absent(intent, f"{proof} such order")
        elif isinstance(intent, Entry):
            await self._free_day(intent, f"{proof} fill")

    async def _free_day(self, entry: Entry, proof: str) -> None:
        await self.records.entries.free_day(entry.id, proof, self.clock.now())
        await self.bus.say(
            "order.day_freed",
            f"{entry.underlying} {masked(entry.account)}: the {entry.state.value} entry frees the day; {proof}",
            cycle=entry.cycle,
            account=entry.account,
        )


def _may_be_its_order(intent: Intent, report: OrderReport) -> bool:
    """Whether an order that no record explains has the intent's legs, so that it may be the intent's after all."""
    refused = state_for(report.status) is OrderState.REJECTED and not report.fills
    return not refused and same_legs(intent.terms, report)


def _all_ended_unfilled(reports: Sequence[OrderReport]) -> bool:
    """Whether the listing shows the intent's orders, and all of them ended without a fill. An order that it leaves out
    proves nothing, and one that replaced it at the broker may still fill."""
    return bool(reports) and all(ended_unfilled(report) for report in reports)
