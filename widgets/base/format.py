"""Writes figures for an operator, in the one format of the product, and what only narrow columns need."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from core.domain.operation.amounts import NONE as NONE
from core.domain.operation.amounts import counted as counted
from core.domain.operation.amounts import credit, money
from core.domain.operation.amounts import percent as percent
from core.domain.operation.amounts import quantity as quantity
from core.domain.operation.amounts import score as score
from core.domain.operation.amounts import signed as signed
from core.domain.operation.amounts import signed_money as signed_money
from core.domain.operation.amounts import signed_score as signed_score
from core.domain.operation.amounts import strike as strike
from core.domain.operation.times import EXCHANGE_ZONE, countdown
from core.domain.operation.times import clock as clock
from core.domain.operation.times import day_of as day_of
from core.domain.operation.times import minute as minute
from core.domain.operation.times import span as span

EXCHANGE = EXCHANGE_ZONE
price = credit
"""Dollars per share; the panel says what of."""
dollars = money
"""Dollars of a package or an account; the panel says the unit."""


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


def when(at: datetime, now: datetime | None) -> str:
    """Exchange time in at most six characters: 10:29 today, Nov 19 this year, Nov'24 in another year."""
    moment = at.astimezone(EXCHANGE)
    today = moment if now is None else now.astimezone(EXCHANGE)
    if moment.date() == today.date():
        return f"{moment:%H:%M}"
    return f"{moment:%b %d}" if moment.year == today.year else f"{moment:%b'%y}"


def exchange_day(at: datetime) -> date:
    """The exchange's date at an instant."""
    return at.astimezone(EXCHANGE).date()


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
    return countdown(at, now).removeprefix("in ")
