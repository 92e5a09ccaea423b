"""A watcher sees what the trader shows, says when that is old, and sends only the commands its role allows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from core.domain.operation.commands import Command, CommandKind, CommandState
from core.domain.operation.events import Event
from core.records.records import Records
from core.records.store.errors import RecordsRefusal
from core.remote.publisher import epoch_of
from core.remote.watch_client import FOREIGN, NOT_FROM_HERE, READS_ONLY, WatchClient
from core.remote.watched_records import WatchedRecords
from core.runtime.clock import SystemClock
from core.runtime.ids import RandomIds
from core.snapshot import CommandView, Freshness, Health, LegView, QuoteSlice, Watching
from tests.core.remote.clocks import SetClock
from tests.core.remote.publishing_trader import KEPT_DAY, KEYS, Trader, until
from tests.support.console.parts import NOW, spread, status
from tests.support.console.scenes import calm
from tests.support.domain_builders import quotes_for, trident
from tests.support.valkey import Valkey


@pytest.fixture
async def records(tmp_path: Path) -> AsyncIterator[Records]:
    """The trader's own records, in which an engine has started."""
    opened = await Records.open(f"sqlite+aiosqlite:///{tmp_path}/records.sqlite3")
    await opened.journal.append(Event(NOW, "engine.started", "engine started in demo mode"))
    yield opened
    await opened.close()


@asynccontextmanager
async def watching(url: str, folder: Path, role: Watching = Watching.READ_ONLY) -> AsyncIterator[WatchClient]:
    async def open_records() -> Records:
        return await Records.open(f"sqlite+aiosqlite:///{folder}/records.sqlite3", trader=False)

    client = WatchClient(
        url=url,
        keys=KEYS,
        open_records=open_records,
        kept_day=KEPT_DAY,
        watching=role,
        who="ada watching on desk",
        ids=RandomIds(),
        market=SystemClock(),
        wall=SystemClock(),
    )
    client.start()
    try:
        yield client
    finally:
        await client.stop()


@asynccontextmanager
async def trading(valkey: Valkey, records: Records) -> AsyncIterator[Trader]:
    trader = Trader(valkey.url, epoch=epoch_of(records.epoch, NOW), step_s=5)
    async with trader.running():
        yield trader


async def seen(client: WatchClient, detail: str) -> None:
    async def shown() -> bool:
        return client.snapshot().status.automation_detail == detail

    await until(shown)


def qqq(client: WatchClient) -> QuoteSlice:
    return next(quote for quote in client.snapshot().quotes if quote.symbol == "QQQ")


async def settled(client: WatchClient, command_id: str) -> CommandView:
    async def ended() -> bool:
        return any(c.id == command_id and c.state is not CommandState.PENDING for c in client.snapshot().commands)

    await until(ended)
    return next(c for c in client.snapshot().commands if c.id == command_id)


async def test_the_trader_s_screen_with_prices_of_its_own_reading(
    valkey: Valkey, records: Records, tmp_path: Path
) -> None:
    async with trading(valkey, records) as trader, watching(valkey.url, tmp_path) as client:
        trader.show("here")
        await seen(client, "here")
        shown = client.snapshot()
        assert trader.shown is not None
        assert shown.orders == trader.shown.orders
        assert shown.messages == trader.shown.messages
        assert shown.status.watching is Watching.READ_ONLY
        trader.quote("QQQ", "700.10", "700.30")  # only the store changes, not the snapshot

        async def priced() -> bool:
            return str(qqq(client).price) == "700.20"

        await until(priced)
        quote = qqq(client)
        assert (quote.freshness, quote.age_s) == (Freshness.LIVE, 0)
        assert quote.day_path == next(q for q in trader.shown.quotes if q.symbol == "QQQ").day_path
        assert client.state.lives


