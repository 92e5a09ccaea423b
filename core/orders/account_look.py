"""One reading of an account's orders at the broker, each given to its entry (rules 9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from core.broker.port import Broker, BrokerError
from core.domain.operation.breakers import BreakerKind
from core.domain.operation.events import masked
from core.domain.orders.identifiers import is_ours
from core.domain.orders.order_states import EntryState
from core.domain.orders.orders import Entry, OrderReport
from core.guards.breakers import Breakers
from core.orders.tracker import OrderTracker
from core.records.records import Records
from core.runtime.bus import Bus


@dataclass(eq=False, repr=False)
class AccountLook:
    """Reads one account's orders. Those of ours go to the tracker; others are told once and left alone."""

    broker: Broker
    records: Records
    tracker: OrderTracker
    breakers: Breakers
    bus: Bus
    _foreign_told: set[str] = field(init=False, default_factory=set)

    async def look(self, account: str, today: date) -> str:
        """Reads the account's orders and gives each to its entry. Returns what kept the reading from being complete,
        empty when nothing did. Raises RecordsError."""
        entries = [e for e in await self.records.entries.open() if e.account == account]
        first = min([today, *(entry.session_day for entry in entries)])
        try:
            listing = await self.broker.orders_since(account, first)
        except BrokerError as error:
            return f"{masked(account)}: {error.detail}"
        foreign = [report for report in listing if not await self.take(account, report)]
        trouble = await self._read_unlisted(entries, {report.order_id for report in listing})
        await self._tell_foreign(account, foreign)
        return trouble

    async def take(self, account: str, report: OrderReport) -> bool:
        """Gives an order of ours to its entry. False when the order is not ours."""
        entry = await self.records.entries.by_order(report.order_id, account)
        if entry is None and report.identifier is not None:
            entry = await self.records.entries.by_identifier(report.identifier)
        if entry is not None:
            await self.tracker.apply(entry.id, report)
            return True
        if is_ours(report.identifier):
            why = f"order {report.order_id} at the broker carries our identifier, and no record here knows it"
            await self.breakers.open(BreakerKind.MISMATCH, account, why)
            return True
        return False

    async def _read_unlisted(self, entries: Sequence[Entry], listed: set[str]) -> str:
        """Reads each working entry that the listing does not show by its order id. Unknown entries are left to the
        settlement. Returns what went wrong, empty when nothing did."""
        for entry in entries:
            current = await self.records.entries.get(entry.id)
            if current.state is not EntryState.WORKING or current.order_id is None or current.order_id in listed:
                continue
            try:
                report = await self.broker.order(current.account, current.order_id)
            except BrokerError as error:
                return f"{masked(current.account)} order {current.order_id}: {error.detail}"
            await self.tracker.apply(current.id, report)
        return ""

    async def _tell_foreign(self, account: str, foreign: Sequence[OrderReport]) -> None:
        for report in foreign:
            if report.order_id in self._foreign_told:
                continue
            self._foreign_told.add(report.order_id)
            await self.bus.say(
                "reconcile.foreign",
                f"{masked(account)}: order {report.order_id} ({report.underlying}, {report.status}) "
                "is not ours; it is left alone",
                account=account,
            )
