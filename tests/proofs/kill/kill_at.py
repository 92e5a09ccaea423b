"""Kills its own process with SIGKILL where a coroutine suspends, or at a named point."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar, cast

T = TypeVar("T")
_watched: ContextVar[KillSwitch | None] = ContextVar("watched", default=None)


@dataclass
class KillSwitch:
    """Kills the process at the `suspension`-th suspension of the watched work, or at the point called `named`.

    With neither it only counts. Just before the kill it writes to the file `place` where the process was.
    """

    place: Path
    suspension: int | None = None
    named: str | None = None
    counted: int = 0
    _seen: dict[str, int] = field(default_factory=dict)

    def watching(self, work: Callable[..., Coroutine[Any, Any, T]]) -> Callable[..., Coroutine[Any, Any, T]]:
        """Wraps the work, so that its suspensions and those of every task it starts are counted."""

        async def watched(*args: Any, **more: Any) -> T:
            token = _watched.set(self)
            try:
                return await KillAt(work(*args, **more), self)
            finally:
                _watched.reset(token)

        return watched

    def suspended(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        self.counted += 1
        if self.counted == self.suspension:
            self._die(where(coroutine))

    def passing(self, name: str) -> None:
        """The watched work reaches a named point; the second time point `x` is called `x (2)`."""
        if _watched.get() is not self:
            return
        times = self._seen[name] = self._seen.get(name, 0) + 1
        full = name if times == 1 else f"{name} ({times})"
        if full == self.named:
            self._die(full)

    def around(self, owner: object, method: str, name: str) -> None:
        """Makes two named points, before and after this method of this one object."""
        work = getattr(owner, method)

        async def between(*args: Any, **more: Any) -> Any:
            self.passing(f"before {name}")
            result = await work(*args, **more)
            self.passing(f"after {name}")
            return result

        setattr(owner, method, between)

    def before_commits(self, database: object) -> None:
        """Makes a named point of every transaction that has written and not yet committed."""
        write: Callable[[], AbstractAsyncContextManager[Any]] = getattr(database, "write")  # noqa: B009 - like around

        @asynccontextmanager
        async def uncommitted() -> AsyncIterator[Any]:
            async with write() as connection:
                yield connection
                self.passing("in a commit")

        setattr(database, "write", uncommitted)  # noqa: B010 - a method of this one instance

    def install(self) -> None:
        """Watches the tasks that watched work starts on the running loop."""

        def new_task(
            loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T] | Generator[Any, None, T], **more: Any
        ) -> asyncio.Task[T]:
            if _watched.get() is self and isinstance(work, Coroutine):
                work = KillAt(work, self)
            return asyncio.Task(work, loop=loop, **more)

        asyncio.get_running_loop().set_task_factory(new_task)

    def _die(self, where_: str) -> None:
        self.place.write_text(where_, encoding="utf-8")
        os.kill(os.getpid(), signal.SIGKILL)


class KillAt(Coroutine[Any, Any, T]):
    """Wraps a coroutine and reports to the switch each time it suspends."""

    def __init__(self, coroutine: Coroutine[Any, Any, T], switch: KillSwitch) -> None:
        self._coroutine = coroutine
        self._switch = switch

    def send(self, value: Any) -> Any:
        awaited = self._coroutine.send(value)
        self._switch.suspended(self._coroutine)
        return awaited

    def throw(
        self,
        kind: Any,
        value: BaseException | object = None,
        traceback: TracebackType | None = None,
    ) -> Any:
        error = kind if isinstance(kind, BaseException) else value if isinstance(value, BaseException) else kind()
        awaited = self._coroutine.throw(error)
        self._switch.suspended(self._coroutine)
        return awaited

    def close(self) -> None:
        self._coroutine.close()

    def __await__(self) -> Generator[Any, None, T]:
        return cast("Generator[Any, None, T]", self)  # it has all that `await` asks of a generator

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        return self.send(None)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._coroutine, name)  # what asyncio and anyio ask of a coroutine's state


_IN_EVERY_CALL = (
    "core/records/store/database.py",
    "core/records/repositories/entry_rows.py",
    "core/broker/tastytrade/connection.py",
    "core/runtime/bus.py",
    "core/runtime/clock.py",
)


def where(coroutine: object) -> str:
    """Names the innermost two methods of the product that wait, leaving out the modules every call passes through."""
    names: list[str] = []
    waits: Any = coroutine
    while waits is not None:
        if isinstance(waits, KillAt):
            waits = waits._coroutine
        code = getattr(waits, "cr_code", None)
        if code is not None and "/core/" in code.co_filename and not code.co_filename.endswith(_IN_EVERY_CALL):
            name = code.co_qualname.partition(".<locals>")[0]
            if "." in name and names[-1:] != [name]:
                names.append(name)
        waits = getattr(waits, "cr_await", None)
    return " > ".join(names[-2:]) or "a request to the broker"
