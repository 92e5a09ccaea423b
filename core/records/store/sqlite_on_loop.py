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
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager, closing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, cast

from sqlalchemy import URL, Connection, CursorResult, Executable
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.util import greenlet_spawn

from core.runtime.virtual_time import VirtualTimeLoop


class LoopConnection(sqlite3.Connection):
    """SQLite's own connection, used by SQLAlchemy's async engine in the place of one that runs in a thread. No call of
    it waits."""

    writes = False
    """Whether its transactions may write."""

    def cursor(self, *_: object, **__: object) -> LoopCursor:  # type: ignore[override]  # there is one kind of cursor
        return super().cursor(LoopCursor)

    def commit(self) -> None:
        self.run(super().commit, "COMMIT" if self.writes else "")

    def rollback(self) -> None:
        if self.in_transaction:  # the pool rolls back each connection that comes back to it
            super().rollback()

    def terminate(self) -> None:
        """Closes the connection where nothing may be awaited; SQLAlchemy calls it."""
        self.close()

    def run(self, function: Callable[[], Any], sql: str) -> Any:
        """One call of the driver; raises what the driver raises. `sql` is empty for a commit of what was only read."""
        return function()


class LoopCursor(sqlite3.Cursor):
    """The cursor of such a connection. It reads all rows with its statement, as SQLAlchemy's async drivers do."""

    connection: LoopConnection
    _rows: deque[Any]

    def execute(self, sql: str, parameters: Any = ()) -> LoopCursor:
        self.connection.run(partial(super().execute, sql, parameters), sql)
        self._rows = deque(super().fetchall())
        return self

    def executemany(self, sql: str, parameters: Iterable[Any]) -> LoopCursor:
        self.connection.run(partial(super().executemany, sql, parameters), sql)
        self._rows = deque()
        return self

    def fetchone(self) -> Any:
        return self._rows.popleft() if self._rows else None

    def fetchmany(self, size: int | None = None) -> list[Any]:
        return [self._rows.popleft() for _ in range(min(size or self.arraysize, len(self._rows)))]

    def fetchall(self) -> list[Any]:
        rows, self._rows = list(self._rows), deque()
        return rows


class LoopStatements(AsyncConnection):
    """A connection of SQLAlchemy whose statements run at once."""

    async def execute(
        self, statement: Executable, parameters: Any = None, *, execution_options: Any = None
    ) -> CursorResult[Any]:
        return cast(Connection, self.sync_connection).execute(
            statement, parameters, execution_options=execution_options
        )

    async def run_sync(self, fn: Callable[..., Any], *arg: Any, **kw: Any) -> Any:
        return fn(self.sync_connection, *arg, **kw)


class _Turn(asyncio.Future[None]):
    """A turn is waited for to its end: a cancellation that comes meanwhile is told to the task when it has come."""

    def cancel(self, msg: object = None) -> bool:
        return False


class LoopTransaction:
    """One transaction of a file on the loop: a context that gives its connection.

    It takes its turn when it begins and, if it writes, when it commits: others can see a difference only at these two
    moments, so its statements run at once.
    """

    def __init__(self, file: LoopFile, writes: bool) -> None:
        self._file = file
        self._writes = writes

    async def __aenter__(self) -> AsyncConnection:
        self._connection = await self._file.connection(writes=self._writes)
        try:
            await self._turn(begins=True)
            _driven(self._connection, "BEGIN IMMEDIATE" if self._writes else "BEGIN")
        except BaseException:
            self._connection.close()
            raise
        return self._statements(self._connection)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None:
            self._connection.close()  # and rolls back
            return
        try:
            if self._writes:
                await self._turn(begins=False)
            _driven(self._connection, "COMMIT")
        except BaseException:
            self._connection.close()
            raise
        self._file.keep(self._connection)

    def _statements(self, connection: Connection) -> AsyncConnection:
        return LoopStatements(self._file.engine, connection)

    async def _turn(self, *, begins: bool) -> None:
        """Waits until nothing else on the loop can run."""
        loop = cast(VirtualTimeLoop, asyncio.get_running_loop())
        turn = _Turn(loop=loop)
        loop.call_when_idle(self._come, turn)
        with suppress(asyncio.CancelledError):
            await turn

    def _come(self, turn: asyncio.Future[None]) -> None:
        if not turn.done():
            turn.set_result(None)


def _driver_of(connection: Connection) -> LoopConnection:
    return cast(LoopConnection, connection.connection.dbapi_connection)


def _driven(connection: Connection, sql: str) -> None:
    """Begins or commits at the driver. For SQLAlchemy the connection is in one transaction while it is open: a
    transaction of its own costs as much as two statements. Raises SQLAlchemy's errors."""
    driver = _driver_of(connection)
    try:
        if sql == "COMMIT":
            driver.commit()
        else:
            driver.cursor().execute(sql)
    except sqlite3.Error as error:
        raise DBAPIError.instance(sql, None, error, sqlite3.Error) from None


@dataclass(frozen=True, slots=True)
class OnLoop:
    """How a file's calls run on the loop. With `is_forced` each commit is forced to disk."""

    connect: Callable[[str], LoopConnection] = LoopConnection
    transaction: Callable[[LoopFile, bool], AbstractAsyncContextManager[AsyncConnection]] = LoopTransaction
    is_forced: bool = False

    def engine_arguments(self, url: URL) -> dict[str, Any]:
        """What SQLAlchemy needs to connect so. No task waits for a connection: there are as many as transactions."""
        return {"creator": partial(self.connect, str(url.database)), "max_overflow": -1}


class LoopFile:
    """A records file whose calls run on the loop. Connections are kept between transactions: to take one from
    SQLAlchemy's pool and give it back costs as much as a statement. What one writes it need not read again, so the one
    that was used last reads and writes next."""

    def __init__(self, how: OnLoop, engine: AsyncEngine) -> None:
        self.engine = engine
        self._how = how
        self._kept: list[Connection] = []

    def transaction(self, *, writes: bool) -> AbstractAsyncContextManager[AsyncConnection]:
        return self._how.transaction(self, writes)

    async def connection(self, *, writes: bool) -> Connection:
        """A connection outside of any transaction."""
        if self._kept:
            connection = self._kept.pop()
        else:
            connection = await greenlet_spawn(self.engine.sync_engine.connect)
            connection.begin()
        _driver_of(connection).writes = writes
        return connection

    def keep(self, connection: Connection) -> None:
        """Takes the connection back after a transaction that was committed."""
        self._kept.append(connection)

    def close(self) -> None:
        while self._kept:
            self._kept.pop().close()


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
