"""The cache of reads: nothing is read twice without a write in between, and never anything stale."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.operation.events import Event, Severity
from core.domain.orders.order_states import OrderState
from core.records.records import Records, StateConflict
from core.records.store.database import Database
from tests.support.record_samples import ACCOUNT, AT, CLOSES, DAY, after, entry, fill, url_of


class _Reads:
    """Counts the read transactions that were opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        read = Database.read

        @asynccontextmanager
        async def counted(database: Database) -> AsyncIterator[AsyncConnection]:
            self.count += 1
            async with read(database) as connection:
                yield connection

        monkeypatch.setattr(Database, "read", counted)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> _Reads:
    return _Reads(monkeypatch)


async def _polls(records: Records) -> list[object]:
    """The answers to everything that each poll asks."""
    return [
        await records.entries.open(),
        await records.entries.followed(DAY),
        await records.entries.waiting(DAY),
        await records.entries.failed_sends(DAY),
        await records.outbox.waiting(),
    ]


async def test_without_a_write_between_them_equal_polls_read_the_store_once(records: Records, reads: _Reads) -> None:
    await records.entries.prepare(entry())
    first = await _polls(records)
    asked = reads.count
    await records.journal.append(Event(AT, "cycle.began", "a slot came", Severity.INFO))
    assert [await _polls(records) for _ in range(3)] == [first] * 3
    assert reads.count == asked
    assert await records.entries.waiting(DAY.replace(day=3)) == ()
    assert reads.count == asked + 1, "another question"


async def test_after_every_write_the_polls_find_what_a_fresh_reader_finds(records: Records, path: Path) -> None:
    entries, epoch = records.entries, records.epoch
    steps = (
        lambda: entries.prepare(entry()),
        lambda: entries.mark_sent("one", after(1), epoch=epoch, closes=CLOSES),
        lambda: entries.become("one", OrderState.UNKNOWN, at=after(2)),
        lambda: entries.become("one", OrderState.WORKING, at=after(3), order_id="7"),
        lambda: entries.add_fills("one", (fill("f1"),), after(4)),
        lambda: entries.become("one", OrderState.CANCELLED, at=after(5)),
        lambda: entries.prepare(entry("two", account="5WT00002")),
    )
    seen = [await _polls(records)]
    for step in steps:
        await step()
        fresh = await Records.open(url_of(path), trader=False)
        seen.append(await _polls(records))
        assert seen[-1] == await _polls(fresh)
        await fresh.close()
    assert len({repr(answers) for answers in seen}) > len(steps) // 2


async def test_a_write_that_failed_lets_nothing_be_held_until_one_succeeds(records: Records, reads: _Reads) -> None:
    await _polls(records)
    with pytest.raises(StateConflict):
        await records.entries.become("none", OrderState.WORKING, at=AT)
    asked = reads.count
    await _polls(records)
    await _polls(records)
    assert reads.count == asked + 10
    await records.probe()
    await _polls(records)
    asked = reads.count
    await _polls(records)
    assert reads.count == asked


async def test_the_entries_of_the_figures_are_read_again_as_soon_as_one_changes(records: Records) -> None:
    await records.entries.prepare(entry())
    found = (await records.results.recorded(DAY, DAY)).entries
    await records.journal.append(Event(AT, "cycle.began", "a slot came", Severity.INFO))
    assert (await records.results.recorded(DAY, DAY)).entries[0] is found[0], "nothing of it was written"
    assert await records.entries.mark_sent("one", after(1), epoch=records.epoch, closes=CLOSES)
    (sent,) = (await records.results.recorded(DAY, DAY)).entries
    assert sent.state is OrderState.SENT
    await records.entries.add_fills("one", [fill("f1")])
    (filled,) = (await records.results.recorded(DAY, DAY)).entries
    assert [one.fill_id for one in filled.fills] == ["f1"]
    assert (await records.results.recorded(DAY.replace(day=3), DAY.replace(day=3))).entries == ()
    assert (await records.results.recorded(DAY, DAY)).entries == (filled,)


async def test_a_watcher_caches_nothing(records: Records, path: Path) -> None:
    watcher = await Records.open(url_of(path), trader=False)
    assert await watcher.entries.open() == ()
    await records.entries.prepare(entry())
    assert [found.account for found in await watcher.entries.open()] == [ACCOUNT]
    await watcher.close()
