"""Waiting for what cannot be taken back: a call once handed to a database is waited for to its end."""

from __future__ import annotations

import asyncio
from typing import TypeVar

T = TypeVar("T")


async def uninterrupted(future: asyncio.Future[T]) -> T:
    """The future's result, waited for also by a task that is cancelled meanwhile: its `cancelling()` still says so."""
    while not future.done():
        try:
            await asyncio.shield(future)
        except asyncio.CancelledError:
            if future.cancelled():
                raise
    return future.result()
