"""The one source of time: nothing else in the engine asks the machine for it.

There are two scales (rules 14). *Market time* is an aware UTC datetime that may run faster than the wall clock; slots,
sessions, expirations and the lives of orders use it. *Wall seconds* are a monotonic float; ages of quotes, network
timeouts, waits and durations use it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

EXCHANGE_ZONE = ZoneInfo("America/New_York")
MAX_SPEED = 60.0
_BOOTTIME = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Only Linux has it; elsewhere the monotonic clock goes on while the machine sleeps."""


class Clock(Protocol):
    """The time as the engine asks for it."""

    @property
    def speed(self) -> float:
        """Market seconds per wall second; 1 unless accelerated."""
        ...

    def now(self) -> datetime:
        """Market time, aware, UTC."""
        ...

    def monotonic(self) -> float:
        """Wall seconds from an arbitrary start; never decreases. It may stand still while the machine sleeps."""
        ...

    def boottime(self) -> float:
        """Wall seconds from an arbitrary start, with those that the machine slept; never decreases."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Waits this many wall seconds."""
        ...


def exchange_time(instant: datetime) -> datetime:
    """The instant as the exchange's wall clock shows it (America/New_York)."""
    return instant.astimezone(EXCHANGE_ZONE)


def wall_seconds_until(clock: Clock, instant: datetime) -> float:
    """Wall seconds until this market instant; negative when it has passed."""
    return (instant - clock.now()).total_seconds() / clock.speed


def monotonic_at(clock: Clock, instant: datetime) -> float:
    """The monotonic second of a market instant: the age of an event with a time of its own is counted from it."""
    return clock.monotonic() + wall_seconds_until(clock, instant)


class SystemClock:
    """The machine's clock: market time is real time."""

    speed = 1.0

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def boottime(self) -> float:
        return time.clock_gettime(_BOOTTIME)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class ShiftedClock:
    """Market time that starts at an instant and runs at a speed, over the machine's monotonic clock."""

    def __init__(self, anchor: datetime, speed: float = 1.0, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Raises ValueError for an anchor without a zone or a speed outside 1..60 (rules 14)."""
        if anchor.tzinfo is None:
            raise ValueError(f"clock start {anchor.isoformat()} has no time zone; add one, for example -05:00")
        if not 1.0 <= speed <= MAX_SPEED:
            raise ValueError(f"clock speed {speed:g} is outside 1..{MAX_SPEED:g}")
        self._anchor = anchor.astimezone(UTC)
        self._speed = speed
        self._monotonic = monotonic
        self._origin = monotonic()

    @property
    def speed(self) -> float:
        return self._speed

    def now(self) -> datetime:
        return self._anchor + timedelta(seconds=(self._monotonic() - self._origin) * self._speed)

    def monotonic(self) -> float:
        return self._monotonic()

    def boottime(self) -> float:
        return self._monotonic()  # its market time stands still too while the machine sleeps

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
