"""Clocks of two machines, whose seconds have nothing in common."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

NOON = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)


@dataclass
class SetClock:
    """A clock that a test sets; `seconds` is its monotonic reading."""

    seconds: float
    speed: float = 1.0

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.seconds % 1000)

    def monotonic(self) -> float:
        return self.seconds

    def boottime(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        await asyncio.sleep(0)
