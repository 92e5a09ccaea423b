"""`senex alerts`: what is open, and who has seen it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from core.domain.operation.events import masked
from core.runtime.clock import exchange_time
from senex_tui.trader.place import Place, watching

if TYPE_CHECKING:
    from core.domain.reporting.alerts import Alert

MOST = 100
"""How many alerts --all goes back."""


@dataclass(frozen=True, slots=True)
class AlertList:
    alerts: tuple[Alert, ...]

    def to_json(self) -> str:
        return json.dumps({"alerts": [alert_values(alert) for alert in self.alerts]}, ensure_ascii=False)

    def to_text(self) -> str:
        return "\n".join(_line(alert) for alert in self.alerts) or "No alert is open."


async def read_alerts(place: Place, *, everything: bool) -> AlertList:
    """The open alerts in the order they opened, or the newest of all, newest first. Raises Refused before the first
    start, RecordsError."""
    place.need_records()
    if everything:
        return AlertList(await watching(place, lambda records: records.alerts.newest(MOST)))
    return AlertList(await watching(place, lambda records: records.alerts.open_now()))


def alert_values(alert: Alert) -> dict[str, object]:
    """An alert as plain values, its account masked."""
    return {
        "id": alert.id,
        "kind": alert.kind.code,
        "severity": alert.severity.name.lower(),
        "account": masked(alert.subject) if alert.subject else None,
        "text": alert.text,
        "opened_at": _instant(alert.opened_at),
        "acknowledged_at": _instant(alert.acknowledged_at),
        "acknowledged_by": alert.acknowledged_by or None,
        "closed_at": _instant(alert.closed_at),
    }


def _instant(at: datetime | None) -> str | None:
    return None if at is None else exchange_time(at).isoformat(timespec="seconds")


def _line(alert: Alert) -> str:
    seen = f"acknowledged by {alert.acknowledged_by}" if alert.acknowledged_at else "not acknowledged"
    if alert.closed_at is not None:
        seen = f"closed {exchange_time(alert.closed_at):%Y-%m-%d %H:%M}, {seen}"
    return (
        f"{alert.id:>4}  {alert.severity.name.lower():<8}  {exchange_time(alert.opened_at):%Y-%m-%d %H:%M} ET  "
        f"{alert.text} ({seen})"
    )
