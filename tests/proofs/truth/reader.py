"""A shell that reads the records at one moment, while the world that it reads of stands still."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

from sqlalchemy import make_url

from core.locks.holder import Holder
from core.records.records import Records
from core.records.store.sqlite_on_loop import OnLoop
from core.runtime.clock import SystemClock
from core.runtime.virtual_time import VirtualTimeLoop
from core.snapshot import Mode
from senex_tui.trader.place import Place
from tests.proofs.truth.shared_reads import SharedReads
from tests.support.world import calendar_around

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TradedPlace(Place):
    """Records whose trader is this test: no lock says so."""

    trades: bool = True

    async def holder(self) -> Holder | None:
        return Holder(1, datetime(2026, 1, 1, tzinfo=UTC), self.mode.value, "") if self.trades else None


class StandingClock:
    """The market's time, standing still."""

    speed = 1.0

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return 0.0


def place_of(records_file: Path, halt_file: Path, *, trades: bool = True, mode: Mode = Mode.DEMO) -> TradedPlace:
    return TradedPlace(mode, records_file, halt_file, trades=trades)


class Reader:
    """A shell that reads the records on a loop of its own while this thread, and all that runs on it, waits.

    It opens each records file once, reads it on its loop without a thread for each, and shares what was read while
    nothing is committed, so that reading is quick. Close it at the end.
    """

    def __init__(self) -> None:
        self._loop = VirtualTimeLoop()
        self._shell = ThreadPoolExecutor(1, "shell", self._begin)
        self._thread: threading.Thread | None = None
        self._open: dict[str, Records] = {}
        self._closers: list[Callable[[], Awaitable[None]]] = []
        self._shared: list[SharedReads] = []

    def do(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Does the work at this moment. Raises what it raises."""
        return self._shell.submit(lambda: self._loop.run_until_complete(work())).result()

    def _begin(self) -> None:
        self._thread = threading.current_thread()

    def close(self) -> None:
        async def all_of_them() -> None:
            for closing in self._closers:
                await closing()
            for shared in self._shared:
                shared.close()

        self.do(all_of_them)
        self._shell.shutdown()
        self._loop.close()

    def at(self, now: datetime, read: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Reads as of this moment. Only this reader sees that time and these records, and one reader at a time."""
        with (
            _ONE_AT_A_TIME,
            patch("core.runtime.clock_file.SystemClock", lambda: StandingClock(now) if self._reads else SystemClock()),
            patch("core.market.calendar.SessionCalendar", lambda near: calendar_around(near.year)),
            patch("core.remote.kept_day.SessionCalendar", lambda near: calendar_around(near.year)),
            patch("core.records.records.Records.open", self._records),
        ):
            return self.do(read)

    @property
    def _reads(self) -> bool:
        return threading.current_thread() is self._thread

    async def _records(self, url: str, **more: Any) -> Records:
        if not self._reads:
            return await _OPEN(url, **more)
        if url not in self._open:
            records = self._open[url] = await _OPEN(url, trader=False, on_loop=OnLoop())
            self._closers.append(records.close)
            self._shared.append(SharedReads(records, str(make_url(url).database)))
            setattr(records, "close", _stay_open)  # noqa: B010 - a method of this one instance
        return self._open[url]


_OPEN = Records.open
_ONE_AT_A_TIME = threading.Lock()


async def _stay_open() -> None:
    """The records of a reader are closed at its end."""
