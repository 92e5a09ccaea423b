"""Tasks that belong together, and fail as one call does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager


class AnotherTrader(Exception):
    """Another trader could be at work. Where several errors came, this one is told."""


@asynccontextmanager
async def task_group() -> AsyncIterator[asyncio.TaskGroup]:
    """A task group out of which comes one error itself, and not a group of errors: who calls tells errors apart by
    their classes. It is the first one, or that which says that another trader could be at work."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as failed:
        errors = failed.exceptions
        raise next((one for one in errors if isinstance(one, AnotherTrader)), errors[0]) from None


class TurnGroup:
    """Tasks that wait for their turn and then do their work. The error of one does not break off the work of another,
    which could have recorded something and not told it yet: those that wait are given up, those at work come to their
    end, and then the first error is raised, or the first that says that another trader could be at work."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self._group = group
        self._waiting: set[asyncio.Task[None]] = set()
        self._at_work = 0
        self._failure: Exception | None = None

    def begin(
        self, turn: Callable[[], Awaitable[None]], work: Callable[[], Awaitable[None]], name: str
    ) -> asyncio.Task[None]:
        """Does the work when `turn` has ended. A task that is cancelled may end before its first step: what is to be
        done at its end in any case belongs in a done callback."""
        task = self._group.create_task(self._run(turn, work), name=name)
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)
        return task

    async def _run(self, turn: Callable[[], Awaitable[None]], work: Callable[[], Awaitable[None]]) -> None:
        try:
            await turn()
            if self._failure is None:
                await self._do(work)
        except Exception as error:
            self.fail(error)
        if not self._at_work:
            self.raise_failure()

    def fail(self, error: Exception) -> None:
        """Gives up those that wait; the error is raised when those at work have ended, unless there was one before that
        says as much."""
        if self._failure is None or (isinstance(error, AnotherTrader) and not isinstance(self._failure, AnotherTrader)):
            self._failure = error
        for waiting in self._waiting - {asyncio.current_task()}:
            waiting.cancel()

    def raise_failure(self) -> None:
        """Raises the error that is kept, where there was one."""
        if self._failure is not None:
            raise self._failure

    async def _do(self, work: Callable[[], Awaitable[None]]) -> None:
        self._waiting -= {asyncio.current_task()}
        self._at_work += 1
        try:
            await work()
        finally:
            self._at_work -= 1


@asynccontextmanager
async def turn_group() -> AsyncIterator[TurnGroup]:
    """A group of tasks that wait for their turn, out of which comes the first error itself. An error of who begins them
    is one of the group, too."""
    async with task_group() as group:
        turns = TurnGroup(group)
        try:
            yield turns
        except Exception as error:
            turns.fail(error)
    turns.raise_failure()
