"""The fence: a trader whose records another has opened changes nothing more, and ends (rules 10)."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest
import pytest_asyncio

from core.broker.port import BrokerAccount
from core.domain.operation.commands import Command, CommandKind, CommandState
from core.domain.operation.events import Event
from core.domain.operation.reasons import Reason
from core.domain.orders.order_states import OrderState
from core.domain.reporting.alerts import AlertKind, DueAlert
from core.locks.folder_lock import AloneInVirtualTime, LockLost
from core.records.records import FencedOff, Records, RecordsRefusal
from senex_tui.support.refusals import explain
from tests.support.record_samples import (
    ACCOUNT,
    AT,
    CLOSES,
    DAY,
    KEPT_IN_POSTGRES,
    SLOT,
    entry,
    fill,
    suggestion,
    url_of,
)
from tests.support.world import MONDAY, World, et, in_world

pytestmark = pytest.mark.usefixtures("store")

COMMAND = Command("c1", CommandKind.PAUSE, "anna", AT)
FOUND = BrokerAccount(ACCOUNT, "Main", "Individual", False)
OF_THE_TRADER: dict[str, Callable[[Records], Awaitable[object]]] = {
    "prepare": lambda r: r.entries.prepare(entry("two", account="5WT00002")),
    "mark_sent": lambda r: r.entries.mark_sent("one", AT, epoch=r.epoch, closes=CLOSES),
    "become": lambda r: r.entries.become("one", OrderState.NOT_SENT, at=AT),
    "allow_reentry": lambda r: r.entries.allow_reentry("one", "anna", AT),
    "note_status": lambda r: r.entries.note_status("one", "Live", AT),
    "add_fills": lambda r: r.entries.add_fills("one", [fill("f1")]),
    "begin": lambda r: r.cycles.begin(DAY, None, True, AT),
    "end": lambda r: r.cycles.end(1, "skipped", "", "", {}, AT),
    "interrupt": lambda r: r.cycles.interrupt_unfinished(AT),
    "miss": lambda r: r.slots.miss(DAY, SLOT, Reason.PAUSED, "", AT),
    "append": lambda r: r.journal.append(Event(AT, "kind", "text")),
    "suggestion": lambda r: r.journal.record_suggestion(suggestion()),
    "pause": lambda r: r.trading.pause("anna", "", AT),
    "halt": lambda r: r.trading.halt("anna", "", AT),
    "open alert": lambda r: r.alerts.open(DueAlert(AlertKind.NO_TRADE, ACCOUNT, ""), AT),
    "acknowledge": lambda r: r.alerts.acknowledge(1, "anna", AT),
    "close alert": lambda r: r.alerts.close(1, AT),
    "finish": lambda r: r.inbox.finish("c0", CommandState.DONE, "", AT),
    "discover": lambda r: r.accounts.discover("main", [FOUND], enable_new=True, at=AT),
    "enable": lambda r: r.accounts.set_enabled(ACCOUNT, True, AT),
}
FOR_ANYONE: dict[str, Callable[[Records], Awaitable[object]]] = {"post": lambda r: r.inbox.post(COMMAND)}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "records.sqlite3"


@pytest_asyncio.fixture
async def first(path: Path) -> AsyncIterator[Records]:
    """A trader with a prepared entry and a running cycle, whose records another process then opens."""
    records = await Records.open(url_of(path))
    await records.accounts.discover("main", [FOUND], enable_new=False, at=AT)
    await records.inbox.post(Command("c0", CommandKind.PAUSE, "anna", AT))
    await records.entries.prepare(entry())
    await records.cycles.begin(DAY, None, True, AT)
    await records.alerts.open(DueAlert(AlertKind.RETRY_RATE, "", ""), AT)
    yield records
    await records.close()


def dump(path: Path) -> list[str]:
    rows = KEPT_IN_POSTGRES.dump(path)
    if rows is not None:
        return rows
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


@pytest.mark.parametrize("write", [*OF_THE_TRADER, *FOR_ANYONE])
async def test_no_write_of_a_fenced_trader_changes_anything(first: Records, path: Path, write: str) -> None:
    newer = await Records.open(url_of(path))
    before = dump(path)
    waiting = asyncio.ensure_future(first.until_fenced_off())
    await asyncio.sleep(0)
    assert not waiting.done()

    with pytest.raises(FencedOff, match=r"was taken over by another console; this one changes"):
        await (OF_THE_TRADER | FOR_ANYONE)[write](first)

    assert dump(path) == before
    with pytest.raises(FencedOff):
        await waiting
    assert first.in_flight == 0
    assert await first.entries.get("one") == entry(), "it may still read"
    assert await newer.entries.mark_sent("one", AT, epoch=newer.epoch, closes=CLOSES)
    await newer.close()


@pytest.mark.parametrize(
    "write", ["prepare", "begin", "miss", "append", "suggestion", "pause", "halt", "finish", "discover", "enable"]
)
async def test_a_watcher_writes_nothing_of_the_traders(first: Records, path: Path, write: str) -> None:
    watcher = await Records.open(url_of(path), trader=False)
    before = dump(path)
    with pytest.raises(RecordsRefusal, match="only the trader writes"):
        await OF_THE_TRADER[write](watcher)
    assert dump(path) == before
    await watcher.close()


async def test_a_watcher_posts_commands_beside_the_trader(first: Records, path: Path) -> None:
    watcher = await Records.open(url_of(path), trader=False)
    await watcher.inbox.post(COMMAND)
    await watcher.close()
    assert COMMAND in await first.inbox.pending()
    assert await first.entries.mark_sent("one", AT, epoch=first.epoch, closes=CLOSES)


async def ended(world: World) -> BaseException:
    """The error the engine ended with; it must end within a virtual second."""
    running = world.running
    assert running is not None
    await asyncio.wait({running}, timeout=1)
    assert running.done(), "the engine goes on"
    failure = running.exception()
    assert failure is not None
    return failure


@pytest.mark.parametrize("at", ["09:44:50", "09:45:00.2", "09:45:01.5"])
def test_a_fenced_engine_ends_at_once_and_sends_nothing(tmp_path: Path, at: str) -> None:
    """Fenced before the slot, and in the middle of a cycle, whose own failures never end the engine."""

    async def day(world: World) -> None:
        await world.start()
        await world.until(at)
        newer = await world.open_records()
        before = dump(world.records_file)
        await world.until("09:45:08")
        failure = await ended(world)

        assert explain(failure).endswith("was taken over by another console; this one changes nothing more and ends")
        assert world.broker.posted == []
        assert dump(world.records_file) == before
        await newer.close()

    in_world(day, tmp_path)


def test_an_engine_whose_lock_is_gone_ends_before_the_next_slot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone: list[str] = []

    def verify(_: AloneInVirtualTime) -> None:
        if gone:
            raise LockLost(gone[0])

    monkeypatch.setattr(AloneInVirtualTime, "verify", verify)

    async def day(world: World) -> None:
        await world.start()
        await world.until("09:31:00")
        gone.append("the lock is gone; start again.")
        await world.until("09:34:00")  # the intervals of these simulated days is slower than the console's
        assert explain(await ended(world)) == "the lock is gone; start again."
        assert world.broker.posted == []

    in_world(day, tmp_path, start=et(MONDAY, "09:30:00"))
