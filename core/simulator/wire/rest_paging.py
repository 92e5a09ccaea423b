"""What the query of a listing asks for: a page, and a range of time (broker 2.1, 2.7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Generic, TypeVar

from core.runtime.clock import EXCHANGE_ZONE
from core.simulator.wire.payloads import Payload
from core.simulator.wire.rest import Call, Refusal

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """The rows of one page of a listing, and the `pagination` that the answer shows beside them."""

    rows: Sequence[T]
    pagination: Payload


def page_of(call: Call, found: Sequence[T], default: int, highest: int, overlapping: int | None = None) -> Page[T]:
    """The page that the query asks for, of `default` rows unless it names a number, and never more than `highest`.

    With `overlapping` pages have that many rows, and each but the first begins with the last row of the page before;
    the counts are as announced. Raises Refusal.
    """
    per_page = min(whole_number(call, "per-page", default) or default, highest)
    page = whole_number(call, "page-offset", 0)
    first = page * per_page
    if overlapping is not None:
        per_page = overlapping
        first = max(0, page * per_page - 1)
    rows = found[first : max(0, min((page + 1) * per_page, len(found)) - page * per_page) + first]
    return Page(rows, _pagination(len(found), per_page, page, len(rows)))


def time_range(call: Call) -> tuple[datetime | None, datetime | None]:
    """Start and end in UTC, from instants or exchange dates; None where there is no bound. The end is excluded, and the
    end date is included. Raises Refusal."""
    first, last = a_day(call, "start-date"), a_day(call, "end-date")
    start = _instant(call, "start-at") or (None if first is None else midnight(first))
    end = _instant(call, "end-at") or (None if last is None or last == date.max else midnight(last + timedelta(days=1)))
    return start, end


def midnight(day: date) -> datetime:
    """When the date begins at the exchange."""
    return datetime.combine(day, time(), EXCHANGE_ZONE).astimezone(UTC)


def whole_number(call: Call, key: str, default: int) -> int:
    """A number of the query from 0 on. Raises Refusal."""
    value = call.query.get(key, str(default))
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        raise Refusal(400, "validation_error", f"{key} {value!r} is not a whole number")
    return int(value)


def a_day(call: Call, key: str) -> date | None:
    """A date of the query, which may have a time after it; None without one. Raises Refusal."""
    value = call.query.get(key)
    if value is None:
        return None
    try:
        return date.fromisoformat(value[:10])
    except ValueError as error:
        raise Refusal(400, "validation_error", f"{key} {value!r} is not a date") from error


def _pagination(total: int, per_page: int, page: int, current: int) -> Payload:
    """The pagination of a listing (broker 2.1)."""
    return {
        "per-page": per_page,
        "page-offset": page,
        "item-offset": page * per_page,
        "total-items": total,
        "total-pages": max(1, -(-total // per_page)),
        "current-item-count": current,
        "previous-link": None,
        "next-link": None,
        "paging-link-template": None,
    }


def _instant(call: Call, key: str) -> datetime | None:
    value = call.query.get(key)
    if value is None:
        return None
    try:
        instant = datetime.fromisoformat(value)
    except ValueError as error:
        raise Refusal(400, "validation_error", f"{key} {value!r} is not an instant") from error
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)
