"""Follows entries at the broker to their end, by alerts, polls and fills (rules 9)."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from core.broker.port import Broker, BrokerError, StreamState, StreamStatus
from core.domain.operation import amounts
from core.domain.operation.events import Severity, masked
from core.domain.operation.reasons import Figures
from core.domain.orders.fills import fill_credit, is_balanced, is_complete, is_known, is_overfilled, is_rest_open
from core.domain.orders.order_states import OPEN_STATES, EntryState, may_become, state_for
from core.domain.orders.orders import Entry, OrderReport, OrderRequest
from core.domain.trident.trident import max_risk
from core.records.records import Records
from core.records.store.errors import RecordsError
from core.runtime.bus import Bus
from core.runtime.clock import Clock, exchange_time

_PARKED = 200
_FILLS_MAY_COME = timedelta(days=7)
"""How long after its session a filled order is still polled for fill records that are missing."""
_SEVERITY = {
    EntryState.REJECTED: Severity.WARNING,
    EntryState.CANCELLED: Severity.WARNING,
    EntryState.EXPIRED: Severity.WARNING,
    EntryState.UNKNOWN: Severity.CRITICAL,
    EntryState.INCIDENT: Severity.CRITICAL,
}
log = logging.getLogger(__name__)


@dataclass(eq=False, repr=False)
class OrderTracker:
    """Applies what the broker reports to the recorded entries. After sending, nothing else writes an entry's state."""

    broker: Broker
    records: Records
    bus: Bus
    clock: Clock
    on_closed: Callable[[str], Awaitable[None]]
    on_incident: Callable[[Entry, str], Awaitable[None]]
    on_alerts_connected: Callable[[], None]
    on_alerts_lost: Callable[[], None] = lambda: None
    _folding: asyncio.Lock = field(init=False, default_factory=asyncio.Lock)
    _heard: asyncio.Queue[OrderReport] = field(init=False, default_factory=asyncio.Queue)
    _poll_wanted: asyncio.Event = field(init=False, default_factory=asyncio.Event)
    _preparing: set[str] = field(init=False, default_factory=set)
    _sending: set[str] = field(init=False, default_factory=set)
    # Alerts about orders whose entry is not known yet. They are applied once the acknowledgement is stored.
    _parked: OrderedDict[str, list[OrderReport]] = field(init=False, default_factory=OrderedDict)
    _unknown_words: set[tuple[str, str]] = field(init=False, default_factory=set)
    alerts: StreamStatus = field(init=False)

    def __post_init__(self) -> None:
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
            self.on_alerts_lost()

    # Called by the engine and the desk

    async def recover(self) -> None:
        """Settles what an earlier process left: an entry that was prepared and not sent did not leave; one that was
        sent and has no outcome is unknown. Raises RecordsError."""
        for entry in await self.records.entries.open():
            if entry.state is EntryState.PREPARED:
                await self._become(entry, EntryState.NOT_SENT, detail="the process ended before sending")
            elif entry.state is EntryState.SENT:
                await self._become(entry, EntryState.UNKNOWN, detail="the process ended before the broker's answer")
        self.poll_soon()

    def poll_soon(self) -> None:
        """Has `run_polls` ask the broker about every open entry in its next turn."""
        self._poll_wanted.set()

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

    async def run_polls(self) -> None:
        """Polls when asked, until cancelled. It runs beside `run`, so that slow reads hold up no alert. Raises
        RecordsError."""
        while True:
            await self._poll_wanted.wait()
            self._poll_wanted.clear()
            await self.poll()

    @contextmanager
    def preparing(self, entry_id: str) -> Iterator[None]:
        """Marks a `prepared` entry as on its way to be sent. A prepared entry without the mark was not sent; only the
        record of that failed."""
        self._preparing.add(entry_id)
        try:
            yield
        finally:
            self._preparing.discard(entry_id)

    @contextmanager
    def sending(self, entry_id: str) -> Iterator[None]:
        """Marks a `sent` entry as on its way. A sent entry without the mark has an outcome that could not be
        recorded."""
        self._sending.add(entry_id)
        try:
            yield
        finally:
            self._sending.discard(entry_id)

    async def acknowledged(self, entry_id: str, report: OrderReport) -> Entry:
        """Stores the broker's acknowledgement, then the alerts that came before it. Raises RecordsError."""
        entry = await self.apply(entry_id, report)
        # All are applied: the last alert to arrive need not report the last change.
        for heard in self._parked.pop(report.order_id, ()):
            entry = await self.apply(entry_id, heard)
        return entry

    async def poll(self) -> None:
        """Reads every open entry at the broker, unknown ones by their identifier. A failed read proves nothing. Raises
        RecordsError."""
        for entry in await self._to_poll():
            if entry.state is EntryState.PREPARED:
                await self._become(
                    entry, EntryState.NOT_SENT, detail="it did not leave, and that could not be recorded"
                )
                continue
            if entry.state is EntryState.SENT:
                await self.unacknowledged(entry.id, EntryState.UNKNOWN, "its outcome could not be recorded")
                continue
            try:
                report = await self._read(entry)
            except BrokerError as error:
                log.warning("order of entry %s could not be read: %s", entry.id, error)
                continue
            if report is not None:
                await self.apply(entry.id, report)

    async def _to_poll(self) -> list[Entry]:
        since = exchange_time(self.clock.now()).date() - _FILLS_MAY_COME
        entries = [
            e
            for e in await self.records.entries.to_follow(since)
            if e.state is not EntryState.FILLED or not is_complete(e.terms, e.fills)
        ]
        polled = (EntryState.WORKING, EntryState.UNKNOWN, EntryState.FILLED)
        under_way = {
            EntryState.PREPARED: self._preparing | self._sending,
            EntryState.SENT: self._sending,
        }
        lost = [e for e in entries if e.state in under_way and e.id not in under_way[e.state]]
        return lost + [e for e in entries if e.state in polled]

    async def _read(self, entry: Entry) -> OrderReport | None:
        if entry.order_id is not None:
            return await self.broker.order(entry.account, entry.order_id)
        listed = await self.broker.orders_since(entry.account, entry.session_day)
        return next((report for report in listed if report.identifier == entry.identifier), None)

    async def _offer(self, report: OrderReport) -> None:
        entry = await self.records.entries.by_order(report.order_id, report.account)
        if entry is None and report.identifier is not None:
            entry = await self.records.entries.by_identifier(report.identifier)
        if entry is not None:
            await self.apply(entry.id, report)
            return
        parked = self._parked.setdefault(report.order_id, [])
        parked.append(report)
        del parked[:-_PARKED]
        self._parked.move_to_end(report.order_id)
        while len(self._parked) > _PARKED:
            self._parked.popitem(last=False)

    async def unacknowledged(self, entry_id: str, state: EntryState, detail: str) -> Entry:
        """Records the state of a sending that has no acknowledgement. What an alert has proved meanwhile stands. Raises
        RecordsError."""
        async with self._folding:
            current = await self.records.entries.get(entry_id)
            if current.state is not EntryState.SENT:
                return current
            return await self._become(current, state, detail=detail)

    async def absent(self, entry: Entry, proof: str) -> Entry:
        """Records that an unknown entry is proved not to be at the broker. It still holds the day (policy `close_day`).
        Raises RecordsError."""
        async with self._folding:
            current = await self.records.entries.get(entry.id)
            if current.state is not EntryState.UNKNOWN:
                return current
            return await self._become(current, EntryState.ABSENT, detail=proof)

    async def attested(
        self,
        entry: Entry,
        state: EntryState,
        who: str,
        why: str,
        report: OrderReport | None = None,
        taken: OrderRequest | None = None,
    ) -> Entry:
        """Records an incident as what an operator attests it to be, whose word is on record. `taken` is the order as
        the broker has it, when it is another than the one asked for. Raises RecordsError."""
        async with self._folding:
            current = await self.records.entries.get(entry.id)
            if current.state is not EntryState.INCIDENT:
                return current
            current = await self.records.entries.become(
                entry.id,
                state,
                at=self.clock.now(),
                order_id=None if report is None else report.order_id,
                broker_status=None if report is None else report.status,
                detail=why,
                attested_by=who,
                taken=taken,
            )
            await self.announce(current)
            return current

    async def apply(self, entry_id: str, report: OrderReport) -> Entry:
        """Applies one report to the entry and returns the entry. Fills are always stored; a state never goes back
        (rules 9). Raises RecordsError."""
        async with self._folding:
            entry = await self.records.entries.get(entry_id)
            if any(not is_known(fill, entry.fills) for fill in report.fills) and await self.records.entries.add_fills(
                entry.id, report.fills, self.clock.now(), rest_is_open=is_rest_open(report)
            ):
                entry = await self.records.entries.get(entry_id)
                await self._say_fills(entry, report)
            if _is_other_ended_order(entry, report):
                log.info("entry %s: order %s of it ended, %s stands", entry.id, report.order_id, entry.order_id)
                return entry
            if _fills_contradict(entry):
                detail = f"{len(entry.fills)} fill records do not fit an order recorded as {entry.state.words}"
                return await self._become(
                    entry, EntryState.INCIDENT, order_id=report.order_id, status=report.status, detail=detail
                )
            state = self._state_from(entry, report)
            if state is None:
                await self._park_status(entry, report)
                return entry
            if _contradicts(entry, report, state):
                detail = f"recorded as {entry.state.words}, and yet order {report.order_id} is {report.status} there"
                return await self._become(
                    entry, EntryState.INCIDENT, order_id=report.order_id, status=report.status, detail=detail
                )
            if state is entry.state:
                if _is_older_report(entry, report):
                    return entry
                if (report.status, report.order_id) != (entry.broker_status, entry.order_id):
                    entry = await self.records.entries.become(
                        entry.id,
                        state,
                        at=self.clock.now(),
                        order_id=report.order_id,
                        broker_status=report.status,
                        detail=entry.detail,
                        cancelled_by=report.cancelled_by,
                    )
                    await self._say(entry, "order.status", f"order {report.order_id}: {report.status}", Severity.INFO)
                return entry
            if not may_become(entry.state, state):
                log.info("entry %s stays %s: the broker's %s is older news", entry.id, entry.state, report.status)
                return entry
            return await self._become(
                entry,
                state,
                order_id=report.order_id,
                status=report.status,
                detail=report.reject_reason or "",
                cancelled_by=report.cancelled_by,
            )

    async def _say_fills(self, entry: Entry, report: OrderReport) -> None:
        """Says what fills just recorded mean, where no change of state says it: a part of the order is filled, or the
        credit of a filled order is known at last."""
        complete = is_complete(entry.terms, entry.fills)
        if is_rest_open(report) and not complete:
            await self._say(entry, "order.partially_filled", "partially filled", Severity.INFO)
        elif entry.state is EntryState.FILLED and complete and not _fills_contradict(entry):
            text = f"the fill records of order {entry.order_id} have all come: filled"
            await self._say(entry, "order.fills_known", text, Severity.INFO)

    def _state_from(self, entry: Entry, report: OrderReport) -> EntryState | None:
        """The state that the fills show; where they show none, the one that the broker's status means."""
        state = state_for(report.status)
        if is_complete(entry.terms, entry.fills):
            return EntryState.FILLED
        if state in (EntryState.CANCELLED, EntryState.EXPIRED, EntryState.REJECTED) and not is_balanced(
            entry.terms, entry.fills
        ):
            return EntryState.INCIDENT
        return state

    async def _park_status(self, entry: Entry, report: OrderReport) -> None:
        await self.records.entries.note_status(entry.id, report.status, self.clock.now())
        if (entry.id, report.status) not in self._unknown_words:
            self._unknown_words.add((entry.id, report.status))
            text = f"the broker calls order {report.order_id} {report.status!r}, which this console does not know"
            await self._say(entry, "order.status_unknown", text, Severity.CRITICAL)

    async def _become(
        self,
        entry: Entry,
        state: EntryState,
        *,
        order_id: str | None = None,
        status: str | None = None,
        detail: str = "",
        cancelled_by: str = "",
    ) -> Entry:
        entry = await self.records.entries.become(
            entry.id,
            state,
            at=self.clock.now(),
            order_id=order_id,
            broker_status=status,
            detail=detail,
            cancelled_by=cancelled_by,
        )
        if entry.state is EntryState.INCIDENT:
            await self.on_incident(entry, entry.detail or "fills do not add up to the order")
        await self.announce(entry)
        if entry.state not in OPEN_STATES:
            await self.on_closed(entry.id)
        return entry

    async def announce(self, entry: Entry) -> None:
        """Publishes the entry's state with its figures."""
        named = f"order {entry.order_id}" if entry.order_id else "the order"
        text = {
            EntryState.WORKING: f"order {entry.order_id} is working at {amounts.credit(entry.limit)} credit",
            EntryState.FILLED: f"order {entry.order_id} is filled"
            + ("" if is_complete(entry.terms, entry.fills) else "; its fill records have not all come"),
            EntryState.REJECTED: f"the broker rejected the order: {entry.detail or 'no reason given'}",
            EntryState.NOT_SENT: f"the order did not leave: {entry.detail}",
            EntryState.UNKNOWN: f"whether the broker took the order is unknown: {entry.detail}",
        }.get(entry.state, f"{named} is {entry.state.words}: {entry.detail}".rstrip(": "))
        await self._say(entry, f"order.{entry.state.value}", text, _SEVERITY.get(entry.state, Severity.INFO))

    async def _say(self, entry: Entry, kind: str, text: str, severity: Severity) -> None:
        credit = fill_credit(entry.terms, entry.fills)
        figures: Figures = (
            ("entry", entry.id),
            ("order_id", entry.order_id),
            ("limit", entry.limit),
            ("contracts_filled", str(sum((f.quantity for f in entry.fills), 0))),
        )
        if credit is not None:
            text = (
                f"{text} at {amounts.credit(credit)} credit, max risk {amounts.dollars(max_risk(entry.width, credit))}"
            )
            figures = (*figures, ("fill_credit", credit), ("max_risk", max_risk(entry.width, credit)))
        await self.bus.say(
            kind,
            f"{entry.underlying} {masked(entry.account)}: {text}",
            severity,
            cycle=entry.cycle,
            account=entry.account,
            underlying=entry.underlying,
            figures=figures,
        )


