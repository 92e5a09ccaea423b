"""Notices that the machine slept, that its clock was set, or that the process stood still (rules 14)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from core.domain.operation.times import span
from core.runtime.clock import Clock

MAX_LATE_S = 10.0
MAX_JUMP_S = 2.0


class JumpKind(Enum):
    """SLEPT: time passed while the machine slept. SET: market time changed although no time passed. STALLED: the
    process did not run for a while."""

    SLEPT = "slept"
    SET = "set"
    STALLED = "stalled"


@dataclass(frozen=True, slots=True)
class Jump:
    """What happened between two checks. `seconds` are wall seconds; of a clock that was set back they are negative."""

    kind: JumpKind
    seconds: float

    @property
    def words(self) -> str:
        """What happened, for the operator."""
        lasted = span(round(abs(self.seconds)))
        if self.kind is JumpKind.SET:
            return f"the machine's clock was set {'back' if self.seconds < 0 else 'ahead'} by {lasted}"
        what = "the machine slept" if self.kind is JumpKind.SLEPT else "the process stood still"
        return f"{what} for {lasted}"


class JumpDetector:
    """Compares market time, the time since the machine started and the monotonic clock at every `check`. Checks are
    at most `at_least_every_s` wall seconds apart."""

    def __init__(self, clock: Clock, at_least_every_s: float) -> None:
        self._clock = clock
        self._every_s = at_least_every_s
        self._seen = self._look()
        self._set_at: float | None = None

    def check(self) -> Jump | None:
        """What happened since the last check; None when nothing did."""
        (market, booted, mono), before = self._look(), self._seen
        self._seen = market, booted, mono
        passed_s = booted - before[1]
        set_s = (market - before[0]).total_seconds() / self._clock.speed - passed_s
        slept_s = passed_s - (mono - before[2])
        if abs(set_s) > MAX_JUMP_S:
            self._set_at = booted
            return Jump(JumpKind.SET, set_s)
        if slept_s > MAX_JUMP_S:
            return Jump(JumpKind.SLEPT, slept_s)
        if mono - before[2] > self._every_s + MAX_LATE_S:
            return Jump(JumpKind.STALLED, mono - before[2])
        return None

    def age_s(self, instant: datetime) -> float:
        """Wall seconds since this market instant, at least: the clock may have been set meanwhile."""
        by_clock = (self._clock.now() - instant).total_seconds() / self._clock.speed
        if self._set_at is None:
            return by_clock
        since_set = self._clock.boottime() - self._set_at
        return since_set if by_clock < 0 else min(by_clock, since_set)

    def _look(self) -> tuple[datetime, float, float]:
        return self._clock.now(), self._clock.boottime(), self._clock.monotonic()


def elapsed_s(clock: Clock, age_s: Callable[[datetime], float], mono: float, at: datetime) -> float:
    """Wall seconds since a moment known on both clocks. The longer one counts, because the monotonic clock stands still
    while a machine sleeps. `age_s` has the wall seconds since an instant, at least, also when the clock was set: such
    a clock makes nothing older."""
    return max(clock.monotonic() - mono, age_s(at))
