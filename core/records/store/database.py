"""The connections to the store: durable settings, one write at a time, failures as clear sentences."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from sqlalchemy import event, func, select
from sqlalchemy.engine import URL, Connection
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import IntegrityError, OperationalError, StatementError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.sql.dml import Insert, UpdateBase

from core.records.store.errors import FencedOff, RecordsError, RecordsRefusal
from core.records.store.postgres_url import is_postgres
from core.records.store.sqlite_driver import connect
from core.records.store.tables import ONLY_ROW, commands
from core.records.store.tables import engine as engine_row

if TYPE_CHECKING:
    from core.records.store.sqlite_on_loop import LoopFile, OnLoop

Made = TypeVar("Made")
BUSY_TIMEOUT_MS = 10_000
"""Milliseconds that SQLite waits for another process (a watcher that posts a command) to finish its write."""

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    # FULL: in WAL mode NORMAL may lose the last commits when the power fails.
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
)

WATCHER_EPOCH = 0
"""The epoch of a process that does not trade. No entry is ever sent under it."""

INBOX = commands.name
"""The table into which also a process that does not trade may put rows: the commands (rules 10)."""

_BEGIN = "begin_statement"
# In PostgreSQL the lock on the engine's row is the turn to write: its holder writes alone until it commits, and reads
# what was committed last. So every rule that rests on SQLite's one writer holds there too. SQLite needs no such lock.
_NEWEST_EPOCH = select(engine_row.c.epoch).where(engine_row.c.id == ONLY_ROW).with_for_update()
_NEWEST_EPOCH_IN_FILE = "SELECT epoch FROM engine WHERE id = ?"
# While there is no such row yet, this lock makes processes that open the store take turns.
_OPENING = select(func.pg_advisory_xact_lock(0x53656E6578))
# A reader sees the data of one moment, as in SQLite.
_ONE_VIEW = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


class Database:
    """The connections to one store. `in_flight` is the number of calls under way: virtual time waits until it is 0."""

    def __init__(self, url: URL, name: str, *, on_loop: OnLoop | None = None) -> None:
        """`name` begins the sentence about a failure: the file with its path, or the server without its password.

        `on_loop`: how the calls of a file run on a virtual loop, None when they run in a thread.
        """
        self.name = name
        self.in_flight = 0
        self._epoch: int | None = None
        self._fenced_off = asyncio.Event()
        self._began: dict[object, float] = {}
        self._changing: set[str] = set()
        self._versions: Counter[str] = Counter()
        self._in_doubt = False
        self.is_writing = False
        """Whether a commit is under way: a read that begins now may find it, or not, before it is counted."""
        self._committed_at_s: float | None = None
        self._many_writers = is_postgres(url)
        driver: dict[str, Any] = {"async_creator_fn": connect}
        arguments: dict[str, Any] = {}
        if self._many_writers:
            from core.records.store.postgres_driver import engine_arguments  # deferred: most runs need no PostgreSQL

            url, driver = engine_arguments(url)
        elif on_loop is not None:
            driver, arguments = {}, on_loop.engine_arguments(url)
        self._engine: AsyncEngine = create_async_engine(url, hide_parameters=True, connect_args=driver, **arguments)
        event.listen(self._engine.sync_engine, "before_execute", self._before_execute)
        self._reading = self._engine
        if self._many_writers:
            self._reading = self._engine.execution_options(**_ONE_VIEW)
        else:
            event.listen(self._engine.sync_engine, "connect", _set_up_sqlite)
            if on_loop is not None and not on_loop.is_forced:
                from core.records.store.sqlite_on_loop import leave_unforced  # deferred: for lived days

                event.listen(self._engine.sync_engine, "connect", leave_unforced)
            if on_loop is None:  # there each transaction begins at the driver
                event.listen(self._engine.sync_engine, "begin", _begin_sqlite)
        self._writing_engine = self._engine.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})
        self._is_alone = on_loop is not None and not on_loop.is_forced
        self._on_loop: LoopFile | None = None
        if on_loop is not None:
            from core.records.store.sqlite_on_loop import LoopFile  # deferred: for lived days

            self._on_loop = LoopFile(on_loop, self._engine)
        # SQLite has one writer. This lock is fair and wakes at once; SQLite's own waiting does neither.
        self._writing = asyncio.Lock()

    def write_as(self, epoch: int) -> None:
        """Makes every later write one of the trader of this epoch, or one of a watcher with WATCHER_EPOCH."""
        self._epoch = epoch

    async def until_fenced_off(self) -> NoReturn:
        """Waits for the first write that finds a newer trader. Raises FencedOff."""
        await self._fenced_off.wait()
        raise self._fence_sentence()

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """One durable commit: everything in the block is written, or nothing.

        Raises RecordsError, and FencedOff when a newer trader has the records. IntegrityError is passed on: the caller
        knows which rule it means.
        """
        with self._under_way():
            async with self._writing:
                with self._counting_versions(), self._clear_failures():
                    async with self._transaction(writes=True) as connection:
                        await self._require_newest(connection)
                        yield connection
                    self._committed_at_s = asyncio.get_running_loop().time()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """One consistent view for the block. Raises RecordsError."""
        with self._under_way(), self._clear_failures():
            async with self._transaction(writes=False) as connection:
                yield connection

    async def beside(self, make: Callable[[], Made]) -> Made:
        """What `make` makes of rows that are read, in a thread: of years it takes longer than quotes may wait for the
        loop. On a virtual loop, which nothing waits for, at once."""
        return make() if self._on_loop is not None else await asyncio.to_thread(make)

    def _transaction(self, *, writes: bool) -> AbstractAsyncContextManager[AsyncConnection]:
        if self._on_loop is not None:
            return self._on_loop.transaction(writes=writes)
        return (self._writing_engine if writes else self._reading).begin()

    def version(self, *tables: str) -> tuple[int, ...] | None:
        """A value that stays the same while these tables do; None when that is not certain.

        Only the trader writes these tables, and all its writes are counted here. It is not certain of the commands, nor
        in a process that does not trade. Nor is it after a write that failed, because a server may still complete it;
        the next write that succeeds had to wait for that, and ends the doubt.
        """
        if self._epoch in (None, WATCHER_EPOCH) or self._in_doubt or INBOX in tables:
            return None
        return tuple(self._versions[table] for table in tables)

    def oldest_call_s(self, now: float) -> float:
        """Seconds since the oldest call under way began, its wait for a turn to write included; 0 when there is none.

        `now` is on the scale of the loop's `time()`.
        """
        return max(0.0, now - min(self._began.values(), default=now))

    def committed_within(self, within_s: float) -> bool:
        """Whether a durable commit succeeded so few wall seconds ago."""
        now = asyncio.get_running_loop().time()
        return self._committed_at_s is not None and now - self._committed_at_s <= within_s

    @contextmanager
    def _counting_versions(self) -> Iterator[None]:
        """Counts the tables that the block changes. They are in doubt from its failure until one succeeds: nobody is
        told of a commit before it is counted here, so a read beside it may find what was before."""
        self.is_writing = True
        try:
            yield
            self._in_doubt = False
        except BaseException:
            self._in_doubt = True
            raise
        finally:
            self.is_writing = False
            self._versions.update(self._changing)
            self._changing.clear()

    @contextmanager
    def _under_way(self) -> Iterator[None]:
        """Counts the block as a call under way. A cancellation that came meanwhile is delivered at its end."""
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
                raise asyncio.CancelledError  # the cancellation that came meanwhile: the transaction had to end first

    async def close(self) -> None:
        if self._on_loop is not None:
            self._on_loop.close()
        await self._engine.dispose()

    async def _require_newest(self, connection: AsyncConnection) -> None:
        """Takes the turn to write, and raises FencedOff when there is a newer trader.

        It runs inside the transaction, so no newer trader can come between this check and the commit.
        """
        if self._epoch is None:
            if self._many_writers:
                await connection.execute(_OPENING)
            return
        if self._epoch == WATCHER_EPOCH:  # it only adds a row, and its user need not have the right to lock another
            return
        if self._is_alone:  # no other console knows of a file whose days are still being lived
            return
        if self._many_writers:
            newest = (await connection.execute(_NEWEST_EPOCH)).scalar_one_or_none()
        else:
            newest = await connection.run_sync(_newest_epoch)
        if self._epoch != newest:
            self._fenced_off.set()
            raise self._fence_sentence()

    def _fence_sentence(self) -> FencedOff:
        return FencedOff(f"{self.name} was taken over by another console; this one changes nothing more and ends")

    def _before_execute(self, _connection: Connection, statement: object, *_: object) -> None:
        """Refuses to a watcher what only the trader may write, and notes which table is changed."""
        if isinstance(statement, UpdateBase):
            table = str(statement.table)
            if self._epoch == WATCHER_EPOCH and not (table == INBOX and isinstance(statement, Insert)):
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
    "cannot switch to state",  # the connection broke while the driver was in the middle of a step
)


class _ClearFailures:
    """Turns the driver's errors into one sentence with the driver's words, but never with a statement's parameters."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, IntegrityError) or not (isinstance(error, StatementError | OSError) or _of_driver(error)):
            return
        if isinstance(error, StatementError) and isinstance(error.orig, ValueError | TypeError):
            raise error.orig from None  # a column type refused the value: the caller's mistake, not the store's
        words = _words(error.orig if isinstance(error, StatementError) else error)
        raise RecordsError(failure_sentence(self._name, words)) from None


