"""A connection of the SQLite driver whose calls always run to their end.

When a task is cancelled, the driver gives up the call while its statement goes on in the thread. The connection is then
closed with an open statement. SQLite keeps the transaction of such a connection, and with it the file's one write lock,
until the statement is garbage collected; every other write waits for it in vain.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from functools import partial
from typing import Any

import aiosqlite

from core.records.store.uninterrupted import uninterrupted


class UninterruptedConnection(aiosqlite.Connection):
    """A connection whose calls run to their end, also when their task is cancelled.

    `Database` delivers the cancellation later. What reads and writes the file runs in the connection's thread. What
    only changes memory runs at once: each turn of the thread costs more than such a call.
    """

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if not self._running or not self._connection:
            raise ValueError("Connection closed")
        name = getattr(fn, "__name__", "")
        if name in ("commit", "rollback") and not self._connection.in_transaction:
            return None  # the pool rolls back each connection that comes back, also one whose transaction has ended
        if name == "cursor" or (name == "close" and isinstance(getattr(fn, "__self__", None), sqlite3.Cursor)):
            return fn(*args, **kwargs)
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._tx.put_nowait((future, partial(fn, *args, **kwargs)))
        return await uninterrupted(future)


def connect(*args: Any, **kwargs: Any) -> UninterruptedConnection:
    """Makes a new connection; SQLAlchemy calls it."""
    # Its calls follow one another, but not all of them run in one thread.
    opened = partial(sqlite3.connect, *args, **{"check_same_thread": False, **kwargs})
    connection = UninterruptedConnection(opened, iter_chunk_size=64)
    connection._thread.daemon = True  # as SQLAlchemy does: a process that ends must not wait for its connections
    return connection
