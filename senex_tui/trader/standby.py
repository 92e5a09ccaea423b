"""Stands by while another trader has the records (`senex run`, rules 10)."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable

from core.domain.operation.times import stamp
from core.locks.folder_lock import LockRefused
from core.records.store.errors import RecordsError
from core.runtime.clock import SystemClock
from core.runtime.redaction import redact
from senex_tui.support.outlet import print_line, standard_output
from senex_tui.support.refusals import Refused

LOOK_EVERY_S = 1.0
ENDED_STANDING_BY = 0
"""The exit code of a standby that was asked to end: it ended as it should."""


def wait_until_free(look: Callable[[], Awaitable[None]]) -> bool:
    """Waits until `look` raises LockRefused no more. False when SIGTERM or SIGINT ends the waiting.

    It prints why it waits, and raises Refused when nobody reads that any more. When the store fails it waits too,
    except at the first look: then a setting is wrong, and RecordsError is raised.
    """
    return asyncio.run(_wait_until_free(look))


async def _wait_until_free(look: Callable[[], Awaitable[None]]) -> bool:
    asked_to_end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, asked_to_end.set)
    printed = ""
    while not asked_to_end.is_set():
        try:
            await look()
        except LockRefused as refused:
            words = f"standby: {str(refused).rstrip('.')}; this one takes over when it ends"
        except RecordsError as failed:
            if not printed:
                raise
            words = f"standby: {failed}"
        else:
            return True
        if words != printed:
            _say(words)
            printed = words
        if standard_output().is_closed:
            raise Refused("nobody reads the output of this standby any more; start it again with another.")
        try:
            async with asyncio.timeout(LOOK_EVERY_S):
                await asked_to_end.wait()
        except TimeoutError:
            continue
    return False


def _say(text: str) -> None:
    """Prints one line for a terminal or the machine's journal, without secrets."""
    print_line(redact(f"{stamp(SystemClock().now())}  {text}"))
