"""The tasks of one engine: services that are started again when they break, and jobs that are tried again or said when
they fail."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from core.domain.operation.events import Severity
from core.domain.operation.failures import failure_words
from core.locks.folder_lock import LockLost, LockUnconfirmed
from core.records.store.errors import FencedOff
from core.runtime.clock import Clock
from core.runtime.retries import until_done

RESTART_AFTER_S = 5.0
SAID_ANEW_AFTER_S = 60.0
"""A service that ran longer than this is said anew when it fails as before; one that fails at once is not."""
Service = Callable[[], Awaitable[None]]
Say = Callable[[Severity, str], None]
log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Streak:
    """Says that a job fails when it begins to, and that it works again: once each, however often it fails between."""

    name: str
    again: str
    say: Say
    _fails: bool = field(init=False, default=False)

    def failed(self, error: Exception) -> None:
        if self._fails:
            log.warning("%s fails again: %s", self.name, failure_words(error))
            return
        self._fails = True
        log.exception("%s failed", self.name)
        self.say(Severity.CRITICAL, f"{self.name} failed: {failure_words(error)}; it is tried again {self.again}")

    def worked(self) -> None:
        if self._fails:
            self._fails = False
            self.say(Severity.INFO, f"{self.name} works again")


class Jobs:
    """Runs tasks in a group that exists only while the engine runs. Work that comes before or after is dropped.

    `say` is given a sentence about whatever failed. FencedOff and LockLost are not caught and end the group, because
    another trader could be at work.
    """

    def __init__(self, clock: Clock, say: Say) -> None:
        self._clock = clock
        self._say = say
        self._group: asyncio.TaskGroup | None = None
        self._tasks: set[asyncio.Task[object]] = set()

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
        """Runs a service for as long as the engine lives. One that breaks is started again, and said: once for as long
        as it breaks in the same way."""
        self.own(self._kept_alive(name, work), name)

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Runs a job once. One that fails is reported."""
        if not self.own(self._reported(work, name), name):
            work.close()

    def periodic(self, name: str, work: Service, every_s: int) -> Callable[[], None]:
        """What starts one round of a job that runs every `every_s` wall seconds."""
        streak = _Streak(name, f"every {every_s} s", self._say)

        def start() -> None:
            self.own(self._round(streak, work), name)

        return start

    def until_done(self, name: str, work: Service) -> None:
        """Runs a job that must succeed once: again after 5, 10 and so on up to 60 wall seconds, until it does or the
        engine ends."""
        streak = _Streak(name, "until it succeeds", self._say)
        self.own(until_done(self._clock, lambda: self._round(streak, work)), name)

    def own(self, work: Coroutine[Any, Any, object], name: str) -> bool:
        """Runs this work uncaught: what it raises ends the group. Whether it runs: while the group ends, nothing more
        starts."""
        if self._group is None:
            work.close()
            return False
        try:
            task = self._group.create_task(work, name=name)
        except RuntimeError:  # a group that is being cancelled takes no task, and cannot be asked whether it is
            work.close()
            return False
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def _kept_alive(self, name: str, work: Service) -> None:
        said = ""
        while True:
            began = self._clock.monotonic()
            try:
                await work()
            except (asyncio.CancelledError, FencedOff, LockLost):
                raise
            except Exception as error:
                words = failure_words(error)
                if words != said or self._clock.monotonic() - began > SAID_ANEW_AFTER_S:
                    log.exception("%s failed", name)
                    self._say(Severity.CRITICAL, f"{name} failed and starts again: {words}")
                said = words
            await self._clock.sleep(RESTART_AFTER_S)

    async def _round(self, streak: _Streak, work: Service) -> bool:
        """Runs the job once. Whether it succeeded."""
        try:
            await work()
        except Exception as error:
            _raise_when_another_trades(error)
            streak.failed(error)
            return False
        streak.worked()
        return True

    async def _reported(self, work: Coroutine[Any, Any, None], name: str) -> None:
        try:
            await work
        except Exception as error:
            _raise_when_another_trades(error)
            log.exception("%s failed", name)
            self._say(Severity.CRITICAL, f"{name} failed: {failure_words(error)}")


def _raise_when_another_trades(error: Exception) -> None:
    """Raises the error when it says that another trader could be at work. A lock that is only unconfirmed says no such
    thing: nothing is sent meanwhile."""
    if isinstance(error, FencedOff) or (isinstance(error, LockLost) and not isinstance(error, LockUnconfirmed)):
        raise error
