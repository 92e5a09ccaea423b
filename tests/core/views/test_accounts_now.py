"""Each account as it stands now: its day, what it holds, what today brought and what it is worth (rules 15)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import pytest

from core.domain.operation.commands import CommandKind
from core.domain.operation.reasons import Reason, refuse
from core.domain.orders.next_step import Next, NextStep
from core.domain.positions.tridents import ExitMode
from core.domain.positions.units import UnitName
from core.domain.reporting.money import Period, money_of
from core.snapshot import AccountNow, PositionView
from core.views.accounts_now import Book, accounts_now
from core.views.day_records import DayRecords
from core.views.known_day import KnownDay
from tests.support.console import exit_views, parts
from tests.support.record_samples import entry
from tests.support.trident_world import fill
from tests.support.world import ACCOUNT, World, account, in_world

OTHER = "5WT00002"
Item = TypeVar("Item")


def shown(world: World) -> tuple[AccountNow, ...]:
    return world.snapshot().accounts_now


def open_tridents(world: World) -> tuple[PositionView, ...]:
    return world.snapshot().positions.open


def test_a_day_from_its_start_to_a_target(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exits = ExitMode.ALL
        await world.start()
        await world.until("09:44:50")
        [now] = shown(world)
        assert (now.account, now.fate, now.held, now.ended, now.realized) == ("…0001", None, 0, 0, None)
        assert now.step.enters_at is not None
        balances = world.exchange.balances(ACCOUNT, world.clock.now())
        assert now.net_liquidation == now.buying_power == balances.net_liquidating_value
        await world.until("09:46")
        world.exchange.fill_plan = "never"
        await world.until("09:52")
        await world.engine.tridents.check()
        await world.clock.sleep(20)
        [now] = shown(world)
        assert now.fate is not None
        assert (now.fate.words.split()[0], now.packages, now.held, now.targets, now.closes) == ("FILLED", 1, 1, 3, 0)
        assert now.profit is not None
        assert now.profit == now.held_profit
        exits = await world.records.exits.open_of(ACCOUNT)
        fill(world, next(one for one in exits if one.units == (UnitName.CALL,)))
        await world.until("09:54")
        await world.engine.builder.read_now()
        [now] = shown(world)
        found = await world.records.money.recorded()
        today = money_of(found.units, found.tridents, (), Period.DAY, first=world.day, last=world.day).total
        assert (now.targets, now.ended, now.realized) == (2, 1, today.realized), "as the report has it"
        assert now.estimated
        [view] = open_tridents(world)
        assert view.exits is not None
        assert view.exits.unrealized_mid is not None
        assert view.exits.realized, "the call has closed"
        assert now.held_profit == view.exits.unrealized_mid, "nothing that today brought is counted as open again"
        assert now.profit == view.profit_mid == view.exits.unrealized_mid + view.exits.realized
        assert await world.records.money.on(world.day) == found
        await world.answer(CommandKind.EXITS, "", "hold because lunch")
        await world.clock.sleep(5)
        assert [one.exits_stopped for one in shown(world)] == ["exits HELD by operator: lunch"]
        await world.stop()

    in_world(day, tmp_path)


def test_what_a_start_and_a_reconciliation_keep_back_for_a_moment_is_not_told_as_blocked(tmp_path: Path) -> None:
    """A console that opened in the session said for some seconds that the exits are blocked."""
    seen: set[str] = set()

    async def watched(world: World, seconds: float) -> None:
        for _ in range(int(seconds * 4)):
            await world.clock.sleep(0.25)
            now = world.snapshot()
            if now.status.exits is not None:
                seen.update((now.status.exits.word, *(one.exits_stopped for one in now.accounts_now)))

    async def day(world: World) -> None:
        world.exits = ExitMode.ALL
        await world.start()
        await world.until("09:52")
        await world.stop()
        await world.until("10:05")
        await world.start()
        await watched(world, 30)
        await world.engine.tridents.check()
        assert seen == {"on", ""}
        await world.answer(CommandKind.RECONCILE)
        await watched(world, 30)
        assert seen == {"on", ""}
        world.engine.gate.reconciling("the broker does not answer")
        await watched(world, 50)
        assert seen == {"on", ""}
        await watched(world, 30)
        assert seen == {"on", "", "blocked", f"exits BLOCKED: {refuse(Reason.RECONCILING).sentence()}"}
        await world.stop()

    in_world(day, tmp_path)


def test_each_of_two_accounts_has_its_own(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.broker.refuse_orders = 1
        await world.start()
        await world.until("09:47")
        both = shown(world)
        assert [now.account for now in both] == ["…0001", "…0002"]
        fates = [now.fate.kind.value for now in both if now.fate is not None]
        assert sorted(fates) == ["filled", "rejected"]
        assert sorted(now.held for now in both) == [0, 1]
        assert {now.step.kind.value for now in both} == {"done", "free"}
        await world.stop()

    in_world(day, tmp_path, accounts=(account(), account(OTHER)))


def test_what_stops_the_exits_of_one_account_is_told_of_that_account_alone(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exits = ExitMode.ALL
        await world.start()
        await world.until("09:47")

        async def told() -> dict[str, str]:
            await world.clock.sleep(5)
            assert [now.held for now in shown(world)] == [1, 1]
            return {now.account: now.exits_stopped for now in shown(world)}

        assert await told() == {"…0001": "", "…0002": ""}
        # Each of the two in turn, because one of them comes first in every list.
        for number, masked, other in ((ACCOUNT, "…0001", "…0002"), (OTHER, "…0002", "…0001")):
            assert (await world.answer(CommandKind.SET_ACCOUNT, number, "exits off")).startswith("done")
            assert await told() == {masked: "exits BLOCKED: exits are off for this account", other: ""}
            assert (await world.answer(CommandKind.EXITS, other, "hold because lunch")).startswith("done")
            assert await told() == {
                masked: "exits BLOCKED: exits are off for this account",
                other: "exits HELD by operator: lunch",
            }
            await world.answer(CommandKind.EXITS, other, "on")
            await world.answer(CommandKind.SET_ACCOUNT, number, "exits all")
            assert await told() == {"…0001": "", "…0002": ""}
        for number, why in ((ACCOUNT, "lunch"), (OTHER, "a storm")):
            await world.answer(CommandKind.EXITS, number, f"hold because {why}")
        assert await told() == {
            "…0001": "exits HELD by operator: lunch",
            "…0002": "exits HELD by operator: a storm",
        }
        await world.answer(CommandKind.EXITS, "", "hold because all")
        assert set((await told()).values()) == {"exits HELD by operator: all"}
        await world.stop()

    in_world(day, tmp_path, accounts=(account(), account(OTHER)))


class Counted(tuple[Item, ...]):
    """Counts how often it is gone through."""

    times = 0

    def __iter__(self) -> Iterator[Item]:
        self.times += 1
        return super().__iter__()


@pytest.mark.parametrize("count", [1, 50])
def test_what_is_held_is_gone_through_once_however_many_accounts_there_are(count: int) -> None:
    accounts = [f"5WT{number:05}" for number in range(count)]
    ids = {f"{account} {place}": account for place in range(3) for account in accounts}
    views = Counted(parts.position(entry_id=id, exits=None, profit_mid=Decimal(id[-1]) + 1) for id in ids)
    orders = Counted(replace(exit_views.WORKS, trident_id=id) for id in ids)
    entries = Counted(entry(f"{account} {place}", account) for account in accounts for place in range(2))
    known = KnownDay.of(DayRecords(entries[0].session_day, entries=entries), ())
    entries.times = 0
    step = NextStep(Next.DONE, "done")
    found = accounts_now([(one, step) for one in (*accounts, "none")], known, Book(views, orders, ids))
    assert [one.times for one in (views, orders, entries)] == [1, 1, 1]
    each = [(now.held, now.held_profit, now.targets, now.fate is not None, now.profit) for now in found]
    # The profit is that of the second entry, which is the newest.
    assert each == [(3, Decimal(6), 3, True, Decimal(2))] * count + [(0, None, 0, False, None)]


def test_the_switch_of_one_account_hides_no_other(tmp_path: Path) -> None:
    """The status tells the first account whose exits are held, and counts the others."""

    async def day(world: World) -> None:
        world.exits = ExitMode.ALL
        await world.start()
        await world.until("09:47")

        async def told() -> str:
            await world.clock.sleep(5)
            shown(world)
            snapshot = world.engine.builder.snapshot
            assert snapshot is not None
            assert snapshot.status.exits is not None
            return snapshot.status.exits.why

        await world.answer(CommandKind.EXITS, "0002", "hold because lunch")
        assert await told() == "of …0002 by operator: lunch"
        await world.answer(CommandKind.EXITS, "0001", "hold because a storm")
        assert await told() == "of …0001 by operator: a storm; 1 other account held too"
        await world.answer(CommandKind.EXITS, "", "hold because all")
        assert await told() == "by operator: all"
        await world.stop()

    in_world(day, tmp_path, accounts=(account(), account(OTHER)))
