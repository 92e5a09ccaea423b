"""What keeps exits from being sent is told once it lasts, also when nothing wakes the account."""

from __future__ import annotations

from pathlib import Path

from core.simulator.exchange.faults import FaultKind
from tests.support.trident_world import targets_placed
from tests.support.world import ACCOUNT, World, in_world

SOON_S = 300 + 60 + 30
"""Positions count as read for 300 s; a block is told a minute later, at the next turn."""


def word(world: World) -> str:
    exits = world.snapshot().status.exits
    return "" if exits is None else exits.word


def test_positions_that_the_broker_does_not_tell_are_told_as_a_block(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await targets_placed(world)
        await world.clock.sleep(60)
        assert word(world) == "on"
        world.broker.arm(FaultKind.REST_5XX_HTML, count=None, method="GET", path=f"/accounts/{ACCOUNT}/positions")
        await world.clock.sleep(SOON_S)
        assert word(world) == "blocked"
        world.broker.faults.clear()
        await world.clock.sleep(120)
        assert word(world) == "on"
        await world.stop()

    in_world(day, tmp_path)
