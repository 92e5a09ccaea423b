"""The connection to the store: durable settings, one transaction at a time, failures as clear sentences."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, NoReturn

from sqlalchemy import event, func, select
from sqlalchemy.engine import URL, Connection
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import IntegrityError, OperationalError, StatementError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.sql.dml import UpdateBase

from core.records.store.errors import FencedOff, RecordsError, RecordsRefusal
from core.records.store.postgres_url import is_postgres
from core.records.store.sqlite_driver import connect
from core.records.store.tables import ONLY_ROW, account_changes, accounts, commands
from core.records.store.tables import engine as engine_row

BUSY_TIMEOUT_MS = 10_000
"""How long SQLite waits for another process (a watcher posting a command) to finish its write."""

_PRAGMAS = (
    f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}",  # first: switching to WAL may meet another process
    "PRAGMA journal_mode = WAL",
    # FULL, because NORMAL in WAL mode may lose the last commits with the power (reference reliability 2.6.1).
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
)

WATCHER_EPOCH = 0
"""The epoch of a process that does not trade: no entry is ever sent under it."""

FOR_ANYONE = frozenset({commands.name, accounts.name, account_changes.name})
"""What a process that does not trade may write: the inbox, and the operator's switches of an account (SPEC 10)."""

_BEGIN = "begin_statement"
# In PostgreSQL the engine's row is the turn to write: whoever has it writes alone until its commit, and what it reads
# is the last commit. So every rule that holds by SQLite's one writer holds there too; SQLite knows no such words.
_NEWEST_EPOCH = select(engine_row.c.epoch).where(engine_row.c.id == ONLY_ROW).with_for_update()
# Before there is such a row, those who open the store take turns.
_OPENING = select(func.pg_advisory_xact_lock(0x53656E6578))
# What a reader sees is of one moment, as in SQLite.
_ONE_VIEW = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


class Database:
    """One engine of connections. `in_flight` counts the calls under way: virtual time waits for zero."""

    def __init__(self, url: URL, name: str) -> None:
        """`name` begins every sentence of failure: the records file with its path, or the server without password."""
        self.name = name
        self.in_flight = 0
        self._epoch: int | None = None
        self._fenced_off = asyncio.Event()
        self._began: dict[object, float] = {}
        self._changing: set[str] = set()
        self._editions: Counter[str] = Counter()
        self._in_doubt = False
        self._many_writers = is_postgres(url)
        driver: dict[str, Any] = {"async_creator_fn": connect}
        if self._many_writers:
            from core.records.store.postgres_driver import engine_arguments  # deferred: few need it

            url, driver = engine_arguments(url)
        self._engine: AsyncEngine = create_async_engine(url, hide_parameters=True, connect_args=driver)
        event.listen(self._engine.sync_engine, "before_execute", self._before_execute)
        self._reading = self._engine
        if self._many_writers:
            self._reading = self._engine.execution_options(**_ONE_VIEW)
        else:
            event.listen(self._engine.sync_engine, "connect", _set_up_sqlite)
            event.listen(self._engine.sync_engine, "begin", _begin_sqlite)
        # SQLite has one writer; waiting here is fair and at once, waiting in its busy handler is neither.
        self._writing = asyncio.Lock()

    def write_as(self, epoch: int) -> None:
        """From here on every write is of the trader of this epoch, or of a watcher under WATCHER_EPOCH."""
        self._epoch = epoch

    async def until_fenced_off(self) -> NoReturn:
        """Waits for the first write that finds a newer trader. Raises FencedOff."""
        await self._fenced_off.wait()
        raise self._fence_sentence()

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """One durable commit: everything in the block, or nothing. Raises RecordsError, FencedOff when a newer trader
        has the records; IntegrityError passes to the caller, who knows which rule it stands for."""
        with self._under_way():
            async with self._writing:
                with self._counting_editions(), self._clear_failures():
                    async with self._engine.connect() as connection:
                        await connection.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})
                        async with connection.begin():
                            await self._require_newest(connection)
                            yield connection

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """One consistent view. Raises RecordsError."""
        with self._under_way(), self._clear_failures():
            async with self._reading.connect() as connection, connection.begin():
                yield connection

    def version(self, *tables: str) -> tuple[int, ...] | None:
        """The same as long as the tables are: only the trader writes them, and all its writes pass here. None when that
        cannot be said: of a process that does not trade, and from a write that failed (a server may still end it) to
        the next that did not, for which it had to wait."""
        if self._epoch in (None, WATCHER_EPOCH) or self._in_doubt or not FOR_ANYONE.isdisjoint(tables):
            return None
        return tuple(self._editions[table] for table in tables)

    def oldest_call_s(self, now: float) -> float:
        """Seconds the oldest call under way has been running, its wait for the writer's turn included; 0 without one.

        `now` is on the scale of the loop's `time()`.
        """
        return max(0.0, now - min(self._began.values(), default=now))

    @contextmanager
    def _counting_editions(self) -> Iterator[None]:
        self._in_doubt = True
        try:
            yield
            self._in_doubt = False
        finally:
            self._editions.update(self._changing)
            self._changing.clear()

    @contextmanager
    def _under_way(self) -> Iterator[None]:
        call = object()
        task = asyncio.current_task()
        cancels = 0 if task is None else task.cancelling()
        self.in_flight += 1
        self._began[call] = asyncio.get_running_loop().time()
        try:
            yield
        finally:
            del self._began[call]
            self.in_flight -= 1
            if task is not None and task.cancelling() > cancels:
                raise asyncio.CancelledError  # asked for meanwhile: a transaction under way is ended first

    async def close(self) -> None:
        await self._engine.dispose()

    async def _require_newest(self, connection: AsyncConnection) -> None:
        """The turn to write, and the fence: asked inside the transaction, so no newer trader can come between the
        answer and the commit."""
        if self._epoch is None:
            if self._many_writers:
                await connection.execute(_OPENING)
            return
        if self._epoch == WATCHER_EPOCH and not self._many_writers:
            return
        newest = (await connection.execute(_NEWEST_EPOCH)).scalar_one_or_none()
        if self._epoch not in (newest, WATCHER_EPOCH):
            self._fenced_off.set()
            raise self._fence_sentence()

    def _fence_sentence(self) -> FencedOff:
        return FencedOff(f"{self.name} was taken over by another console; this one changes nothing more and ends")

    def _before_execute(self, _connection: Connection, statement: object, *_: object) -> None:
        if isinstance(statement, UpdateBase):
            table = str(statement.table)
            if self._epoch == WATCHER_EPOCH and table not in FOR_ANYONE:
                raise RecordsRefusal(f"only the trader writes {table}; post a command to it instead")
            self._changing.add(table)

    def _clear_failures(self) -> _ClearFailures:
        return _ClearFailures(self.name)


