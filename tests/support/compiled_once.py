"""Compiles each statement of the records once in a process: SQLAlchemy does it anew for every file that is opened."""

from __future__ import annotations

from typing import Any

from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

_first: dict[tuple[str, ...], AsyncEngine] = {}
"""The first engine of each way to connect: a file in a thread, a file on a virtual loop."""


def engine(url: URL, **more: Any) -> AsyncEngine:
    """In place of `create_async_engine`: the engines of all files share what was compiled, and the dialect of it."""
    made = create_async_engine(url, **more)
    if url.get_backend_name() == "sqlite":
        own, shared = made.sync_engine, _first.setdefault(tuple(more.get("connect_args", ())), made).sync_engine
        # Its pool goes on to connect through its own dialect, which must know all that the shared one learns.
        own.dialect.__dict__ = shared.dialect.__dict__
        own.dialect = own.pool._dialect = shared.dialect
        own._compiled_cache = shared._compiled_cache
    return made
