"""Notices edits of the settings while the console runs. An edit is reported once and takes effect at the next start,
never before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from core.config.loader import Loaded, SettingsError, changed_names
from core.domain.operation.events import Severity
from core.runtime.bus import Bus
from core.runtime.clock import Clock

CHANGED = "settings.changed"
EVERY_S = 30.0
"""Wall seconds between two readings of the file."""


@dataclass(eq=False, repr=False)
class SettingsWatch:
    """Compares what `read` returns now with the settings this process started with. `read` raises SettingsError."""

    started: Loaded
    read: Callable[[], Loaded]
    bus: Bus
    clock: Clock
    _said: str = field(init=False, default="")

    async def run(self) -> None:
        """Checks every 30 s until cancelled. Raises RecordsError."""
        while True:
            await self.clock.sleep(EVERY_S)
            await self.check()

    async def check(self) -> None:
        """Says what has changed since the last check. An edit that changes no value is not a change. Raises
        RecordsError."""
        try:
            now = await asyncio.to_thread(self.read)
        except SettingsError as error:
            text = f"the settings were changed and cannot be used: {error.sentences[0].rstrip('.')}"
            return await self._say(f"{text}; this console goes on as it is, the next start refuses", Severity.WARNING)
        names = changed_names(self.started, now)
        if names:
            text = f"the settings were changed ({', '.join(names)})"
            return await self._say(f"{text}; this console goes on as it is, the next start uses them", Severity.INFO)
        if self._said:
            await self._say("", Severity.INFO)

    async def _say(self, text: str, severity: Severity) -> None:
        if text != self._said:
            self._said = text
            sentence = text or "the settings are again those this console started with"
            await self.bus.say(CHANGED, sentence, severity)
