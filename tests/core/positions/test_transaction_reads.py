"""The broker's history is read when something new may be in it, from no earlier than it can be about a trident."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

from core.broker.pace import Pace
from core.domain.market.quotes import DaySummary
from core.domain.orders.orders import Entry
from core.domain.orders.transactions import Transaction
from core.domain.positions.pnl import OfficialClose
from core.positions.official_closes import OfficialCloses
from core.positions.transactions import TransactionReads
from core.simulator.exchange.faults import FaultKind
from tests.support.tridents import D
from tests.support.world import ACCOUNT, MONDAY, World, et, in_world

HISTORY = f"/accounts/{ACCOUNT}/transactions"
TODAY = date.fromisoformat(MONDAY)


@dataclass
class Read:
    """What the readings of a test were told."""

    first: date | None = TODAY
    rows: list[tuple[Transaction, ...]] = field(default_factory=list)

    async def first_trident(self, account: str) -> date | None:
        return self.first

    async def on_read(self, account: str, changed: tuple[Transaction, ...]) -> None:
        assert account == ACCOUNT
        self.rows.append(changed)


def reads_of(world: World, told: Read) -> TransactionReads:
    parts = world.engine.parts
    return TransactionReads(
        world.broker,
        world.records,
        world.engine.bus,
        world.clock,
        parts.calendar,
        Pace(world.clock),
        lambda _: "main",
        told.first_trident,
        told.on_read,
    )


@asynccontextmanager
async def traded(world: World, until: str = "09:46:30") -> AsyncIterator[Entry]:
    """A day on which an entry was filled, with the records of an engine that does not run any more: nothing else asks
    the broker or takes time."""
    await world.start()
    await world.until(until)
    entry = await world.entry()
    await world.stop()
    await world.build()
    yield entry
    await world.records.close()


async def said_of_it(world: World) -> list[str]:
    """What was said of the history since the start, oldest first."""
    return [e.text for e in reversed(await world.records.journal.newest(200)) if e.kind.startswith("transactions.")]


def test_the_history_is_read_at_the_start_and_at_its_times(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        async with traded(world):
            told = Read()
            reads = reads_of(world, told)
            assert reads.times(TODAY) == (et(MONDAY, "08:30"), et(MONDAY, "16:30"), et(MONDAY, "22:30"))
            assert reads.times(date(2026, 11, 27))[1] == et("2026-11-27", "13:30"), "half an hour after a half day"
            assert reads.times(date(2026, 3, 1)) == (et("2026-03-01", "08:30"), et("2026-03-01", "22:30"))
            read_at: list[str] = []
            for at in ("09:47", "12:00", "16:29", "16:30", "18:00", "22:31", "23:59"):
                await world.until(at)
                before = len(told.rows)
                assert await reads.read_due([ACCOUNT])
                read_at += [at] * (len(told.rows) - before)
            assert read_at == ["09:47", "16:30", "22:31"]
            await world.until("08:29", "2026-03-03")
            assert not reads.is_due(ACCOUNT)
            await world.until("08:30", "2026-03-03")
            assert reads.is_due(ACCOUNT)

    in_world(day, tmp_path)


def test_rows_are_kept_once_and_those_written_again_as_they_are_now(tmp_path: Path) -> None:
    async def days(world: World) -> None:
        async with traded(world) as entry:
            told = Read()
            reads = reads_of(world, told)
            assert await reads.read(ACCOUNT)
            assert {row.order_id for row in told.rows[0]} == {entry.order_id}
            assert {row.symbol for row in told.rows[0]} == {leg.symbol for leg in entry.request.legs}
            assert all(row.fees_estimated for row in told.rows[0])
            assert await reads.read(ACCOUNT)
            assert told.rows[1] == ()
            await world.until("08:35", "2026-03-04")
            assert await reads.read(ACCOUNT)
            again = {row.id: row for row in told.rows[2]}
            assert {row.id for row in told.rows[0]} <= again.keys()
            assert not any(again[row.id].fees_estimated for row in told.rows[0])
            kept = {row.id: row for row in await world.records.transactions.since(ACCOUNT, et(MONDAY))}
            assert kept.keys() == again.keys()
            assert [len(await world.records.transactions.revisions(ACCOUNT, row.id)) for row in told.rows[0]] == [
                2
            ] * len(told.rows[0])

    in_world(days, tmp_path, poll_s=3600)


def test_without_a_trident_of_ours_nothing_is_read(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        async with traded(world):
            told = Read(first=None)
            reads = reads_of(world, told)
            world.broker.arm(FaultKind.REST_DROP_RESPONSE, method="GET", path=HISTORY, count=None)
            assert await reads.read_due([ACCOUNT])
            assert (told.rows, await world.records.transactions.last_read(ACCOUNT)) == ([], None)

    in_world(day, tmp_path)


def test_a_reading_begins_seven_days_before_the_newest_complete_one_and_never_before_the_first_trident(
    tmp_path: Path,
) -> None:
    async def day(world: World) -> None:
        async with traded(world):
            told = Read(first=TODAY)
            asked_since: list[date] = []
            ask = world.broker.transactions

            async def recorded(number: str, since: date) -> tuple[Transaction, ...]:
                asked_since.append(since)
                return await ask(number, since)

            world.broker.transactions = recorded  # type: ignore[method-assign]  # only to see what is asked for
            reads = reads_of(world, told)
            await reads.read(ACCOUNT)
            await reads.read(ACCOUNT)
            await world.records.transactions.keep(ACCOUNT, [], through=TODAY + timedelta(days=30), at=world.clock.now())
            await reads_of(world, told).read(ACCOUNT)
            assert asked_since == [TODAY, TODAY, TODAY + timedelta(days=23)]

    in_world(day, tmp_path)


def test_a_history_that_cannot_be_read_is_said_once_and_stays_due(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        async with traded(world):
            told = Read()
            reads = reads_of(world, told)
            world.broker.arm(FaultKind.REST_DROP_RESPONSE, method="GET", path=HISTORY, count=2)
            for _ in range(2):
                assert not await reads.read_due([ACCOUNT])
            assert (told.rows, await world.records.transactions.last_read(ACCOUNT)) == ([], None)
            assert await reads.read_due([ACCOUNT])
            said = await said_of_it(world)
            assert [text.partition(":")[0] for text in said] == [
                "the broker's history cannot be read",
                "the broker's history is read again",
            ]
            assert not any(ACCOUNT in text for text in said)
            assert len(told.rows) == 1

    in_world(day, tmp_path)


def test_a_row_of_an_unknown_kind_is_kept_and_the_operator_is_told(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        async with traded(world):
            told = Read()
            reads = reads_of(world, told)
            world.broker.arm(FaultKind.REST_FOREIGN_ITEM, method="GET", path=HISTORY, count=2)
            for _ in range(2):
                assert await reads.read(ACCOUNT)
            kept = await world.records.transactions.since(ACCOUNT, et(MONDAY))
            assert [row.kind for row in kept].count("Barter") == 1
            (said,) = await said_of_it(world)
            assert said == "the broker's history has 1 row of the unknown kind 'Barter'"
            assert reads.unknown_kinds(ACCOUNT) == ("Barter",)
            assert await reads.read(ACCOUNT)
            assert reads.unknown_kinds(ACCOUNT) == ()

    in_world(day, tmp_path)


def test_the_official_close_is_the_one_that_the_next_session_tells(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.build()
        closes = OfficialCloses(world.records, world.engine.parts.calendar)

        def summary(day: date | None, close: str | None) -> DaySummary:
            return DaySummary("QQQ", None if close is None else D(close), None, None, None, 0.0, day)

        sunday, friday = date(2026, 3, 1), date(2026, 2, 27)
        told = [summary(None, "1"), summary(TODAY, None), summary(sunday, "2"), summary(TODAY, "612.34")]
        assert await closes.note("QQQ", told) == 1
        await world.clock.sleep(60)
        assert await closes.note("QQQ", [summary(TODAY, "612.35")]) == 0
        assert not world.records.database.committed_within(59), "what is on record is not written again"
        assert await world.records.pnl_rows.closes("QQQ", friday) == (
            OfficialClose(datetime.fromisoformat("2026-02-27T21:00:00+00:00"), D("612.34")),
        )
        await world.records.close()

    in_world(day, tmp_path)
