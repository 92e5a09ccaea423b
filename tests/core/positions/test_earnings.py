"""What tridents earned is worked out from their fills and the broker's rows, and written once it is known."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from core.broker.pace import Pace
from core.domain.orders.orders import Entry
from core.domain.orders.transactions import Transaction
from core.domain.positions.closing import Gone
from core.domain.positions.matching import Role
from core.domain.positions.pnl import OfficialClose
from core.domain.positions.tridents import Phase
from core.domain.positions.units import Ended, UnitName, UnitState
from core.market.calendar import SessionCalendar
from core.positions.earnings import ByDate, Earnings
from core.positions.transactions import TransactionReads
from core.records.records import GoneRecord
from core.records.store.database import Database
from core.runtime.clock import exchange_time
from core.simulator.exchange.habits import Habits
from core.simulator.exchange.handling import Handling
from core.simulator.exchange.lifecycle import FillPlan
from core.simulator.exchange.orders import closing_order
from tests.support.tridents import CALL, PUT_1, PUT_2, D
from tests.support.world import ACCOUNT, World, et, in_world


@dataclass
class Money:
    """The readings and the earnings of one account, after its entry of the day was filled."""

    world: World
    entry: Entry
    before: Decimal

    def __post_init__(self) -> None:
        world = self.world
        parts = world.engine.parts
        self.earnings = Earnings(world.records, world.engine.bus, world.clock, parts.calendar)
        self.reads = TransactionReads(
            world.broker,
            world.records,
            world.engine.bus,
            world.clock,
            parts.calendar,
            Pace(world.clock),
            lambda _: "main",
            self._first,
            self._on_read,
        )

    async def _first(self, account: str) -> date | None:
        return self.entry.session_day

    async def _on_read(self, account: str, changed: tuple[Transaction, ...]) -> None:
        await self.earnings.work_out(account)

    async def read(self) -> None:
        assert await self.reads.read(ACCOUNT)

    def cash(self) -> Decimal:
        return self.world.exchange.balances(ACCOUNT, self.world.clock.now()).cash_balance

    async def earned(self) -> dict[UnitName, tuple[Decimal | None, Decimal | None, date | None]]:
        """Of each unit: what it realized, its fees, and the day to which that counts."""
        rows = await self.world.records.pnl_rows.units(self.entry.id)
        return {name: (one.realized, one.fees, one.day) for name, one in rows.items()}


@asynccontextmanager
async def money_of(world: World) -> AsyncIterator[Money]:
    before = world.exchange.balances(ACCOUNT, world.clock.now()).cash_balance
    await world.start()
    await world.until("09:46:30")
    entry = await world.entry()
    await world.stop()
    await world.build()
    yield Money(world, entry, before)
    await world.records.close()


def test_an_open_trident_has_earned_its_fees_alone(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        async with money_of(world) as money:
            await money.read()
            earned = await money.earned()
            assert {(realized, day) for realized, _, day in earned.values()} == {(None, None)}
            fees = sum((paid or Decimal(0) for _, paid, _ in earned.values()), Decimal(0))
            assert fees == D("6.73")
            matches = await world.records.transactions.matches_of([money.entry.id])
            assert sum(one.net_value for one in matches) == money.cash() - money.before

    in_world(day, tmp_path)


@pytest.mark.parametrize("seen", [True, False], ids=["order seen", "order not seen"])
def test_units_closed_by_hand_count_once_their_rows_are_there(tmp_path: Path, seen: bool) -> None:
    async def day(world: World) -> None:
        async with money_of(world) as money:
            await world.clock.sleep(3600)
            now = world.clock.now()
            positions = world.exchange.positions(ACCOUNT, now)
            order = world.exchange.submit(
                ACCOUNT, closing_order(positions), now, handling=Handling(plan=FillPlan.IMMEDIATE)
            )
            await world.clock.sleep(60)
            trident = await world.records.tridents.get(money.entry.id)
            left = [
                GoneRecord(
                    money.entry.id,
                    Gone(unit.name, symbol, Ended.HAND if seen else None, now),
                    "us",
                    detail={"orders": [str(order.id)]} if seen else {},
                )
                for unit in trident.trident.units
                for symbol in unit.held
            ]
            await world.records.tridents.note_gone(left)
            await money.earnings.work_out(ACCOUNT)
            assert {realized for realized, _, _ in (await money.earned()).values()} == {None}, (
                "no row says for how much"
            )
            await money.read()
            earned = await money.earned()
            assert {day for _, _, day in earned.values()} == {world.day}
            assert sum(realized or Decimal(0) for realized, _, _ in earned.values()) == money.cash() - money.before
            units = (await world.records.tridents.get(money.entry.id)).trident.units
            assert {unit.how for unit in units} == {Ended.HAND}
            before = world.records.version("units", "matches", "tridents")
            await money.read()
            assert world.records.version("units", "matches", "tridents") == before, "nothing is written twice"

    in_world(day, tmp_path)


def turns(database: Database, monkeypatch: pytest.MonkeyPatch, *kinds: str) -> list[str]:
    """The transactions of these kinds that begin from now on."""
    begun: list[str] = []

    def counted(kind: str, begin: Callable[[], object]) -> Callable[[], object]:
        return lambda: begun.append(kind) or begin()  # type: ignore[func-returns-value]

    for kind in kinds:
        monkeypatch.setattr(database, kind, counted(kind, getattr(database, kind)))
    return begun


def test_a_trident_of_which_nothing_new_is_known_takes_no_turn_to_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Books of many tridents are kept several times a day: what is on record so already is told by one read."""

    async def days(world: World) -> None:
        async with money_of(world) as money:
            await money.read()
            later = world.day + timedelta(days=1)
            await world.until("17:30", later.isoformat())
            written = turns(world.records.database, monkeypatch, "write")
            await money.earnings.work_out(ACCOUNT)
            assert not written

    in_world(days, tmp_path)


