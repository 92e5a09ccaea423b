"""What the searches of the history have in common: conditions in SQL, order and limit of a page, a row."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, or_

from core.domain.market.sessions import EXCHANGE_ZONE
from core.domain.operation.figures import Figures
from core.records.search.history_rows import HistoryFilter, HistoryRow, Mark


def row_found(
    at: datetime,
    tie: int | str,
    *,
    figures: Figures,
    cycle: int | None = None,
    account: str = "",
    underlying: str = "",
    outcome: str = "",
    reason: str = "",
    text: str = "",
) -> HistoryRow:
    """A row of the history, from what its kind has. `tie` orders two rows of the same instant."""
    return HistoryRow(at, cycle, account, underlying, outcome, reason, text, figures, Mark(at, tie))


def newest(
    query: Select[Any], at: ColumnElement[datetime], tie: ColumnElement[Any], limit: int, after: Mark | None
) -> Select[Any]:
    """The query's rows older than `after`, newest first, at most `limit`."""
    if after is not None:
        query = query.where(and_(at <= after.at, or_(at < after.at, tie < after.tie)))
    return query.order_by(at.desc(), tie.desc()).limit(limit)


Batch = Callable[[int, Mark | None], Awaitable[list[tuple[HistoryRow, bool]]]]
"""Reads so many rows older than a mark, newest first, and says of each whether it fits what was asked for."""

AT_A_TIME = 200


async def full_page(batch: Batch, limit: int, after: Mark | None, *, some_may_not_fit: bool) -> list[HistoryRow]:
    """At most `limit` rows that fit. It reads on until the page is full, as what a row is told to be is computed."""
    size = max(limit, AT_A_TIME) if some_may_not_fit else limit
    page: list[HistoryRow] = []
    while True:
        read = await batch(size, after)
        page += [row for row, fits in read if fits]
        if len(page) >= limit or len(read) < size:
            return page[:limit]
        after = read[-1][0].mark


def when(wanted: str, condition: ColumnElement[bool]) -> list[ColumnElement[bool]]:
    return [condition] if wanted else []


def any_of(text: str, *columns: ColumnElement[Any]) -> ColumnElement[bool]:
    return or_(*(column.icontains(text, autoescape=True) for column in columns))


def between(day: ColumnElement[date], wanted: HistoryFilter) -> list[ColumnElement[bool]]:
    since = [] if wanted.since is None else [day >= wanted.since]
    return since + ([] if wanted.until is None else [day <= wanted.until])


def within(at: ColumnElement[datetime], wanted: HistoryFilter) -> list[ColumnElement[bool]]:
    since = [] if wanted.since is None else [at >= _midnight(wanted.since)]
    return since + ([] if wanted.until is None else [at < _midnight(wanted.until + timedelta(days=1))])


def _midnight(day: date) -> datetime:
    """The start of a day of the exchange."""
    return datetime.combine(day, time(), EXCHANGE_ZONE)
