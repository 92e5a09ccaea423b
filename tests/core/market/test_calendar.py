"""The exchange's calendar in a process that runs for years."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from core.domain.market.sessions import SlotTimes
from core.market.calendar import CalendarError, SessionCalendar

BUILT = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


def test_a_calendar_serves_an_engine_that_runs_on_for_years() -> None:
    running = SessionCalendar(BUILT)
    for days in range(0, 3 * 365):
        now = BUILT + timedelta(days=days)
        ahead = running.ahead(now, SlotTimes())
        assert ahead.next_open > now
        assert running.next_after(now.date()).day > now.date()
    later = SessionCalendar(now)
    last_year = now.date() - timedelta(days=365), now.date()
    assert running.between(*last_year) == later.between(*last_year)
    assert running.sessions_back(now.date(), 250) == later.sessions_back(now.date(), 250)


def test_a_day_far_outside_the_calendar_is_refused() -> None:
    calendar = SessionCalendar(BUILT)
    for day in (date(2019, 1, 2), date(2200, 1, 2)):
        with pytest.raises(CalendarError, match=f"not {day}"):
            calendar.on(day)
