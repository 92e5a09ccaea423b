"""Looks and comparisons run beside each other: what goes wrong with one takes nothing from another (rules 9)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import OrderReport
from core.records.store.errors import RecordsError
from tests.support.trident_world import until
from tests.support.world import World, account, in_world

FIRST, SECOND = "5WT00001", "5WT00002"
RESTARTED_S = 6.0
"""Wall seconds within which a service that broke is at work again."""


async def filled(world: World) -> None:
    """Both accounts hold a trident, and nothing of it has changed for a while."""
    world.intervals = replace(world.intervals, positions_s=30)
    await world.start()

    async def both() -> bool:
        return [entry.state for entry in await world.entries()] == [OrderState.FILLED] * 2

    await until(world, both, 1800)
    await world.until("11:05:02")


class Listings:
    """The listings of orders that are asked of a broker: which account, and when."""

    def __init__(self, world: World) -> None:
        self.asked: list[tuple[str, float]] = []
        self.ended: list[str] = []
        self.fails: set[str] = set()
        self.takes_s = 0.0
        self._world, self._listing = world, world.broker.orders_since
        setattr(world.broker, "orders_since", self.orders_since)  # noqa: B010 - a method of this one instance

    async def orders_since(self, number: str, first_day: date) -> tuple[OrderReport, ...]:
        self.asked.append((number, self._world.clock.monotonic()))
        if number in self.fails:
            self.fails.discard(number)
            await self._world.clock.sleep(0.5)
            raise RecordsError("the disk is full")
        await self._world.clock.sleep(self.takes_s)
        found = await self._listing(number, first_day)
        self.ended.append(number)
        return found

    def first_after(self, number: str, at_s: float) -> float:
        """Wall seconds from this instant to the first listing of the account."""
        return min(at - at_s for of, at in self.asked if of == number and at >= at_s)


def test_an_error_of_one_look_lets_the_others_end_and_is_wanted_again(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await filled(world)
        listings = Listings(world)
        listings.fails, listings.takes_s = {FIRST}, 2.0
        began_s = world.clock.monotonic()
        for number in (FIRST, SECOND):
            world.engine.tracker.poll_soon(number)
        await world.clock.sleep(1.0)
        world.engine.tracker.poll_soon(SECOND)  # something is heard while it is looked at
        await world.clock.sleep(1.5)
        assert listings.ended == [SECOND], "it came to its end"
        await world.clock.sleep(RESTARTED_S)
        assert [number for number, at in listings.asked if at - began_s > 2] == [FIRST, SECOND], "both are wanted"
        await world.stop()

    in_world(day, tmp_path, accounts=[account(FIRST), account(SECOND)])


def test_a_look_that_is_given_up_before_its_first_step_keeps_none_from_the_account(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await filled(world)
        listings, login_of = Listings(world), world.engine.polls.login_of
        begun: list[str] = []

        def fails_after_the_first(number: str) -> str:
            begun.append(number)
            if len(begun) == 2:
                raise RecordsError("the disk is full")
            return login_of(number)

        world.engine.polls.login_of = fails_after_the_first
        began_s = world.clock.monotonic()
        for number in (FIRST, SECOND):
            world.engine.tracker.poll_soon(number)
        await world.clock.sleep(0.1)
        assert (len(begun), listings.asked) == (2, []), "the first look was begun, and given up"
        await world.clock.sleep(RESTARTED_S)
        for number in (FIRST, SECOND):
            assert listings.first_after(number, began_s) <= RESTARTED_S
        await world.stop()

    in_world(day, tmp_path, accounts=[account(FIRST), account(SECOND)])


def test_a_comparison_that_is_given_up_before_its_first_step_keeps_none_from_the_account(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await filled(world)
        compared: list[str] = []
        tridents, compare = world.engine.tridents, world.engine.tridents.positions.compare
        asked: list[bool] = []

        async def noted(number: str, *rest: object) -> object:
            compared.append(number)
            return await compare(number, *rest)  # type: ignore[arg-type]

        def fails_when_shown() -> bool:
            asked.append(True)
            if len(asked) == 2:  # the comparisons of this turn were begun
                raise RecordsError("the disk is full")
            return False

        setattr(tridents.positions, "compare", noted)  # noqa: B010 - a method of this one instance
        tridents.busy = fails_when_shown
        await world.clock.sleep(31)
        assert len(asked) >= 2
        await world.clock.sleep(RESTARTED_S)
        assert set(compared) == {FIRST, SECOND}
        await world.stop()

    in_world(day, tmp_path, accounts=[account(FIRST), account(SECOND)])
