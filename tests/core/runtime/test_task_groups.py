"""Tasks that belong together fail as one call does: with the error itself, which a caller tells by its class."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from core.locks.folder_lock import LockLost
from core.records.store.errors import FencedOff, RecordsError
from core.runtime.task_groups import task_group, turn_group


async def _fails(error: Exception) -> None:
    raise error


async def _fails_in_a_moment(error: Exception) -> None:
    await asyncio.sleep(0.01)
    raise error


def test_the_error_of_a_task_comes_out_itself_and_the_others_are_cancelled() -> None:
    async def script() -> None:
        waiting: list[asyncio.Task[bool]] = []

        async def together() -> None:
            async with task_group() as group:
                waiting.append(group.create_task(asyncio.Event().wait()))
                group.create_task(_fails(LookupError("lost")))

        with pytest.raises(LookupError, match="lost"):
            await together()
        assert waiting[0].cancelled()

    asyncio.run(script())


def test_of_several_errors_the_one_that_says_that_another_trader_could_be_at_work_comes_out() -> None:
    """Who is told of another one tries again, and goes on trading."""

    async def script() -> None:
        async def at_once() -> None:
            pass

        for error in (FencedOff("taken over"), LockLost("gone")):

            async def together(error: Exception = error) -> None:
                async with task_group() as group:
                    for one in (RecordsError("full"), error, LookupError("lost")):
                        group.create_task(_fails(one))

            async def in_turn(error: Exception = error) -> None:
                async with turn_group() as group:
                    for one in (RecordsError("full"), error, LookupError("lost")):
                        work = partial(_fails_in_a_moment, one)
                        group.begin(at_once, work, "fails")

            for several in (together, in_turn):
                with pytest.raises(type(error)):
                    await several()

    asyncio.run(script())


def test_a_group_that_is_cancelled_is_cancelled() -> None:
    async def script() -> None:
        async def waits() -> None:
            async with task_group() as group:
                group.create_task(asyncio.Event().wait())

        task = asyncio.create_task(waits())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled()

    asyncio.run(script())


def test_the_error_of_one_breaks_off_no_work_of_another_and_gives_up_those_that_wait() -> None:
    """What is between a commit and its telling would be told nowhere."""

    async def script() -> None:
        told: list[str] = []
        lost, goes_on = asyncio.Event(), asyncio.Event()

        async def at_once() -> None:
            pass

        async def never() -> None:
            await asyncio.Event().wait()

        async def commits_and_tells() -> None:
            await goes_on.wait()
            told.append("at work")

        async def fails() -> None:
            lost.set()
            raise LookupError("lost")

        async def fails_later() -> None:
            await goes_on.wait()
            raise LookupError("lost later")

        async def together() -> None:
            async with turn_group() as group:
                group.begin(at_once, commits_and_tells, "at work")
                group.begin(at_once, fails_later, "fails too")
                waits = group.begin(never, commits_and_tells, "waits")
                group.begin(at_once, fails, "fails")
                await lost.wait()
                await asyncio.wait({waits})
                assert waits.cancelled()
                late = group.begin(at_once, commits_and_tells, "begun after the error")
                await asyncio.wait({late})
                assert told == []
                goes_on.set()
                await asyncio.Event().wait()

        with pytest.raises(LookupError, match=r"^lost$"):
            await together()
        assert told == ["at work"]

    asyncio.run(script())


def test_an_error_with_nobody_at_work_ends_the_group_at_once() -> None:
    async def script() -> None:
        async def fails_before_its_turn() -> None:
            raise LookupError("lost")

        async def together() -> None:
            async with turn_group() as group:
                group.begin(fails_before_its_turn, asyncio.Event().wait, "fails")  # type: ignore[arg-type]
                await asyncio.Event().wait()

        with pytest.raises(LookupError, match="lost"):
            await together()

    asyncio.run(script())


def test_an_error_of_who_begins_the_tasks_breaks_off_no_work_either() -> None:
    async def script() -> None:
        told: list[str] = []

        async def at_once() -> None:
            pass

        async def never() -> None:
            await asyncio.Event().wait()

        async def commits_and_tells() -> None:
            await asyncio.sleep(0.01)
            told.append("at work")

        async def together(*turns: Callable[[], Awaitable[None]]) -> None:
            async with turn_group() as group:
                for turn in turns:
                    group.begin(turn, commits_and_tells, "one")
                await asyncio.sleep(0)
                await asyncio.sleep(0)
                raise LookupError("lost")

        with pytest.raises(LookupError, match="lost"):
            await together(at_once, never)
        assert told == ["at work"]
        with pytest.raises(LookupError, match="lost"):
            await together(never)

    asyncio.run(script())
