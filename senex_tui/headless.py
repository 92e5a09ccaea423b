"""`senex run`: the trader on a server, with a screen or without; stands by while another one trades (SPEC 10)."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from core.clock import SystemClock, exchange_time
from core.lock import LockRefused
from core.records.errors import RecordsError
from core.scrubber import known as scrub

if TYPE_CHECKING:
    from core.domain.events import Event
    from core.engine import Engine

LOOK_EVERY_S = 1.0
T = TypeVar("T")


def say(text: str) -> None:
    """One line for whoever reads the output or the journal of the machine, without secrets."""
    sys.stdout.write(scrub(f"{exchange_time(SystemClock().now()):%Y-%m-%d %H:%M:%S} ET  {text}") + "\n")
    sys.stdout.flush()


async def run_headless(build: Callable[[], Awaitable[Engine]]) -> None:
    """Trades until SIGTERM or SIGINT, which end it in order; while another trader has the lock it waits for it.

    Raises what keeps the engine from starting, and LockLost or FencedOff when another trader could be there.
    """
    asked_to_end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked_to_end.set)
    engine = await _when_free(build, asked_to_end)
    if engine is None:
        say("asked to end while standing by")
        return
    engine.bus.listen(_tell)
    ending = asyncio.create_task(_stop_when(asked_to_end, engine))
    try:
        await engine.run()
    finally:
        ending.cancel()


def wait_until_free(look: Callable[[], Awaitable[object]]) -> None:
    """Stands by until `look` refuses no more; for the console, which takes the lock itself."""

    async def wait() -> None:
        await _when_free(look, asyncio.Event())

    asyncio.run(wait())


async def _when_free(attempt: Callable[[], Awaitable[T]], asked_to_end: asyncio.Event) -> T | None:
    """What the attempt gives once no other trader is there; None when asked to end before.

    A store that fails is said and waited for, but at the first look: then a setting is wrong.
    """
    told = ""
    while not asked_to_end.is_set():
        try:
            return await attempt()
        except LockRefused as refused:
            words = f"standby: {str(refused).rstrip('.')}; this one takes over when it ends"
        except RecordsError as failed:
            if not told:
                raise
            words = f"standby: {failed}"
        if words != told:
            say(words)
            told = words
        try:
            async with asyncio.timeout(LOOK_EVERY_S):
                await asked_to_end.wait()
        except TimeoutError:
            continue
    return None


async def _stop_when(asked_to_end: asyncio.Event, engine: Engine) -> None:
    await asked_to_end.wait()
    say("asked to end; ending in order")
    engine.stop()


def _tell(event: Event) -> None:
    say(f"{event.severity.value:<8}  {event.text}")
