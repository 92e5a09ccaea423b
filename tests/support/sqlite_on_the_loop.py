"""A simulated disk that can fail, under the product's SQLite connections of a virtual loop."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Dialect, Engine

from core.records.store.database import BUSY_TIMEOUT_MS
from core.records.store.sqlite_on_loop import LoopConnection
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
    def on(cls, disk: Disk, *args: Any, **options: Any) -> DiskConnection:
        """A new connection, made with the driver's own arguments."""
        connection = cls(*args, **options)
        connection._disk = disk
        disk.connected(connection)
        return connection

    def is_in_transaction(self) -> bool:
        return self._disk.gone or super().is_in_transaction()  # nobody tells that of a process that was killed

    async def call(self, function: Callable[[], Any], sql: str) -> Any:
        if self._disk.gone:
            await asyncio.get_running_loop().create_future()  # nobody answers a process that was killed
        return await super().call(function, sql)

    def _run(self, function: Callable[[], Any], sql: str) -> Any:
        return self._disk.run(function, sql)

    def _take_turn(
        self, loop: VirtualTimeLoop, future: asyncio.Future[Any], function: Callable[[], Any], sql: str
    ) -> None:
        if self._disk.locked and sql.startswith("BEGIN IMMEDIATE"):
            self._when_unlocked(loop, future, function, loop.time() + BUSY_TIMEOUT_MS / 1000)
        elif self._disk.slow_s and sql.startswith("BEGIN IMMEDIATE"):
            loop.call_later(self._disk.slow_s, loop.call_when_idle, self._do, future, function, sql)
        else:
            super()._take_turn(loop, future, function, sql)

    async def _result(self, future: asyncio.Future[Any]) -> Any:
        while not future.done():
            try:
                await asyncio.shield(future)
            except asyncio.CancelledError:
                if self._disk.gone:
                    raise  # it waits for an answer that never comes
        return future.result()

    def _when_unlocked(
        self, loop: VirtualTimeLoop, begun: asyncio.Future[Any], begin: Callable[[], Any], until: float
    ) -> None:
        """Begins a write as soon as the disk is no longer locked, and fails at `until`, as SQLite does."""
        if not self._disk.locked:
            loop.call_when_idle(self._do, begun, begin, "BEGIN IMMEDIATE")
        elif loop.time() < until:
            loop.call_later(_LOOKS_EVERY_S, self._when_unlocked, loop, begun, begin, until)
        elif not begun.done() and not self._disk.gone:
            begun.set_exception(sqlite3.OperationalError("database is locked"))

    def _do(self, future: asyncio.Future[Any], function: Callable[[], Any], sql: str) -> None:
        if self._disk.gone:
            return
        super()._do(future, function, sql)

    def _answer(self, future: asyncio.Future[Any], result: Any) -> None:
        if not self._disk.gone:  # not killed by this very call
            super()._answer(future, result)


@contextmanager
def on_disk(disk: Callable[[], Disk]) -> Iterator[None]:
    """Within the block, new SQLite connections of a virtual loop run on the disk that `disk` returns at that moment.

    Those of another loop, or of another thread, in which a check reads aside, are the product's own.
    """
    here = threading.get_ident()

    def connect(
        dialect: Dialect, _record: object, args: Sequence[Any], options: dict[str, Any]
    ) -> DiskConnection | None:
        is_virtual = threading.get_ident() == here and isinstance(asyncio.get_running_loop(), VirtualTimeLoop)
        if dialect.name != "sqlite" or not is_virtual:
            return None
        return DiskConnection.on(disk(), *args, **{k: v for k, v in options.items() if k != "async_creator_fn"})

    event.listen(Engine, "do_connect", connect)
    try:
        yield
    finally:
        event.remove(Engine, "do_connect", connect)
