"""The dividends of the underlyings: QQQ pays each quarter, an index pays none (broker 13)."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache

from core.simulator.market.market_data import Dividend
from core.simulator.market.sessions import next_session, previous_session

_AMOUNTS = {
    "QQQ": {3: Decimal("0.7157"), 6: Decimal("0.5911"), 9: Decimal("0.6940"), 12: Decimal("0.7941")},
}
"""$ a share by the month of the ex-date, as QQQ paid them from December 2024 to December 2025."""
PAYMENTS_A_YEAR = {"QQQ": 4}


def dividends(symbol: str, first: date, last: date) -> tuple[Dividend, ...]:
    """The dividends of an underlying with ex-dates from `first` to `last`, both included, oldest first."""
    years = range(first.year, last.year + 1)
    return tuple(each for year in years for each in _of_year(symbol, year) if first <= each.ex <= last)


def next_dividend(symbol: str, day: date) -> Dividend | None:
    """The first dividend with an ex-date on or after the day; None for an underlying that pays none."""
    ahead = dividends(symbol, day, day + timedelta(days=200))
    return ahead[0] if ahead else None


@lru_cache(maxsize=128)
def _of_year(symbol: str, year: int) -> tuple[Dividend, ...]:
    """The ex-date is the Monday after the third Friday. It is paid on the last session of the next month, in December
    on the last one of the year."""
    found = []
    for month, amount in _AMOUNTS.get(symbol, {}).items():
        first = date(year, month, 1)
        third_friday = first + timedelta(days=(4 - first.weekday()) % 7 + 14)
        after = date(year + 1, 1, 1) if month == 12 else date(year, month + 2, 1)
        found.append(Dividend(next_session(third_friday + timedelta(days=3)).day, previous_session(after).day, amount))
    return tuple(found)