def test_what_was_worked_out_stands_until_something_new_is_known_or_a_date_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def days(world: World) -> None:
        async with money_of(world) as money:
            await money.read()
            read = turns(world.records.database, monkeypatch, "read", "write")

            async def estimated_on(day: str) -> set[bool]:
                await world.until("17:30", day)
                read.clear()
                await money.earnings.work_out(ACCOUNT)
                await money.earnings.work_out(ACCOUNT)
                asked.append(bool(read))
                return {one.estimated for one in (await world.records.pnl_rows.units(money.entry.id)).values()}

            asked: list[bool] = []
            assert await estimated_on("2026-03-03") == {True}
            assert await estimated_on("2026-03-09") == {True}
            assert asked == [False, False], "nothing has changed"
            assert await estimated_on("2026-03-10") == {False}, "the broker calls it an estimate for ever"
            assert await estimated_on("2026-03-11") == {False}
            assert asked == [False, False, True, False]
            close = OfficialClose(et("2026-03-10", "16:00"), D("600.00"))
            assert await world.records.pnl_rows.add_close("QQQ", date(2026, 3, 10), close)
            read.clear()
            await money.earnings.count_shares(ACCOUNT)
            assert not read, "it has no shares that count at a close"
            unit = (await world.records.tridents.get(money.entry.id)).trident.units[0]
            gone = Gone(unit.name, unit.short, None, world.clock.now())
            await world.records.tridents.note_gone([GoneRecord(money.entry.id, gone, "us")])
            read.clear()
            await money.earnings.count_shares(ACCOUNT)
            assert read, "what has left may be shares"
            await world.until("17:30", money.entry.expiration.isoformat())
            read.clear()
            await money.earnings.work_out(ACCOUNT)
            assert read, "what is held into its expiration may be what a row is about"

    in_world(days, tmp_path)


def test_an_end_is_looked_at_again_once_the_broker_has_told_all_of_it() -> None:
    monday = date(2026, 3, 2)
    ended = ByDate(monday, ended=monday)
    calendar = SessionCalendar(et(monday.isoformat(), "17:30"))
    days = [monday + timedelta(days=n) for n in (-1, 0, 1, 2)]
    assert [ended.stands(day, calendar) for day in days] == [False, True, True, False]


