"""The SQLite driver's connection, with one difference: a call once handed to its thread is waited for to its end.

The driver lets go of a call when its task is cancelled, while the statement goes on in the thread. The connection is
then closed around a statement that is still open, and SQLite keeps such a connection's transaction, and with it the
file's one write lock, until the statement is collected as garbage: every other write waits for it in vain.
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
    """Its calls uninterrupted a cancellation, which `Database` delivers once the transaction is over."""

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if not self._running or not self._connection:
            raise ValueError("Connection closed")
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._tx.put_nowait((future, partial(fn, *args, **kwargs)))
        return await uninterrupted(future)


def connect(*args: Any, **kwargs: Any) -> UninterruptedConnection:
    """What SQLAlchemy calls for a new connection."""
    connection = UninterruptedConnection(partial(sqlite3.connect, *args, **kwargs), iter_chunk_size=64)
    connection._thread.daemon = True  # as SQLAlchemy has it: a process that ends does not wait for its connections
    return connection
