"""A transaction on the loop waits for its turn to the end, also where its task is cancelled meanwhile."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from core.domain.operation.events import Event
from core.records.records import Records
from core.records.store.errors import RecordsError
from core.records.store.sqlite_on_loop import OnLoop
from core.runtime.virtual_time import VirtualClock, run_virtual
from tests.support.record_samples import url_of

START = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


def _on_loop(path: Path, main: Callable[[Records], Coroutine[Any, Any, None]]) -> None:
    async def opened(_: VirtualClock) -> None:
        records = await Records.open(url_of(path), on_loop=OnLoop())
        try:
            await main(records)
        finally:
            await records.close()

    run_virtual(opened, START)


@pytest.mark.sqlite
@pytest.mark.parametrize("times", [1, 2])
def test_a_write_whose_task_is_cancelled_while_it_waits_is_written_whole(tmp_path: Path, times: int) -> None:
    async def main(records: Records) -> None:
        task = asyncio.create_task(records.journal.append(Event(START, "test", "cancelled meanwhile")))
        await asyncio.sleep(0)
        for _ in range(times):
            assert task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert [event.text for event in await records.journal.newest(1)] == ["cancelled meanwhile"]
        await records.journal.append(Event(START, "test", "the next one"))
        assert [event.text for event in await records.journal.newest(1)] == ["the next one"]

    _on_loop(tmp_path / "records.sqlite3", main)


@pytest.mark.sqlite
def test_a_time_limit_ends_once_the_call_to_the_records_has_ended(tmp_path: Path) -> None:
    async def main(records: Records) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await records.journal.append(Event(START, "test", "too late"))
        assert [event.text for event in await records.journal.newest(1)] == ["too late"]
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0

    _on_loop(tmp_path / "records.sqlite3", main)


@pytest.mark.sqlite
def test_a_read_keeps_its_view_and_a_write_that_failed_leaves_nothing(tmp_path: Path) -> None:
    async def main(records: Records) -> None:
        async def texts() -> list[str]:
            return [event.text for event in await records.journal.newest(9)]

        await records.journal.append(Event(START, "test", "first"))
        async with records.database.read() as connection:
            for _ in range(2):
                found = (await connection.execute(text("SELECT text FROM events"))).scalars().all()
                assert list(found) == ["first"], "the view of its first statement"
                await records.journal.append(Event(START, "test", "second"))

        async def fails() -> None:
            async with records.database.write() as connection:
                await records.journal.add(connection, Event(START, "test", "never"))
                raise ValueError("in the block")

        with pytest.raises(ValueError, match="in the block"):
            await fails()
        assert await texts() == ["second", "second", "first"]
        await records.journal.append(Event(START, "test", "third"))
        assert await texts() == ["third", "second", "second", "first"]

    _on_loop(tmp_path / "records.sqlite3", main)


@pytest.mark.sqlite
def test_a_transaction_that_cannot_begin_or_commit_is_told_as_the_records_error(tmp_path: Path) -> None:
    async def main(records: Records) -> None:
        await records.journal.append(Event(START, "test", "first"))
        with closing(sqlite3.connect(tmp_path / "records.sqlite3", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(RecordsError, match="is held by another program"):
                await records.journal.append(Event(START, "test", "in vain"))
            other.execute("ROLLBACK")
        await records.journal.append(Event(START, "test", "second"))
        assert [event.text for event in await records.journal.newest(9)] == ["second", "first"]

    _on_loop(tmp_path / "records.sqlite3", main)
