"""Durability: committed rows survive a kill and a full disk, and a cancelled call leaves all or nothing."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import signal
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from core.domain.operation.commands import Command, CommandKind
from core.domain.operation.events import Event
from core.domain.orders.order_states import OrderState
from core.records.records import DayHeld, Records, RecordsError
from core.records.store.database import Database, failure_sentence
from tests.support.record_samples import ACCOUNT, AT, DAY, entry, url_of

_CHILD = "tests.core.records.store.commit_until_killed"
_PROJECT = Path(__file__).parents[4]


@pytest.mark.sqlite
async def test_every_connection_is_set_up_for_durable_commits(records: Records, path: Path) -> None:
    database = Database(make_url(url_of(path)), "the records")
    expected = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10_000}
    async with database.read() as one, database.read() as other, database.write() as writer:
        for connection in (one, other, writer):
            for pragma, value in expected.items():
                answer = await connection.exec_driver_sql(f"PRAGMA {pragma}")
                assert answer.scalar_one() == value
    await database.close()


@pytest.mark.sqlite
async def test_a_write_takes_the_writers_lock_before_it_reads(records: Records, path: Path) -> None:
    """Otherwise another writer could change what was read before the write that depends on it."""
    database = Database(make_url(url_of(path)), "the records")
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as other:
        async with database.write() as connection:
            await connection.exec_driver_sql("SELECT 1")
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                other.execute("BEGIN IMMEDIATE")
        other.execute("BEGIN IMMEDIATE")
    await database.close()


async def test_nothing_acknowledged_is_lost_when_the_process_is_killed(path: Path, store: str) -> None:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", _CHILD, url_of(path), cwd=_PROJECT, stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    acknowledged: list[str] = []
    async for line in child.stdout:
        acknowledged.append(line.decode().strip())
        if len(acknowledged) == 25:
            child.kill()
    assert await child.wait() == -signal.SIGKILL
    acknowledged = [name for name in acknowledged if name.endswith(".")]  # a line cut short does not count
    assert len(acknowledged) >= 25
    records = await Records.open(url_of(path))
    try:
        assert records.epoch == 2
        found = {each.id + ".": each for each in await records.entries.of_day(DAY)}
        assert set(acknowledged) <= set(found)
        assert all(found[name].state is OrderState.SENT for name in acknowledged)
        # The one it was about to acknowledge may be there too, whole or as prepared; no more than that.
        assert len(found) <= len(acknowledged) + 1
    finally:
        await records.close()
    if store == "sqlite":
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.sqlite
async def test_a_full_disk_is_said_clearly_and_loses_nothing_written(records: Records, path: Path) -> None:
    await records.entries.prepare(entry())
    database = Database(make_url(url_of(path)), "the records file x.db")
    long = "x" * 200_000

    async def grow() -> None:
        async with database.write() as connection:
            await connection.exec_driver_sql("PRAGMA max_page_count = 1")  # SQLite keeps it at the pages there are
            await connection.exec_driver_sql("UPDATE entries SET detail = ?", (long,))

    with pytest.raises(RecordsError, match=r"the records file x\.db cannot grow because the disk is full; free"):
        await grow()
    await database.close()
    assert await records.entries.get("one") == entry()


@pytest.mark.sqlite
async def test_a_failure_names_no_figure_of_the_statement(records: Records, path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE fills")
        connection.execute("DROP TABLE entries")
    with pytest.raises(RecordsError, match="was changed by another program") as failed:
        await records.entries.get(ACCOUNT)
    assert ACCOUNT not in str(failed.value)
    assert failed.value.__suppress_context__


def test_an_unknown_failure_keeps_the_drivers_words() -> None:
    assert failure_sentence("the records file x.db", "strange") == (
        "the records file x.db failed: strange; check the database and start again"
    )


async def test_calls_under_way_are_counted_until_they_are_done(records: Records) -> None:
    assert records.in_flight == 0
    calls = [asyncio.ensure_future(records.entries.prepare(entry(f"e{n}", account=f"a{n}"))) for n in range(3)]
    await asyncio.sleep(0)
    assert records.in_flight == 3
    await asyncio.gather(*calls)
    assert records.in_flight == 0
    with pytest.raises(ValueError, match="time zone"):
        await records.journal.append(Event(at=AT.replace(tzinfo=None), kind="k", text=""))
    assert records.in_flight == 0


@pytest.mark.sqlite
async def test_a_probe_is_a_commit_that_changes_nothing(records: Records, path: Path) -> None:
    before = _rows(path)
    log = path.with_name(path.name + "-wal")
    written = log.read_bytes()
    await records.probe()
    assert log.read_bytes() != written, "it went to the disk"
    assert _rows(path) == before


@pytest.mark.sqlite
async def test_only_a_commit_that_succeeded_proves_what_a_probe_would(path: Path) -> None:
    records = await Records.open(url_of(path))
    assert records.committed_within(60.0), "opening them was one"
    assert not records.committed_within(-1.0), "that is some time ago"
    watcher = await Records.open(url_of(path), trader=False)
    assert (await watcher.trading.read()).state == "active"
    assert not watcher.committed_within(60.0), "a read is none"
    with pytest.raises(RecordsError), _no_file_may_grow():
        await watcher.inbox.post(Command("c", CommandKind.PAUSE, "operator", AT))
    assert not watcher.committed_within(60.0), "and it failed"
    await watcher.close()
    await records.close()


@pytest.mark.sqlite
async def test_a_probe_says_that_nothing_can_be_written_until_it_can(records: Records, path: Path) -> None:
    with _no_file_may_grow():
        with pytest.raises(RecordsError, match=r"the disk (is full|failed)"):
            await records.probe()
        assert (await records.trading.read()).state == "active", "reads go on"
    await records.probe()


@contextlib.contextmanager
def _no_file_may_grow() -> Iterator[None]:
    """For this process, every file is as full as it may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.sqlite