def _of_driver(error: BaseException | None) -> bool:
    """Whether PostgreSQL's driver raised it past SQLAlchemy: the connection broke while it was in use."""
    return type(error).__module__.startswith("asyncpg.")


def _words(error: BaseException | None) -> str:
    """The driver's words for what went wrong. Of PostgreSQL's only the message: its details quote stored values."""
    said = error.__cause__ if isinstance(error, Exception) and hasattr(error.__cause__, "sqlstate") else error
    if said is not None and _of_driver(said) and not hasattr(said, "sqlstate"):
        return "connection was closed"
    if said is None or isinstance(said, TimeoutError):
        return "no answer within the time it has"
    return str(said.args[0]) if hasattr(said, "sqlstate") and said.args else str(said)


def failure_sentence(name: str, words: str) -> str:
    """One sentence with the fix, for the driver's words about the store named `name`."""
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
        *(
            (
                f"permission denied for {kind} {INBOX}",
                "lets this user only read; ask for the operator's role (docs/security.md)",
            )
            for kind in ("table", "sequence")
        ),
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
    # The driver begins a transaction only at its first write: another writer could come between a read and that write.
    connection.isolation_level = None
    cursor = connection.cursor()
    try:
        # The time limit first: another process may be busy when this one switches to WAL.
        for pragma in (f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}", *_PRAGMAS):
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
    _directly(connection, connection.get_execution_options().get(_BEGIN, "BEGIN"))


def _newest_epoch(connection: Connection) -> int | None:
    """The epoch of the newest trader in SQLite's file, which a writing transaction has to itself."""
    row = _directly(connection, _NEWEST_EPOCH_IN_FILE, (ONLY_ROW,))
    return None if row is None else int(row[0])


def _directly(connection: Connection, sql: str, values: tuple[int, ...] = ()) -> Any:
    """The first row of what every transaction runs. Through SQLAlchemy it would cost ten times as much."""
    cursor = connection.connection.cursor()
    try:
        cursor.execute(sql, values)
        return cursor.fetchone()
    except sqlite3.Error as error:
        raise OperationalError(sql, None, error) from None
    finally:
        cursor.close()
