"""The clock of the simulated broker, which a fault can set ahead or back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from core.runtime.clock import Clock
from core.simulator.exchange.armed_faults import ArmedFaults
from core.simulator.exchange.faults import FaultKind


@dataclass(frozen=True, slots=True)
class BrokerClock:
    """Implements `core.runtime.clock.Clock`: the true clock, off by clock-offset. Monotonic seconds stay true."""

    true: Clock
    faults: ArmedFaults

    @property
    def speed(self) -> float:
        return self.true.speed

    def now(self) -> datetime:
        if self.faults.is_empty:
            return self.true.now()
        off = self.faults.take(FaultKind.CLOCK_OFFSET, self.true.monotonic())
        return self.true.now() + timedelta(seconds=(off.fault.seconds or 0.0) if off is not None else 0.0)

    def monotonic(self) -> float:
        return self.true.monotonic()

    def boottime(self) -> float:
        return self.true.boottime()

    async def sleep(self, seconds: float) -> None:
        await self.true.sleep(seconds)
