"""One reading of an account's orders at the broker, each given to its intent (rules 9).

Reconciliation, polls and the look after an acknowledgement are this one reading, so that none sees less than another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from core.broker.port import Broker, BrokerError, BrokerFault
from core.domain.operation.events import masked
from core.domain.orders.comparison import is_partial
from core.domain.orders.fills import is_complete
from core.domain.orders.news import ROUTE
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Intent, IntentOrder, OrderReport
from core.domain.orders.settling import PRODUCT_TIMES, SettleTimes
from core.orders.attribution import intent_of
from core.orders.missing_orders import MissingOrders
from core.orders.strangers import Strangers
from core.orders.tracker import OrderTracker
from core.records.records import Records
from core.records.store.tables import breakers, entries, exits, fills, intent_orders
from core.runtime.clock import Clock


@dataclass(frozen=True, slots=True)
class _Given:
    """A listing that was given to its intents, with the ids of those by order id, and the version of the records
    afterwards; None when it is to be given again."""

    version: tuple[int, ...] | None
    today: date
    listing: tuple[OrderReport, ...]
    owners: Mapping[str, str]

    def stands(self, version: tuple[int, ...] | None, today: date, listing: tuple[OrderReport, ...]) -> bool:
        """Whether giving this listing now would do nothing new."""
        return self.version is not None and (self.version, self.today, self.listing) == (version, today, listing)


_Recorded = tuple[Intent, tuple[IntentOrder, ...]]
"""An intent as it is on record, with its orders."""


@dataclass(frozen=True, slots=True)
class _Told:
    """The last report of an order that was given to its intent, and the intent as that left it."""

    report: OrderReport
    recorded: _Recorded


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
    # By account and order id, of the last listing: a report that says nothing new to an unchanged intent is not given
    # again, because many orders rest for weeks.
    _told: dict[str, dict[str, _Told]] = field(init=False, default_factory=dict)
    _missing: MissingOrders = field(init=False)

    def __post_init__(self) -> None:
        self._missing = MissingOrders(self.records, self.tracker, self.clock, self.age_s, self.times)

    async def look(self, account: str, today: date) -> str:
        """Reads the account's orders and gives each to its intent. Returns what kept the reading from being complete,
        empty when nothing did. Raises RecordsError."""
        since = self.since(today)
        followed = await self.records.intents.looked_at(since, account)
        listed_from = min([since, *(one.session_day for one in followed if self._needs_history(one))])
        before = self.strangers.foreign.of(account)
        try:
            listing = await self.broker.orders_since(account, listed_from)
        except BrokerError as error:
            return f"{masked(account)}: {error.detail}"
        troubles: list[str] = []
        given = self._given.get(account)
        if given is None or not given.stands(self._version(), today, listing):
            known = await self.records.intents.looked_at(since, account)  # no read where nothing was written meanwhile
            given = _Given(None, today, listing, await self._give(account, listing, today, known, troubles))
        strange = [report for report in listing if report.order_id not in given.owners]
        await self.strangers.hold_day(account, strange, today, before)
        for order_id, intent_id in given.owners.items():
            await self._missing.found(intent_id, account, order_id)
        followed = await self.records.intents.looked_at(since, account)
        troubles += await self._read_unlisted(followed, listed_from, given.owners)
        stands = not troubles and all(_stays(intent) for intent in followed)
        self._given[account] = replace(given, version=self._version() if stands else None)
        return "; ".join(troubles)

    def _needs_history(self, intent: Intent) -> bool:
        return self.tracker.kinds.of(intent).needs_history(intent)

    async def _give(
        self,
        account: str,
        listing: Sequence[OrderReport],
        today: date,
        known: Iterable[Intent],
        troubles: list[str],
    ) -> Mapping[str, str]:
        """Gives each listed order to its intent, and judges the others. `known` are intents as they are on record now.
        Returns the ids of our intents by order id."""
        told = self._told.get(account, {})
        recorded = await self._recorded({one.recorded[0].id for one in told.values()}, known)
        given: set[str] = set()
        owners: dict[str, Intent] = {}
        strange: list[OrderReport] = []
        unsettled: set[str] = set()
        for report in listing:
            last = told.get(report.order_id)
            if last is not None and last.report == report and recorded.get(last.recorded[0].id) == last.recorded:
                owners[report.order_id] = last.recorded[0]
                continue
            intent = await intent_of(self.records.intents, report)
            if intent is None:
                strange.append(report)
                continue
            owners[report.order_id] = intent
            given.add(intent.id)
            await self.tracker.apply(intent, report)
            if is_partial(intent.terms, report) and intent.state is not OrderState.INCIDENT:
                unsettled.add(report.order_id)
                troubles += await self._read(intent, report.order_id)
        by_id = {order_id: intent.id for order_id, intent in owners.items()}
        await self._two_live(listing, owners)
        # Of the others this is how they were when the look began: one that was changed meanwhile is given again.
        now = recorded | await self._recorded(given)
        self._told[account] = {
            report.order_id: _Told(report, now[by_id[report.order_id]])
            for report in listing
            if report.order_id in by_id and report.order_id not in unsettled and _stays(now[by_id[report.order_id]][0])
        }
        await self.strangers.listed(strange, today)
        await self.strangers.two_tridents(account, listing, by_id)
        return by_id

    async def _recorded(self, ids: set[str], known: Iterable[Intent] = ()) -> dict[str, _Recorded]:
        """These intents as they are on record now, by id; `known` are some of them, and others."""
        found = [one for one in known if one.id in ids]
        found += await self.records.intents.these(sorted(ids - {one.id for one in found}))
        orders = await self.records.intent_orders.of_all([one.id for one in found])
        return {one.id: (one, orders.get(one.id, ())) for one in found}

    def _version(self) -> tuple[int, ...] | None:
        """Stays the same while nothing is written on which the judgement of a listing rests."""
        return self.records.database.version(entries.name, exits.name, intent_orders.name, fills.name, breakers.name)

    async def _read_unlisted(
        self, followed: Sequence[Intent], listed_from: date, owners: Mapping[str, str]
    ) -> list[str]:
        """Reads by its id each order of ours that is followed and was not listed. Returns what went wrong."""
        troubles: list[str] = []
        orders = await self.records.intent_orders.of_all([one.id for one in followed])
        for intent in followed:
            for order in orders.get(intent.id, ()):
                if owners.get(order.order_id) == intent.id or not _may_say_more(intent, order):
                    continue
                troubles += await self._read(intent, order.order_id, order, listed_from)
        return troubles

    async def _read(
        self, intent: Intent, order_id: str, unlisted: IntentOrder | None = None, listed_from: date | None = None
    ) -> list[str]:
        """Reads one order by its id. `unlisted` is the order as it was last seen, when a listing from this day on left
        it out. Returns what went wrong; that the broker knows no such order is an answer."""
        try:
            report = await self.broker.order(intent.account, order_id)
        except BrokerError as error:
            if error.fault is not BrokerFault.NOT_FOUND or unlisted is None:
                return [f"{masked(intent.account)} order {order_id}: {error.detail}"]
        else:
            if await self._is_its(intent, report):
                await self._missing.found(intent.id, intent.account, order_id)
                await self.tracker.apply(intent, report, by_id=True)
                return []
        # Nor is an order that has the id of ours, because the broker began its ids again, the one that was ours.
        if unlisted is None or not await self._missing.is_due(intent, unlisted):
            return []
        if listed_from is not None and intent.session_day < listed_from:
            return await self._look_back(intent, unlisted)
        await self._missing.missed(intent, unlisted)
        return []

    async def _look_back(self, intent: Intent, order: IntentOrder) -> list[str]:
        """Looks for an order, which neither the listing nor its id shows, in all orders since it was sent. Only where
        it is not among them either, it is missing."""
        try:
            listing = await self.broker.orders_since(intent.account, intent.session_day)
        except BrokerError as error:
            return [f"{masked(intent.account)} order {order.order_id}: {error.detail}"]
        reports = [report for report in listing if await self._is_its(intent, report)]
        for report in reports:
            await self._missing.found(intent.id, intent.account, report.order_id)
            await self.tracker.apply(intent, report)
        if all(report.order_id != order.order_id for report in reports):
            await self._missing.missed(intent, order)
        return []

    async def _is_its(self, intent: Intent, report: OrderReport) -> bool:
        owner = await intent_of(self.records.intents, report)
        return owner is not None and owner.id == intent.id

    async def _two_live(self, listing: Sequence[OrderReport], owners: Mapping[str, Intent]) -> None:
        """Two orders of one intent at once, both on their way or live in one listing: one that replaced the other lives
        only when that has ended."""
        live: defaultdict[str, list[str]] = defaultdict(list)
        for report in listing:
            if report.order_id in owners and report.status in ROUTE:
                live[owners[report.order_id].id].append(report.order_id)
        for orders in live.values():
            if len(orders) > 1:
                await self.tracker.both_live(owners[orders[0]], orders)


def _stays(intent: Intent) -> bool:
    """Whether a report that said nothing new of the intent says nothing new later: not while the broker may still be
    found not to carry out this console's own cancel."""
    return intent.engine_cancel_at is None or intent.state is not OrderState.WORKING


def _may_say_more(intent: Intent, order: IntentOrder) -> bool:
    """Whether the broker may have news of the order: its end was not shown, or not all of its fill records."""
    fills_missing = intent.state is OrderState.FILLED and not is_complete(intent.terms, intent.fills)
    return not order.ended or (fills_missing and order.order_id == intent.order_id)
