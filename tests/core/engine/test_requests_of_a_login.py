"""What an engine asks the broker for the many accounts of one login, second by second (broker 2.8)."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, time
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import pytest

from core.broker.pace import PER_SECOND, Work
from core.broker.port import AccountReads
from core.config.settings import ScheduleSettings
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import OrderReport
from core.runtime.intervals import Intervals
from core.simulator.in_process.broker import InProcessBroker
from tests.support.proofs import rounds
from tests.support.trident_world import until
from tests.support.world import LOGIN, World, account, in_world

T = TypeVar("T")
NUMBERS = [f"5WT{number:05d}" for number in range(1, 9)]
MANY = [f"5WT{number:05d}" for number in range(1, rounds(11, 26))]
LOOK_EVERY_S = rounds(4, 10)
"""With so many accounts whose entries may change, looks alone come to five requests a second."""
WATCHED_S = rounds(100, 200)
LOGIN_READ = "/customers/me/accounts"
ONE_SLOT = ScheduleSettings(first=time(9, 45), last=time(9, 45))


class Asked:
    """Notes each request of a broker: its monotonic second, and its kind without the number of an account. What the
    adapter of the real broker sends as several requests counts as these (broker 2.2)."""

    def __init__(self, broker: InProcessBroker) -> None:
        self.at: list[tuple[float, str]] = []
        self._broker = broker
        self._call, self._reads, self._orders = broker._call, broker.account_reads, broker.orders_since
        # Methods of this one instance.
        setattr(broker, "_call", self.call)  # noqa: B010
        setattr(broker, "account_reads", self.account_reads)  # noqa: B010
        setattr(broker, "orders_since", self.orders_since)  # noqa: B010

    async def call(self, path: str, process: Callable[[datetime], T], method: str = "GET") -> T:
        self._note(path)
        return await self._call(path, process, method)

    async def account_reads(self, number: str) -> AccountReads:
        self._note(f"/accounts/{number}/positions", f"/accounts/{number}/trading-status")
        return await self._reads(number)

    async def orders_since(self, number: str, first_day: date) -> tuple[OrderReport, ...]:
        self._note(f"/accounts/{number}/orders/live")
        return await self._orders(number, first_day)

    def paced(self) -> list[tuple[float, str]]:
        """All but the accounts of the login, which are asked for every ten minutes beside all turns."""
        return [one for one in self.at if one[1] != LOGIN_READ]

    def of(self, path: str) -> list[float]:
        return [at for at, kind in self.at if kind == path]

    def _note(self, *paths: str) -> None:
        now_s = self._broker.clock.monotonic()
        self.at += [(now_s, path) for path in paths]


def busiest_second(asked: Sequence[tuple[float, str]]) -> list[str]:
    """The most requests that left within less than a second, by kind, without the accounts' numbers."""
    most: Sequence[tuple[float, str]] = ()
    first = 0
    for end, (at, _) in enumerate(asked, 1):
        while at - asked[first][0] >= 1.0:
            first += 1
        most = max(most, asked[first:end], key=len)
    return ["/".join(part for part in path.split("/") if not part.startswith("5WT")) for _, path in most]


async def all_filled(world: World) -> None:
    """Starts the console with the product's intervals for whatever asks the broker, and has one trident in each account
    of which all targets rest."""
    product = Intervals()
    world.intervals = replace(
        world.intervals,
        positions_s=product.positions_s,
        broker_s=product.broker_s,
        logins_s=product.logins_s,
        settlement_s=product.settlement_s,
    )
    world.exits = None
    await world.start()
    await world.until("09:45:20")

    async def filled() -> bool:
        return [entry.state for entry in await world.entries()] == [OrderState.FILLED] * len(world.accounts)

    async def rest() -> bool:
        found = await world.records.exits.open()
        return sum(one.state is OrderState.WORKING for one in found) == 3 * len(world.accounts)

    await until(world, filled, 600)
    world.exchange.fill_plan = "never"
    await until(world, rest)


