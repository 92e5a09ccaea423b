"""Positions and live orders of an account, read together and shared, against the broker in process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from core.broker.pace import Pace, Turn, Work
from core.broker.port import BrokerError
from core.domain.orders.orders import OrderLeg, OrderRequest
from core.domain.trident.sides import Direction
from core.domain.trident.trident import Action
from core.positions.complete_reads import FRESH_S, READ_EVERY_S, RETRY_S, CompleteRead, CompleteReads
from core.positions.turns import LOOK_AGAIN_S
from core.records.store.errors import RecordsError
from core.runtime.virtual_time import VirtualClock, run_virtual
from core.simulator.exchange.accounts import AccountSetup
from core.simulator.exchange.exchange import Exchange
from core.simulator.exchange.faults import FaultKind
from core.simulator.in_process.broker import InProcessBroker
from core.simulator.market.market import Market
from tests.support.world import LOGIN, SuspendableClock

START = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
ONE, OTHER = "5WT00001", "5WT00002"
PUT, LOWER = "QQQ   270108P00622000", "QQQ   270108P00619000"


@dataclass
class KeptStamps:
    """Keeps the stamps of complete reads."""

    stamped: list[tuple[str, float]] = field(default_factory=list)

    def note_complete(self, account: str, began_s: float) -> None:
        self.stamped.append((account, began_s))


@dataclass
class Desk:
    """Reads of two accounts at one broker, each of a login of its own, or of so `many` of one login. `fails` is raised
    to whoever is given a read."""

    clock: VirtualClock
    open: bool = True
    followed: list[str] = field(default_factory=lambda: [ONE, OTHER])
    taken: list[CompleteRead] = field(default_factory=list)
    fails: Exception | None = None
    stamps: KeptStamps = field(default_factory=KeptStamps)
    many: int = 0

    def __post_init__(self) -> None:
        market = Market(7, self.clock.now())
        accounts = [AccountSetup(number, "Own", "main", Decimal("25000.00")) for number in self._numbers()]
        self.exchange = Exchange(market, 7, accounts)
        self.broker = InProcessBroker(self.exchange, market, self.clock, "main")
        self.pace = Pace(self.clock)
        self.reads = CompleteReads(
            self.broker,
            self.stamps,
            self.pace,
            self.clock,
            lambda account: LOGIN if self.many else f"login of {account}",
            self._take,
            lambda: self.followed,
            lambda: self.open,
        )

    def _numbers(self) -> list[str]:
        return [f"5WT{number:05d}" for number in range(1, self.many + 1)] or [ONE, OTHER]

    async def _take(self, read: CompleteRead) -> None:
        if self.fails is not None:
            raise self.fails
        self.taken.append(read)

    def at(self, account: str) -> list[float]:
        """When the reads of the account began, in wall seconds from the start."""
        return [round(read.began_s - self.began_s) for read in self.taken if read.account == account]

    async def following(self, script: Coroutine[Any, Any, None]) -> None:
        self.began_s = self.clock.boottime()
        service = asyncio.create_task(self.reads.run())
        try:
            await script
        finally:
            service.cancel()
            await asyncio.wait({service})


def on_desk(script: Callable[[Desk], Coroutine[Any, Any, None]]) -> None:
    run_virtual(lambda clock: script(Desk(clock)), START)


def test_no_read_looks_fresh_after_the_machine_slept() -> None:
    """The monotonic clock stands still while a machine sleeps: a read of before was of long ago."""

    async def script(clock: VirtualClock) -> None:
        machine = SuspendableClock(clock.now(), asyncio.get_running_loop())
        desk = Desk(machine)
        first = await desk.reads.within(ONE, FRESH_S)
        assert await desk.reads.within(ONE, FRESH_S) is first
        machine.suspend(FRESH_S + 1)
        second = await desk.reads.within(ONE, FRESH_S)
        assert second is not first
        assert second.began_s - first.began_s > FRESH_S
        machine.suspend(READ_EVERY_S)
        await desk.following(machine.sleep(1))
        assert len(desk.taken) == 4, "both accounts were due at once"

    run_virtual(script, START)


def test_a_read_has_positions_orders_and_the_second_before_both() -> None:
    async def script(desk: Desk) -> None:
        desk.exchange.fill_plan = "immediate"
        legs = (OrderLeg(PUT, Action.SELL_TO_OPEN, 2), OrderLeg(LOWER, Action.BUY_TO_OPEN, 2))
        await desk.broker.send(ONE, OrderRequest("QQQ", legs, Decimal("0.50"), "senex-1"), lambda: None)
        await desk.clock.sleep(10)
        desk.exchange.back_office.give(ONE, {"QQQ": -100}, desk.clock.now())
        await desk.clock.sleep(10)
        began_s = desk.clock.boottime()
        read = await desk.reads.since(ONE, began_s)
        assert read.options() == {(PUT, Direction.SHORT): 2, (LOWER, Direction.LONG): 2}
        assert read.shares() == {"QQQ": -100}
        assert [order.identifier for order in read.orders] == ["senex-1"]
        assert began_s <= read.began_s < desk.clock.boottime()
        assert desk.stamps.stamped == [(ONE, read.began_s)]

    on_desk(script)


def test_all_who_wait_share_one_read_and_a_fresh_one_is_not_read_again() -> None:
    async def script(desk: Desk) -> None:
        now_s = desk.clock.boottime()
        found = await asyncio.gather(*(desk.reads.since(ONE, now_s) for _ in range(10)), desk.reads.within(ONE))
        assert len(desk.taken) == len({id(read) for read in found}) == 1
        await desk.clock.sleep(FRESH_S - 1)
        assert await desk.reads.within(ONE) is desk.reads.newest(ONE)
        assert len(desk.taken) == 1
        await desk.clock.sleep(2)
        await desk.reads.within(ONE)
        assert len(desk.taken) == 2

    on_desk(script)


def test_a_read_that_is_under_way_is_too_old_for_whoever_asks_after_it_began() -> None:
    """The proof of a cancel needs positions that were read after the cancel was answered."""

    async def script(desk: Desk) -> None:
        first = asyncio.create_task(desk.reads.within(ONE))
        await desk.clock.sleep(0.01)
        asked_s = desk.clock.boottime()
        second = await desk.reads.since(ONE, asked_s, work=Work.PROOF)
        assert (await first).began_s < asked_s <= second.began_s
        assert len(desk.taken) == 2

    on_desk(script)


def test_a_failed_read_is_told_to_all_who_wait_and_proves_nothing() -> None:
    async def script(desk: Desk) -> None:
        for path in ("positions", "orders/live"):
            desk.broker.arm(FaultKind.REST_5XX_HTML, path=f"/accounts/{ONE}/{path}")
            found = await asyncio.gather(*(desk.reads.within(ONE) for _ in range(3)), return_exceptions=True)
            assert all(isinstance(one, BrokerError) for one in found)
            assert "HTTP 502" in desk.reads.trouble(ONE)
        assert (desk.taken, desk.stamps.stamped, desk.reads.newest(ONE)) == ([], [], None)
        await desk.reads.within(ONE)
        assert desk.reads.trouble(ONE) == ""

    on_desk(script)


def test_a_read_that_could_not_be_recorded_does_not_count() -> None:
    async def script(desk: Desk) -> None:
        desk.fails = RecordsError("the disk is full")
        with pytest.raises(RecordsError):
            await desk.reads.within(ONE)
        assert (desk.stamps.stamped, desk.reads.newest(ONE)) == ([], None)
        with pytest.raises(RecordsError):
            await desk.reads.run()

    on_desk(script)


def test_one_who_gives_up_takes_the_read_from_nobody() -> None:
    async def script(desk: Desk) -> None:
        first = asyncio.create_task(desk.reads.within(ONE))
        second = asyncio.create_task(desk.reads.within(ONE))
        await desk.clock.sleep(0.01)
        first.cancel()
        await asyncio.wait({first})
        assert (await second).account == ONE
        assert len(desk.taken) == 1

    on_desk(script)


def test_every_account_is_read_each_minute_in_session_and_at_once_when_it_is_wanted() -> None:
    async def script(desk: Desk) -> None:
        async def day() -> None:
            await desk.clock.sleep(2 * READ_EVERY_S + 30)
            desk.reads.want(OTHER, Work.PROOF)
            await desk.clock.sleep(1)
            desk.open = False
            await desk.clock.sleep(10 * READ_EVERY_S)
            desk.reads.want(ONE, Work.ROUTINE)
            await desk.clock.sleep(1)

        await desk.following(day())
        assert desk.at(ONE) == [0, 60, 120, 151 + 600]
        assert desk.at(OTHER) == [0, 60, 120, 150]

    on_desk(script)


def test_an_account_that_fails_delays_no_other_and_is_tried_again() -> None:
    async def script(desk: Desk) -> None:
        async def day() -> None:
            desk.broker.arm(FaultKind.REST_DELAY_BEFORE, path=f"/accounts/{ONE}/positions", seconds=60.0)
            await desk.clock.sleep(READ_EVERY_S + 1)

        await desk.following(day())
        assert desk.at(OTHER) == [0, 60]
        assert desk.at(ONE) == [10 + RETRY_S]  # a request ends after 10 s

    on_desk(script)


def test_a_read_becomes_as_urgent_as_the_most_urgent_who_ask_for_it_in_the_same_moment() -> None:
    """The second asks before the read of the first has joined the line."""

    async def script(desk: Desk) -> None:
        login = f"login of {ONE}"
        exits = [asyncio.create_task(desk.pace.take(Turn(login, OTHER, Work.MUST_CLOSE))) for _ in range(100)]
        await asyncio.sleep(0)
        began_s = desk.clock.boottime()
        await asyncio.gather(*(desk.reads.since(ONE, began_s, work=work) for work in (Work.ROUTINE, Work.HAND_CLOSE)))
        assert desk.clock.boottime() - began_s < 3
        await asyncio.gather(*exits)

    on_desk(script)


def test_a_wanted_read_is_a_proof_once_in_ten_seconds_and_routine_otherwise() -> None:
    async def script(desk: Desk) -> None:
        desk.followed = []
        works: list[tuple[int, Work]] = []
        take = desk.pace.take

        async def noted(turn: Turn) -> None:
            await take(turn)
            works.append((round(desk.clock.boottime() - desk.began_s), turn.work))

        setattr(desk.pace, "take", noted)  # noqa: B010 - a method of this one instance

        async def day() -> None:
            for work in (Work.PROOF, Work.PROOF, Work.ROUTINE, Work.PROOF, Work.PROOF):
                desk.reads.want(ONE, work)
                await desk.clock.sleep(4)
            desk.broker.arm(FaultKind.REST_5XX_HTML, path=f"/accounts/{ONE}/positions")
            desk.reads.want(ONE, Work.PROOF)  # it fails, and is tried again
            await desk.clock.sleep(RETRY_S + 1)

        await desk.following(day())
        assert works == [
            (0, Work.PROOF),
            (4, Work.ROUTINE),
            (8, Work.ROUTINE),
            (12, Work.PROOF),
            (16, Work.ROUTINE),
            (20, Work.ROUTINE),
            (30, Work.ROUTINE),
        ]

    on_desk(script)


def test_forty_accounts_that_are_looked_at_again_hold_up_no_targets() -> None:
    """Each of them shows other than it may, and is read every 15 s until it does not."""

    async def script(desk: Desk) -> None:
        desk.followed = []
        numbers = [f"5WT{number:05d}" for number in range(1, 41)]
        placed: list[float] = []

        async def places() -> None:
            while True:
                await desk.pace.take(Turn(LOGIN, ONE, Work.TARGET))
                placed.append(desk.clock.boottime() - desk.began_s)

        async def looks(number: str) -> None:
            for again in range(8):
                desk.reads.want(number, Work.PROOF if again == 0 else Work.ROUTINE)  # the first one after the news
                await desk.clock.sleep(LOOK_AGAIN_S)

        async def day() -> None:
            targets = [asyncio.create_task(places()) for _ in range(10)]
            await asyncio.gather(*(looks(number) for number in numbers))
            for one in targets:
                one.cancel()

        await desk.following(day())
        for minute in range(2):
            assert sum(20 <= at - 50 * minute < 70 for at in placed) >= 4 * 50, "targets leave at nearly the whole pace"
        reads = [read.account for read in desk.taken]
        assert set(reads) == set(numbers), "and each account is read"
        assert len(reads) >= 40 + 20, "and one read passes the targets every four seconds"

    run_virtual(lambda clock: script(Desk(clock, many=40)), START)
