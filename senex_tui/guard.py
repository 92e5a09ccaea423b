"""Keeps an error in a callback, a key or a timer from ending the app."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from textual import events
from textual.message_pump import MessagePump

if TYPE_CHECKING:
    from textual.app import App

log = logging.getLogger(__name__)

_STARTUP = (events.Load, events.Compose, events.Mount)


class EventGuard(MessagePump):
    """A mixin for the app and its screens: `on_event` is Textual's public hook through which every event, timer tick
    and deferred callback passes. An error there is logged and reported to `app.report_fault`. Start-up errors still
    end the app: a screen that was never built cannot live on."""

    async def on_event(self, event: events.Event) -> None:
        try:
            await super().on_event(event)
        except Exception as error:
            if isinstance(event, _STARTUP):
                raise
            log.exception("error while handling %s in %s", type(event).__name__, type(self).__name__)
            report(self.app, error)


def report(app: App[object], error: BaseException) -> None:
    """Tells the app about an error it survived."""
    fault = getattr(app, "report_fault", None)
    if fault is not None:
        fault(error)
