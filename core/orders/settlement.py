"""Settles what only the passing of time can prove: that an unknown order never arrived, that a cancelled one never
filled (rules 9).

The proof is two complete reads at the broker, 30 s apart and both at least 120 s after the event, with the alert stream
connected over both and the positions unchanged (rules 9). Seconds are wall seconds (rules 14).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from core.broker.port import AccountReads, Broker, BrokerError, BrokerFault, StreamState
from core.domain.operation.events import masked
from core.domain.operation.times import clock
from core.domain.orders.comparison import same_legs
from core.domain.orders.fate import needs_operators_word
from core.domain.orders.order_states import EntryState, state_for
from core.domain.orders.orders import Entry, OrderReport
from core.domain.orders.settling import PRODUCT_TIMES, SettleTimes
from core.domain.orders.shape import ended_unfilled
from core.domain.risk.unexplained import contracts_left
from core.orders.attribution import entry_of
from core.orders.positions import held_legs
from core.orders.tracker import OrderTracker
from core.records.records import Records
from core.runtime.bus import Bus
from core.runtime.clock import Clock, exchange_time


@dataclass(frozen=True, slots=True)
class _Read:
    """One complete read: when it was, over which alert connection, a digest of the positions, and the entry's
    orders."""

    at: datetime
    alerts: tuple[int, int]
    positions: str
    reports: tuple[OrderReport, ...]


@dataclass(eq=False, repr=False)
class Settlement:
    """Reads the broker about entries that are unknown or ended without a fill, until two reads agree.
    `age_s` has the wall seconds since a market instant, at least, also when the clock was set
    meanwhile."""

    broker: Broker
    records: Records
    tracker: OrderTracker
    bus: Bus
    clock: Clock
    age_s: Callable[[datetime], float]
    times: SettleTimes = PRODUCT_TIMES
    _first: dict[str, _Read] = field(init=False, default_factory=dict)

    async def check(self) -> None:
        """Looks once at every entry that waits. A read that fails or is incomplete does not count. Raises
        RecordsError."""
        await self.tracker.note_listened()
        for entry in await self.records.entries.waiting(exchange_time(self.clock.now()).date()):
            if entry.state is EntryState.UNKNOWN:
                if (
                    entry.order_id is None
                ):  # an order that the broker had, and knows no longer, is settled by a word only
                    await self._look_at(entry, since=entry.sent_at)
            elif not needs_operators_word(entry) or await self.records.entries.reentry_allowed(entry.id):
                await self._look_at(entry, since=entry.terminal_at)

    async def _look_at(self, entry: Entry, since: datetime | None) -> None:
        if since is None or self.age_s(since) < self.times.settle_s:
            return
        first = self._first.get(entry.id)
        if first is not None and self.age_s(first.at) < self.times.between_reads_s:
            return
        read = await self._read(entry)
        if read is None:
            self._first.pop(entry.id, None)
            return
        for report in read.reports:
            current = await self.tracker.apply(entry.id, report)
            if current.state is not entry.state or current.fills:
                self._first.pop(entry.id, None)
                return
        gone = entry.state is not EntryState.UNKNOWN and not read.reports and await self._is_gone(entry)
        if entry.state is not EntryState.UNKNOWN and not gone and not _all_ended_unfilled(read.reports):
            self._first.pop(entry.id, None)
            return
        await self.records.entries.add_evidence(
            entry.id,
            "missing" if gone else "listing",
            who="engine",
            complete=True,
            detail={"found": bool(read.reports), "positions": read.positions, "alerts": list(read.alerts)},
            at=read.at,
        )
        if first is None or (first.alerts, first.positions) != (read.alerts, read.positions):
            self._first[entry.id] = read
            return
        self._first.pop(entry.id, None)
        await self._conclude(entry, first, read)

    async def _read(self, entry: Entry) -> _Read | None:
        status = self.tracker.alerts
        if status.state is not StreamState.CONNECTED:
            return None
        try:
            listed = await self.broker.orders_since(entry.account, entry.session_day)
            reads = await self.broker.account_reads(entry.account)
        except BrokerError:
            return None
        if self.tracker.alerts.connections != status.connections:
            return None
        if entry.state is EntryState.UNKNOWN and await self._may_hold(entry, reads):
            return None  # it may have filled and only the listing be late: here time proves nothing
        held = sorted(f"{p.symbol} {p.direction} {p.quantity}" for p in reads.positions if p.quantity)
        fingerprint = hashlib.sha256("\n".join(held).encode()).hexdigest()[:16]
        reports: list[OrderReport] = []
        for report in listed:
            owner = await entry_of(self.records.entries, report)
            if owner is None and entry.state is EntryState.UNKNOWN and _may_be_its_order(entry, report):
                return None
            if owner is not None and owner.id == entry.id:
                reports.append(report)
        return _Read(self.clock.now(), (self.records.epoch, status.connections), fingerprint, tuple(reports))

    async def _may_hold(self, entry: Entry, reads: AccountReads) -> bool:
        """Whether the account holds a contract of this entry's legs, on its side, that our filled tridents do not
        explain."""
        filled = await self.records.entries.filled_open(entry.account, exchange_time(self.clock.now()).date())
        left = contracts_left(held_legs(reads.positions), filled)
        return any(left.get((leg.symbol, leg.action), 0) > 0 for leg in entry.terms.legs)

    async def _is_gone(self, entry: Entry) -> bool:
        """Whether the broker itself says that it no longer knows the entry's order, after an operator has allowed
        another entry. Their word stands for the end that nobody can show any more (rules 9)."""
        if entry.order_id is None or not await self.records.entries.reentry_allowed(entry.id):
            return False
        try:
            report = await self.broker.order(entry.account, entry.order_id)
        except BrokerError as error:
            return error.fault is BrokerFault.NOT_FOUND
        await self.tracker.apply(entry.id, report, by_id=True)
        return False

    async def _conclude(self, entry: Entry, first: _Read, second: _Read) -> None:
        proof = f"two complete reads at {clock(first.at)} and {clock(second.at)} ET show no"
        if entry.state is EntryState.UNKNOWN:
            if not first.reports and not second.reports:
                await self.tracker.absent(entry, f"{proof} such order")
            return
        await self.records.entries.free_day(entry.id, f"{proof} fill", self.clock.now())
        await self.bus.say(
            "order.day_freed",
            f"{entry.underlying} {masked(entry.account)}: the {entry.state.value} entry frees the day; {proof} fill",
            cycle=entry.cycle,
            account=entry.account,
        )


def _may_be_its_order(entry: Entry, report: OrderReport) -> bool:
    """Whether an order that no record explains has the entry's legs, so that it may be the entry's after all."""
    refused = state_for(report.status) is EntryState.REJECTED and not report.fills
    return not refused and same_legs(entry.terms, report)


def _all_ended_unfilled(reports: Sequence[OrderReport]) -> bool:
    """Whether the listing shows the entry's orders, and all of them ended without a fill. An order that it leaves out
    proves nothing, and one that replaced it at the broker may still fill."""
    return bool(reports) and all(ended_unfilled(report) for report in reports)
