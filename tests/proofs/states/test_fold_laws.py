"""Folding the broker's reports of an order gives the same entry, however often and in whatever order they arrive."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.operation.events import Event, Severity
from core.domain.orders.orders import Entry, Fill, Intent, OrderReport, ReportedLeg
from core.guards.refused_orders import RefusedOrders
from core.orders.kinds import product_kinds
from core.orders.tracker import OrderTracker
from core.records.records import Records
from core.records.repositories.rows import DayHeld, IntentChange
from core.runtime.bus import Bus
from core.runtime.virtual_time import VirtualClock, VirtualTimeLoop
from tests.support import record_samples
from tests.support.oracle import STATE_OF_STATUS, is_whole
from tests.support.proofs import rounds
from tests.support.record_samples import AT, CLOSES, request, url_of
from tests.support.sqlite_on_the_loop import Disk, on_disk
from tests.support.world import StoreCalls

T = TypeVar("T")

ROUTE = ("Received", "Routed", "In Flight", "Live")
LEGS = request("any").legs
UNKNOWN_WORDS = st.text(max_size=12).filter(lambda word: word not in STATE_OF_STATUS) | st.sampled_from(
    ("Dead", "Remove Pending", "filled", "LIVE", "\0", "\ud800")
)


@dataclass(frozen=True)
class Folded:
    """The outcome of an entry, without its times."""

    state: str
    order_id: str | None
    status: str | None
    fills: frozenset[Fill]
    history: tuple[str, ...]
    events: tuple[str, ...]


class FoldedEntries:
    """Records in a file, and a tracker per entry; every entry has an account of its own."""

    def __init__(self, path: Path) -> None:
        self._disk = ExitStack()
        self._disk.enter_context(on_disk(Disk))
        self._calls = StoreCalls()
        self.loop = VirtualTimeLoop(self._calls.count)
        self.clock = VirtualClock(AT, self.loop)
        self._records = self._open(path)
        self._calls.one_at_a_time(self._records.database)
        self._count = 0

    def _open(self, path: Path) -> Records:
        self._calls.under_way += 1
        try:
            return self.loop.run_until_complete(Records.open(url_of(path)))
        finally:
            self._calls.under_way -= 1

    def close(self) -> None:
        self.loop.run_until_complete(self._records.close())
        self.loop.close()
        self._disk.close()

    def fold(self, reports: Sequence[OrderReport], *, acknowledged_after: int | None = None) -> Folded:
        """Folds the reports into a sent entry.

        With `acknowledged_after` the alerts carry no identifier, and after so many of them the first report comes as
        the broker's acknowledgement.
        """
        return self.loop.run_until_complete(self._fold(reports, acknowledged_after))

    async def _fold(self, reports: Sequence[OrderReport], acknowledged_after: int | None) -> Folded:
        events: list[Event] = []
        bus = Bus(self._records.journal.append, self.clock)
        bus.listen(events.append)
        tracker = _tracker(self._records, bus, self.clock)
        entry = await self._sent_entry()
        told = [_about(entry, report) for report in reports]
        if acknowledged_after is None:
            for report in told:
                await tracker.apply(entry, report)
        else:
            await self._hear(tracker, entry, told, acknowledged_after)
        found = await self._records.entries.get(entry.id)
        history: tuple[IntentChange, ...] = await self._records.entries.history(entry.id)
        return Folded(
            found.state.value,
            None if found.order_id is None else "the order",
            found.broker_status,
            frozenset(replace(fill, fill_id=fill.fill_id.split("/")[1], order_id="") for fill in found.fills),
            tuple(change.state.value for change in history),
            tuple(event.kind for event in events),
        )

    async def _hear(self, tracker: OrderTracker, entry: Entry, told: Sequence[OrderReport], after: int) -> None:
        running = asyncio.create_task(tracker.run())
        for index, report in enumerate(told):
            if index == after:
                await tracker.acknowledged(entry, told[0])
            tracker.on_order(replace(report, identifier=None))
            await self.clock.sleep(0.01)
        if after >= len(told):
            await tracker.acknowledged(entry, told[0])
        running.cancel()
        await asyncio.wait({running})

    async def _sent_entry(self) -> Entry:
        self._count += 1
        name = f"e{self._count}"
        entry = await self._records.entries.prepare(record_samples.entry(name, account=f"5WT{self._count:05d}"))
        assert not isinstance(entry, DayHeld)
        assert await self._records.entries.mark_sent(name, AT, epoch=self._records.epoch, closes=CLOSES)
        return entry


def _tracker(records: Records, bus: Bus, clock: VirtualClock) -> OrderTracker:
    refused = RefusedOrders(clock, lambda at: (clock.now() - at).total_seconds())
    return OrderTracker(
        records=records,
        kinds=product_kinds(
            records=records,
            bus=bus,
            clock=clock,
            sessions_back=lambda day, sessions: day,
            on_closed=_nothing,
            on_incident=_no_breaker,
        ),
        clock=clock,
        refused=refused,
        on_alerts_connected=lambda: None,
    )


async def _nothing(intent: Intent) -> None:
    """These tests follow no quotes of legs."""


async def _no_breaker(intent: Intent, detail: str) -> None:
    """Breakers are tested elsewhere."""


def _fills_of(report: OrderReport) -> frozenset[Fill]:
    """The fills of the report, without the id of its order: each folding of it has another one."""
    return frozenset(fill for leg in report.legs for fill in leg.fills)


@pytest.fixture(scope="module")
def entries(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FoldedEntries]:
    opened = FoldedEntries(tmp_path_factory.mktemp("folds") / "records.sqlite3")
    yield opened
    opened.close()


def report(status: str, fills: Sequence[Fill] = (), updated_s: float = 0.0) -> OrderReport:
    """A report of the order with these fills, as in an answer, a listing or an alert."""
    legs = []
    for leg in LEGS:
        own = tuple(fill for fill in fills if fill.symbol == leg.symbol)
        remaining = leg.quantity - sum((fill.quantity for fill in own), Decimal(0))
        legs.append(ReportedLeg(leg.symbol, leg.action.value, Decimal(leg.quantity), remaining, own))
    at = AT + timedelta(seconds=updated_s)
    return OrderReport("9", "", status, "", "QQQ", Decimal("4.06"), tuple(legs), AT, None, at)


def _about(entry: Entry, told: OrderReport) -> OrderReport:
    """The report as one about this entry: with its account, identifier, order and fills."""
    legs = tuple(
        replace(leg, fills=tuple(replace(f, fill_id=f"{entry.id}/{f.fill_id}") for f in leg.fills)) for leg in told.legs
    )
    return replace(told, order_id=entry.id[1:], account=entry.account, identifier=entry.identifier, legs=legs)


def fills_of_the_order() -> tuple[Fill, ...]:
    """The fills of a whole order, one contract each: two, two, one and one."""
    return tuple(
        Fill(f"{index}{contract}", leg.symbol, Decimal(1), Decimal("3.1"), AT)
        for index, leg in enumerate(LEGS)
        for contract in range(leg.quantity)
    )


FILLS = fills_of_the_order()
LAW = settings(max_examples=rounds(8, 2_500))
"""Each example is about twelve reports, and each report several durable commits."""


@st.composite
def lives(draw: st.DrawFn) -> list[OrderReport]:
    """The reports of one order in the order they happened: its way to the exchange, fills, and perhaps an end without a
    complete fill. The broker dates each later than the one before, or all alike."""
    told = [report(word) for word in ROUTE[: draw(st.integers(1, 4))]]
    filled: tuple[Fill, ...] = ()
    for fill in draw(st.permutations(FILLS))[: draw(st.integers(0, len(FILLS)))]:
        filled = (*filled, fill)
        told.append(report("Filled" if len(filled) == len(FILLS) else "Live", filled))
    if len(filled) < len(FILLS) and draw(st.booleans()):
        told.append(report(draw(st.sampled_from(("Cancelled", "Expired", "Removed"))), filled))
    if draw(st.booleans()):
        told = [replace(each, updated_at=AT + timedelta(seconds=index)) for index, each in enumerate(told)]
    return told


def _end_of(told: Sequence[OrderReport]) -> str:
    """The final state of an order with these reports: decided by its fills first, then by its last status (rules 9)."""
    last = told[-1]
    if is_whole(LEGS, last.fills):
        return "filled"
    ended = STATE_OF_STATUS[last.status]
    return "incident" if last.fills and ended != "working" else ended


@LAW
@given(told=lives(), data=st.data())
def test_a_report_told_again_changes_nothing(
    entries: FoldedEntries, told: list[OrderReport], data: st.DataObject
) -> None:
    once = entries.fold(told)
    again: list[OrderReport] = []
    for index, each in enumerate(told):
        again += [each] * data.draw(st.integers(1, 3))
        again += data.draw(st.lists(st.sampled_from(told[: index + 1]), max_size=2))
    assert entries.fold(again) == once


@LAW
@given(order=st.permutations(FILLS), other=st.permutations(FILLS), cut=st.integers(0, len(FILLS)))
def test_fills_of_different_ids_commute(
    entries: FoldedEntries, order: Sequence[Fill], other: Sequence[Fill], cut: int
) -> None:
    kept = set(order[:cut])
    one = entries.fold([report("Live", [fill]) for fill in order[:cut]])
    two = entries.fold([report("Live", [fill]) for fill in other if fill in kept])
    assert (one.state, one.fills) == (two.state, two.fills)
    assert one.fills == kept
    assert (one.state == "filled") == is_whole(LEGS, kept)


@LAW
@given(told=lives(), data=st.data())
def test_the_order_of_news_changes_no_fill_and_no_end(
    entries: FoldedEntries, told: list[OrderReport], data: st.DataObject
) -> None:
    again = data.draw(st.lists(st.sampled_from(told), max_size=3))
    folded = entries.fold(data.draw(st.permutations([*told, *again])))
    assert folded.fills == _fills_of(told[-1])
    assert folded.state == _end_of(told)


@LAW
@given(told=lives(), word=UNKNOWN_WORDS, at=st.integers(0, 12), fills=st.sets(st.sampled_from(FILLS)))
def test_an_unknown_word_keeps_the_state_and_the_fills_and_is_alerted_once(
    entries: FoldedEntries, told: list[OrderReport], word: str, at: int, fills: set[Fill]
) -> None:
    before = told[:at]
    plain = entries.fold(before)
    strange = report(word, sorted(fills, key=lambda fill: fill.fill_id))
    odd = entries.fold([*before, strange, strange])
    assert odd.fills == plain.fills | fills
    if not is_whole(LEGS, odd.fills):
        ended = plain.state in ("cancelled", "expired")
        assert odd.state == ("incident" if ended and odd.fills else plain.state)
        assert odd.events.count("order.status_unknown") == 1
    elif plain.state != "incident":
        assert odd.state == "filled"


@LAW
@given(told=lives(), data=st.data())
def test_news_before_the_acknowledgement_is_kept_and_applied(
    entries: FoldedEntries, told: list[OrderReport], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(told))
    late = entries.fold(shuffled, acknowledged_after=data.draw(st.integers(0, len(shuffled))))
    assert late.fills == _fills_of(told[-1])
    assert late.state == _end_of(told)


@LAW
@given(parts=st.integers(1, len(FILLS)), word=st.sampled_from(("Cancelled", "Expired")), told_as=st.booleans())
def test_a_fill_after_the_end_is_kept(entries: FoldedEntries, parts: int, word: str, told_as: bool) -> None:
    late = FILLS[:parts]
    folded = entries.fold([report("Live"), report(word), report("Filled" if told_as else word, late)])
    assert folded.fills == set(late)
    assert word.lower() in folded.history
    whole = parts == len(FILLS)
    if whole:
        assert folded.state == "filled"
    elif not told_as:
        assert folded.state == "incident"


def test_an_alert_is_critical_when_the_word_is_unknown(entries: FoldedEntries) -> None:
    async def words() -> list[Severity]:
        events: list[Event] = []
        bus = Bus(entries._records.journal.append, entries.clock)
        bus.listen(events.append)
        tracker = _tracker(entries._records, bus, entries.clock)
        entry = await entries._sent_entry()
        await tracker.apply(entry, _about(entry, report("Dead")))
        return [event.severity for event in events]

    assert entries.loop.run_until_complete(words()) == [Severity.CRITICAL]
