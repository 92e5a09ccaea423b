"""Records the slots that passed without running, each with the reason that is true of it (rules 3)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from core.cycle.slots import SlotBook
from core.domain.operation.amounts import counted
from core.domain.operation.events import Severity
from core.domain.operation.reasons import Reason, Refusal, refuse
from core.runtime.bus import Bus
from core.runtime.clock import Clock
from core.runtime.last_alive import LastAlive

_WORDS = {
    Reason.PROCESS_DOWN: ("passed while the console was not running", Severity.INFO),
    Reason.NOT_RECORDED: ("passed while the console was running and could not write its records", Severity.WARNING),
    Reason.CLOCK_SET: ("passed while the clock was set or in doubt", Severity.WARNING),
}


@dataclass(eq=False, repr=False)
class PassedSlots:
    """`alive` tells when an earlier process was last alive; None where no file says so."""

    slots: SlotBook
    bus: Bus
    clock: Clock
    alive: LastAlive | None
    _began_s: float = field(init=False)
    _was_alive: datetime | None = field(init=False)
    _counts_the_start: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        self._began_s = self.clock.boottime()
        self._was_alive = None if self.alive is None else self.alive.read()

    async def since_last_process(self, *, clock_in_doubt: bool) -> None:
        """Records the slots that passed before this process. While the clock is in doubt it is left to
        `after_doubt`. Raises RecordsError."""
        self._counts_the_start = clock_in_doubt
        if not clock_in_doubt:
            await self._miss(self.clock.now())

    async def after_sleep(self) -> None:
        """Records the slots that passed while the machine slept. One that is still within its grace may run. Raises
        RecordsError."""
        await self.slots.miss_passed()

    async def after_doubt(self) -> None:
        """Records the slots whose time has passed by a clock that was set, now that it is confirmed. Raises
        RecordsError."""
        up = timedelta(seconds=(self.clock.boottime() - self._began_s) * self.clock.speed)
        await self._miss(self.clock.now() - up if self._counts_the_start else None)
        self._counts_the_start = False

    async def _miss(self, began: datetime | None) -> None:
        """Records the passed slots: those before `began`, when this process began, by how the earlier one ended."""

        def why(slot: datetime) -> Refusal:
            if began is None or slot > began:
                return refuse(Reason.CLOCK_SET)
            # A process that was alive after the slot's grace would have recorded it, had it been able to.
            if self._was_alive is not None and slot + self.slots.grace() <= self._was_alive:
                return refuse(Reason.NOT_RECORDED, detail="the process of that time left no record")
            return refuse(Reason.PROCESS_DOWN)

        missed = await self.slots.miss_passed(why)
        for reason, (words, severity) in _WORDS.items():
            if missed[reason]:
                await self.bus.say("slot.missed", f"{counted(missed[reason], 'slot')} {words}", severity, reason=reason)
