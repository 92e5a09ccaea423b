"""Compiles each statement of the records once in a process: SQLAlchemy does it anew for every file that is opened."""

from __future__ import annotations

from typing import Any

from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

_first: list[AsyncEngine] = []


def engine(url: URL, **more: Any) -> AsyncEngine:
    """In place of `create_async_engine`: the engines of all files share what was compiled, and the dialect of it."""
    made = create_async_engine(url, **more)
    if url.get_backend_name() == "sqlite":
        if not _first:
            _first.append(made)
        shared = _first[0].sync_engine
        made.sync_engine.dialect = made.sync_engine.pool._dialect = shared.dialect
        made.sync_engine._compiled_cache = shared._compiled_cache
    return made
