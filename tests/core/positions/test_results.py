"""What a fill brought is told of its own account at once, whatever the books of the others wait for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

from core.records.store.errors import RecordsError
from tests.support.trident_world import PUT_1, fill, targets_placed, until
from tests.support.world import ACCOUNT, World, in_world


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
            snapshot = world.snapshot()
            (account,) = snapshot.accounts_now
            return account.ended == 1 and account.realized is not None

        await until(world, is_told, within_s=30)
        await world.stop()

    in_world(day, tmp_path)


def test_a_result_that_could_not_be_written_is_written_afterwards(tmp_path: Path) -> None:
    """The books have nothing to do meanwhile: they would work it out too."""

    async def day(world: World) -> None:
        targets = await targets_placed(world)
        books = world.engine.exits.books
        asked: list[str] = []
        work_out = books.earnings.work_out

        async def fails_once(account: str) -> bool:
            asked.append(account)
            if len(asked) == 1:
                raise RecordsError("the disk is full")
            return await work_out(account)

        async def has_nothing_to_do(accounts: Iterable[str]) -> bool:
            return True

        setattr(books.earnings, "work_out", fails_once)  # noqa: B010 - a method of this one instance
        setattr(books, "turn", has_nothing_to_do)  # noqa: B010
        fill(world, targets[PUT_1.value])

        async def is_written() -> bool:
            rows = await world.records.pnl_rows.units(targets[PUT_1.value].trident_id)
            return PUT_1 in rows and rows[PUT_1].day is not None

        await until(world, is_written, within_s=120)
        assert asked == [ACCOUNT, ACCOUNT]
        await world.stop()

    in_world(day, tmp_path)


async def _is_set(event: asyncio.Event) -> bool:
    return event.is_set()
