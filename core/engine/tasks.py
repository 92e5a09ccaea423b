"""The tasks of one engine: services that are started again when they break, and jobs that report when they fail."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from core.domain.operation.failures import failure_words
from core.locks.folder_lock import LockLost
from core.records.store.errors import FencedOff
from core.runtime.clock import Clock

RESTART_AFTER_S = 5.0
Service = Callable[[], Awaitable[None]]
log = logging.getLogger(__name__)


class Jobs:
    """Runs tasks in a group that exists only while the engine runs. Work that comes before or after is dropped.

    `say` is given a sentence about whatever failed. FencedOff and LockLost are not caught and end the group, because
    another trader could be at work.
    """

    def __init__(self, clock: Clock, say: Callable[[str], None]) -> None:
        self._clock = clock
        self._say = say
        self._group: asyncio.TaskGroup | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def open(self, group: asyncio.TaskGroup) -> None:
        """Lets tasks start in this group from now on."""
        self._group = group

    def close(self) -> None:
        """Lets no further task start; those that run go on."""
        self._group = None

    def cancel(self) -> None:
        """Cancels every task that runs."""
        for task in tuple(self._tasks):
            task.cancel()

    def keep_alive(self, name: str, work: Service) -> None:
        """Runs a service for as long as the engine lives. One that breaks is reported and started again."""
        self.own(self._kept_alive(name, work), name)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs a job once. One that fails is reported."""
        if self._group is None:
            work.close()
            return
        self.own(self._reported(work), "job")

    def own(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Runs this work uncaught: what it raises ends the group."""
        if self._group is None:
            work.close()
            return
        task = self._group.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _kept_alive(self, name: str, work: Service) -> None:
        while True:
            try:
                await work()
            except (asyncio.CancelledError, FencedOff, LockLost):
                raise
            except Exception as error:
                log.exception("%s failed", name)
                self._say(f"{name} failed and starts again: {failure_words(error)}")
            await self._clock.sleep(RESTART_AFTER_S)

    async def _reported(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except FencedOff:
            raise
        except Exception as error:
            log.exception("a periodic job failed")
            self._say(f"a periodic job failed: {failure_words(error)}")
