"""Writes every event of the engine to the log too, whatever becomes of the records."""

from __future__ import annotations

import logging

from core.domain.operation.events import Event, Severity, masked

_LEVELS = {Severity.INFO: logging.INFO, Severity.WARNING: logging.WARNING, Severity.CRITICAL: logging.CRITICAL}
log = logging.getLogger("senex.engine")


def log_event(event: Event) -> None:
    """A listener of the bus. `market_at` is market time in UTC; the log line's own time is the machine's."""
    level = _LEVELS[event.severity]
    if not log.isEnabledFor(level):
        return
    fields = {
        "kind": event.kind,
        "market_at": event.at.isoformat(),
        "cycle": event.cycle,
        "attempt": event.attempt,
        "account": None if event.account is None else masked(event.account),
        "underlying": event.underlying,
        "step": None if event.step is None else event.step.value,
        "result": None if event.result is None else event.result.value,
        "reason": None if event.reason is None else event.reason.code,
        "figures": {name: str(value) for name, value in event.figures if value is not None} or None,
        "duration_ms": event.duration_ms,
    }
    log.log(level, "%s", event.text, extra={name: value for name, value in fields.items() if value is not None})
