"""A moment in the past as people write it at a shell: `15m`, `10:30`, a day, or an instant."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from core.runtime.clock import EXCHANGE_ZONE, exchange_time

_AGO = re.compile(r"(\d{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
EXAMPLES = "15m, 2h, 10:30, 2026-03-02 or 2026-03-02T10:30"


def moment_named(text: str, now: datetime) -> datetime:
    """The instant that the text names, UTC. Without a zone it is exchange time; a time alone is of today.

    Raises ValueError for other words, and for a span that leads before the first year.
    """
    ago = _AGO.fullmatch(text.strip().lower())
    try:
        if ago is not None:
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        return zoned(datetime.fromisoformat(with_day(text.strip(), now)))
    except (ValueError, OverflowError):
        raise ValueError(f"{text[:40]!r} is no time; write it like {EXAMPLES}") from None


def with_day(text: str, now: datetime) -> str:
    """The text with the exchange's date of now put before it, when it is a time alone."""
    return f"{exchange_time(now).date()}T{text}" if "-" not in text and ":" in text else text


def zoned(meant: datetime) -> datetime:
    """The instant, UTC. Without a zone it is exchange time."""
    return (meant if meant.tzinfo else meant.replace(tzinfo=EXCHANGE_ZONE)).astimezone(UTC)
