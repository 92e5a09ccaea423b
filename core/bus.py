"""Events on their way out: recorded first, then shown (ARCHITECTURE 2)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from core.domain.events import Event
from core.scrubber import known

Listener = Callable[[Event], None]


class Bus:
    """Takes an event, has it recorded, then tells the listeners. Listeners must return at once and not raise."""

    def __init__(self, record: Callable[[Event], Awaitable[None]]) -> None:
        self._record = record
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        self._listeners.append(listener)

    async def publish(self, event: Event) -> None:
        """Records, then tells. Raises what the records raise, after telling: the screen may know sooner than disk.

        An event's words may quote an error of anything: no secret passes here into the records or on to the screen.
        """
        text = known(event.text)
        if text != event.text:
            event = replace(event, text=text)
        try:
            await self._record(event)
        finally:
            for listener in self._listeners:
                listener(event)
