"""The story of one trident from its entry to its last target, as the real engine lives it and `senex explain` tells it.

The simulated broker fills each target when it is asked to; everything else is the engine's own. Equal on each machine.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from senex_tui.reports.explain import Explained
from tests.support.trident_world import CALL, PUT_1, PUT_2, fill, held, targets_rest, trident, until
from tests.support.world import ACCOUNT, MONDAY, World, et, in_world

PAGE = Path(__file__).parents[3] / "docs" / "trident-explained.md"
BEGINS, ENDS = "```\n", "```\n"
HOUR_S = 3600
NIGHT = "23:00"


def explained() -> str:
    """The text of `senex explain` about it."""
    told: list[str] = []

    async def day(world: World) -> None:
        await held(world)
        targets = await targets_rest(world)
        for name, left in ((PUT_1, (PUT_2, CALL)), (CALL, (PUT_2,)), (PUT_2, ())):
            await world.clock.sleep(HOUR_S)
            fill(world, targets[name])
            await targets_rest(world, left)
        await until(world, lambda: _has_ended(world))
        await world.until(NIGHT)  # the broker's rows are read
        told.append(await _story(world))
        await world.stop()

    with tempfile.TemporaryDirectory() as folder:
        in_world(day, Path(folder), start=et(MONDAY, "09:43:30"), poll_s=60)
    return told[0] + "\n"


async def _has_ended(world: World) -> bool:
    return (await trident(world)).ended_at is not None


async def _story(world: World) -> str:
    from core.views.trident_story import story_of_trident, trident_details

    details = await trident_details(world.records, (await trident(world)).id)
    assert details is not None
    return Explained(story_of_trident(details), (ACCOUNT,)).to_text()


def on_the_page() -> str:
    """The story that the page of the docs shows."""
    return PAGE.read_text(encoding="utf-8").partition(BEGINS)[2].partition(ENDS)[0]


def write_page(story: str) -> None:
    """Puts the story on the page instead of the one that it shows."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGINS)
    _, _, after = rest.partition(ENDS)
    PAGE.write_text(f"{before}{BEGINS}{story}{ENDS}{after}", encoding="utf-8")
