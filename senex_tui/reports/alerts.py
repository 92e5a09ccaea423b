"""`senex alerts`: the open alerts, and who acknowledged them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from core.domain.operation.events import masked
from core.domain.operation.times import minute_stamp
from core.domain.reporting.alerts import account_in
from senex_tui.reports.named import account_named
from senex_tui.support.report import Report, instant_text
from senex_tui.trader.place import Place, with_records

if TYPE_CHECKING:
    from core.domain.reporting.alerts import Alert
    from core.records.records import Records

MOST = 100
"""The most alerts that --all shows."""


async def read_alerts(place: Place, *, everything: bool, account: str = "") -> Report:
    """The open alerts, or with `everything` the newest of all, each newest first.

    With `account`, the last characters of a number, only those about it and those about none. Raises Refused before the
    first start and for an account that is not exactly one known one, RecordsError.
    """
    place.need_records()

    async def read(records: Records) -> tuple[Alert, ...]:
        number = await account_named(records, account)
        found = await (records.alerts.newest(MOST) if everything else records.alerts.open_now())
        found = tuple(sorted(found, key=lambda alert: (alert.opened_at, alert.id), reverse=True))
        return tuple(alert for alert in found if number is None or account_in(alert.subject) in ("", number))

    return Report({"alerts": [alert_values(alert) for alert in await with_records(place, read)]}, _lines)


def alert_values(alert: Alert) -> dict[str, Any]:
    """An alert as a report's values, its account masked."""
    return {
        "id": alert.id,
        "kind": alert.kind.code,
        "severity": alert.severity.name.lower(),
        "account": masked(account_in(alert.subject)) if alert.subject else None,
        "part": alert.subject.partition(" ")[2] or None,
        "text": alert.text,
        "opened_at": instant_text(alert.opened_at),
        "acknowledged_at": instant_text(alert.acknowledged_at),
        "acknowledged_by": alert.acknowledged_by or None,
        "closed_at": instant_text(alert.closed_at),
    }


def _lines(values: dict[str, Any]) -> list[str]:
    return [_line(alert) for alert in values["alerts"]] or ["No alert is open."]


def _line(alert: dict[str, Any]) -> str:
    seen = f"acknowledged by {alert['acknowledged_by'] or ''}" if alert["acknowledged_at"] else "not acknowledged"
    if alert["closed_at"] is not None:
        seen = f"closed {_minute(alert['closed_at'])}, {seen}"
    return f"{alert['id']:>4}  {alert['severity']:<8}  {_minute(alert['opened_at'])} ET  {alert['text']} ({seen})"


def _minute(instant: str) -> str:
    return minute_stamp(datetime.fromisoformat(instant))
