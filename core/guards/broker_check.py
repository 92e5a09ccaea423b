"""Checks whether the broker answers, and what it says about the market session (rules 3)."""

from __future__ import annotations

from core.broker.port import Broker, BrokerError
from core.domain.operation.events import Severity
from core.runtime.bus import Bus
from core.snapshot import Health, PartHealth


class BrokerCheck:
    """Asks for the market session from time to time. The answer is shown, and proves that the broker answers."""

    def __init__(self, broker: Broker, bus: Bus) -> None:
        self._broker = broker
        self._bus = bus
        self.health = PartHealth(Health.STARTING)
        self.market = ""

    async def check(self) -> None:
        """Asks once. Raises RecordsError when a change cannot be recorded."""
        before = self.health.health
        try:
            market = await self._broker.market_state()
        except BrokerError as error:
            self.health = PartHealth(Health.DOWN, error.detail)
            if before is not Health.DOWN:
                await self._bus.say("broker.down", f"broker: {error.detail}", Severity.WARNING)
            return
        self.health = PartHealth(Health.OK)
        self.market = "open" if market.is_open else market.word.lower()
        if before is Health.DOWN:
            await self._bus.say("broker.back", "broker answers again")
