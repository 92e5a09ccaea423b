"""Reconciliation: what the broker shows against what we recorded; the same at every start (SPEC 9).

An incomplete read proves nothing, a fill is never invented, an order that is not ours is shown and never touched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date

from core.broker.port import AccountReads, Broker, BrokerError
from core.domain.operation.breakers import BreakerKind
from core.domain.operation.events import Event, Severity, masked
from core.domain.orders.identifiers import is_ours
from core.domain.orders.order_states import EntryState
from core.domain.orders.orders import Entry, OrderReport
from core.guards.breakers import Breakers
from core.orders.tracker import OrderTracker
from core.records.records import Records
from core.runtime.bus import Bus
from core.runtime.clock import Clock

_UNSETTLED = (EntryState.PREPARED, EntryState.SENT, EntryState.WORKING, EntryState.UNKNOWN)


class Reconciler:
    """Compares account by account; what it finds goes through the watch, what does not fit opens a breaker."""

    def __init__(
        self, broker: Broker, records: Records, watch: OrderTracker, breakers: Breakers, bus: Bus, clock: Clock
    ) -> None:
        self._broker = broker
        self._records = records
        self._watch = watch
        self._breakers = breakers
        self._bus = bus
        self._clock = clock
        self._foreign_told: set[str] = set()

    async def reconcile(self, number: str, today: date) -> str:
        """Reads one account and settles what can be settled; what kept a read from being complete, or nothing.

        Raises RecordsError.
        """
        entries = [e for e in await self._records.entries.open() if e.account == number]
        days = sorted({today, *(entry.session_day for entry in entries)})
        try:
            reads = await self._broker.account_reads(number)
            listings = [await self._broker.orders_of_day(number, day) for day in days]
        except BrokerError as error:
            return f"{masked(number)}: {error.detail}"
        listed = {report.order_id: report for listing in listings for report in listing}
        foreign = [report for report in listed.values() if not await self.take(number, report)]
        trouble = await self._read_unlisted(entries, listed)
        await self.judge_earlier(number, today)
        await self._judge_incidents(number)
        await self._compare_positions(number, reads, today)
        await self._tell_foreign(number, foreign)
        return trouble

    async def take(self, number: str, report: OrderReport) -> bool:
        """Folds an order of ours into its entry; True when it is ours."""
        entry = await self._records.entries.by_order(report.order_id, number)
        if entry is None and report.identifier is not None:
            entry = await self._records.entries.by_identifier(report.identifier)
        if entry is not None:
            await self._watch.apply(entry.id, report)
            return True
        if is_ours(report.identifier):
            why = f"order {report.order_id} at the broker carries our identifier, and no record here knows it"
            await self._breakers.open(BreakerKind.MISMATCH, number, why)
            return True
        return False

    async def _read_unlisted(self, entries: Sequence[Entry], listed: dict[str, OrderReport]) -> str:
        """A working entry the listings do not show is asked for by its id; unknown ones are the settlement's."""
        for entry in entries:
            current = await self._records.entries.get(entry.id)
            if current.state is not EntryState.WORKING or current.order_id is None or current.order_id in listed:
                continue
            try:
                report = await self._broker.order(current.account, current.order_id)
            except BrokerError as error:
                return f"{masked(current.account)} order {current.order_id}: {error.detail}"
            await self._watch.apply(current.id, report)
        return ""

    async def judge_earlier(self, number: str, today: date) -> None:
        """A working or unknown entry of an earlier date stops the account (SPEC 9)."""
        open_now = [e for e in await self._records.entries.open() if e.account == number]
        earlier = [e for e in open_now if e.session_day < today and e.state in _UNSETTLED]
        trouble = None
        if earlier:
            entry = earlier[0]
            trouble = (
                f"the entry of {entry.session_day} is {entry.state.value} (order {entry.order_id or 'without id'})"
            )
        await self._breakers.follow(BreakerKind.EARLIER_ENTRY, number, trouble)

    async def _compare_positions(self, number: str, reads: AccountReads, today: date) -> None:
        """A filled trident is held whole or not at all; anything between is for the operator to settle."""
        held: Counter[str] = Counter()
        for position in reads.positions:
            held[position.symbol] += int(abs(position.quantity))
        # The newest first: what an older one lost stays its own loss when a later trident shares a leg.
        for entry in reversed(await self._records.entries.filled_open(number, today)):
            found = {leg.symbol: min(held[leg.symbol], leg.quantity) for leg in entry.request.legs}
            held.subtract(found)
            short = [leg for leg in entry.request.legs if found[leg.symbol] < leg.quantity]
            if not short or not any(found.values()):
                continue
            told = ", ".join(f"{found[leg.symbol]} of {leg.quantity} {leg.symbol}" for leg in short)
            why = (
                f"of the {entry.underlying} trident of {entry.session_day} the broker holds {told}; "
                "a reset settles these quantities until they change again"
            )
            if not await self._records.breakers.settled(BreakerKind.MISMATCH, number, why):
                await self._breakers.open(BreakerKind.MISMATCH, number, why)

    async def _judge_incidents(self, number: str) -> None:
        """An incident whose breaker was never recorded (the process died between the two) stops the account now."""
        for entry in await self._records.entries.incidents(number):
            since = entry.terminal_at
            if since is not None and not await self._records.breakers.opened_since(BreakerKind.INCIDENT, number, since):
                why = f"order {entry.order_id}: {entry.detail}"
                await self._breakers.open(BreakerKind.INCIDENT, number, why)

    async def _tell_foreign(self, number: str, foreign: Sequence[OrderReport]) -> None:
        for report in foreign:
            if report.order_id in self._foreign_told:
                continue
            self._foreign_told.add(report.order_id)
            await self._bus.publish(
                Event(
                    at=self._clock.now(),
                    kind="reconcile.foreign",
                    text=f"{masked(number)}: order {report.order_id} ({report.underlying}, {report.status}) "
                    "is not ours; it is left alone",
                    severity=Severity.INFO,
                    account=number,
                )
            )
