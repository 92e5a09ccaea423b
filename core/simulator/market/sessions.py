"""The exchange's sessions, from the NYSE calendar with its holidays, half days and daylight saving time."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

import pandas_market_calendars

from core.simulator.market.market_data import TradingSession

FULL_SESSION = timedelta(hours=6, minutes=30)
YEARS_AT_ONCE = 4
"""The library takes as long for one year as for a few: it works out every holiday first."""


@lru_cache(maxsize=32)
def sessions_of(year: int) -> tuple[TradingSession, ...]:
    """The sessions of a calendar year, oldest first."""
    block = _sessions_from(year - year % YEARS_AT_ONCE)
    return tuple(session for session in block if session.day.year == year)


@lru_cache(maxsize=1)
def _exchange() -> pandas_market_calendars.MarketCalendar:
    """The exchange's calendar, which keeps the holidays that it has worked out."""
    return pandas_market_calendars.get_calendar("NYSE")


@lru_cache(maxsize=8)
def _sessions_from(year: int) -> tuple[TradingSession, ...]:
    """The sessions of the years from this one on that are read at once, oldest first."""
    last = year + YEARS_AT_ONCE - 1
    schedule = _exchange().schedule(f"{year}-01-01", f"{last}-12-31")
    found = []
    for row in schedule.itertuples():
        opens = row.market_open.to_pydatetime().astimezone(UTC)
        closes = row.market_close.to_pydatetime().astimezone(UTC)
        found.append(TradingSession(row.Index.date(), opens, closes, closes - opens < FULL_SESSION))
    return tuple(found)


@lru_cache(maxsize=32)
def _by_day(year: int) -> dict[date, TradingSession]:
    return {session.day: session for session in sessions_of(year)}


def session_on(day: date) -> TradingSession | None:
    """The session of a date, or None on weekends and holidays."""
    return _by_day(day.year).get(day)


def next_session(day: date) -> TradingSession:
    """The first session on or after the date."""
    session = session_on(day)
    while session is None:
        day += timedelta(days=1)
        session = session_on(day)
    return session


def previous_session(day: date) -> TradingSession:
    """The last session strictly before the date."""
    session = None
    while session is None:
        day -= timedelta(days=1)
        session = session_on(day)
    return session


def sessions_between(first: date, last: date) -> list[TradingSession]:
    """The sessions from `first` to `last`, both included."""
    return [s for year in range(first.year, last.year + 1) for s in sessions_of(year) if first <= s.day <= last]


class SessionIndex:
    """Sessions by offset. At 0 is the session open at `start`, or else the next to open; earlier ones are negative."""

    def __init__(self, start: datetime, back: int) -> None:
        """Knows at least `back` sessions before the start. Later ones are added when they are read."""
        year = start.year
        self._sessions = [*sessions_of(year - 1), *sessions_of(year), *sessions_of(year + 1)]
        self._first_year, self._last_year = year - 1, year + 1
        self._closes = [s.close for s in self._sessions]
        self._origin = bisect_right(self._closes, start)
        while self._origin < back:
            self._first_year -= 1
            earlier = list(sessions_of(self._first_year))
            self._sessions = earlier + self._sessions
            self._closes = [s.close for s in self._sessions]
            self._origin += len(earlier)

    def session(self, offset: int) -> TradingSession:
        """The session at this offset. Raises IndexError for one before the known past."""
        index = self._origin + offset
        if index < 0:
            raise IndexError(f"session offset {offset} lies before the world's history")
        while index >= len(self._sessions):
            self._grow()
        return self._sessions[index]

    def offset_at(self, at: datetime) -> int:
        """The offset of the session that opened last at the instant. Its values hold until the next one opens."""
        while at > self._closes[-1]:
            self._grow()
        index = bisect_left(self._closes, at)
        if at < self._sessions[index].open:
            index -= 1
        return index - self._origin

    def offset_of(self, day: date) -> int:
        """The offset of the first session on or after the date."""
        session = next_session(day)
        while session.day > self._sessions[-1].day:
            self._grow()
        return bisect_left(self._closes, session.close) - self._origin

    def _grow(self) -> None:
        self._last_year += 1
        more = sessions_of(self._last_year)
        self._sessions.extend(more)
        self._closes.extend(s.close for s in more)
