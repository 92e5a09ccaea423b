"""Whether positions may be there, or gone, because an order has filled of which no fill is known (rules 9, 15.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.broker.port import Position
from core.domain.orders.orders import Entry
from core.domain.positions.exits import Exit
from core.domain.risk.unexplained import contracts_left
from core.orders.positions import held_legs
from core.records.records import Records
from core.runtime.clock import Clock, exchange_time


@dataclass(frozen=True, slots=True)
class UnseenFills:
    """Compares a complete read of positions with what the records explain. Each raises RecordsError."""

    records: Records
    clock: Clock

    async def of_entry(self, entry: Entry, positions: Sequence[Position]) -> bool:
        """Whether the account holds a contract of this entry's legs, on its side, that our filled tridents do not
        explain."""
        filled = await self.records.entries.filled_open(entry.account, exchange_time(self.clock.now()).date())
        left = contracts_left(held_legs(positions), filled)
        return any(left.get((leg.symbol, leg.action), 0) > 0 for leg in entry.terms.legs)

    async def of_exit(self, one: Exit, positions: Sequence[Position]) -> bool:
        """Whether the account holds less of a leg of this exit, on its side, than all its tridents have left by the
        records: its order may have closed the rest."""
        raise NotImplementedError
