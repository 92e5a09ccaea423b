"""Instants, days and spans as text: exchange time, America/New_York (rules 12).

An instant is an aware datetime. What shows only a clock time says once nearby that it is ET.
"""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

EXCHANGE_ZONE = ZoneInfo("America/New_York")
NONE = "--"
"""Stands for a span that is not known."""


def clock(at: datetime | None) -> str:
    """The time to the second: `10:31:41`."""
    return "--:--:--" if at is None else f"{at.astimezone(EXCHANGE_ZONE):%H:%M:%S}"


def minute(at: datetime | None) -> str:
    """The time to the minute: `10:31`."""
    return "--:--" if at is None else f"{at.astimezone(EXCHANGE_ZONE):%H:%M}"


def when(at: datetime, today: date | None) -> str:
    """The time to the minute, with its date when that is not today: `10:15` or `Mon 2 Mar 10:15`.

    `today` is the exchange's date; None when it is not known. A date of another year than today's has its year.
    """
    local = at.astimezone(EXCHANGE_ZONE)
    return f"{local:%H:%M}" if local.date() == today else f"{day_of(local.date(), today)} {local:%H:%M}"


def moment(at: datetime) -> str:
    """The whole instant: `Mon 2 Mar 2026 10:15:03 ET`."""
    local = at.astimezone(EXCHANGE_ZONE)
    return f"{weekday(local.date())} {local:%H:%M:%S} ET"


def stamp(at: datetime) -> str:
    """The whole instant in a form that sorts, for lists and logs: `2026-03-02 10:15:03 ET`."""
    return f"{at.astimezone(EXCHANGE_ZONE):%Y-%m-%d %H:%M:%S} ET"


def minute_stamp(at: datetime) -> str:
    """The instant to the minute in a form that sorts, for columns that say nearby that it is ET: `2026-03-02 10:15`."""
    return f"{at.astimezone(EXCHANGE_ZONE):%Y-%m-%d %H:%M}"


def title(day: date) -> str:
    """A day as a heading: `Monday 2026-03-02`."""
    return f"{day:%A} {day}"


def weekday(day: date) -> str:
    """A day with its year: `Mon 2 Mar 2026`."""
    return f"{day:%a} {day.day} {day:%b %Y}"


def day_of(day: date, today: date | None) -> str:
    """A day as people say it beside today: `Mon 2 Mar`, with the year when that is another."""
    return f"{day:%a} {day.day} {day:%b}" if today is not None and day.year == today.year else weekday(day)


def span(seconds: int | None) -> str:
    """A duration or countdown: `13:19`, or `1:02:05` from an hour on. A negative one counts as zero."""
    if seconds is None:
        return NONE
    hours, rest = divmod(max(0, seconds), 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes:02}:{left:02}"


def seconds_to(at: datetime, now: datetime) -> int:
    """The whole seconds of a countdown to an instant; 0 once it has come.

    Both are market time, which a simulator may run faster than the wall's: the clock on the screen shows that time too,
    and each countdown beside it goes down as that clock goes on.
    """
    return max(0, int((at - now.replace(microsecond=0)).total_seconds()))


def countdown(at: datetime, now: datetime) -> str:
    """What is left to an instant, as every place tells it: `in 13:19`, and `now` once it has come."""
    left = seconds_to(at, now)
    return f"in {span(left)}" if left else "now"


def iso(at: datetime) -> str:
    """The instant for machines, in ISO 8601 with the exchange's offset, to the second."""
    return at.astimezone(EXCHANGE_ZONE).isoformat(timespec="seconds")
