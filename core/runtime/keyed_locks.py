"""One lock for each key: work on one key takes turns, work on different keys does not wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(eq=False, slots=True)
class _Shared:
    """A lock, and how many hold it or wait for it."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    wanted_by: int = 0


class KeyedLocks:
    """Locks by key. A key costs memory only while somebody holds or awaits its lock; whoever waits longest comes
    next."""

    def __init__(self) -> None:
        self._shared: dict[str, _Shared] = {}

    def __len__(self) -> int:
        return len(self._shared)

    @asynccontextmanager
    async def of(self, key: str) -> AsyncIterator[None]:
        """Holds the key's lock for the block. Not to be taken again by its holder, who would wait for ever."""
        shared = self._shared.setdefault(key, _Shared())
        shared.wanted_by += 1
        try:
            async with shared.lock:
                yield
        finally:
            shared.wanted_by -= 1
            if not shared.wanted_by:
                del self._shared[key]