_ENDED = (EntryState.CANCELLED, EntryState.EXPIRED, EntryState.REJECTED, EntryState.ABSENT, EntryState.NOT_SENT)


def _fills_contradict(entry: Entry) -> bool:
    """Whether more contracts filled than were ordered, or only some of an order that has ended. People have to settle
    that (rules 9, 13.6)."""
    if entry.state is EntryState.INCIDENT:
        return False
    if is_overfilled(entry.terms, entry.fills):
        return True
    return entry.state in _ENDED and bool(entry.fills) and not is_complete(entry.terms, entry.fills)


_ROUTE = ("Received", "Routed", "In Flight", "Live")


def _is_older_report(entry: Entry, heard: OrderReport) -> bool:
    """Whether a later state of the order than the report's is already known. Answers and alerts may cross."""
    if entry.state is EntryState.FILLED:
        return state_for(heard.status) is EntryState.WORKING
    if entry.order_id is not None and heard.order_id != entry.order_id:
        return not _is_newer(heard.order_id, entry.order_id)
    known = entry.broker_status
    return known in _ROUTE and heard.status in _ROUTE and _ROUTE.index(heard.status) < _ROUTE.index(known)


def _is_newer(order_id: str, than: str) -> bool:
    """Whether the broker gave this order id later: its ids count up."""
    return (len(order_id), order_id) > (len(than), than)


def _is_other_ended_order(entry: Entry, report: OrderReport) -> bool:
    """Whether the report is about another order of this entry that ended unfilled: one that was replaced at the broker,
    or a replacement that was dropped. Both carry our identifier (broker 8)."""
    ended = state_for(report.status) in (EntryState.CANCELLED, EntryState.EXPIRED, EntryState.REJECTED)
    return entry.order_id is not None and report.order_id != entry.order_id and ended and not report.fills


def _contradicts(entry: Entry, report: OrderReport, state: EntryState) -> bool:
    """Whether the report shows an order that by our evidence does not exist: it never left, or was refused at once."""
    if entry.state is EntryState.NOT_SENT:
        return True
    if entry.state in (EntryState.CANCELLED, EntryState.EXPIRED) and state is EntryState.WORKING:
        # The recorded order has ended, and an order that replaced it at the broker works.
        return entry.order_id is not None and _is_newer(report.order_id, entry.order_id)
    return entry.state is EntryState.REJECTED and entry.order_id is None and state is not EntryState.REJECTED
