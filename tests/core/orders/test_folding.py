"""Reports of several entries are folded side by side; what holds for a whole day is kept by the records (rules 9)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

import pytest

from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Entry, Fill, Intent, OrderReport, ReportedLeg
from core.orders.folding import Folding
from core.orders.kinds import product_kinds
from core.records.records import Records
from core.records.repositories.rows import DayHeld
from core.runtime.bus import Bus
from core.runtime.clock import SystemClock
from tests.support.record_samples import AT, CLOSES, after, entry, url_of

pytestmark = pytest.mark.usefixtures("store")


@dataclass
class Folded:
    """Records with a folding, and what it has told: the ids of entries that have ended, and of incidents."""

    records: Records
    closed: list[str] = field(default_factory=list)
    incidents: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        clock = SystemClock()
        bus = Bus(self.records.journal.append, clock)
        kinds = product_kinds(
            records=self.records,
            bus=bus,
            clock=clock,
            sessions_back=lambda day, sessions: day,
            on_closed=self._on_closed,
            on_incident=self._on_incident,
        )
        self.folding = Folding(records=self.records, kinds=kinds, clock=clock)

    async def _on_closed(self, of: Intent) -> None:
        self.closed.append(of.id)

    async def _on_incident(self, of: Intent, why: str) -> None:
        self.incidents.append(of.id)

    async def sent(self, name: str, account: str = "5WT00001") -> Entry:
        prepared = await self.records.entries.prepare(entry(name, account))
        assert not isinstance(prepared, DayHeld)
        assert await self.records.entries.mark_sent(name, AT, epoch=self.records.epoch, closes=CLOSES)
        return await self.records.entries.get(name)


@pytest.fixture
async def folded(tmp_path: Path) -> AsyncIterator[Folded]:
    records = await Records.open(url_of(tmp_path / "records.sqlite3"))
    yield Folded(records)
    await records.close()


def filled(of: Entry, order_id: str) -> OrderReport:
    """The broker's report that the entry's order has filled, with all its fill records."""
    legs = tuple(
        ReportedLeg(
            leg.symbol,
            leg.action.value,
            Decimal(leg.quantity),
            Decimal(0),
            (Fill(f"{order_id}-{number}", leg.symbol, Decimal(leg.quantity), Decimal("3.1"), AT),),
        )
        for number, leg in enumerate(of.request.legs)
    )
    credit, identifier = of.request.credit, of.identifier
    return OrderReport(order_id, of.account, "Filled", identifier, of.underlying, credit, legs, AT, AT, AT)


@pytest.mark.parametrize("first", ["late", "new"])
async def test_two_entries_of_one_day_that_fill_at_once_are_one_holder_and_one_incident(
    folded: Folded, first: str
) -> None:
    """The order of the first entry fills after its end was proved and the day was given to the second."""
    late = await folded.sent("late")
    await folded.records.entries.become("late", OrderState.WORKING, at=after(1), order_id="71", broker_status="Live")
    await folded.records.entries.become("late", OrderState.EXPIRED, at=after(2), broker_status="Expired")
    await folded.records.entries.free_day("late", "two complete reads show no fill", after(200))
    new = await folded.sent("new")
    reports = {"late": filled(late, "71"), "new": filled(new, "72")}
    names = sorted(reports, key=lambda name: name != first)
    sent = {"late": late, "new": new}
    await asyncio.gather(*(folded.folding.apply(sent[name], reports[name]) for name in names))
    found = {name: await folded.records.entries.get(name) for name in names}
    assert {name: (one.state, one.holds_day) for name, one in found.items()} == {
        "late": (OrderState.INCIDENT, False),
        "new": (OrderState.FILLED, True),
    }
    assert all(len(one.fills) == 4 for one in found.values()), "a fill was lost"
    assert folded.incidents == ["late"]
    assert sorted(folded.closed) == ["late", "new"]


async def test_a_report_does_not_wait_for_another_entrys(folded: Folded) -> None:
    slow, quick = await folded.sent("slow"), await folded.sent("quick", "5WT00002")
    entries, goes_on, began = folded.records.entries, asyncio.Event(), asyncio.Event()
    get = entries.get

    async def late_for_one(entry_id: str) -> Entry:
        if entry_id == "slow" and not began.is_set():
            began.set()
            await goes_on.wait()
        return await get(entry_id)

    setattr(entries, "get", late_for_one)  # noqa: B010 - a method of this one instance
    waiting = asyncio.create_task(folded.folding.apply(slow, filled(slow, "71")))
    await began.wait()
    again = asyncio.create_task(folded.folding.apply(slow, replace(filled(slow, "71"), status="Live", legs=())))
    async with asyncio.timeout(30):
        assert (await folded.folding.apply(quick, filled(quick, "72"))).state is OrderState.FILLED
    assert not waiting.done()
    assert not again.done(), "two reports of one entry were folded at once"
    goes_on.set()
    assert (await waiting).state is OrderState.FILLED
    assert (await again).state is OrderState.FILLED
