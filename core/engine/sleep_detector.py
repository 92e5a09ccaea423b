"""Notices that the machine slept or that its clock was set (rules 9)."""

from __future__ import annotations

from core.runtime.clock import Clock

MAX_LATE_S = 10.0
MAX_JUMP_S = 2.0


class SleepDetector:
    """Compares market time with the monotonic clock at every `check`. Checks are at most `nap_s` wall seconds apart."""

    def __init__(self, clock: Clock, nap_s: float) -> None:
        self._clock = clock
        self._nap_s = nap_s
        self._seen = clock.now(), clock.monotonic()

    def check(self) -> str:
        """What happened since the last check, in words for the operator. Empty when nothing did."""
        now, mono = self._clock.now(), self._clock.monotonic()
        market_s = (now - self._seen[0]).total_seconds() / self._clock.speed
        wall_s = mono - self._seen[1]
        self._seen = now, mono
        if abs(market_s - wall_s) > MAX_JUMP_S:
            return f"the clock jumped by {market_s - wall_s:+.0f} s"
        return f"the process stood still for {wall_s:.0f} s" if wall_s > self._nap_s + MAX_LATE_S else ""
