"""Settles what only the passing of time can prove: that an unknown order never arrived, that a cancelled one never
filled (rules 9).

The proof is two complete reads at the broker, 30 s apart and both at least 120 s after the event, with the alert stream
connected over both and the positions unchanged (rules 9). Seconds are wall seconds (rules 14).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from core.broker.port import AccountReads, Broker, BrokerError, StreamState
from core.domain.operation.events import masked
from core.domain.operation.times import clock
from core.domain.orders.fate import needs_operators_word
from core.domain.orders.order_states import EntryState, state_for
from core.domain.orders.orders import Entry, OrderReport
from core.domain.orders.settling import PRODUCT_TIMES, SettleTimes
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
    _looked: dict[str, datetime] = field(init=False, default_factory=dict)

    async def check(self) -> None:
        """Looks once at every entry that waits. A read that fails or is incomplete does not count. Raises
        RecordsError."""
        for entry in await self.records.entries.waiting(exchange_time(self.clock.now()).date()):
            if entry.state is EntryState.UNKNOWN:
                await self._look_at(entry, since=entry.sent_at)
            elif not needs_operators_word(entry) or await self.records.entries.reentry_allowed(entry.id):
                await self._look_at(entry, since=entry.terminal_at)
            else:
                await self._look_for_its_orders(entry)

    async def _look_for_its_orders(self, entry: Entry) -> None:
        """Gives the tracker what the broker shows of an entry whose day waits for an operator's word: an order that
        replaced it there may work. Such a read is no evidence (rules 9)."""
        since = self._looked.get(entry.id, entry.terminal_at)
        pause = self.times.between_reads_s if entry.id in self._looked else self.times.settle_s
        if since is None or self.age_s(since) < pause:
            return
        self._looked[entry.id] = self.clock.now()
        read = await self._read(entry)
        for report in () if read is None else read.reports:
            await self.tracker.apply(entry.id, report)

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
        if entry.state is not EntryState.UNKNOWN and not _all_ended_unfilled(read.reports):
            self._first.pop(entry.id, None)
            return
        await self.records.entries.add_evidence(
            entry.id,
            "listing",
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
        reports = tuple(
            r for r in listed if r.identifier == entry.identifier or r.order_id == entry.order_id is not None
        )
        return _Read(self.clock.now(), (self.records.epoch, status.connections), fingerprint, reports)

    async def _may_hold(self, entry: Entry, reads: AccountReads) -> bool:
        """Whether the account holds a leg of this entry beyond what our filled tridents explain."""
        held: Counter[str] = Counter()
        for position in reads.positions:
            held[position.symbol] += int(abs(position.quantity))
        for filled in await self.records.entries.filled_open(entry.account, exchange_time(self.clock.now()).date()):
            held.subtract({leg.symbol: leg.quantity for leg in filled.terms.legs})
        return any(held[leg.symbol] >= leg.quantity for leg in entry.terms.legs)

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


def _all_ended_unfilled(reports: Sequence[OrderReport]) -> bool:
    """Whether the listing shows the entry's orders, and all of them ended without a fill. An order that it leaves out
    proves nothing, and one that replaced it at the broker may still fill."""
    ended = (EntryState.CANCELLED, EntryState.EXPIRED, EntryState.REJECTED)
    return bool(reports) and all(state_for(r.status) in ended and not r.fills for r in reports)
