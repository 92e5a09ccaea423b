"""A simulated disk that can fail, under the product's SQLite connections of a virtual loop."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import TracebackType
from typing import Any, cast
from unittest.mock import patch

from sqlalchemy import URL, Connection, CursorResult
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from core.records.store.database import BUSY_TIMEOUT_MS, Database
from core.records.store.sqlite_on_loop import LoopConnection, LoopFile, LoopStatements, LoopTransaction, OnLoop
from core.runtime.virtual_time import VirtualTimeLoop

NO_RULE_OF_THE_DAY = "DROP INDEX uq_entries_day_held"
"""SQL that drops the rule of one entry per account and day; for tests that expect a violation."""
_LOOKS_EVERY_S = 0.1
_WRITES = ("INSERT", "UPDATE", "DELETE", "BEGIN IMMEDIATE")


class _NoComplaint(logging.Filter):
    """Drops the pool's warning about connections that a killed process left open."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith("The garbage collector is trying")


logging.getLogger("sqlalchemy.pool").addFilter(_NoComplaint())
logging.getLogger("sqlalchemy.pool.impl.AsyncAdaptedQueuePool").addFilter(_NoComplaint())


def _nothing() -> None:
    """The default callback: nothing to do."""


class Disk:
    """The simulated disk of one process.

    `full` makes every write fail as SQLite does on a full disk. `locked` makes every write wait, and fail, as it does
    while another process does not end its own. `lost_answers` is how many of the next commits are made and then
    answered with an error. `slow_s` delays every writing transaction by so many virtual seconds. A disk that is `gone`,
    because its process was killed, never answers. `die_at_commit` kills the process before (`die_after` false) or after
    that many further commits.
    """

    def __init__(self, on_death: Callable[[], None] = _nothing, on_commit: Callable[[], None] = _nothing) -> None:
        self.full = False
        self.locked = False
        self.lost_answers = 0
        self.slow_s = 0.0
        self.gone = False
        self.die_at_commit = 0
        self.die_after = True
        self.commits = 0
        self._on_death = on_death
        self._on_commit = on_commit
        self._raw: list[sqlite3.Connection] = []

    async def answers(self) -> None:
        """Never returns to a process that was killed."""
        if self.gone:
            await asyncio.get_running_loop().create_future()

    def connected(self, raw: sqlite3.Connection) -> None:
        self._raw.append(raw)

    def kill(self) -> None:
        """Kills the process: what was not committed is rolled back, as the next reader of the file would do."""
        self.gone = True
        for raw in self._raw:
            raw.close()
        self._raw.clear()

    def run(self, function: Callable[[], object], sql: str) -> object:
        """Runs one call of the driver; raises what the driver raises."""
        commits = sql == "COMMIT"
        if self.full and (commits or sql.startswith(_WRITES)):
            raise sqlite3.OperationalError("database or disk is full")
        if not commits:
            return function()
        if self.die_at_commit == 1 and not self.die_after:
            self._die()
            return None
        result = function()
        self.commits += 1
        self._on_commit()
        if self.die_at_commit == 1:
            self._die()
        self.die_at_commit = max(0, self.die_at_commit - 1)
        if self.lost_answers:
            self.lost_answers -= 1
            raise sqlite3.OperationalError("disk I/O error")
        return result

    def _die(self) -> None:
        self.die_at_commit = 0
        self.kill()
        self._on_death()


class DiskConnection(LoopConnection):
    """A connection on the loop whose calls go through a simulated disk."""

    _disk: Disk

    @classmethod
    def on(cls, disk: Disk, file: str) -> DiskConnection:
        """A new connection to the file."""
        connection = cls(file)
        connection._disk = disk
        disk.connected(connection)
        return connection

    def rollback(self) -> None:
        if not self._disk.gone:
            super().rollback()

    def run(self, function: Callable[[], Any], sql: str) -> Any:
        return self._disk.run(function, sql)


class DiskTransaction(LoopTransaction):
    """A transaction on a simulated disk. A process that was killed gets no answer any more."""

    def __init__(self, disk: Disk, file: LoopFile, writes: bool) -> None:
        super().__init__(file, writes)
        self._disk = disk

    async def __aenter__(self) -> AsyncConnection:
        await self._disk.answers()
        return await super().__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._disk.answers()
        try:
            await super().__aexit__(kind, error, traceback)
        finally:
            await self._disk.answers()  # not killed by this very commit

    def _statements(self, connection: Connection) -> AsyncConnection:
        statements = DiskStatements(self._file.engine, connection)
        statements.disk = self._disk
        return statements

    async def _turn(self, *, begins: bool) -> None:
        disk, loop = self._disk, cast(VirtualTimeLoop, asyncio.get_running_loop())
        turn: asyncio.Future[None] = loop.create_future()
        if begins and self._writes and disk.locked:
            self._when_unlocked(loop, turn, loop.time() + BUSY_TIMEOUT_MS / 1000)
        elif begins and self._writes and disk.slow_s:
            loop.call_later(disk.slow_s, loop.call_when_idle, self._come, turn)
        else:
            loop.call_when_idle(self._come, turn)
        while not turn.done():
            try:
                await asyncio.shield(turn)
            except asyncio.CancelledError:
                if disk.gone:
                    raise  # it waits for an answer that never comes
        turn.result()

    def _come(self, turn: asyncio.Future[None]) -> None:
        if not self._disk.gone:
            super()._come(turn)

    def _when_unlocked(self, loop: VirtualTimeLoop, turn: asyncio.Future[None], until: float) -> None:
        """Begins a write as soon as the disk is no longer locked, and fails at `until`, as SQLite does."""
        if not self._disk.locked:
            loop.call_when_idle(self._come, turn)
        elif loop.time() < until:
            loop.call_later(_LOOKS_EVERY_S, self._when_unlocked, loop, turn, until)
        elif not turn.done() and not self._disk.gone:
            turn.set_exception(
                OperationalError("BEGIN IMMEDIATE", None, sqlite3.OperationalError("database is locked"))
            )


class DiskStatements(LoopStatements):
    """The statements of such a transaction."""

    disk: Disk

    async def execute(self, *given: Any, **more: Any) -> CursorResult[Any]:
        await self.disk.answers()
        return await super().execute(*given, **more)

    async def run_sync(self, fn: Callable[..., Any], *given: Any, **more: Any) -> Any:
        await self.disk.answers()
        return await super().run_sync(fn, *given, **more)


@contextmanager
def on_disk(disk: Callable[[], Disk]) -> Iterator[None]:
    """Within the block, SQLite files that are opened on a virtual loop are on the disk that `disk` returns at that
    moment.

    Those of another loop, or of another thread, in which a check reads aside, are the product's own.
    """
    here = threading.get_ident()

    def database(url: URL, name: str, *, on_loop: OnLoop | None = None) -> Database:
        is_virtual = threading.get_ident() == here and isinstance(asyncio.get_running_loop(), VirtualTimeLoop)
        if url.get_backend_name() == "sqlite" and is_virtual:
            its = disk()
            on_loop = OnLoop(partial(DiskConnection.on, its), partial(DiskTransaction, its), is_forced=True)
        return Database(url, name, on_loop=on_loop)

    with patch("core.records.records.Database", database):
        yield