async def test_the_oldest_call_under_way_is_timed_with_its_wait(records: Records, path: Path) -> None:
    loop = asyncio.get_running_loop()
    assert records.oldest_call_s(loop.time() + 5) == 0, "nothing is under way"
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # another program holds the writer's lock
        began = loop.time()
        stalled = asyncio.ensure_future(records.entries.prepare(entry()))
        await asyncio.sleep(0)
        waiting = asyncio.ensure_future(records.entries.prepare(entry("two", account="5WT00002")))
        await asyncio.sleep(0)
        assert await records.entries.of_day(DAY) == (), "reads go on, and do not hide the stalled write"
        assert 7 <= records.oldest_call_s(began + 8) <= 8
        assert records.oldest_call_s(began - 1) == 0
        other.execute("ROLLBACK")
    await asyncio.gather(stalled, waiting)
    assert records.oldest_call_s(loop.time() + 5) == 0


async def test_a_call_cancelled_anywhere_leaves_all_or_nothing_and_the_records_usable(
    records: Records, path: Path, store: str
) -> None:
    """Cancels a write after each number of turns of the loop, until one is not cancelled in time."""
    finished = False
    turns = 0
    while not finished:
        account = f"5WT{turns:05}"
        call = asyncio.ensure_future(records.entries.prepare(entry(f"c{turns}", account=account)))
        for _ in range(turns):
            await asyncio.sleep(0.0002)
        finished = call.done()
        call.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await call
        assert call.cancelled() or finished, "a cancel is put off to the end of the transaction, never lost"
        assert records.in_flight == 0
        if store == "sqlite":
            with closing(sqlite3.connect(path, timeout=0.0, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")  # refused at once if anything still has the file's write lock
        found = await records.entries.by_identifier(f"senex-c{turns}")
        if found is not None:
            assert len(await records.entries.history(found.id)) == 1
        assert isinstance(await records.entries.prepare(entry(f"d{turns}", account=account)), DayHeld) == (
            found is not None
        )
        turns += 1
    assert turns > 1


def _rows(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())
