"""One trader on a real PostgreSQL: its lock belongs to a session of its own, and is lost with it
(rules 9, 10, 13.4)."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.locks.folder_lock import AccountLocks, LockLost, LockRefused, LockUnconfirmed
from core.locks.holder import Holder
from core.locks.postgres_lock import UNCONFIRMED_AFTER_S, ServerLocks, take_trader_lock, who_trades
from core.records.records import FencedOff, Records, RecordsError
from core.runtime.clock import SystemClock
from tests.core.locks.silent_proxy import proxy_to
from tests.support.postgres_server import PostgresServer
from tests.support.record_samples import AT

BROKER = "localhost:8700"
HOLDER = Holder(os.getpid(), datetime(2026, 3, 2, 14, 45, tzinfo=UTC), "live", "", "box-1")


@pytest.fixture
def url(postgres: PostgresServer) -> Iterator[str]:
    made = postgres.new_database()
    yield made
    postgres.drop(made)


async def taken(url: str, folder: Path, clock: SystemClock | None = None) -> ServerLocks:
    return await take_trader_lock(url, AccountLocks(folder, BROKER, HOLDER), BROKER, clock or SystemClock())


async def test_a_second_trader_is_told_who_trades_where_and_since_when(url: str, tmp_path: Path) -> None:
    first = await taken(url, tmp_path / "1")
    with pytest.raises(LockRefused, match=r"^another process holds the records database t\d+ at /"):
        await taken(url, tmp_path / "2")
    with pytest.raises(LockRefused, match="another process holds"):
        await who_trades(url)  # it has not said yet who it is
    records = await Records.open(url, holder=HOLDER.to_text())
    words = (
        rf"^another senex \(process {os.getpid()} on box-1, live\) trades with the records database t\d+ at \S+ "
        r"since 2026-03-02 09:45 ET; end it first"
    )
    with pytest.raises(LockRefused, match=words):
        await taken(url, tmp_path / "2")
    assert await who_trades(url) == HOLDER
    await records.close()
    first.release()
    second = await until_free(url, tmp_path / "2")
    second.verify()
    second.release()


async def until_free(url: str, folder: Path) -> ServerLocks:
    """Waits until the server has noticed that a connection was closed."""
    for _ in range(500):
        try:
            return await taken(url, folder)
        except LockRefused:
            await asyncio.sleep(0.01)
    raise AssertionError("the lock was never given back")


async def test_every_mode_has_a_trader_of_its_own_and_an_account_one_in_all(url: str, tmp_path: Path) -> None:
    live = await taken(f"{url}&senex_schema=senex_live", tmp_path / "live")
    demo = await taken(f"{url}&senex_schema=senex_demo", tmp_path / "demo")
    await live.lock_accounts(["5WT00002"])
    with pytest.raises(LockRefused, match=r"^another process holds account …0002; end it first"):
        await demo.lock_accounts(["5WT00001", "5WT00002", "5WT00003"])
    await live.lock_accounts(["5WT00001", "5WT00003"])
    live.release()
    for _ in range(500):
        try:
            await demo.lock_accounts(["5WT00001", "5WT00002", "5WT00003"])
            break
        except LockRefused:
            await asyncio.sleep(0.01)
    demo.verify()
    demo.release()


@pytest.mark.parametrize("how", ["server ends it", "network closes it"])
async def test_a_lock_is_lost_at_once_with_its_connection(
    postgres: PostgresServer, url: str, tmp_path: Path, how: str
) -> None:
    with tempfile.TemporaryDirectory(prefix="senexpx") as folder:
        async with proxy_to(postgres.folder, Path(folder)) as proxy:
            lock = await taken(url.replace(str(postgres.folder), folder), tmp_path)
            keeping = asyncio.ensure_future(lock.keep())
            await asyncio.sleep(0.05)
            lock.verify()
            if how == "server ends it":
                postgres.sever(url)
            else:
                proxy.cut()
            with pytest.raises(LockLost, match=r"is lost \(its connection ended\); nothing more is sent"):
                await asyncio.wait_for(keeping, 0.5)
            with pytest.raises(LockLost):
                lock.verify()
            lock.release()
    (await until_free(url, tmp_path)).release()


class HurriedClock(SystemClock):
    """A clock that a test moves on, as if its process had been stopped meanwhile, or its machine had slept: then the
    monotonic clock stood still."""

    ahead_s = 0.0

    def __init__(self, *, slept: bool) -> None:
        self._slept = slept

    def monotonic(self) -> float:
        return super().monotonic() + (0.0 if self._slept else self.ahead_s)

    def boottime(self) -> float:
        return super().boottime() + self.ahead_s


@pytest.mark.parametrize("slept", [False, True])
async def test_after_a_silence_nothing_is_sent_until_the_server_has_confirmed_the_lock(
    url: str, tmp_path: Path, slept: bool
) -> None:
    clock = HurriedClock(slept=slept)
    lock = await taken(url, tmp_path, clock)
    clock.ahead_s = UNCONFIRMED_AFTER_S + 0.1
    with pytest.raises(LockUnconfirmed, match="has not answered for 4 s"):
        lock.verify()
    keeping = asyncio.ensure_future(lock.keep())
    for _ in range(200):
        await asyncio.sleep(0.005)
        try:
            lock.verify()
            break
        except LockUnconfirmed:
            continue
    lock.verify()
    keeping.cancel()
    await asyncio.wait({keeping})
    lock.release()


async def test_a_network_that_only_falls_silent_loses_the_lock_within_seconds(
    postgres: PostgresServer, url: str, tmp_path: Path
) -> None:
    with tempfile.TemporaryDirectory(prefix="senexpx") as folder:
        async with proxy_to(postgres.folder, Path(folder)) as proxy:
            lock = await taken(url.replace(str(postgres.folder), folder), tmp_path)
            keeping = asyncio.ensure_future(lock.keep())
            proxy.fall_silent()
            began = asyncio.get_running_loop().time()
            with pytest.raises(LockLost, match=r"the server does not answer"):
                await asyncio.wait_for(keeping, UNCONFIRMED_AFTER_S + 1)
            assert asyncio.get_running_loop().time() - began <= UNCONFIRMED_AFTER_S
            with pytest.raises(LockRefused):
                await taken(url, tmp_path)  # the server does not know yet: nobody trades
            lock.release()


async def test_a_trader_that_lost_its_lock_before_opening_the_records_does_not_fence_off_the_new_one(
    postgres: PostgresServer, url: str, tmp_path: Path
) -> None:
    late = await taken(url, tmp_path / "1")
    session = late.session
    postgres.sever(url)
    second = await until_free(url, tmp_path / "2")
    records = await Records.open(url, session=second.session)
    with pytest.raises(FencedOff, match="was lost before they were opened; start again"):
        await Records.open(url, session=session)
    await records.trading.pause("anna", "", AT)
    await records.close()
    for lock in (late, second):
        lock.release()


async def test_a_trader_whose_lock_was_taken_over_writes_nothing_more(
    postgres: PostgresServer, url: str, tmp_path: Path
) -> None:
    first = await taken(url, tmp_path / "1")
    records = await Records.open(url)
    postgres.sever(url)
    second = await until_free(url, tmp_path / "2")
    newer = await Records.open(url)
    with pytest.raises(RecordsError, match=r"^the records database t\d+ at \S+ lost its connection"):
        await records.trading.pause("anna", "", AT)
    with pytest.raises(FencedOff, match=r"^the records database t\d+ at \S+ was taken over by another console"):
        await records.trading.pause("anna", "", AT)
    assert (await newer.trading.read()).state == "active"
    for each in (records, newer):
        await each.close()
    for lock in (first, second):
        lock.release()
