"""Writes figures for an operator: fixed decimal places, explicit signs, `--` for a missing value."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from core.domain.trident.per_share import per_share

EXCHANGE = ZoneInfo("America/New_York")
NONE = "--"
"""Stands for a missing value."""


def price(value: Decimal | None) -> str:
    """Dollars per share: two decimal places, three where there is half a cent."""
    return NONE if value is None else per_share(value)


def dollars(value: Decimal | None) -> str:
    """Dollars with thousands separators, with cents only when there are any."""
    if value is None:
        return NONE
    return f"{value:,.0f}" if value == value.to_integral_value() else f"{value:,.2f}"


def signed(value: Decimal | None) -> str:
    """Dollars per share with their sign."""
    return NONE if value is None else ("" if value < 0 else "+") + per_share(value)


def percent(value: Decimal | None) -> str:
    """Percent with its sign and two decimal places; 1 is 1 %."""
    return NONE if value is None else f"{value:+.2f}%"


def points(value: Decimal) -> str:
    """Points of a score with their sign, with one decimal place when needed; zero is `0`."""
    if value == 0:
        return "0"
    return f"{value:+.0f}" if value == value.to_integral_value() else f"{value:+.1f}"


def strike(value: Decimal) -> str:
    """A strike without needless zeros: 622, 6702.5."""
    return f"{value.normalize():f}"


def quantity(value: Decimal) -> str:
    """A number of contracts without needless zeros."""
    return f"{value.normalize():f}"


def arrow(value: Decimal | None) -> str:
    """An arrow up or down for a change; a blank for none."""
    if value is None or value == 0:
        return " "
    return "▲" if value > 0 else "▼"


def age(seconds: int | None) -> str:
    """An age in wall seconds, as `12s`, `5m`, `3h` or `2d`."""
    if seconds is None:
        return NONE
    if seconds < 100:
        return f"{seconds}s"
    if seconds < 6000:
        return f"{seconds // 60}m"
    if seconds < 360_000:
        return f"{seconds // 3600}h"
    return f"{seconds // 86_400}d"


def span(seconds: int | None) -> str:
    """A duration or countdown in seconds, as 13:19, or 1:02:05 from an hour on. A negative one counts as zero."""
    if seconds is None:
        return NONE
    hours, rest = divmod(max(0, seconds), 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes:02}:{left:02}"


def clock(at: datetime | None) -> str:
    """Exchange time to the second: 10:31:41. The panel or bar says once that it is ET."""
    return "--:--:--" if at is None else f"{at.astimezone(EXCHANGE):%H:%M:%S}"


def minute(at: datetime | None) -> str:
    """Exchange time to the minute: 10:31."""
    return "--:--" if at is None else f"{at.astimezone(EXCHANGE):%H:%M}"


def when(at: datetime, now: datetime | None) -> str:
    """Exchange time in at most six characters: 10:29 today, Nov 19 this year, Nov'24 in another year."""
    moment = at.astimezone(EXCHANGE)
    today = moment if now is None else now.astimezone(EXCHANGE)
    if moment.date() == today.date():
        return f"{moment:%H:%M}"
    return f"{moment:%b %d}" if moment.year == today.year else f"{moment:%b'%y}"


def dated(at: datetime) -> str:
    """Exchange date and time to the minute: Nov 19 10:29."""
    return f"{at.astimezone(EXCHANGE):%b %d %H:%M}"


def speed(value: float) -> str:
    """The speed of a simulated market, as `60x`; empty at real speed."""
    return "" if value == 1 else f"{value:g}x"


def until(at: datetime | None, now: datetime | None) -> str:
    """The time left from `now` until `at`, as `span`; `--` when either is not known, `now` when it has come."""
    if at is None or now is None:
        return NONE
    left = int((at - now).total_seconds())
    return span(left) if left > 0 else "now"
