"""One reading of an account's orders at the broker, each given to its entry (rules 9).

Reconciliation, polls and the look after an acknowledgement are this one reading, so that none sees less than another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from core.broker.port import Broker, BrokerError, BrokerFault
from core.domain.operation.events import masked
from core.domain.orders.comparison import is_partial
from core.domain.orders.fills import is_complete
from core.domain.orders.news import ROUTE, known_order
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Entry, IntentOrder, OrderReport
from core.domain.orders.settling import PRODUCT_TIMES, SettleTimes
from core.orders.attribution import entry_of
from core.orders.strangers import Strangers
from core.orders.tracker import OrderTracker
from core.records.records import Records
from core.records.repositories.rows import EvidenceRecord
from core.records.store.tables import breakers, entries, fills, intent_orders
from core.runtime.clock import Clock


@dataclass(frozen=True, slots=True)
class _Given:
    """A listing that was given to its entries, with the ids of those by order id, and the version of the records
    afterwards; None when it is to be given again."""

    version: tuple[int, ...] | None
    today: date
    listing: tuple[OrderReport, ...]
    owners: Mapping[str, str]

    def stands(self, version: tuple[int, ...] | None, today: date, listing: tuple[OrderReport, ...]) -> bool:
        """Whether giving this listing now would do nothing new."""
        return self.version is not None and (self.version, self.today, self.listing) == (version, today, listing)


@dataclass(eq=False, repr=False)
class AccountLook:
    """Reads one account's orders. Those of ours go to the tracker; others are judged as strangers.

    `since` gives the first day that is looked at for a day of today: orders of these sessions are read always, whatever
    the records say, because records may be lost. `age_s` has the wall seconds since an instant, at least, also when the
    clock was set meanwhile.
    """

    broker: Broker
    records: Records
    tracker: OrderTracker
    strangers: Strangers
    clock: Clock
    since: Callable[[date], date]
    age_s: Callable[[datetime], float]
    times: SettleTimes = PRODUCT_TIMES
    # The last complete look at each account: the same listing is not given again while nothing was written meanwhile.
    _given: dict[str, _Given] = field(init=False, default_factory=dict)
    # By account and order id the monotonic second at which a look last found the order: a clock that is set must not
    # make the wait shorter. And the orders of which a miss is on record.
    _found_s: dict[tuple[str, str], float] = field(init=False, default_factory=dict)
    _missed: set[tuple[str, str]] = field(init=False, default_factory=set)

    async def look(self, account: str, today: date) -> str:
        """Reads the account's orders and gives each to its entry. Returns what kept the reading from being complete,
        empty when nothing did. Raises RecordsError."""
        since = self.since(today)
        followed = await self._followed(account, since)
        before = self.strangers.foreign.of(account)
        try:
            listing = await self.broker.orders_since(account, min([since, *(e.session_day for e in followed)]))
        except BrokerError as error:
            return f"{masked(account)}: {error.detail}"
        troubles: list[str] = []
        given = self._given.get(account)
        if given is None or not given.stands(self._version(), today, listing):
            given = _Given(None, today, listing, await self._give(account, listing, today, troubles))
        strange = [report for report in listing if report.order_id not in given.owners]
        await self.strangers.hold_day(account, strange, today, before)
        for order_id, entry_id in given.owners.items():
            await self._is_there(entry_id, account, order_id)
        for entry in await self._followed(account, since):
            troubles += await self._read_unlisted(entry, given.owners)
        self._given[account] = replace(given, version=None if troubles else self._version())
        return "; ".join(troubles)

    async def _give(
        self, account: str, listing: Sequence[OrderReport], today: date, troubles: list[str]
    ) -> Mapping[str, str]:
        """Gives each listed order to its entry, and judges the others. Returns the ids of our entries by order id."""
        owners: dict[str, str] = {}
        strange: list[OrderReport] = []
        for report in listing:
            entry = await entry_of(self.records.entries, report)
            if entry is None:
                strange.append(report)
                continue
            owners[report.order_id] = entry.id
            await self.tracker.apply(entry.id, report)
            if is_partial(entry.terms, report) and entry.state is not OrderState.INCIDENT:
                troubles += await self._read(entry, report.order_id)
        await self._two_live(listing, owners)
        await self.strangers.listed(strange, today)
        await self.strangers.two_tridents(account, listing, owners)
        return owners

    def _version(self) -> tuple[int, ...] | None:
        """Stays the same while nothing is written on which the judgement of a listing rests."""
        return self.records.database.version(entries.name, intent_orders.name, fills.name, breakers.name)

    async def _followed(self, account: str, since: date) -> list[Entry]:
        return [e for e in await self.records.entries.open_or_followed(since) if e.account == account]

    async def _read_unlisted(self, entry: Entry, owners: Mapping[str, str]) -> list[str]:
        """Reads by its id each order of the entry that is followed and was not listed. Returns what went wrong."""
        troubles: list[str] = []
        for order in await self.records.intent_orders.of(entry.id):
            if owners.get(order.order_id) != entry.id and _may_say_more(entry, order):
                troubles += await self._read(entry, order.order_id, order)
        return troubles

    async def _read(self, entry: Entry, order_id: str, unlisted: IntentOrder | None = None) -> list[str]:
        """Reads one order by its id. `unlisted` is the order as it was last seen, when a listing left it out. Returns
        what went wrong; that the broker knows no such order is an answer."""
        try:
            report = await self.broker.order(entry.account, order_id)
        except BrokerError as error:
            if error.fault is not BrokerFault.NOT_FOUND or unlisted is None:
                return [f"{masked(entry.account)} order {order_id}: {error.detail}"]
        else:
            owner = await entry_of(self.records.entries, report)
            if owner is not None and owner.id == entry.id:
                await self._is_there(entry.id, entry.account, order_id)
                await self.tracker.apply(entry.id, report, by_id=True)
                return []
        # Nor is an order that has the id of ours, because the broker began its ids again, the one that was ours.
        if unlisted is not None:
            await self._is_missing(entry, unlisted)
        return []

    # What the broker no longer knows

    async def _is_there(self, entry_id: str, account: str, order_id: str) -> None:
        """Takes note that a look has found the order: what missed it before counts no more, also what an earlier
        process missed."""
        key = (account, order_id)
        may_be_missed = key in self._missed or key not in self._found_s
        self._found_s[key] = self.clock.monotonic()
        if not may_be_missed:
            return
        self._missed.discard(key)
        known = known_order(await self.records.intent_orders.of(entry_id), order_id)
        if known is not None and not known.ended and await self._misses(entry_id, known):
            await self.records.intent_orders.note(replace(known, seen_at=self.clock.now()))

    async def _misses(self, entry_id: str, order: IntentOrder) -> list[EvidenceRecord]:
        """The looks on record that missed the order since it was last seen. One is complete when it counts."""
        return [
            one
            for one in await self.records.entries.evidence(entry_id)
            if one.kind == "missing" and one.detail.get("order") == order.order_id and one.at > order.seen_at
        ]

    async def _is_missing(self, entry: Entry, order: IntentOrder) -> None:
        """A complete look without a working order, and the broker's word that it knows none. Twice, with the waits of
        an unknown entry between, and what became of the order is unknown (rules 9). Each look is recorded, so that
        another process goes on with the waits."""
        if entry.state is not OrderState.WORKING or order.order_id != entry.order_id:
            return
        key, now_s = (entry.account, order.order_id), self.clock.monotonic()
        # One that no look has found yet may have been found by an earlier process just before.
        waited_s = now_s - self._found_s.setdefault(key, now_s)
        self._missed.add(key)
        misses = await self._misses(entry.id, order)
        counted = next((one for one in misses if one.complete), None)
        if counted is not None:
            if self.age_s(counted.at) >= self.times.between_reads_s:
                await self._record_miss(entry, order, counts=True)
                await self.tracker.forgotten(entry.id, order.order_id)
        elif max(waited_s, self.age_s(misses[0].at) if misses else 0.0) >= self.times.settle_s:
            await self._record_miss(entry, order, counts=True)
        elif not misses:
            await self._record_miss(entry, order, counts=False)

    async def _record_miss(self, entry: Entry, order: IntentOrder, *, counts: bool) -> None:
        """Records a look that missed the order. The first, from which the wait is counted, proves nothing by itself."""
        await self.records.entries.add_evidence(
            entry.id, "missing", who="engine", complete=counts, detail={"order": order.order_id}, at=self.clock.now()
        )

    async def _two_live(self, listing: Sequence[OrderReport], owners: dict[str, str]) -> None:
        """Two orders of one entry at once, both on their way or live in one listing: one that replaced the other lives
        only when that has ended."""
        live: defaultdict[str, list[str]] = defaultdict(list)
        for report in listing:
            if report.order_id in owners and report.status in ROUTE:
                live[owners[report.order_id]].append(report.order_id)
        for entry_id, orders in live.items():
            if len(orders) > 1:
                await self.tracker.both_live(entry_id, orders)


def _may_say_more(entry: Entry, order: IntentOrder) -> bool:
    """Whether the broker may have news of the order: its end was not shown, or not all of its fill records."""
    fills_missing = entry.state is OrderState.FILLED and not is_complete(entry.terms, entry.fills)
    return not order.ended or (fills_missing and order.order_id == entry.order_id)
