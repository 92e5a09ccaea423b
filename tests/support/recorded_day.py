"""A recorded day, for tests that read records afterwards."""

from __future__ import annotations

from core.domain.operation.commands import CommandKind
from tests.support.world import World


async def pause_over_ten(world: World) -> None:
    """An entry at 09:45, paused over 10:00, and forced in vain at 10:01; the engine still runs."""
    await world.start()
    await world.until("09:46")
    await world.command(CommandKind.PAUSE)
    await world.until("10:01")
    await world.command(CommandKind.FORCE)


async def paused_over_ten(world: World) -> None:
    """The day of `pause_over_ten`, after the engine has ended."""
    await pause_over_ten(world)
    await world.stop()
