"""One reading of an account's orders at the broker, each given to its entry (rules 9).

Reconciliation, polls and the look after an acknowledgement are this one reading, so that none sees less than another.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

from core.broker.port import Broker, BrokerError
from core.domain.operation.events import masked
from core.domain.orders.fills import is_complete
from core.domain.orders.order_states import EntryState
from core.domain.orders.orders import Entry, EntryOrder, OrderReport
from core.orders.attribution import entry_of
from core.orders.strangers import Strangers
from core.orders.tracker import OrderTracker
from core.records.records import Records


@dataclass(eq=False, repr=False)
class AccountLook:
    """Reads one account's orders. Those of ours go to the tracker; others are judged as strangers.

    `since` gives the first day that is looked at for a day of today: orders of these sessions are read always, whatever
    the records say, because records may be lost.
    """

    broker: Broker
    records: Records
    tracker: OrderTracker
    strangers: Strangers
    since: Callable[[date], date]
    _troubles: dict[str, list[str]] = field(init=False, default_factory=dict)

    async def look(self, account: str, today: date) -> str:
        """Reads the account's orders and gives each to its entry. Returns what kept the reading from being complete,
        empty when nothing did. Raises RecordsError."""
        since = self.since(today)
        followed = [e for e in await self.records.entries.open_or_followed(since) if e.account == account]
        first = min([since, *(entry.session_day for entry in followed)])
        try:
            listing = await self.broker.orders_since(account, first)
        except BrokerError as error:
            return f"{masked(account)}: {error.detail}"
        owners: dict[str, str] = {}
        strange: list[OrderReport] = []
        troubles: list[str] = []
        for report in listing:
            entry = await entry_of(self.records.entries, report)
            if entry is None:
                strange.append(report)
                continue
            owners[report.order_id] = entry.id
            await self.tracker.apply(entry.id, report)
        troubles += await self._read_unlisted(account, since, {report.order_id for report in listing})
        await self.strangers.listed(strange, today)
        await self.strangers.two_tridents(account, listing, owners)
        return "; ".join(troubles)

    async def _read_unlisted(self, account: str, since: date, listed: set[str]) -> list[str]:
        """Reads by its id each order that is followed and was not listed. Returns what went wrong."""
        entries = [e for e in await self.records.entries.open_or_followed(since) if e.account == account]
        orders = await self.records.entry_orders.of_all([entry.id for entry in entries])
        troubles = []
        for entry in entries:
            for order in orders.get(entry.id, ()):
                if order.order_id in listed or not _may_say_more(entry, order):
                    continue
                try:
                    report = await self.broker.order(account, order.order_id)
                except BrokerError as error:
                    troubles.append(f"{masked(account)} order {order.order_id}: {error.detail}")
                else:
                    await self.tracker.apply(entry.id, report)
        return troubles


def _may_say_more(entry: Entry, order: EntryOrder) -> bool:
    """Whether the broker may have news of the order: its end was not shown, or not all of its fill records."""
    fills_missing = entry.state is EntryState.FILLED and not is_complete(entry.terms, entry.fills)
    return not order.ended or (fills_missing and order.order_id == entry.order_id)
