"""The books of an account over an assignment: the history, the official close after it, and what was earned."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from core.broker.pace import Pace
from core.domain.market.quotes import DaySummary
from core.domain.operation.commands import Command, CommandKind
from core.domain.positions.pnl import Unrealized
from core.positions.bookkeeping import TIMES, Bookkeeping
from core.runtime.clock import exchange_time
from core.simulator.exchange.faults import FaultKind
from core.simulator.exchange.habits import Habits
from tests.support.trident_world import held
from tests.support.world import ACCOUNT, World, in_world


def test_a_turn_does_what_is_due_and_then_asks_nobody(tmp_path: Path) -> None:
    async def days(world: World) -> None:
        before = world.exchange.balances(ACCOUNT, world.clock.now()).cash_balance
        await world.start()
        await world.until("09:46:30")
        entry = await world.entry()
        await world.stop()
        await world.build()
        world.exchange.habits = Habits(desk=False, early_assignment=False)
        told: dict[str, DaySummary] = {}

        async def unrealized(number: str) -> Unrealized | None:
            return None

        parts = world.engine.parts
        books = Bookkeeping(
            world.broker,
            world.records,
            world.engine.bus,
            world.clock,
            parts.calendar,
            Pace(world.clock),
            lambda _: "main",
            ("QQQ",),
            told.get,
            unrealized,
        )
        numbers = (ACCOUNT,)
        path = f"/accounts/{ACCOUNT}/transactions"
        world.broker.arm(FaultKind.REST_DROP_RESPONSE, method="GET", path=path)
        assert not await books.turn(numbers)
        assert await books.turn(numbers)
        world.broker.arm(FaultKind.REST_DROP_RESPONSE, method="GET", path=path)
        asked = world.records.version("units", "transactions", "official_closes")
        assert await books.turn(numbers), "nothing is due, so that nobody is asked"
        assert world.records.version("units", "transactions", "official_closes") == asked
        assert not await books.reads.read(ACCOUNT), "the broker would not have answered"
        body, expiration = (await world.records.tridents.get(entry.id)).trident.body, entry.expiration
        assert expiration.weekday() == 4
        await world.until("09:00", (expiration + timedelta(days=3)).isoformat())
        assert await books.turn(numbers)
        tuesday = expiration + timedelta(days=4)
        await world.until("09:00", tuesday.isoformat())
        told["QQQ"] = DaySummary("QQQ", body, None, None, None, 0.0, tuesday)
        assert await books.turn(numbers)
        shares = sum(
            p.quantity * (1 if p.quantity_direction == "Long" else -1)
            for p in world.exchange.positions(ACCOUNT, world.clock.now())
        )
        units = await world.records.pnl_rows.units(entry.id)
        assert {one.day for one in units.values()} == {expiration}
        earned = sum((one.realized or Decimal(0) for one in units.values()), Decimal(0))
        cash = world.exchange.balances(ACCOUNT, world.clock.now()).cash_balance
        assert earned == cash - before + shares * body
        assert [one.price for one in await world.records.pnl_rows.closes("QQQ", date(2026, 3, 1))] == [body]
        await world.until("16:45", tuesday.isoformat())
        assert await books.turn(numbers)
        [kept] = await world.records.pnl_rows.days(tuesday, tuesday)
        assert (kept.open_risk, kept.realized) == (0, 0)
        assert [f"{at:%H:%M}" for at in TIMES] == ["08:30", "12:59", "13:30", "15:59", "16:30", "22:30"]
        await world.records.close()

    in_world(days, tmp_path)


def test_the_books_have_turns_taken_only_where_something_has_changed(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exits = None
        await world.start()
        off = Command(world.ids.new(), CommandKind.SET_ACCOUNT, "anna", world.clock.now(), None, ACCOUNT, "exits off")
        world.engine.accept(off)
        await held(world, running=True)
        await world.until("13:28")
        (before,) = world.engine.exits.turns.standings(ACCOUNT)
        await world.until("15:58")
        (after,) = world.engine.exits.turns.standings(ACCOUNT)
        hours = (after.moment.now - before.moment.now) / timedelta(hours=1)
        assert hours in (2, 3), "every hour since its fees were worked out: nothing has changed at 13:30"
        assert after.view is before.view, "exits are off: no minute alone decides what comes next"
        await world.until("22:35")
        (after,) = world.engine.exits.turns.standings(ACCOUNT)
        assert exchange_time(after.moment.now).hour == 22, "the rows of the evening say the fees that were estimated"
        [(earned, *_)] = [list(one.values()) for one in (await world.records.pnl_rows.of_tridents([after.id])).values()]
        assert earned.fees, "they are known since the fill"
        await world.stop()

    in_world(day, tmp_path, poll_s=60)