@pytest.mark.timeout(300)  # 8 accounts
def test_many_accounts_have_no_second_with_more_than_five_requests(tmp_path: Path) -> None:
    """What is read regularly of every account comes spread over its period, not for all in one second."""

    async def day(world: World) -> None:
        await all_filled(world)
        await world.until("10:30")
        asked = Asked(world.broker)
        await world.until("10:50")
        most = busiest_second(asked.paced())
        assert len(most) <= PER_SECOND, Counter(most).most_common()
        for number in NUMBERS:
            looks, reads = asked.of(f"/accounts/{number}/orders"), asked.of(f"/accounts/{number}/orders/live")
            assert 19 <= len(looks) <= 21, "each account is looked at every minute"
            assert 38 <= len(reads) <= 42, "and read completely every minute"
            assert 56 <= len(asked.of(f"/accounts/{number}/positions")) <= 62, "and compared every half minute"
        await world.stop()

    in_world(day, tmp_path, accounts=[account(number) for number in NUMBERS], schedule=ONE_SLOT)


@pytest.mark.timeout(300)  # 8 accounts
def test_a_look_at_one_account_does_not_wait_for_those_at_all_of_them(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await all_filled(world)
        await world.until("10:30:01")
        last = NUMBERS[-1]
        asked = Asked(world.broker)
        began_s, tracker = world.clock.monotonic(), world.engine.tracker
        tracker.poll_soon()
        await world.clock.sleep(0.2)
        tracker.poll_soon(last)
        await asyncio.sleep(0)
        await world.clock.sleep(6)
        looks = {number: asked.of(f"/accounts/{number}/orders") for number in NUMBERS}
        assert looks[last][0] - began_s < 0.5, looks
        assert all(looks.values()), "each account is looked at in its turn"
        assert max(at for number in NUMBERS[:-1] for at in looks[number]) - began_s > 2, "the others are spread"
        await world.stop()

    in_world(day, tmp_path, accounts=[account(number) for number in NUMBERS], schedule=ONE_SLOT)


@pytest.mark.proof
@pytest.mark.timeout(300)  # 25 accounts in make proofs
def test_looks_at_many_resting_entries_hold_up_no_complete_read_and_no_exit_that_waits_for_one(tmp_path: Path) -> None:
    """A complete read that came behind all looks would get too old, and bar the exits of its account."""

    async def day(world: World) -> None:
        await all_filled(world)
        await world.stop()
        await world.until("09:43", "2026-03-03")
        await world.start()
        await world.until("09:47")
        resting = [entry.account for entry in await world.entries() if entry.state is OrderState.WORKING]
        assert sorted(resting) == MANY, "an entry rests in each account, beside an open trident"
        asked = Asked(world.broker)
        began_s = world.clock.monotonic()
        await world.clock.sleep(WATCHED_S)
        wanted_s = {}
        for number in (MANY[0], MANY[-1]):
            wanted_s[number] = world.clock.monotonic()
            world.engine.exits.reads.want(number, Work.PROOF)
            await world.clock.sleep(20)
        ended_s = world.clock.monotonic()
        for number, at in wanted_s.items():
            reads = [each for each in asked.of(f"/accounts/{number}/orders/live") if each >= at]
            newest = world.engine.exits.reads.newest(number)
            assert newest is not None
            assert newest.began_s >= at, "it was read"
            assert reads[0] - at <= 3, "and soon"
        assert len(busiest_second(asked.paced())) <= PER_SECOND
        for number in MANY:
            looks = asked.of(f"/accounts/{number}/orders")
            assert _longest_gap([began_s, *looks, ended_s]) <= 30, "an entry that may change is looked at"
            # Each complete read and each comparison asks for the positions: two of these minutes have a complete read.
            positions = asked.of(f"/accounts/{number}/positions")
            assert _longest_gap([began_s, *positions, ended_s]) <= 60
            newest = world.engine.exits.reads.newest(number)
            assert newest is not None
            assert world.clock.boottime() - newest.began_s <= 100, "each account is read completely"
            assert world.engine.exits.exit_gate.refusal(number, LOGIN) is None
        await world.stop()

    many = [account(number) for number in MANY]
    in_world(day, tmp_path, accounts=many, schedule=ONE_SLOT, poll_s=LOOK_EVERY_S)


def _longest_gap(instants: Sequence[float]) -> float:
    return max(after - before for before, after in pairwise(instants))
