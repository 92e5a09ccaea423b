"""Virtual time: a whole trading day in seconds, and the same day every time (rules 14).

Time stands still while any task can run. When every task waits, time jumps to the next timer.

Calls to the records run in threads, or on a server behind a socket, and take no virtual time: while one is under way
the loop waits for it in real time. Its result is taken up only when the loop has nothing else to do, so its real speed
changes nothing.
"""

from __future__ import annotations

import asyncio
import math
import selectors
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, TypeVarTuple, Unpack

RESOLUTION_S = 1e-9
"""What is due within so many seconds is called back together, at the least."""
PATIENCE_S = 30.0
"""Real seconds without an answer from a thread or server after which the loop gives up."""

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
InFlight = Callable[[], int]
_Events = list[tuple[selectors.SelectorKey, int]]
_Select = Callable[[float | None], _Events]


class VirtualTimeStalled(RuntimeError):
    """Every task waits, no timer is set, and no thread or server answers."""


class _Selector(selectors.DefaultSelector):
    """A selector that asks the loop how to wait for sockets."""

    def __init__(self, wait: Callable[[_Select, float | None], _Events]) -> None:
        super().__init__()
        self._wait = wait

    def select(self, timeout: float | None = None) -> _Events:
        return self._wait(super().select, timeout)


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop whose `time()` starts at 0 and moves only by jumping to the next timer.

    `in_flight` returns how many calls to the records are under way. The loop serves tasks, timers, threads and the
    socket of the records. It cannot serve other sockets: their other ends live in real time.
    """

    def __init__(self, in_flight: InFlight = lambda: 0) -> None:
        self._virtual = 0.0
        self._in_flight = in_flight
        self._ready: deque[asyncio.Handle]  # asyncio's own, as is the heap of its timers
        self._scheduled: list[asyncio.TimerHandle]
        self._in_executor = 0
        self._from_threads: deque[tuple[asyncio.Handle, Callable[..., object], tuple[Any, ...], Context | None]] = (
            deque()
        )
        super().__init__(_Selector(self._wait))
        self._clock_resolution = RESOLUTION_S

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._virtual

    def call_soon_threadsafe(
        self, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        if self.is_closed():
            raise RuntimeError("Event loop is closed")
        handle = asyncio.Handle(callback, args, self, context)
        self._from_threads.append((handle, callback, args, context))
        super().call_soon_threadsafe(lambda: None)  # ends a wait in real time
        return handle

    def call_when_idle(
        self, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """Calls back once nothing else can run, before time moves.

        It is for a call to the records that needs no thread: its result is taken up in order with the results of
        threads.
        """
        handle = asyncio.Handle(callback, args, self, context)
        self._from_threads.append((handle, callback, args, context))
        return handle

    def run_in_executor(self, executor: Any, func: Callable[[Unpack[Ts]], T], *args: *Ts) -> asyncio.Future[T]:
        future = super().run_in_executor(executor, func, *args)
        self._in_executor += 1
        future.add_done_callback(self._executor_done)
        return future

    def quiet_s(self) -> float:
        """For how many seconds from now nothing runs but what the caller schedules; 0 when that is not certain.

        Call it in a callback of the loop.
        """
        if self._ready or self._from_threads or self._in_executor or self._in_flight() or not self._scheduled:
            return 0.0
        return max(0.0, self._scheduled[0].when() - self._virtual)

    def _executor_done(self, _: asyncio.Future[Any]) -> None:
        self._in_executor -= 1

    def _wait(self, select: _Select, timeout: float | None) -> _Events:
        """Waits for what the loop needs next: a result of a thread, an answer of a server, or a jump of time."""
        if timeout == 0:
            return []
        if self._from_threads:
            handle, callback, args, context = self._from_threads.popleft()
            if not handle.cancelled():
                self.call_soon(callback, *args, context=context)
            return []
        if timeout is None or self._in_flight() or self._in_executor:
            events = select(PATIENCE_S)
            if not events:
                raise VirtualTimeStalled(
                    f"no thread or server came back within {PATIENCE_S:g} s, and virtual time waits for it"
                )
            return events
        self._virtual += timeout
        # asyncio calls back what is due before time() plus this. After half a year 1 ns is lost in rounding, and what
        # is due now would never be called.
        self._clock_resolution = max(RESOLUTION_S, 2 * math.ulp(self._virtual))
        return []


class VirtualClock:
    """Implements `core.runtime.clock.Clock` on a virtual loop: market time is `anchor` plus the loop's time."""

    speed = 1.0

    def __init__(self, anchor: datetime, loop: asyncio.AbstractEventLoop) -> None:
        """Raises ValueError when `anchor` has no time zone."""
        if anchor.tzinfo is None:
            raise ValueError(f"virtual time anchor {anchor.isoformat()} has no time zone; add one, for example -05:00")
        self._anchor = anchor.astimezone(UTC)
        self._loop = loop
        self._now, self._now_s = self._anchor, 0.0

    def now(self) -> datetime:
        at_s = self._loop.time()
        if at_s != self._now_s:  # time stands still for thousands of calls
            self._now, self._now_s = self._anchor + timedelta(seconds=at_s), at_s
        return self._now

    def monotonic(self) -> float:
        return self._loop.time()

    def boottime(self) -> float:
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)  # noqa: TID251 - this is a clock


def quiet_s() -> float:
    """`VirtualTimeLoop.quiet_s` of the running loop; 0 on another one, where anything may happen at any time."""
    loop = asyncio.get_running_loop()
    return loop.quiet_s() if isinstance(loop, VirtualTimeLoop) else 0.0


def run_virtual(
    main: Callable[[VirtualClock], Coroutine[Any, Any, T]], anchor: datetime, in_flight: InFlight = lambda: 0
) -> T:
    """Runs `main` to its end in virtual time that starts at `anchor`, and returns its result.

    Raises what `main` raises, and VirtualTimeStalled when nothing can happen any more.
    """
    loop = VirtualTimeLoop(in_flight)
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(main(VirtualClock(anchor, loop)))