_LOST = (
    "no answer within",
    "connection was closed",
    "connection is closed",
    "terminating connection",
    "connection has been",
    "cannot switch to state",  # the driver was told in the middle of a step
)


class _ClearFailures:
    """Turns the driver's errors into one sentence: the driver's own words, never the statement's parameters."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, IntegrityError) or not (isinstance(error, StatementError | OSError) or _of_driver(error)):
            return
        if isinstance(error, StatementError) and isinstance(error.orig, ValueError | TypeError):
            raise error.orig from None  # a value that a column type refuses: the caller's, not the store's
        words = _words(error.orig if isinstance(error, StatementError) else error)
        raise RecordsError(failure_sentence(self._name, words)) from None


def _of_driver(error: BaseException | None) -> bool:
    """What PostgreSQL's driver raises past SQLAlchemy: a connection that broke while it was being used."""
    return type(error).__module__.startswith("asyncpg.")


def _words(error: BaseException | None) -> str:
    """What the driver says went wrong: of PostgreSQL's words only the message, for its details quote what is stored."""
    said = error.__cause__ if isinstance(error, Exception) and hasattr(error.__cause__, "sqlstate") else error
    if said is not None and _of_driver(said) and not hasattr(said, "sqlstate"):
        return "connection was closed"
    if said is None or isinstance(said, TimeoutError):
        return "no answer within the time it has"
    return str(said.args[0]) if hasattr(said, "sqlstate") and said.args else str(said)


def failure_sentence(name: str, words: str) -> str:
    """One sentence with the fix for the driver's words about the store called `name`."""
    known = (
        ("file is not a database", "is not a database; move it away, or start with --data-dir DIR"),
        ("file is encrypted", "is not a database; move it away, or start with --data-dir DIR"),
        ("malformed", "is damaged; stop the console, keep a copy, and restore the file from a backup"),
        ("disk is full", "cannot grow because the disk is full; free some space and start again"),
        ("disk i/o error", "cannot be written because the disk failed; check the disk and its free space"),
        ("readonly database", "cannot be written; give this user the right to read and write the file and its folder"),
        (
            "unable to open database file",
            "cannot be opened; give this user the right to read and write the file and its folder",
        ),
        ("no space left", "cannot grow because the disk of the server is full; free some space there and start again"),
        (
            "could not extend",
            "cannot grow because the disk of the server is full; free some space there and start again",
        ),
        (
            "read-only transaction",
            "cannot be written: the server is a replica or read-only; name its primary in database.url",
        ),
        ("lock timeout", "is held by another program for too long; end the program that has it open"),
        (
            "permission denied",
            "does not let this user work in it; grant it what it needs, or name another user in database.url",
        ),
        *((lost, "lost its connection; check the server and the network, then start again") for lost in _LOST),
        ("locked", "is held by another program for too long; close the program that has it open"),
        ("no such table", "was changed by another program; restore it from a backup"),
        ('relation "', "was changed by another program; restore it from a backup"),
    )
    lower = words.lower()
    for mark, sentence in known:
        if mark in lower:
            return f"{name} {sentence} (the database says: {words})"
    return f"{name} failed: {words}; check the database and start again"


def _set_up_sqlite(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    # The driver's own late BEGIN would let another writer in between a read and the write that follows from it.
    connection.isolation_level = None
    cursor = connection.cursor()
    try:
        for pragma in _PRAGMAS:
            cursor.execute(pragma)
            answer = cursor.fetchone()
            if "journal_mode" in pragma and (answer is None or answer[0] != "wal"):
                raise RecordsError(
                    "the records need a file on a local disk: this one cannot keep a write-ahead log; "
                    "start with --data-dir DIR on a local disk"
                )
    finally:
        cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # Straight to the driver: as a statement of its own it would cost as much as a query.
    begin = connection.get_execution_options().get(_BEGIN, "BEGIN")
    cursor = connection.connection.cursor()
    try:
        cursor.execute(begin)
    except sqlite3.Error as error:
        raise OperationalError(begin, None, error) from None
    finally:
        cursor.close()
