"""What the searches of the history have in common: conditions in SQL, order and limit of a page, a row."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Row, Select, String, Text, and_, literal, or_, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

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


async def full_page(
    batch: Batch, limit: int, after: Mark | None, *, some_may_not_fit: bool, at_a_time: int = AT_A_TIME
) -> list[HistoryRow]:
    """At most `limit` rows that fit. It reads on until the page is full, as what a row is told to be is computed."""
    size = max(limit, at_a_time) if some_may_not_fit else limit
    page: list[HistoryRow] = []
    while True:
        read = await batch(size, after)
        page += [row for row, fits in read if fits]
        if len(page) >= limit or len(read) < size:
            return page[:limit]
        after = read[-1][0].mark


def when(wanted: str, condition: ColumnElement[bool]) -> list[ColumnElement[bool]]:
    return [condition] if wanted else []


class _Holds(FunctionElement[bool]):
    """Whether a column matches a pattern, upper and lower case alike."""

    type = Boolean()
    inherit_cache = True


@compiles(_Holds)
def _by_ilike(element: _Holds, compiler: Any, **options: Any) -> str:
    column, pattern = (compiler.process(each, **options) for each in element.clauses)
    return f"({column} ILIKE {pattern} ESCAPE '/')"


@compiles(_Holds, "sqlite")
def _by_like(element: _Holds, compiler: Any, **options: Any) -> str:
    """SQLite's LIKE tells no case of ASCII apart, as its `lower` does, and takes half the time without it."""
    column, pattern = (compiler.process(each, **options) for each in element.clauses)
    return f"({column} LIKE {pattern} ESCAPE '/')"


def holds(column: ColumnElement[Any], text: str) -> ColumnElement[bool]:
    """Whether a text is in a column, upper and lower case alike. No character of it is special."""
    for special in "/%_":
        text = text.replace(special, f"/{special}")
    return _Holds(column, literal(f"%{text}%", String()))


def any_of(text: str, *columns: ColumnElement[Any]) -> ColumnElement[bool]:
    return or_(*(holds(column, text) for column in columns))


NEAR = 20_000
"""How many of the newest rows are searched through the index of times, before a table is read from end to end."""


async def newest_holding(
    connection: AsyncConnection,
    query: Select[Any],
    at: ColumnElement[datetime],
    tie: ColumnElement[Any],
    limit: int,
    after: Mark | None,
) -> Sequence[Row[Any]]:
    """The rows of `newest`, for words that may be rare. Words of every day are found among the newest rows; for others
    to read the table once takes a third of a walk through the index of all times."""
    older = [] if after is None else [at <= after.at]
    far = (await connection.execute(select(at).where(*older).order_by(at.desc()).limit(1).offset(NEAR))).scalar()
    near = query if far is None else query.where(at > far)
    found: Sequence[Row[Any]] = (await connection.execute(newest(near, at, tie, limit, after))).all()
    if far is None or len(found) >= limit:
        return found
    # The bare column would have the index walked.
    unindexed = newest(query, at, tie, limit, after).order_by(None).order_by(type_coerce(at, Text).concat("").desc())
    found = (await connection.execute(unindexed.order_by(tie.desc()))).all()
    return found


def between(day: ColumnElement[date], wanted: HistoryFilter) -> list[ColumnElement[bool]]:
    since = [] if wanted.since is None else [day >= wanted.since]
    return since + ([] if wanted.until is None else [day <= wanted.until])


def within(at: ColumnElement[datetime], wanted: HistoryFilter) -> list[ColumnElement[bool]]:
    since = [] if wanted.since is None else [at >= _midnight(wanted.since)]
    return since + ([] if wanted.until is None else [at < _midnight(wanted.until + timedelta(days=1))])


def _midnight(day: date) -> datetime:
    """The start of a day of the exchange."""
    return datetime.combine(day, time(), EXCHANGE_ZONE)
