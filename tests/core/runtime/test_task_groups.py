"""Tasks that belong together fail as one call does: with the error itself, which a caller tells by its class."""

from __future__ import annotations

import asyncio

import pytest

from core.runtime.task_groups import task_group


async def _fails(error: Exception) -> None:
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
