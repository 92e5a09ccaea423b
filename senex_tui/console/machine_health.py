"""Looks at the machine that a console runs on, beside the screen, and remembers since when each part is as it is."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from core.domain.operation.failures import failure_words
from core.snapshot.health import Finding, FirstFound, HealthRow

LookAtMachine = Callable[[], tuple[HealthRow, ...]]
"""Looks at everything, which may take seconds."""
log = logging.getLogger(__name__)


def _nobody() -> None:
    """Called where nobody waits for a look."""


@dataclass(slots=True)
class MachineHealth:
    """What was found at the last look. `now` gives the time that the screen goes by, None while nobody knows it."""

    look: LookAtMachine
    now: Callable[[], datetime | None]
    rows: tuple[HealthRow, ...] = ()
    looked_at: datetime | None = None
    is_looking: bool = False
    _first_found: FirstFound = field(default_factory=FirstFound)
    _then: Callable[[], None] = _nobody

    def begin(self, then: Callable[[], None]) -> None:
        """Looks on a thread of its own, which holds up no end of the console, and calls `then` on this loop when it is
        done. While a look is under way no other begins: `then` is called at its end, in place of who waited before."""
        self._then = then
        if self.is_looking:
            return
        self.is_looking = True
        loop = asyncio.get_running_loop()

        def looked() -> None:
            try:
                rows = self.look()
            except Exception as error:
                log.exception("this machine could not be looked at")
                rows = (HealthRow("machine", Finding.FAIL, failure_words(error), "the log has more"),)
            with suppress(RuntimeError):  # the console has ended meanwhile
                loop.call_soon_threadsafe(self._take, rows)

        threading.Thread(target=looked, name="machine health", daemon=True).start()

    def _take(self, rows: tuple[HealthRow, ...]) -> None:
        self.is_looking = False
        self.looked_at = self.now()
        self.rows = tuple(self._first_found.dated(row, self.looked_at) for row in rows)
        then, self._then = self._then, _nobody  # who waited may be a page that is closed
        then()
