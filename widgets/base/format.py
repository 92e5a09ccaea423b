"""Figures as an operator reads them: fixed places, explicit signs, `--` for a value that is not there."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from core.domain.trident.per_share import per_share

EXCHANGE = ZoneInfo("America/New_York")
NONE = "--"


def price(value: Decimal | None) -> str:
    """Per share: two places, a third where there is half a cent."""
    return NONE if value is None else per_share(value)


def dollars(value: Decimal | None) -> str:
    """Whole dollars; cents only when there are any."""
    if value is None:
        return NONE
    return f"{value:,.0f}" if value == value.to_integral_value() else f"{value:,.2f}"


def signed(value: Decimal | None) -> str:
    return NONE if value is None else ("" if value < 0 else "+") + per_share(value)


def percent(value: Decimal | None) -> str:
    return NONE if value is None else f"{value:+.2f}%"


def points(value: Decimal) -> str:
    """Score points with their sign, one place only when needed; zero is `0`."""
    if value == 0:
        return "0"
    return f"{value:+.0f}" if value == value.to_integral_value() else f"{value:+.1f}"


def strike(value: Decimal) -> str:
    """Without a fraction where there is none: 622, 6702.5."""
    return f"{value.normalize():f}"


def quantity(value: Decimal) -> str:
    return f"{value.normalize():f}"


def arrow(value: Decimal | None) -> str:
    if value is None or value == 0:
        return " "
    return "▲" if value > 0 else "▼"


def age(seconds: int | None) -> str:
    """Wall seconds in at most four characters up to a day."""
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
    """A duration or countdown: 13:19, or 1:02:05 from an hour on."""
    if seconds is None:
        return NONE
    hours, rest = divmod(max(0, seconds), 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes:02}:{left:02}"


def clock(at: datetime | None) -> str:
    """Exchange time to the second, without its zone: the panel or bar says ET once."""
    return "--:--:--" if at is None else f"{at.astimezone(EXCHANGE):%H:%M:%S}"


def minute(at: datetime | None) -> str:
    return "--:--" if at is None else f"{at.astimezone(EXCHANGE):%H:%M}"


def when(at: datetime, now: datetime | None) -> str:
    """Exchange time in at most six characters: 10:29 today, Nov 19, and Nov'24 for another year."""
    moment = at.astimezone(EXCHANGE)
    today = moment if now is None else now.astimezone(EXCHANGE)
    if moment.date() == today.date():
        return f"{moment:%H:%M}"
    return f"{moment:%b %d}" if moment.year == today.year else f"{moment:%b'%y}"


def dated(at: datetime) -> str:
    """Exchange time with its date, to the minute: Nov 19 10:29."""
    return f"{at.astimezone(EXCHANGE):%b %d %H:%M}"


def speed(value: float) -> str:
    """`60x`, or nothing at real speed."""
    return "" if value == 1 else f"{value:g}x"


def until(at: datetime | None, now: datetime | None) -> str:
    """Market time left until an instant; `--` when it is not known, `now` when it has come."""
    if at is None or now is None:
        return NONE
    left = int((at - now).total_seconds())
    return span(left) if left > 0 else "now"
