"""A recorded day, for tests that read records afterwards."""

from __future__ import annotations

from core.domain.operation.commands import CommandKind
from tests.support.world import World


async def paused_over_ten(world: World) -> None:
    """An entry at 09:45, paused over 10:00, forced in vain at 10:01, and ended."""
    await world.start()
    await world.until("09:46")
    await world.command(CommandKind.PAUSE)
    await world.until("10:01")
    await world.command(CommandKind.FORCE)
    await world.stop()
