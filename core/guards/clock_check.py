"""Whether this machine's clock is proved to agree with the broker's (rules 9, 14)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from core.broker.port import Broker
from core.domain.operation.reasons import Reason, Refusal, refuse
from core.runtime.clock import Clock

MAX_CLOCK_OFFSET = timedelta(seconds=2)
MAX_TOLD_AGE_S = 90.0
"""The broker's time as it was told is carried on by the process's own counter for so long: it is asked every 30 s."""


@dataclass(frozen=True, slots=True)
class ClockCheck:
    """Compares the two clocks whenever it is asked, without waiting or asking anybody.

    Without `real_time` there is nothing to compare: a simulated market time is the simulator's own.
    """

    broker: Broker
    clock: Clock
    real_time: bool

    def refusal(self) -> Refusal | None:
        """What bars every entry: a clock that is wrong, or not proved to be right. None when it is right."""
        if not self.real_time:
            return None
        told = self.broker.time
        # A sleep makes it no older: everything is reconciled after one, and each answer of that tells the time anew.
        if told is None or self.clock.monotonic() - told.mono > MAX_TOLD_AGE_S:
            return refuse(Reason.CLOCK_UNPROVED)
        off_s = self.off_s()
        return None if off_s is None else refuse(Reason.CLOCK_OFF, off=f"{off_s:+.1f} s")

    def off_s(self) -> float | None:
        """How many seconds this machine's clock is ahead of the broker's, or behind when negative; None within 2 s, as
        far as it is known."""
        if self.broker.time is None:
            return None
        least, most = self.broker.time.offset(self.clock)
        if least <= MAX_CLOCK_OFFSET and most >= -MAX_CLOCK_OFFSET:
            return None
        return -((least + most) / 2).total_seconds()

    def told(self) -> str:
        """How far this machine's clock is from the broker's, in words; empty while the broker has told no time."""
        if self.broker.time is None:
            return ""
        least, most = self.broker.time.offset(self.clock)
        return f"{-((least + most) / 2).total_seconds():+.1f} s against the broker's"

    def trouble(self, *, in_session: bool) -> str | None:
        """Why the breaker for the clock opens; None when it need not. A broker that is silent outside of the session
        is no news."""
        barred = self.refusal()
        if barred is None or (barred.reason is Reason.CLOCK_UNPROVED and not in_session):
            return None
        return barred.sentence()
