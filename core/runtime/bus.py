"""The event bus: every event is recorded first, then passed to the listeners."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from core.domain.operation.events import Event, Severity, Step, StepResult
from core.domain.operation.figures import Figures
from core.domain.operation.reasons import Reason
from core.runtime.clock import Clock
from core.runtime.redaction import redact

Listener = Callable[[Event], None]


class Bus:
    """Records events and passes them to the listeners. A listener must return at once and must not raise."""

    def __init__(self, record: Callable[[Event], Awaitable[None]], clock: Clock) -> None:
        self._record = record
        self._clock = clock
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        self._listeners.append(listener)

    async def say(
        self,
        kind: str,
        text: str,
        severity: Severity = Severity.INFO,
        *,
        cycle: int | None = None,
        attempt: int | None = None,
        account: str | None = None,
        underlying: str | None = None,
        step: Step | None = None,
        result: StepResult | None = None,
        reason: Reason | None = None,
        figures: Figures = (),
        duration_ms: int | None = None,
    ) -> None:
        """Publishes an event of this moment; the arguments are the fields of `Event`. Raises what `publish` raises."""
        await self.publish(
            Event(
                at=self._clock.now(),
                kind=kind,
                text=text,
                severity=severity,
                cycle=cycle,
                attempt=attempt,
                account=account,
                underlying=underlying,
                step=step,
                result=result,
                reason=reason,
                figures=figures,
                duration_ms=duration_ms,
            )
        )

    async def publish(self, event: Event) -> None:
        """Records the event, then calls the listeners. Secrets are masked first: the text may quote any error.

        Raises what the records raise, but only after calling the listeners: the screen must show what could not be
        recorded.
        """
        event = _without_secrets(event)
        try:
            await self._record(event)
        finally:
            self._tell(event)

    async def publish_with(self, event: Event, record: Callable[[Event], Awaitable[bool]]) -> None:
        """Publishes an event that `record` writes in one commit with the change it reports.

        The listeners are called only when `record` returns True. When it returns False (there was nothing to change) or
        raises, nobody is told.
        """
        event = _without_secrets(event)
        if await record(event):
            self._tell(event)

    async def publish_before(
        self, events: Sequence[Event], record: Callable[[Sequence[Event]], Awaitable[None]]
    ) -> None:
        """Publishes events that `record` writes in one commit with what comes after them.

        Raises what `record` raises, but only after calling the listeners, as `publish` does.
        """
        events = [_without_secrets(event) for event in events]
        try:
            await record(events)
        finally:
            for event in events:
                self._tell(event)

    def _tell(self, event: Event) -> None:
        for listener in self._listeners:
            listener(event)


def _without_secrets(event: Event) -> Event:
    text = redact(event.text)
    return event if text == event.text else replace(event, text=text)
