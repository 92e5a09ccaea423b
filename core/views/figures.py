"""Figures and alerts for the screen, with account numbers masked."""

from __future__ import annotations

from dataclasses import replace

from core.domain.operation.events import masked
from core.domain.reporting.alerts import Alert, subject_words
from core.domain.reporting.figures import SessionFigures
from core.snapshot import AlertView


class ShownFigures:
    """Masks figures once for each change: the same figures give the same object, so that a screen can compare them
    cheaply."""

    def __init__(self) -> None:
        self._of: SessionFigures | None = None
        self._shown: SessionFigures | None = None

    def of(self, figures: SessionFigures | None) -> SessionFigures | None:
        """The figures with masked account numbers, None for None."""
        if figures is not self._of:
            self._of = figures
            if figures is not None:
                days = tuple(replace(day, account=masked(day.account)) for day in figures.days)
                self._shown = replace(figures, days=days)
        return self._shown


def alert_view(alert: Alert) -> AlertView:
    return AlertView(
        id=alert.id,
        code=alert.kind.code,
        severity=alert.severity.name.lower(),
        whom=subject_words(alert.subject),
        text=alert.text,
        since=alert.opened_at.replace(microsecond=0),
        seen_by=alert.acknowledged_by,
        closed=None if alert.closed_at is None else alert.closed_at.replace(microsecond=0),
    )
