"""Calls back at slots and periodically, with the library `schedule` driven by our clock (rules 3).

The library calls `datetime.now()` itself. The two subclasses here give it a clock instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, time, timedelta

import schedule

from core.domain.market.sessions import EXCHANGE_ZONE, SlotTimes
from core.runtime.clock import Clock

Now = Callable[[], datetime]


class ClockedScheduler(schedule.Scheduler):
    """A `schedule.Scheduler` whose jobs take the time from `now`: a naive time, in market time or wall time."""

    def __init__(self, now: Now) -> None:
        super().__init__()
        self.now = now

    def every(self, interval: int = 1) -> ClockedJob:
        return ClockedJob(interval, self)

    def run_pending(self) -> None:
        """Runs the jobs that are due. Most calls find none: they ask the clock once, not once for each job."""
        wait = self.seconds_to_next()
        if wait is not None and wait <= 0:
            super().run_pending()

    def schedule_anew(self) -> None:
        """Computes every job's next run from now."""
        for job in self.jobs:
            job._schedule_next_run()

    def seconds_to_next(self) -> float | None:
        """Seconds to the next job on the scheduler's own scale, None without jobs."""
        if not self.jobs:
            return None
        next_run = min(job.next_run for job in self.jobs if job.next_run is not None)
        return (next_run - self.now()).total_seconds()


class ClockedJob(schedule.Job):
    """A `schedule.Job` that runs on its scheduler's clock."""

    def __init__(self, interval: int, clocked: ClockedScheduler) -> None:
        super().__init__(interval, clocked)
        self._now = clocked.now

    @property
    def should_run(self) -> bool:
        return self.next_run is not None and self._now() >= self.next_run

    def run(self) -> object:
        result = self.job_func() if self.job_func is not None else None
        self.last_run = self._now()
        self._schedule_next_run()
        return result

    def _schedule_next_run(self) -> None:
        now = self._now()
        period = timedelta(**{str(self.unit): self.interval})
        next_run = self._move_to_at_time(now) if self.at_time is not None else now + period
        while next_run <= now:
            next_run += period
        self.next_run = next_run


class Timetable:
    """The engine's periodic calls: slots in market time, everything else in wall seconds."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        start = clock.monotonic()
        wall_origin = datetime(2000, 1, 1, tzinfo=UTC).replace(tzinfo=None)
        self._market = ClockedScheduler(lambda: clock.now().astimezone(EXCHANGE_ZONE).replace(tzinfo=None))
        self._wall = ClockedScheduler(lambda: wall_origin + timedelta(seconds=clock.monotonic() - start))

    def at_slots(self, times: SlotTimes, on_slot: Callable[[datetime], None]) -> None:
        """Calls back every day at each slot's time of day, with the slot's instant (UTC).

        `schedule` knows no holidays: the callback decides whether the day has that slot.
        """
        minute = times.first.hour * 60 + times.first.minute
        while minute <= times.last.hour * 60 + times.last.minute:
            self._at(time(*divmod(minute, 60)), on_slot)
            minute += times.interval_minutes

    def at_times(self, times: Iterable[time], job: Callable[[datetime], None]) -> None:
        """Calls back every day at each of these times of day at the exchange, with the instant (UTC)."""
        for at in times:
            self._at(at, job)

    def _at(self, at: time, on_slot: Callable[[datetime], None]) -> None:
        job = self._market.every().day.at(f"{at:%H:%M:%S}")

        def fire() -> None:
            if job.next_run is not None:  # the library renews it after the run: this is still the instant it was due
                on_slot(job.next_run.replace(tzinfo=EXCHANGE_ZONE).astimezone(UTC))

        job.do(fire)

    def every(self, wall_seconds: int, job: Callable[[], None]) -> None:
        """Calls back every `wall_seconds`."""
        self._wall.every(wall_seconds).seconds.do(job)

    def anew(self) -> None:
        """Computes when each slot comes next from the clock as it is now. Nothing is called back for a slot that the
        clock was set past."""
        self._market.schedule_anew()

    def run_due(self) -> None:
        """Calls back whatever is due now. Callbacks must return at once."""
        self._market.run_pending()
        self._wall.run_pending()

    def wall_seconds_to_next(self, at_most: float) -> float:
        """Wall seconds to the next call, from 0 to `at_most`."""
        market = self._market.seconds_to_next()
        wall = self._wall.seconds_to_next()
        waits = [at_most]
        if market is not None:
            waits.append(market / self._clock.speed)
        if wall is not None:
            waits.append(wall)
        return max(0.0, min(waits))
