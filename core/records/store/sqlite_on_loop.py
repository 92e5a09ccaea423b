"""Runs SQLite on the event loop instead of in a thread, for records that are made in virtual time.

The driver, the file, its pragmas and its commits are the product's own. A statement runs when nothing else on the loop
can run. That is also when virtual time takes up the results of threads, so the engine sees the same order of events,
and a simulated day saves the switches between threads.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable, Generator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, cast

import aiosqlite
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from core.records.store.sqlite_driver import UninterruptedConnection
from core.records.store.uninterrupted import uninterrupted
from core.runtime.virtual_time import VirtualTimeLoop


class LoopConnection(UninterruptedConnection):
    """A connection of the async driver whose calls run on the thread of a virtual loop."""

    def __init__(self, connector: Callable[[], sqlite3.Connection]) -> None:
        self._running = True
        self._connection: sqlite3.Connection | None = None
        self._connector = connector
        self._tx: Any = self
        self._iter_chunk_size = 64
        self._writing = True

    def __await__(self) -> Generator[Any, None, aiosqlite.Connection]:
        return self._connect().__await__()

    def __del__(self) -> None:
        """There is no thread to stop."""

    def put_nowait(self, job: tuple[asyncio.Future[Any] | None, Callable[[], Any]]) -> None:
        """Runs a call at once and sets its future; the driver would queue it for its thread."""
        future, function = job
        self._do(future, function, "")

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if not self._running or not self._connection:
            raise ValueError("Connection closed")
        name = fn.__name__
        if name in ("commit", "rollback") and not self._connection.in_transaction:
            return None
        sql = "COMMIT" if name == "commit" else str(args[0]).lstrip() if name.startswith("execute") else ""
        begins = sql.startswith("BEGIN")
        if begins:
            self._writing = sql == "BEGIN IMMEDIATE"
        # A transaction takes its turn when it begins and, if it writes, when it commits: others can see a difference
        # only at these two moments, so its statements run at once.
        if not begins and not (sql == "COMMIT" and self._writing):
            return self._run(partial(fn, *args, **kwargs), "" if sql == "COMMIT" else sql)
        loop = cast(VirtualTimeLoop, asyncio.get_running_loop())
        future: asyncio.Future[Any] = loop.create_future()
        self._take_turn(loop, future, partial(fn, *args, **kwargs), sql)
        return await self._result(future)

    def _run(self, function: Callable[[], Any], sql: str) -> Any:
        """One call of the driver; raises what the driver raises. `sql` is a writing call's, else empty or a read's."""
        return function()

    def _take_turn(
        self, loop: VirtualTimeLoop, future: asyncio.Future[Any], function: Callable[[], Any], sql: str
    ) -> None:
        """Runs the call once nothing else on the loop can run."""
        loop.call_when_idle(self._do, future, function, sql)

    async def _result(self, future: asyncio.Future[Any]) -> Any:
        return await uninterrupted(future)

    def _do(self, future: asyncio.Future[Any] | None, function: Callable[[], Any], sql: str) -> None:
        if future is not None and future.cancelled():
            return
        try:
            result = self._run(function, sql)
        except BaseException as error:
            if future is not None and not future.done():
                future.set_exception(error)
            return
        if future is not None and not future.done():
            self._answer(future, result)

    def _answer(self, future: asyncio.Future[Any], result: Any) -> None:
        future.set_result(result)

    async def close(self) -> None:
        self.stop()

    def stop(self) -> asyncio.Future[Any] | None:
        self._running = False
        if self._connection is not None:
            self._connection.close()
        self._connection = None
        return None


def connect_on_loop(*args: Any, **kwargs: Any) -> LoopConnection:
    """Makes a new connection on the running virtual loop; SQLAlchemy calls it."""
    return LoopConnection(partial(sqlite3.connect, *args, **kwargs))


def leave_unforced(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    """Leaves the commits of a new connection to the operating system: `force_to_disk` forces them at the end."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous = OFF")
    cursor.close()


def force_to_disk(file: Path) -> None:
    """Writes the log of a closed records file into it and forces both to disk: nothing but the file is left to copy.

    Raises OSError, sqlite3.Error.
    """
    with closing(sqlite3.connect(file)) as records:
        records.execute("PRAGMA synchronous = FULL")
        records.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    with file.open("rb") as opened:
        os.fsync(opened.fileno())