async def test_the_legs_in_sight_are_priced_from_redis(valkey: Valkey, records: Records, tmp_path: Path) -> None:
    on = trident()
    now = SystemClock().monotonic()
    async with trading(valkey, records) as trader, watching(valkey.url, tmp_path) as client:
        legs = tuple(
            LegView(leg.role.value, leg.action.value, leg.strike, leg.right.value, leg.quantity, None, None, None, None)
            for leg in on.legs
        )
        live = spread(
            body=on.body, width=on.width, expiration=on.expiration, legs=legs, live=True, natural=None, mid=None
        )
        trader.trident = on
        trader.shown = replace(calm(), spread=live)
        trader.store.put_quotes(list(quotes_for(on, now=now).values()))

        async def priced() -> bool:
            found = client.snapshot().spread
            return found is not None and found.natural is not None

        await until(priced)
        found = client.snapshot().spread
        assert found is not None
        assert (str(found.natural), str(found.mid), str(found.max_risk_natural)) == ("3.86", "4.10", "214.00")
        assert all(leg.bid is not None for leg in found.legs)


async def test_a_trader_not_seen_makes_every_price_stale(valkey: Valkey, records: Records, tmp_path: Path) -> None:
    async with watching(valkey.url, tmp_path) as client:
        assert client.snapshot().status.watching is Watching.READ_ONLY, "before anything is known of the trader too"
        async with trading(valkey, records) as trader:
            trader.quote("QQQ", "700")
            trader.show("last words")
            await seen(client, "last words")
        valkey.client.pexpire(KEYS.trader, 30_000 - 4_000)  # as it would be 4 s later

        async def noticed() -> bool:
            return not client.state.lives and client.snapshot().status.redis.health is Health.TROUBLE  # type: ignore[union-attr]

        await until(noticed)
        shown = client.snapshot()
        assert client.state.unseen_s == pytest.approx(4, abs=1)
        assert shown.status.feed.health is Health.DOWN
        assert [quote.freshness for quote in shown.quotes] == [Freshness.STALE] * len(shown.quotes)
        assert shown.status.automation_detail == "last words"
        async with trading(valkey, records) as trader:
            trader.show("back")
            await seen(client, "back")
            assert client.state.lives


