"""Each account is kept once after a session's close, with what is at risk and what the session earned."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

from core.broker.pace import Pace
from core.domain.positions.pnl import Unrealized
from core.positions.account_closes import AccountCloses
from core.positions.earnings import Earnings
from core.positions.transactions import TransactionReads
from core.simulator.exchange.faults import FaultKind
from tests.support.tridents import D
from tests.support.world import ACCOUNT, MONDAY, World, account, in_world

OTHER = "5WT00002"
DAY = date.fromisoformat(MONDAY)


def test_every_account_is_kept_once_after_the_close(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("09:46:30")
        [entry] = [one for one in await world.entries() if one.account == ACCOUNT]
        await world.stop()
        await world.build()
        parts = world.engine.parts
        open_now = Unrealized(D("12.50"), D("-3.00"))
        marks: dict[str, Unrealized | None] = {ACCOUNT: open_now}
        asked: list[str] = []

        async def unrealized(number: str) -> Unrealized | None:
            asked.append(number)
            return marks.get(number)

        async def first(number: str) -> date | None:
            return DAY

        earnings = Earnings(world.records, world.engine.bus, world.clock, parts.calendar)
        pace = Pace(world.clock)
        reads = TransactionReads(
            world.broker, world.records, world.engine.bus, world.clock, parts.calendar, pace, lambda _: "main", first,
            lambda number, rows: earnings.work_out(number),
        )  # fmt: skip

        def closes() -> AccountCloses:
            return AccountCloses(
                world.broker, world.records, world.clock, parts.calendar, pace, lambda _: "main", unrealized
            )

        keeps = closes()
        numbers = [ACCOUNT, OTHER]
        await world.until("15:58:59")
        await keeps.mark_due(numbers)
        assert asked == [], "what is open is marked in the last minute, when quotes are still fresh"
        await world.until("15:59")
        await keeps.mark_due(numbers)
        marks[ACCOUNT] = None
        await keeps.mark_due(numbers)
        assert asked == [ACCOUNT, OTHER, OTHER], "one that had no fresh quotes is tried again"
        await world.until("16:00")
        await keeps.mark_due(numbers)
        await world.until("16:29")
        assert await keeps.keep_due(numbers)
        assert await world.records.pnl_rows.days(DAY, DAY) == (), "the session is over, and not for half an hour"
        await world.until("16:30")
        assert await reads.read_due(numbers)
        world.broker.arm(FaultKind.REST_DROP_RESPONSE, method="GET", path=f"/accounts/{OTHER}/balances")
        assert not await keeps.keep_due(numbers)
        [mine] = await world.records.pnl_rows.days(DAY, DAY)
        assert mine.account == ACCOUNT, "an account that cannot be read keeps no other waiting"
        assert await keeps.keep_due(numbers)
        mine, other = await world.records.pnl_rows.days(DAY, DAY)
        trident = (await world.records.tridents.get(entry.id)).trident
        credit = sum((unit.credit or Decimal(0) for unit in trident.units), Decimal(0))
        assert mine.open_risk == 100 * (2 * trident.width - credit)
        balance = world.exchange.balances(ACCOUNT, world.clock.now())
        assert mine.capital == balance.derivative_buying_power + mine.open_risk
        assert (mine.unrealized, other.unrealized) == (open_now, None)
        assert asked == [ACCOUNT, OTHER, OTHER]
        assert (mine.realized, mine.fees) == (D("-6.73"), D("6.73"))
        assert await closes().keep_due(numbers), "also after a restart"
        assert (await world.records.pnl_rows.days(DAY, DAY))[0] == mine
        await world.until("12:00", "2026-03-07")
        assert await keeps.keep_due(numbers)
        assert len(await world.records.pnl_rows.days(DAY, date(2026, 3, 31))) == 2, "a Saturday has no session"
        await world.records.close()

    in_world(day, tmp_path, accounts=(account(), account(OTHER)))
