"""What the answers of one login told of the broker's time: it dates events and judges sessions (rules 14)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from core.broker.port import BrokerTime
from core.runtime.clock import Clock, monotonic_at

NARROWS_FOR_S = 60.0
"""For so many wall seconds an earlier answer narrows what a later one tells: the counter itself drifts."""


@dataclass(eq=False)
class BrokerDates:
    """The broker's time as the last answer told it, on the counter of this process. The machine's own clock, which may
    be wrong, plays no part in it."""

    clock: Clock
    time: BrokerTime | None = field(init=False, default=None)

    def note(self, date_header: str | None, asked: float) -> None:
        """Takes the `Date` of an answer that is just coming; `asked` is the monotonic second of its request. One that
        cannot be read tells nothing."""
        try:
            told = parsedate_to_datetime(date_header or "").astimezone(UTC)
        except (ValueError, TypeError):
            return
        now, speed = self.clock.monotonic(), self.clock.speed
        # Whole seconds, cut off; and the answer was on its way for at most as long as the call has taken.
        seen = BrokerTime(told, told + timedelta(seconds=1 + (now - asked) * speed), now, self.clock.boottime())
        self.time = seen if self.time is None else _narrowed(seen, self.time, speed)

    def now(self) -> datetime:
        """The broker's time at this moment, at the latest; the machine's before the first answer."""
        if self.time is None:
            return self.clock.now()
        return self.time.latest + timedelta(seconds=self.time.age_s(self.clock) * self.clock.speed)

    def second_of(self, instant: datetime) -> float:
        """The monotonic second at which it was this instant by the broker's clock, at the earliest: an event is rather
        counted as older. By the machine's clock before the first answer; then nothing is entered (rules 9)."""
        return monotonic_at(self.clock, instant) if self.time is None else self.time.second_of(instant, self.clock)


def _narrowed(seen: BrokerTime, before: BrokerTime, speed: float) -> BrokerTime:
    """What both tell together. Where they contradict each other, as after a suspend, the newer one counts."""
    passed = seen.mono - before.mono
    if passed > NARROWS_FOR_S:
        return seen
    carried = timedelta(seconds=passed * speed)
    earliest, latest = max(seen.earliest, before.earliest + carried), min(seen.latest, before.latest + carried)
    return BrokerTime(earliest, latest, seen.mono, seen.booted) if earliest <= latest else seen
