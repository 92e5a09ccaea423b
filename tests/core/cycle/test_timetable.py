"""Jobs at fixed times of day of the exchange, also over a change of its clocks (rules 3)."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from core.cycle.timetable import Timetable
from core.runtime.virtual_time import VirtualClock, run_virtual
from tests.support.world import et


def test_jobs_run_at_their_times_at_the_exchange_every_day() -> None:
    async def three_days(clock: VirtualClock) -> list[datetime]:
        called: list[datetime] = []
        timetable = Timetable(clock)
        timetable.at_times((time(8, 30), time(22, 30)), called.append)
        ends = clock.now() + timedelta(days=3)
        while clock.now() < ends:
            timetable.run_due()
            await clock.sleep(timetable.wall_seconds_to_next(3600.0))
        return called

    called = run_virtual(three_days, et("2026-03-06", "12:00"), lambda: 0)
    assert called == [
        et("2026-03-06", "22:30"),
        et("2026-03-07", "08:30"),
        et("2026-03-07", "22:30"),
        et("2026-03-08", "08:30"),  # the clocks went forward in the night
        et("2026-03-08", "22:30"),
        et("2026-03-09", "08:30"),
    ]
    assert called[2] - called[1] == timedelta(hours=14)
    assert called[3] - called[2] == timedelta(hours=9)
