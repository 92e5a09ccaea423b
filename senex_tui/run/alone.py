"""Runs an engine without its schedule for one piece of work, and ends it in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from core.domain.operation.accounts import resolve_account
from core.domain.operation.reasons import Refusal
from senex_tui.support.refusals import Refused

if TYPE_CHECKING:
    from core.engine.engine import Engine

FEED_WAIT_S = 15.0
LOOK_EVERY_S = 0.1
T = TypeVar("T")


async def alone(engine: Engine, work: Callable[[], Coroutine[Any, Any, T]], account: str | None) -> T:
    """Starts the engine without its schedule, does the work and ends the engine.

    `account` is the one the work is about, by its number or last characters. Raises what keeps the engine from starting
    or ends it, Refused when no login reaches that account or when the engine ends before the work does, and what the
    work raises.
    """
    running = asyncio.create_task(engine.run(scheduled=False))
    ready = asyncio.create_task(engine.ready.wait())
    try:
        await asyncio.wait({running, ready}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
            raise Refused("the engine ended before it was ready; see the log.")
        _require(engine, account)
        await _wait_until_live(engine)
        doing = asyncio.create_task(work())
        await asyncio.wait({running, doing}, return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            doing.cancel()
            running.result()
            raise Refused("the engine ended before it was done; see the log.")
        return doing.result()
    finally:
        ready.cancel()
        engine.stop()
        await asyncio.wait({running})


def _require(engine: Engine, account: str | None) -> None:
    found = resolve_account(account, [a.number for a in engine.accounts]) if account else None
    if isinstance(found, Refusal):
        raise Refused(f"--account {found.sentence()}.")


async def _wait_until_live(engine: Engine) -> None:
    """Waits for the quote feed and the reconciliation, FEED_WAIT_S at most; then the steps say what is missing."""
    clock = engine.parts.clock
    deadline = clock.monotonic() + FEED_WAIT_S
    while clock.monotonic() < deadline:
        if engine.feed.is_live(clock.monotonic()) and engine.gate.refusal() is None:
            return
        await clock.sleep(LOOK_EVERY_S)
