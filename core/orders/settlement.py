"""Settles what only the passing of time can prove: that an unknown order never arrived, that a cancelled one never
filled (rules 9).

The proof is two complete reads at the broker, 30 s apart and both some time after the event, with the alert stream
connected over both and the positions unchanged; of an order that the broker had, each also has its own word that it
knows no such order (rules 9, 15.4). How long it takes, and whether time proves anything, are rules of the intent's
kind. Seconds are wall seconds (rules 14).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import pairwise

from core.broker.port import Broker, BrokerError, BrokerFault, Position, StreamState
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


@dataclass(frozen=True, slots=True)
class _OfAccount:
    """One complete read of an account, which all its intents of a day share: each listed order with the id of the
    intent that it belongs to, None where no record explains it."""

    at: datetime
    alerts: tuple[int, int]
    positions: tuple[Position, ...]
    listed: tuple[tuple[OrderReport, str | None], ...]


_OfAccounts = dict[tuple[str, date], _OfAccount | None]
"""The reads of one check, by account and first day."""


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
    # When each intent was last read about, whatever came of it: one that is stuck must not be read all the time.
    _newest: dict[str, datetime] = field(init=False, default_factory=dict)

    async def check(self) -> None:
        """Looks once at every intent that waits. A read that fails or is incomplete does not count. Raises
        RecordsError."""
        await self.tracker.note_listened()
        waiting = await self.records.intents.waiting(exchange_time(self.clock.now()).date())
        for kept in (self._first, self._newest):
            for over in kept.keys() - {intent.id for intent in waiting}:
                del kept[over]
        reads: _OfAccounts = {}
        for intent in waiting:
            if intent.state is OrderState.UNKNOWN:
                if self.tracker.kinds.of(intent).absent_by_time(intent):
                    await self._look_at(intent, await self._unknown_since(intent), reads)
            elif isinstance(intent, Entry) and await self._may_free(intent):
                await self._look_at(intent, intent.terminal_at, reads)

    async def _may_free(self, entry: Entry) -> bool:
        return not needs_operators_word(entry) or await self.records.entries.reentry_allowed(entry.id)

    async def _unknown_since(self, intent: Intent) -> datetime | None:
        """From when the waits of an unknown intent count: from its sending; of an order that the broker had and knows
        no longer, from when that was recorded, because a service that answers wrongly for a while would not show it
        either."""
        if intent.order_id is None or intent.sent_at is None:
            return intent.sent_at
        since = intent.sent_at
        for earlier, change in pairwise(await self.records.intents.of(intent).history(intent.id)):
            if change.state is OrderState.UNKNOWN is not earlier.state:
                since = max(since, change.at)
        return since

    async def _look_at(self, intent: Intent, since: datetime | None, reads: _OfAccounts) -> None:
        times = self.tracker.kinds.of(intent).settle_times(intent)
        if since is None or self.age_s(since) < times.settle_s:
            return
        newest = self._newest.get(intent.id)
        if newest is not None and self.age_s(newest) < times.between_reads_s:
            return
        self._newest[intent.id] = self.clock.now()
        first = self._first.pop(intent.id, None)
        read = await self._read(intent, reads)
        if read is None:
            return
        for report in read.reports:
            current = await self.tracker.apply(intent, report)
            if current.state is not intent.state or current.fills:
                return
        is_unknown = intent.state is OrderState.UNKNOWN
        gone = not is_unknown and not read.reports and await self._is_gone(intent)
        found = [one for one in read.reports if not (is_unknown and _was_replaced(intent, one))]
        if is_unknown and (found or not await self._knows_none(intent)):
            return
        if not is_unknown and not gone and not _all_ended_unfilled(read.reports):
            return
        await self.records.intents.of(intent).add_evidence(
            intent.id,
            "missing" if gone else "listing",
            who="engine",
            complete=True,
            detail={"found": bool(found), "positions": read.positions, "alerts": list(read.alerts)},
            at=read.at,
        )
        if first is None or (first.alerts, first.positions) != (read.alerts, read.positions):
            self._first[intent.id] = read
            return
        await self._conclude(intent, first, read)

    async def _read(self, intent: Intent, of_accounts: _OfAccounts) -> _Read | None:
        key = intent.account, intent.session_day
        if key not in of_accounts:
            of_accounts[key] = await self._read_account(*key)
        read = of_accounts[key]
        if read is None:
            return None
        is_unknown = intent.state is OrderState.UNKNOWN
        if is_unknown and await self.tracker.kinds.of(intent).may_have_filled(intent, read.positions):
            return None  # only the listing may be late: here time proves nothing
        if is_unknown and any(owner is None and _may_be_its_order(intent, report) for report, owner in read.listed):
            return None
        held = sorted(f"{p.symbol} {p.direction} {p.quantity}" for p in read.positions if p.quantity)
        fingerprint = hashlib.sha256("\n".join(held).encode()).hexdigest()[:16]
        reports = tuple(report for report, owner in read.listed if owner == intent.id)
        return _Read(read.at, read.alerts, fingerprint, reports)

    async def _read_account(self, account: str, since: date) -> _OfAccount | None:
        """A complete read of an account, with its orders from this day on; None where it is none."""
        status = self.tracker.alerts
        if status.state is not StreamState.CONNECTED:
            return None
        try:
            listed = await self.broker.orders_since(account, since)
            reads = await self.broker.account_reads(account)
        except BrokerError:
            return None
        if self.tracker.alerts.connections != status.connections:
            return None
        at, alerts = self.clock.now(), (self.records.epoch, status.connections)
        owners = [await intent_of(self.records.intents, report) for report in listed]
        ids = [None if owner is None else owner.id for owner in owners]
        return _OfAccount(at, alerts, reads.positions, tuple(zip(listed, ids, strict=True)))

    async def _is_gone(self, intent: Intent) -> bool:
        """Whether the broker itself says that it no longer knows the order of an entry that ended, after an operator
        has allowed another entry. Their word stands for the end that nobody can show any more (rules 9)."""
        if intent.order_id is None or not await self.records.entries.reentry_allowed(intent.id):
            return False
        return await self._knows_none(intent)

    async def _knows_none(self, intent: Intent) -> bool:
        """Whether the broker itself says of each order on record of the intent that it knows none of this id; one that
        was replaced may be known. One that it knows is given to the intent. Without an order on record there is none to
        ask for."""
        for order in await self.records.intent_orders.of(intent.id):
            try:
                report = await self.broker.order(intent.account, order.order_id)
            except BrokerError as error:
                if error.fault is not BrokerFault.NOT_FOUND:
                    return False
                continue
            owner = await intent_of(self.records.intents, report)
            # The broker may have begun its ids again: then the order is another one.
            if owner is not None and owner.id == intent.id:
                now = await self.tracker.apply(intent, report, by_id=True)
                if now.state is not intent.state or now.fills or not _was_replaced(intent, report):
                    return False
        return True

    async def _conclude(self, intent: Intent, first: _Read, second: _Read) -> None:
        proof = f"two complete reads at {clock(first.at)} and {clock(second.at)} ET show no"
        if intent.state is OrderState.UNKNOWN:
            knows_none = f", and the broker knows no order {intent.order_id}" if intent.order_id else ""
            await self.tracker.absent(intent, f"{proof} such order{knows_none}")
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


def _was_replaced(intent: Intent, report: OrderReport) -> bool:
    """Whether this order of the intent ended without a fill and another followed it: it says nothing of that one."""
    return intent.order_id not in (None, report.order_id) and ended_unfilled(report)


def _all_ended_unfilled(reports: Sequence[OrderReport]) -> bool:
    """Whether the listing shows the intent's orders, and all of them ended without a fill. An order that it leaves out
    proves nothing, and one that replaced it at the broker may still fill."""
    return bool(reports) and all(ended_unfilled(report) for report in reports)
