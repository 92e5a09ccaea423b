"""What a fill brought is told of its own account at once, whatever the books of the others wait for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

from tests.support.trident_world import PUT_1, fill, targets_placed, until
from tests.support.world import World, in_world


def test_the_result_of_a_target_waits_for_no_other_account(tmp_path: Path) -> None:
    """The books are in the middle of a turn over all accounts, whose reads do not end."""

    async def day(world: World) -> None:
        targets = await targets_placed(world)
        books, begun = world.engine.exits.books, asyncio.Event()

        async def never_ends(accounts: Iterable[str]) -> bool:
            begun.set()
            await asyncio.Event().wait()
            return True

        setattr(books, "turn", never_ends)  # noqa: B010 - a method of this one instance
        world.engine.reconciliation.want("a test")  # after it the books are taken up
        await until(world, lambda: _is_set(begun))
        fill(world, targets[PUT_1.value])

        async def is_told() -> bool:
            world.engine.builder.refresh()
            snapshot = world.engine.builder.snapshot
            assert snapshot is not None
            (account,) = snapshot.accounts_now
            return account.ended == 1 and account.realized is not None

        await until(world, is_told, within_s=30)
        await world.stop()

    in_world(day, tmp_path)


async def _is_set(event: asyncio.Event) -> bool:
    return event.is_set()
