"""Checks whether the broker answers, what it says about the market session (rules 3), and what cannot be read of its
answers."""

from __future__ import annotations

from datetime import date

from core.broker.port import Broker, BrokerError
from core.domain.operation.events import Severity
from core.runtime.bus import Bus
from core.runtime.clock import Clock, exchange_time
from core.snapshot import Health, PartHealth


class BrokerCheck:
    """Asks for the market session from time to time. The answer is shown, and proves that the broker answers."""

    def __init__(self, broker: Broker, bus: Bus, clock: Clock) -> None:
        self._broker = broker
        self._bus = bus
        self._clock = clock
        self._remarked: dict[str, date] = {}
        self.health = PartHealth(Health.STARTING)
        self.market = ""

    async def check(self) -> None:
        """Asks once, and says what was left out of answers since. Raises RecordsError when that cannot be recorded."""
        await self._say_left_out()
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

    async def _say_left_out(self) -> None:
        """Says each sentence once a day: the same answers come every few seconds."""
        today = exchange_time(self._clock.now()).date()
        self._remarked = {text: day for text, day in self._remarked.items() if day == today}
        for text in self._broker.remarks():
            if text not in self._remarked:
                self._remarked[text] = today
                await self._bus.say("broker.left_out", text, Severity.WARNING)
