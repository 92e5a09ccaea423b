"""Keeps an error in an event, a timer or a deferred callback from ending the app."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from textual import events
from textual.message_pump import MessagePump

log = logging.getLogger(__name__)

_STARTUP = (events.Load, events.Compose, events.Mount)


class EventGuard(MessagePump):
    """A mixin for the app, its screens and its panels.

    Every event passes through `on_event`, and every deferred callback and timer through one of the `call_` methods;
    these are Textual's public hooks. An error there is logged and handed to the app's `report_fault`. An error while a
    screen is being built still ends the app: there would be no screen to go on with.
    """

    async def on_event(self, event: events.Event) -> None:
        try:
            await super().on_event(event)
        except Exception as error:
            if isinstance(event, _STARTUP):
                raise
            self._survive(error, type(event).__name__)

    def call_next(self, callback: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        super().call_next(self._guarded(callback), *args, **kwargs)

    def call_later(self, callback: Callable[..., Any], *args: Any, **kwargs: Any) -> bool:
        return super().call_later(self._guarded(callback), *args, **kwargs)

    def call_after_refresh(self, callback: Callable[..., Any], *args: Any, **kwargs: Any) -> bool:
        return super().call_after_refresh(self._guarded(callback), *args, **kwargs)

    def _guarded(self, callback: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(callback)
        async def run(*args: Any, **kwargs: Any) -> Any:
            try:
                result = callback(*args, **kwargs)
                return await result if inspect.isawaitable(result) else result
            except Exception as error:
                self._survive(error, getattr(callback, "__name__", "a callback"))

        return run

    def _survive(self, error: Exception, where: str) -> None:
        log.error("error in %s during %s", type(self).__name__, where, exc_info=error)
        report = getattr(self.app, "report_fault", None)
        if report is not None:
            report(error)
