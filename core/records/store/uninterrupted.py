"""Waits for database calls that cannot be taken back: a call that has begun is waited for to its end."""

from __future__ import annotations

import asyncio
from typing import TypeVar

T = TypeVar("T")


async def uninterrupted(future: asyncio.Future[T]) -> T:
    """The result of the future, waited for to its end.

    When the task is cancelled meanwhile, it still waits; the task's `cancelling()` keeps count of the cancellation.
    """
    while not future.done():
        try:
            await asyncio.shield(future)
        except asyncio.CancelledError:
            if future.cancelled():
                raise
    return future.result()
