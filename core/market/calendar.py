"""The exchange's sessions from a maintained calendar: holidays, half days, daylight saving (rules 3)."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from core.domain.market.sessions import EXCHANGE_ZONE, Ahead, Session, SlotTimes, slots_of

if TYPE_CHECKING:
    from pandas_market_calendars import MarketCalendar

_LOOK_BACK = timedelta(days=800)
"""Enough for a year of completed sessions (rules 5) on the last day ahead, too."""
_LOOK_AHEAD = timedelta(days=400)
_ROOM_AHEAD = timedelta(days=40)
"""How near its end the calendar may come before it is extended: an engine that runs on never reaches the end, and the
day that extends it is new at midnight, when the market is closed."""


class CalendarError(Exception):
    """The calendar does not cover the day it was asked for."""


class SessionCalendar:
    """The sessions of the New York exchange from 800 days before an instant to 400 days after it.

    It grows by 400 days when a day near its end is asked for, so that it serves a process that runs for years. Loading
    takes about half a second, because the library loads pandas: build it off the screen's thread.
    """

    def __init__(self, around: datetime) -> None:
        day = around.astimezone(EXCHANGE_ZONE).date()
        self._first, self._last = day - _LOOK_BACK, day + _LOOK_AHEAD
        self._sessions = _sessions_between(self._first, self._last)
        self._days = sorted(self._sessions)

    def on(self, day: date) -> Session | None:
        """The session of this day, or None when it has none. Raises CalendarError far outside the range."""
        if self._last - _ROOM_AHEAD < day <= self._last + _LOOK_AHEAD:
            self._extend()
        if not self._first <= day <= self._last:
            raise CalendarError(f"the exchange calendar covers {self._first} to {self._last}, not {day}")
        return self._sessions.get(day)

    def today(self, now: datetime) -> Session | None:
        """The session of the exchange date at this instant, or None when it has none.

        Raises CalendarError outside the range.
        """
        return self.on(now.astimezone(EXCHANGE_ZONE).date())

    def is_open(self, now: datetime) -> bool:
        """Whether the exchange is in session at this instant."""
        session = self.today(now)
        return session is not None and session.is_open(now)

    def sessions_back(self, day: date, sessions: int) -> date:
        """The day of the session so many sessions before this day; the first one known when there are fewer."""
        index = bisect_left(self._days, day)
        return self._days[max(0, index - sessions)] if index else day

    def next_after(self, day: date) -> Session:
        """The first session after this day. Raises CalendarError past the range."""
        if self._days[-1] <= day <= self._last:
            self._extend()
        for later in self._days:
            if later > day:
                return self._sessions[later]
        raise CalendarError(f"the exchange calendar ends on {self._last}")

    def ahead(self, now: datetime, times: SlotTimes) -> Ahead:
        """The sessions and slots ahead of this instant. Raises CalendarError outside the range."""
        today = now.astimezone(EXCHANGE_ZONE).date()
        session = self.on(today)
        planned = () if session is None else slots_of(session, times)
        following = self.next_after(today)
        while not (later := slots_of(following, times)):
            following = self.next_after(following.day)
        slot = next((slot for slot in planned if slot > now), None)
        return Ahead(today, session, slot, following.open, later[0])

    def between(self, first: date, last: date) -> tuple[Session, ...]:
        """The sessions from first to last, both included."""
        days = self._days[bisect_left(self._days, first) : bisect_right(self._days, last)]
        return tuple(self._sessions[day] for day in days)

    def _extend(self) -> None:
        first, self._last = self._last + timedelta(days=1), self._last + _LOOK_AHEAD
        later = _sessions_between(first, self._last)
        self._sessions.update(later)
        self._days += sorted(later)


@lru_cache(maxsize=1)
def _exchange() -> MarketCalendar:
    """The exchange's calendar, which keeps the holidays that it has worked out."""
    import pandas_market_calendars  # deferred: 0.4 s that the first paint must not wait for

    return pandas_market_calendars.get_calendar("NYSE")


def _sessions_between(first: date, last: date) -> dict[date, Session]:
    table = _exchange().schedule(str(first), str(last))
    found = {}
    for row in table.itertuples():
        opened, closed = row.market_open.to_pydatetime(), row.market_close.to_pydatetime()
        session = Session(opened.astimezone(EXCHANGE_ZONE).date(), opened.astimezone(UTC), closed.astimezone(UTC))
        found[session.day] = session
    return found
