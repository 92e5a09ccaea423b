"""What bars all accounts is looked for once by a caller that shows many of them, and anew by everybody after it."""

from __future__ import annotations

from pathlib import Path

from core.domain.operation.reasons import Reason
from tests.support.asked_stops import bars
from tests.support.world import World, in_world


def test_a_file_that_halts_counts_from_the_next_look_on(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        with world.engine.gate.read_once():
            world.kill_file.touch()
            assert Reason.KILL_FILE not in bars(world), "it was looked for before"
        assert Reason.KILL_FILE in bars(world)
        with world.engine.gate.read_once():
            world.kill_file.unlink()
            assert Reason.KILL_FILE in bars(world)
        assert Reason.KILL_FILE not in bars(world)
        await world.stop()

    in_world(day, tmp_path)
