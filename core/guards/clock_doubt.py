"""Bars entries from the moment the machine's clock was set until it is confirmed (rules 9, 14)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from core.domain.operation.reasons import Reason, Refusal, refuse
from core.guards.clock_check import ClockCheck
from core.runtime.clock_jumps import Jump, JumpDetector, JumpKind

CONFIRMED_AFTER_S = 60.0
"""Wall seconds without another jump after which a clock that no broker confirms is believed."""
_LOOKS_EVERY_S = 1.0
"""How often a clock in doubt is looked at, in wall seconds."""


@dataclass(eq=False, repr=False)
class ClockDoubt:
    """Whether market time can be believed. Every method but `until_believed` answers without waiting.

    Where market time is real, only the broker's time confirms the clock, read after the jump. A simulated market time
    is believed after a minute without another jump.
    """

    clock_check: ClockCheck
    jumps: JumpDetector
    when_set: Callable[[str], None] = field(init=False, default=lambda words: None)
    """Called at once when the clock was set, with words for the operator."""
    when_slept: Callable[[str], None] = field(init=False, default=lambda words: None)
    """Called at once when the machine has slept, whoever looks first: what is known is from before."""
    _why: str = field(init=False, default="")
    _since: float = field(init=False, default=0.0)
    _seen: deque[Jump] = field(init=False, default_factory=deque)
    _believed: asyncio.Event = field(init=False, default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._believed.set()

    def begin(self, why: str) -> None:
        """Puts the clock in doubt, in these words for the operator."""
        self._why, self._since = why, self.clock_check.clock.monotonic()

    def started(self) -> None:
        """Forgets how long the start took: it was no standstill. A clock that was set meanwhile stays in doubt."""
        self.look()
        self._seen = deque(jump for jump in self._seen if jump.kind is JumpKind.SET)

    def look(self) -> None:
        """Looks for a jump since the last look."""
        jump = self.jumps.check()
        if jump is None:
            return
        self._seen.append(jump)
        if jump.kind is JumpKind.SET:
            self.begin(jump.words)
            self._believed.clear()
            self.when_set(jump.words)
        elif jump.kind is JumpKind.SLEPT:
            self.when_slept(jump.words)

    def take_jumps(self) -> tuple[Jump, ...]:
        """The jumps since this was last asked."""
        self.look()
        taken = tuple(self._seen)
        self._seen.clear()
        return taken

    def refusal(self) -> Refusal | None:
        """Why no entry may be made now: the clock is in doubt. It is looked at before it answers."""
        self.look()
        return refuse(Reason.CLOCK_IN_DOUBT, what=self._why) if self._why else None

    def confirm(self) -> bool:
        """Ends the doubt when the clock is confirmed. Whether that happened now."""
        self.look()
        if not self._why:
            return False
        if self._agrees_with_broker() if self.clock_check.real_time else self._left_s() <= 0:
            self._why = ""
            self._believed.set()
            return True
        return False

    def _agrees_with_broker(self) -> bool:
        """Whether the broker has told its time since the doubt began, and the clock is within 2 s of it."""
        told = self.clock_check.broker.time
        return told is not None and told.mono >= self._since and self.clock_check.refusal() is None

    async def until_believed(self) -> None:
        """Waits while a clock that was set is in doubt. It does not wait for a clock that was wrong from the start."""
        await self._believed.wait()

    def sleep_s(self, at_most: float) -> float:
        """How long the timetable may sleep, in wall seconds: not beyond the moment at which the clock is confirmed."""
        if not self._why:
            return at_most
        return min(at_most, _LOOKS_EVERY_S if self.clock_check.real_time else max(0.0, self._left_s()))

    def age_s(self, instant: datetime) -> float:
        """Wall seconds since this market instant, at least, also when the clock was set meanwhile; 0 while it is in
        doubt."""
        self.look()
        return 0.0 if self._why else self.jumps.age_s(instant)

    def _left_s(self) -> float:
        return self._since + CONFIRMED_AFTER_S - self.clock_check.clock.monotonic()
