"""The waits between the tries of work that has to succeed once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from core.runtime.clock import Clock

FIRST_RETRY_S = 5.0
LONGEST_RETRY_S = 60.0


async def until_done(clock: Clock, attempt: Callable[[], Awaitable[bool]], *, failed: bool = False) -> None:
    """Tries until `attempt` says that it is done: again after 5, 10 and so on up to 60 wall seconds.

    `failed`: it was tried just before, so that the first try waits too. What `attempt` raises ends it.
    """
    wait_s = FIRST_RETRY_S
    done = not failed and await attempt()
    while not done:
        await clock.sleep(wait_s)
        wait_s = min(LONGEST_RETRY_S, 2 * wait_s)
        done = await attempt()
