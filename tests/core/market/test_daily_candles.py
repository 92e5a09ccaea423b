"""Daily candles compared with the calendar: what is kept for the day, what is read again, what is refused (rules 5)."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest

from core.broker.port import BrokerError, BrokerFault
from core.domain.operation.reasons import Refusal
from core.market.daily_candles import CANDLE_DAYS, DailyCandles
from core.runtime.virtual_time import VirtualClock, run_virtual
from core.simulator.exchange.armed_faults import ArmedFaults
from core.simulator.exchange.faults import Fault, FaultKind, FaultMatch
from core.simulator.exchange.market_view import MarketView
from core.simulator.in_process.market_data import InProcessMarketData
from core.simulator.market.market import Market
from tests.support.world import calendar_around, et

MONDAY, FRIDAY = "2026-11-30", date(2026, 11, 27)
NOT_YET = "QQQ daily candles could not be read: the feed has no candle for 2026-11-27 yet"


@dataclass
class Desk:
    """The candles of the simulated market; `asked` has the path of each request, and `fails` ends the next ones."""

    clock: VirtualClock
    candles: DailyCandles
    faults: ArmedFaults
    asked: list[str] = field(default_factory=list)
    fails: bool = False

    def note(self, path: str) -> None:
        self.asked.append(path)
        if self.fails:
            raise BrokerError(BrokerFault.UNREACHABLE, "candles of QQQ: no answer in time")

    def lose(self, days: str | None) -> None:
        """The feed has no candles of these dates (FROM..TO); None for the newest 10."""
        match = FaultMatch(symbol="QQQ", field=days)
        fault = Fault(FaultKind.MARKET_CANDLES_MISSING, match=match)
        self.faults.arm(fault, self.clock.now(), self.clock.monotonic())

    async def read(self) -> int | str:
        """How many candles were read, or the sentence of the refusal."""
        read = await self.candles.read("QQQ")
        return read.sentence() if isinstance(read, Refusal) else len(read)


def at_the_desk(script: Callable[[Desk], Coroutine[Any, Any, None]], at: str = "09:40") -> None:
    async def main(clock: VirtualClock) -> None:
        faults = ArmedFaults()
        view = MarketView(Market(7, clock.now()), faults, clock)
        desks: list[Desk] = []
        market_data = InProcessMarketData(view, faults, clock, lambda path: desks[0].note(path))
        desks.append(Desk(clock, DailyCandles(market_data, calendar_around(2026), clock), faults))
        await script(desks[0])

    run_virtual(main, et(MONDAY, at))


def test_a_complete_read_is_kept_for_the_day() -> None:
    async def script(desk: Desk) -> None:
        assert await desk.read() == CANDLE_DAYS
        await desk.clock.sleep(6 * 3600)
        desk.fails = True
        assert await desk.read() == CANDLE_DAYS
        assert len(desk.asked) == 1
        desk.fails = False
        await desk.clock.sleep(18 * 3600)
        assert await desk.read() == CANDLE_DAYS
        assert desk.candles.sessions()[-1] == date(2026, 11, 30)
        assert len(desk.asked) == 2

    at_the_desk(script)


def test_the_sessions_are_the_calendars_without_holidays_and_today() -> None:
    async def script(desk: Desk) -> None:
        sessions = desk.candles.sessions()
        assert len(sessions) == CANDLE_DAYS
        assert sessions[-2:] == (date(2026, 11, 25), FRIDAY)

    at_the_desk(script)


@pytest.mark.parametrize("days", [None, "2026-11-27..2026-11-27"])
def test_while_the_newest_may_still_come_it_is_read_again_once_a_minute(days: str | None) -> None:
    async def script(desk: Desk) -> None:
        desk.lose(days)
        for seconds, requests in ((0, 1), (59, 1), (1, 2), (30, 2), (30, 3)):
            await desk.clock.sleep(seconds)
            assert await desk.read() == NOT_YET
            assert len(desk.asked) == requests
        desk.faults.clear()
        assert await desk.read() == NOT_YET
        await desk.clock.sleep(60)
        assert await desk.read() == CANDLE_DAYS
        await desk.clock.sleep(3600)
        assert await desk.read() == CANDLE_DAYS
        assert len(desk.asked) == 4

    at_the_desk(script)


def test_a_newest_candle_that_does_not_come_for_a_quarter_of_an_hour_is_missing() -> None:
    async def script(desk: Desk) -> None:
        desk.lose("2026-11-27..2026-11-27")
        assert await desk.read() == NOT_YET
        await desk.clock.sleep(899)
        assert await desk.read() == NOT_YET
        await desk.clock.sleep(1)
        read = await desk.candles.read("QQQ")
        assert not isinstance(read, Refusal)
        assert read[-1].day == date(2026, 11, 25)
        desk.faults.clear()
        await desk.clock.sleep(60)
        assert await desk.read() == CANDLE_DAYS

    at_the_desk(script)


@pytest.mark.parametrize(
    ("days", "kept"),
    [("2026-09-03..2026-09-03", False), ("2026-09-02..2026-09-02", True), ("2026-08-03..2026-08-14", True)],
)
def test_a_gap_among_the_newest_sixty_is_read_again_and_one_behind_them_is_kept(days: str, kept: bool) -> None:
    async def script(desk: Desk) -> None:
        assert desk.candles.sessions()[-60] == date(2026, 9, 3)
        desk.lose(days)
        first = await desk.read()
        assert isinstance(first, int)
        await desk.clock.sleep(60)
        desk.faults.clear()
        assert await desk.read() == (first if kept else CANDLE_DAYS)

    at_the_desk(script)


def test_a_read_that_fails_is_told_and_tried_again_at_once() -> None:
    async def script(desk: Desk) -> None:
        desk.fails = True
        failed = "QQQ daily candles could not be read: candles of QQQ: no answer in time"
        assert [await desk.read(), await desk.read()] == [failed, failed]
        desk.fails = False
        assert await desk.read() == CANDLE_DAYS
        assert len(desk.asked) == 3

    at_the_desk(script)
