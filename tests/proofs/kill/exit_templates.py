"""The worlds in which the exit paths begin: a trident that is held, with its targets, at its time exit, and closed."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from core.domain.operation.commands import CommandKind
from core.domain.positions.exits import ExitKind
from core.domain.positions.tridents import Phase
from tests.proofs.kill.exit_faults import ExitPath
from tests.proofs.kill.exit_world import CASH, Template
from tests.support.trident_world import EARLY, fill, held, targets_rest, trident, until, working
from tests.support.world import World, account, in_world

BEGINS: dict[ExitPath, str] = {
    "target": "held",
    "target fill": "targets",
    "cancel and prove": "targets",
    "time close": "seven-days",
    "transactions": "closed",
}
"""The template in which each path begins."""
LAST_FRIDAY, MONDAY_AFTER = "2026-04-10", "2026-04-13"


def make_templates(folder: Path) -> None:
    """Lives one trident to its end once, and keeps the world where a path begins."""
    here = folder / "made"
    here.mkdir()

    async def life(world: World) -> None:
        world.exits = None
        await world.start()
        await world.clock.sleep(45)  # what is foreign is known by then
        assert (await world.answer(CommandKind.EXITS, "", "hold")).startswith("done")
        await held(world, running=True)
        await world.clock.sleep(1)
        await world.stop()
        world.kill_file.touch()
        with sqlite3.connect(world.records_file) as records:
            records.execute("DELETE FROM exit_switch")
        records.close()
        Template(folder, "held").save(world, world.clock.now())
        await world.start()
        await targets_rest(world)
        await world.clock.sleep(30)
        await world.stop()
        Template(folder, "targets").save(world, world.clock.now())
        await world.until("09:59:50", LAST_FRIDAY)
        Template(folder, "seven-days").save(world, world.clock.now())
        await world.start()
        await until(world, lambda: _closes(world))
        (close,) = (await working(world)).values()
        fill(world, close)
        await until(world, lambda: _has_ended(world))
        await world.clock.sleep(30)
        await world.stop()
        await world.until("08:29:50", MONDAY_AFTER)
        Template(folder, "closed").save(world, world.clock.now())

    in_world(life, here, start=EARLY, accounts=[account(cash=str(CASH))])


async def _closes(world: World) -> bool:
    return bool(await working(world, ExitKind.TIME))


async def _has_ended(world: World) -> bool:
    return (await trident(world)).trident.phase is Phase.ENDED
