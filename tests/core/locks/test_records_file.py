"""A records file removed or replaced while a trader uses it: no call fails, and nothing more is sent (rules 10)."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from core.broker.port import WireGuard
from core.domain.orders.orders import OrderRequest, SendOutcome
from core.locks.folder_lock import LockLost
from core.locks.records_file import RecordsFile
from core.records.records import Records
from core.records.store.backup import back_up
from senex_tui.support.refusals import explain
from tests.support.record_samples import AT, entry
from tests.support.world import MONDAY, World, et, in_world


def _wal(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def _replace(path: Path) -> None:
    copy = path.with_name("older")
    shutil.copy(path, copy)
    os.replace(copy, path)


def _remove_both(path: Path) -> None:
    path.unlink()
    _wal(path).unlink()


def _replace_log(path: Path) -> None:
    _replace(_wal(path))


GONE: dict[str, Callable[[Path], None]] = {
    "removed": Path.unlink,
    "replaced": _replace,
    "removed with its log": _remove_both,
    "its log removed": lambda path: _wal(path).unlink(),
    "its log replaced": _replace_log,
}


async def _opened(path: Path) -> Records:
    return await Records.open(f"sqlite+aiosqlite:///{path}")


@pytest.mark.parametrize("kind", GONE)
async def test_a_records_file_that_is_gone_is_noticed_although_every_call_succeeds(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "records.sqlite3"
    records = await _opened(path)
    watched = RecordsFile(path)
    watched.verify()
    GONE[kind](path)
    await records.trading.pause("anna", "", AT)
    assert (await records.trading.read()).state == "paused", "SQLite says nothing"
    with pytest.raises(
        LockLost, match=r"records\.sqlite3.* was removed or replaced while in use; nothing more is sent"
    ):
        watched.verify()
    await records.close()


async def test_what_a_trading_day_does_to_its_records_is_no_replacement(tmp_path: Path) -> None:
    path = tmp_path / "records.sqlite3"
    records = await _opened(path)
    watched = RecordsFile(path)
    for number in range(30):
        await asyncio.gather(*(records.trading.pause("anna", f"{number} {each}", AT) for each in range(8)))
        await asyncio.gather(*(records.entries.of_day(AT.date()) for _ in range(8)))
        watched.verify()
    await records.entries.prepare(entry())
    watcher = await Records.open(f"sqlite+aiosqlite:///{path}", trader=False)
    assert len(await watcher.entries.of_day(entry().session_day)) == 1
    await watcher.close()
    await asyncio.to_thread(back_up, path, tmp_path / "copy.sqlite3")
    watched.verify()
    await records.close()


@pytest.mark.parametrize("kind", GONE)
def test_an_order_whose_records_file_is_gone_is_not_sent(tmp_path: Path, kind: str) -> None:
    """Between its record as sent and the wire. The engine then ends, and says why."""

    async def day(world: World) -> None:
        engine, send = await world.build(), world.broker.send
        engine.parts.locks.watch(RecordsFile(world.records_file))

        async def late(number: str, request: OrderRequest, guard: WireGuard) -> SendOutcome:
            GONE[kind](world.records_file)
            return await send(number, request, guard)

        setattr(world.broker, "send", late)  # noqa: B010 - the way to this one broker
        running = asyncio.create_task(engine.run())
        await asyncio.wait({running}, timeout=120)
        assert running.done(), "the engine goes on"
        failure = running.exception()
        assert failure is not None
        assert explain(failure).endswith("was removed or replaced while in use; nothing more is sent, start again.")
        assert world.broker.posted == []

    in_world(day, tmp_path, in_threads=True)


def test_a_trader_whose_records_file_is_gone_ends_before_the_next_slot(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        engine = await world.build()
        engine.parts.locks.watch(RecordsFile(world.records_file))
        running = asyncio.create_task(engine.run())
        await world.until("09:31:00")
        world.records_file.unlink()
        await asyncio.wait({running}, timeout=60 + engine.parts.intervals.locks_s)
        assert running.done(), "the engine goes on"
        assert "was removed or replaced while in use" in explain(running.exception() or AssertionError())
        assert world.broker.posted == []

    in_world(day, tmp_path, start=et(MONDAY, "09:30:00"), in_threads=True)