async def test_a_watcher_says_what_is_wrong_with_redis_and_goes_on_by_itself(
    own_valkey: Valkey, records: Records, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.remote.watch_client.AGAIN_S", 0.1)
    monkeypatch.setattr("core.remote.publisher.AGAIN_S", 0.1)
    async with trading(own_valkey, records) as trader, watching(own_valkey.url, tmp_path) as client:
        trader.show("before")
        await seen(client, "before")
        own_valkey.kill()

        async def troubled() -> bool:
            return "cannot be reached" in client.state.trouble

        await until(troubled)
        assert client.snapshot().status.automation_detail == "before"
        own_valkey.start()
        trader.show("after")
        await seen(client, "after")

        async def well() -> bool:
            return client.state.trouble == ""

        await until(well)


async def test_without_a_trader_it_shows_what_the_records_keep(
    valkey: Valkey, records: Records, tmp_path: Path
) -> None:
    async with watching(valkey.url, tmp_path) as client:

        async def read() -> bool:
            return bool(client.snapshot().messages)

        await until(read)
        assert [message.text for message in client.snapshot().messages] == ["engine started in demo mode"]
        assert client.state.unseen_s is None


@pytest.mark.parametrize(
    ("role", "kind", "why"),
    [
        (Watching.READ_ONLY, CommandKind.PAUSE, READS_ONLY),
        (Watching.READ_ONLY, CommandKind.ACKNOWLEDGE, READS_ONLY),
        (Watching.OPERATOR, CommandKind.RESET, NOT_FROM_HERE),
        (Watching.OPERATOR, CommandKind.SET_ACCOUNT, NOT_FROM_HERE),
    ],
)
async def test_what_its_role_does_not_allow_is_refused_at_once_and_never_posted(
    valkey: Valkey, records: Records, tmp_path: Path, role: Watching, kind: CommandKind, why: str
) -> None:
    async with trading(valkey, records) as trader, watching(valkey.url, tmp_path, role) as client:
        trader.show("here")
        await seen(client, "here")
        identifier = client.send(kind)
        assert client.snapshot().commands == (CommandView(identifier, kind, CommandState.REFUSED, why),)
        assert await records.inbox.newest(5) == ()


async def test_an_operator_s_command_is_recorded_with_who_and_answered(
    valkey: Valkey, records: Records, tmp_path: Path
) -> None:
    async with trading(valkey, records) as trader, watching(valkey.url, tmp_path, Watching.OPERATOR) as client:
        trader.show("here")
        await seen(client, "here")
        identifier = client.send(CommandKind.PAUSE, note="lunch")

        async def posted() -> bool:
            return await records.inbox.get(identifier) is not None

        await until(posted)
        [command] = await records.inbox.pending()
        assert (command.who, command.note) == ("ada watching on desk", "lunch")
        assert command.saw_cycle == calm().cycle.newest  # type: ignore[union-attr]
        assert abs((command.at - trader.clock.now()).total_seconds()) < 5  # the trader's time, not the watcher's
        assert client.snapshot().commands[0].state is CommandState.PENDING
        await records.inbox.finish(identifier, CommandState.DONE, "automation paused", trader.clock.now())
        assert await settled(client, identifier) == CommandView(
            identifier, CommandKind.PAUSE, CommandState.DONE, "automation paused"
        )


async def test_a_command_nobody_answers_is_expired(records: Records) -> None:
    wall = SetClock(50.0)
    told: list[CommandView] = []
    command = Command("c1", CommandKind.FORCE, "ada watching on desk", NOW)
    await WatchedRecords(records, wall).ask(command, told.append)
    assert [view.state for view in told] == [CommandState.EXPIRED]
    assert "no trader answered within 30 s" in told[0].text
    assert 80 <= wall.seconds <= 86


async def test_a_stop_is_waited_for_because_it_never_expires(records: Records) -> None:
    """An answer that comes minutes later, from the next trader, is still its answer."""

    class NextTrader(SetClock):
        async def sleep(self, seconds: float) -> None:
            self.seconds += 10 * seconds
            if self.seconds > 350.0:
                await records.inbox.finish("c1", CommandState.DONE, "automation paused", NOW)

    told: list[CommandView] = []
    command = Command("c1", CommandKind.PAUSE, "ada watching on desk", NOW)
    await WatchedRecords(records, NextTrader(50.0)).ask(command, told.append)
    assert [(view.state, view.text) for view in told] == [(CommandState.DONE, "automation paused")]


async def test_the_records_of_another_trader_are_noticed_and_nothing_is_asked_there(
    valkey: Valkey, records: Records, tmp_path: Path
) -> None:
    trader = Trader(valkey.url, epoch=epoch_of(records.epoch, NOW + timedelta(seconds=1)), step_s=5)
    async with trader.running(), watching(valkey.url, tmp_path, Watching.OPERATOR) as client:

        async def noticed() -> bool:
            return client.state.foreign

        await until(noticed)
        identifier = client.send(CommandKind.PAUSE)
        assert client.snapshot().commands == (
            CommandView(identifier, CommandKind.PAUSE, CommandState.REFUSED, FOREIGN),
        )
        assert await records.inbox.newest(5) == ()


async def test_ten_watchers_see_the_same(valkey: Valkey, records: Records, tmp_path: Path) -> None:
    async with trading(valkey, records) as trader, asyncio.TaskGroup() as group:
        for number in range(10):
            group.create_task(_one_of_many(valkey.url, tmp_path, f"watcher {number}"))
        trader.show("to all")


async def _one_of_many(url: str, folder: Path, name: str) -> None:
    async with watching(url, folder) as client:
        await seen(client, "to all")
        assert client.snapshot().status.mode == status().mode, name


async def test_the_history_is_asked_of_the_records_not_of_the_trader(
    valkey: Valkey, records: Records, tmp_path: Path
) -> None:
    async with watching(valkey.url, tmp_path) as client:

        async def opened() -> bool:
            return bool(client.snapshot().messages)

        await until(opened)

        async def newest(asked: Records) -> str:
            return (await asked.journal.newest(1))[0].text

        assert await asyncio.wrap_future(client.look_up(newest)) == "engine started in demo mode"

        async def writes(asked: Records) -> None:
            await asked.journal.append(Event(NOW, "engine.started", "somebody else"))

        with pytest.raises(RecordsRefusal, match="only the trader writes"):
            await asyncio.wrap_future(client.look_up(writes))
