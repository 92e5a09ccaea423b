"""Runs SQLite on the event loop instead of in a thread, for records that are made in virtual time.

The file, its pragmas and its commits are the product's own. A transaction takes its turn when nothing else on the loop
can run. That is also when virtual time takes up the results of threads, so the engine sees the same order of events,
and a simulated day saves the switches between threads.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, cast

from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.util import await_

from core.records.store.uninterrupted import uninterrupted
from core.runtime.virtual_time import VirtualTimeLoop


class LoopConnection(sqlite3.Connection):
    """SQLite's own connection, used by SQLAlchemy's async engine in the place of one that runs in a thread.

    A call waits only where its transaction takes its turn. All calls are made within SQLAlchemy's `greenlet_spawn`.
    """

    _writing = True
    """Whether the transaction under way may write."""

    def cursor(self, *_: object, **__: object) -> LoopCursor:  # type: ignore[override]  # there is one kind of cursor
        return super().cursor(LoopCursor)

    def commit(self) -> None:
        if self.is_in_transaction():
            await_(self.call(super().commit, "COMMIT"))

    def rollback(self) -> None:
        if self.is_in_transaction():
            await_(self.call(super().rollback, ""))

    def terminate(self) -> None:
        """Closes the connection where nothing may be awaited; SQLAlchemy calls it."""
        self.close()

    def is_in_transaction(self) -> bool:
        """Whether there is something to end: the pool rolls back each connection that comes back to it."""
        return self.in_transaction

    async def call(self, function: Callable[[], Any], sql: str) -> Any:
        """One call of the driver; raises what the driver raises."""
        begins = sql.startswith("BEGIN")
        if begins:
            self._writing = sql == "BEGIN IMMEDIATE"
        # A transaction takes its turn when it begins and, if it writes, when it commits: others can see a difference
        # only at these two moments, so its statements run at once.
        if not begins and not (sql == "COMMIT" and self._writing):
            return self._run(function, "" if sql == "COMMIT" else sql)
        loop = cast(VirtualTimeLoop, asyncio.get_running_loop())
        future: asyncio.Future[Any] = loop.create_future()
        self._take_turn(loop, future, function, sql)
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

    def _do(self, future: asyncio.Future[Any], function: Callable[[], Any], sql: str) -> None:
        if future.cancelled():
            return
        try:
            result = self._run(function, sql)
        except BaseException as error:
            if not future.done():
                future.set_exception(error)
            return
        if not future.done():
            self._answer(future, result)

    def _answer(self, future: asyncio.Future[Any], result: Any) -> None:
        future.set_result(result)


class LoopCursor(sqlite3.Cursor):
    """The cursor of such a connection. It reads all rows with its statement, as SQLAlchemy's async drivers do."""

    connection: LoopConnection
    _rows: deque[Any]

    def execute(self, sql: str, parameters: Any = ()) -> LoopCursor:
        await_(self.connection.call(partial(self._executed, super().execute, sql, parameters), sql))
        return self

    def executemany(self, sql: str, parameters: Iterable[Any]) -> LoopCursor:
        await_(self.connection.call(partial(self._executed, super().executemany, sql, parameters), sql))
        return self

    def _executed(self, execute: Callable[[str, Any], object], sql: str, parameters: Any) -> None:
        execute(sql, parameters)
        self._rows = deque(super().fetchall())

    async def _async_soft_close(self) -> None:
        """SQLAlchemy asks for it before rows are read outside of `greenlet_spawn`: they are read already."""

    def fetchone(self) -> Any:
        return self._rows.popleft() if self._rows else None

    def fetchmany(self, size: int | None = None) -> list[Any]:
        return [self._rows.popleft() for _ in range(min(size or self.arraysize, len(self._rows)))]

    def fetchall(self) -> list[Any]:
        rows, self._rows = list(self._rows), deque()
        return rows


def connect_on_loop(
    _dialect: Dialect, _record: ConnectionPoolEntry, args: Sequence[Any], options: dict[str, Any]
) -> LoopConnection:
    """Makes a new connection on the running virtual loop; SQLAlchemy calls it to connect."""
    return LoopConnection(*args, **options)


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