def test_the_rows_of_an_expiration_end_the_units(tmp_path: Path) -> None:
    async def days(world: World) -> None:
        async with money_of(world) as money:
            expiration = money.entry.expiration
            world.exchange.habits = Habits(desk=False, early_assignment=False)
            await world.until("17:30", expiration.isoformat())
            await money.read()
            trident = (await world.records.tridents.get(money.entry.id)).trident
            assert {unit.state for unit in trident.units} == {UnitState.WHOLE}, "nothing is assumed"
            monday = expiration + timedelta(days=3)
            await world.until("17:30", monday.isoformat())
            await money.read()
            trident = (await world.records.tridents.get(money.entry.id)).trident
            assert {unit.state for unit in trident.units} == {UnitState.GONE}
            assert {unit.how for unit in trident.units} <= {Ended.EXPIRED, Ended.ASSIGNED, Ended.EXERCISED}
            mark = world.exchange.balances(ACCOUNT, world.clock.now())
            shares = sum(
                p.quantity * (1 if p.quantity_direction == "Long" else -1)
                for p in world.exchange.positions(ACCOUNT, world.clock.now())
            )
            close = OfficialClose(et(monday.isoformat(), "16:00"), D("600.00"))
            await world.records.pnl_rows.add_close("QQQ", monday, close)
            await money.read()
            earned = await money.earned()
            assert {day for _, _, day in earned.values()} == {expiration}
            found = sum(realized or Decimal(0) for realized, _, _ in earned.values())
            assert found == mark.cash_balance - money.before + shares * close.price
            assert exchange_time(world.clock.now()).date() == monday

    in_world(days, tmp_path)


def test_a_new_official_close_is_worked_out_while_shares_of_an_assignment_wait_for_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def days(world: World) -> None:
        async with money_of(world) as money:
            await money.read()
            unit = (await world.records.tridents.get(money.entry.id)).trident.units[0]
            world.exchange.back_office.assign(ACCOUNT, unit.short, 1, world.clock.now())
            left = Gone(unit.name, unit.short, None, world.clock.now())
            await world.records.tridents.note_gone([GoneRecord(money.entry.id, left, "us")])
            tuesday = world.day + timedelta(days=1)
            await world.until("09:00", tuesday.isoformat())
            await money.read()
            matches = await world.records.transactions.matches_of([money.entry.id])
            assert Role.SHARES in {one.role for one in matches}
            read = turns(world.records.database, monkeypatch, "read", "write")
            asked = []
            for day in (tuesday, tuesday + timedelta(days=1)):
                close = OfficialClose(et(day.isoformat(), "16:00"), D("600.00"))
                assert await world.records.pnl_rows.add_close("QQQ", day, close)
                read.clear()
                await money.earnings.count_shares(ACCOUNT)
                asked.append(bool(read))
            assert asked == [True, False], "shares count at the first close after them"

    in_world(days, tmp_path)


def test_what_an_operator_attests_counts_where_nothing_else_says_so(tmp_path: Path) -> None:
    async def days(world: World) -> None:
        async with money_of(world) as money:
            now = world.clock.now()
            trident = (await world.records.tridents.get(money.entry.id)).trident
            left = [
                GoneRecord(money.entry.id, Gone(unit.name, symbol, Ended.ATTESTED, now), "operator")
                for unit in trident.units
                for symbol in unit.held
            ]
            await world.records.tridents.note_gone(left)
            await world.records.tridents.become(money.entry.id, Phase.ENDED, now)
            await money.read()
            assert {realized for realized, _, _ in (await money.earned()).values()} == {None}
            figures = {PUT_1: D("-12.00"), PUT_2: D("-13.00"), CALL: D("-14.00")}
            await world.records.tridents.note_gone(
                [
                    GoneRecord(
                        money.entry.id,
                        Gone(unit.name, unit.short, Ended.ATTESTED, now),
                        "operator",
                        figure=figures[unit.name],
                    )
                    for unit in trident.units
                ]
            )
            await money.earnings.work_out(ACCOUNT)
            earned = await money.earned()
            assert sum(realized or Decimal(0) for realized, _, _ in earned.values()) == (
                money.cash() - money.before - D("39.00")
            )
            assert await world.records.pnl_rows.results(ACCOUNT, et("2026-01-01")) == {}

    in_world(days, tmp_path)
