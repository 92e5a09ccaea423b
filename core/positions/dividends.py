"""The next dividend of each underlying that delivers shares, as the broker's metrics tell it (rules 15.7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from core.broker.pace import Pace, Turn, Work
from core.broker.port import Broker, BrokerError
from core.domain.market.underlying import SHIPPED
from core.domain.positions.trident_view import Dividend
from core.runtime.clock import Clock, exchange_time

RETRY_S = 60.0
"""Wall seconds from a read that failed to the next one."""


@dataclass(eq=False, repr=False)
class Dividends:
    """Reads the dividends once a day and underlying. What was read before stays until it is read again."""

    broker: Broker
    pace: Pace
    clock: Clock
    _known: dict[str, Dividend | None] = field(init=False, default_factory=dict)
    _read_on: dict[str, date] = field(init=False, default_factory=dict)
    _failed_s: dict[str, float] = field(init=False, default_factory=dict)

    @property
    def known(self) -> Mapping[str, Dividend | None]:
        """What is known of each underlying that was asked for; None for no dividend."""
        return self._known

    def is_due(self, symbol: str) -> bool:
        """Whether the underlying delivers shares and was not asked for today. One that failed waits."""
        if symbol not in SHIPPED or SHIPPED[symbol].is_index:
            return False
        failed_s = self._failed_s.get(symbol)
        if failed_s is not None and self.clock.monotonic() - failed_s < RETRY_S:
            return False
        return self._read_on.get(symbol) != exchange_time(self.clock.now()).date()

    def take(self, symbol: str) -> bool:
        """Whether who asks is to read the underlying's dividend now. Until it is read, or has failed for `RETRY_S`,
        nobody else is: of many tridents one asks."""
        if not self.is_due(symbol):
            return False
        self._failed_s[symbol] = self.clock.monotonic()
        return True

    async def read(self, symbol: str, account: str, login: str) -> None:
        """Asks for the underlying's next dividend, or its last one while no other is declared, on behalf of this
        account. What cannot be read stays as it was known."""
        today = exchange_time(self.clock.now()).date()
        await self.pace.take(Turn(login, account, Work.ROUTINE))
        try:
            metrics = await self.broker.metrics([symbol])
        except BrokerError:
            return
        found = next((one for one in metrics if one.symbol == symbol), None)
        if found is None:
            return
        ex_date = found.ex_dividend
        self._known[symbol] = None if ex_date is None else Dividend(ex_date, found.dividend)
        self._read_on[symbol] = today
        self._failed_s.pop(symbol, None)
