"""The snapshot is built several times a second: each part of the engine is asked once for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from tests.support.world import World, in_world

Answer = TypeVar("Answer")


def test_each_part_is_asked_once_a_snapshot(tmp_path: Path) -> None:
    asked: Counter[str] = Counter()

    def counted(name: str, ask: Callable[[], Answer]) -> Callable[[], Answer]:
        def answer() -> Answer:
            asked[name] += 1
            return ask()

        return answer

    async def day(world: World) -> None:
        await world.start()
        builder = world.engine.builder
        builder.state = counted("state", builder.state)
        builder.redis = counted("redis", builder.redis)
        builder.start = counted("start", builder.start)
        builder.refresh()
        assert asked == {"state": 1, "redis": 1, "start": 1}
        await world.stop()

    in_world(day, tmp_path)
