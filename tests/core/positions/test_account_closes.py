"""Each account is kept once after a session's close, with what is at risk and what the session earned."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from core.broker.pace import Pace
from core.domain.positions.pnl import OpenMark, Unrealized
from core.domain.positions.units import UnitName
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
        units = (await world.records.tridents.get(entry.id)).trident.units
        marks = {ACCOUNT: {entry.id: OpenMark(dict.fromkeys(units))}}
        asked: list[str] = []

        async def open_marks(number: str) -> dict[str, OpenMark]:
            asked.append(number)
            return marks.get(number, {})

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
                world.broker, world.records, world.clock, parts.calendar, pace, lambda _: "main", open_marks
            )

        keeps = closes()
        numbers = [ACCOUNT, OTHER]
        await world.until("15:58:59")
        await keeps.mark_due(numbers)
        assert asked == [], "what is open is marked in the last minute, when quotes are still fresh"
        await world.until("15:59")
        await keeps.mark_due(numbers)
        none = Unrealized(Decimal(0), Decimal(0))
        marks[ACCOUNT] = {entry.id: OpenMark({units[0]: open_now, units[1]: none, units[2]: none})}
        await keeps.mark_due(numbers)
        marks[ACCOUNT] = {}
        await keeps.mark_due(numbers)
        again = [ACCOUNT, OTHER, ACCOUNT, OTHER, OTHER]
        assert asked == again, "one that had no fresh quotes is tried again, and so is one whose trident has no mark"
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
        assert asked == again
        assert (mine.realized, mine.fees) == (D("-6.73"), D("6.73"))
        assert await closes().keep_due(numbers), "also after a restart"
        assert (await world.records.pnl_rows.days(DAY, DAY))[0] == mine
        await world.until("12:00", "2026-03-07")
        assert await keeps.keep_due(numbers)
        assert len(await world.records.pnl_rows.days(DAY, date(2026, 3, 31))) == 2, "a Saturday has no session"
        await world.records.close()

    in_world(day, tmp_path, accounts=(account(), account(OTHER)))


@pytest.mark.parametrize(
    ("what", "kept"),
    [
        ("all is as it was marked", "300.00"),
        ("one expires in this session", "0"),
        ("a unit ended after the mark", "300.00"),
        ("a unit is broken", None),
        ("a trident came after the mark", None),
        ("a quote was missing", None),
        ("nothing was marked", None),
    ],
)
def test_what_is_kept_as_open_is_what_no_figure_of_the_session_counts_as_realized(
    tmp_path: Path, what: str, kept: str | None
) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("09:46:30")
        [entry] = await world.entries()
        await world.stop()
        await world.build()
        parts = world.engine.parts
        trident = (await world.records.tridents.get(entry.id)).trident

        async def open_marks(number: str) -> dict[str, OpenMark]:
            of_unit = None if what == "a quote was missing" else Unrealized(D("100.00"), D("90.00"))
            found = dict.fromkeys(trident.units, of_unit)
            if what == "a unit ended after the mark":
                found[replace(trident.units[0], name=UnitName.PUT_2, credit=D("9.00"))] = Unrealized(
                    D("-5.00"), D("-6.00")
                )
            is_broken = what == "a unit is broken"
            return {} if what == "a trident came after the mark" else {entry.id: OpenMark(found, is_broken)}

        keeps = AccountCloses(
            world.broker, world.records, world.clock, parts.calendar, Pace(world.clock), lambda _: "main", open_marks
        )
        on = trident.expiration.isoformat() if what == "one expires in this session" else MONDAY
        await world.until("15:59:30", on)
        if what != "nothing was marked":
            await keeps.mark_due([ACCOUNT])
        await world.until("16:30", on)
        assert await keeps.keep_due([ACCOUNT])
        [mine] = await world.records.pnl_rows.days(date.min, date.max)
        assert (None if mine.unrealized is None else mine.unrealized.mid) == (None if kept is None else D(kept))
        await world.records.close()

    in_world(day, tmp_path)
