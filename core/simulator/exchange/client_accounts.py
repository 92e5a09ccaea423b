"""The positions and transactions that clients are shown: those of the simulated exchange, changed by the armed faults.

The wire and the in-process broker both use it.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from core.runtime.clock import Clock
from core.simulator.exchange.armed_faults import ArmedFault, ArmedFaults
from core.simulator.exchange.effects import reserved_by
from core.simulator.exchange.exchange import Exchange
from core.simulator.exchange.faults import FaultKind
from core.simulator.exchange.orders import SimPosition
from core.simulator.exchange.transactions import SimTransaction, Wanted


class ClientAccounts:
    """Lists what an account holds. The clock says only how long a fault lasts."""

    def __init__(self, exchange: Exchange, faults: ArmedFaults, clock: Clock) -> None:
        self._exchange = exchange
        self._faults = faults
        self._clock = clock

    def positions(self, number: str, now: datetime, *, closed: bool = False) -> list[SimPosition]:
        """The open positions by symbol, with `closed` also those closed today; only their first half under
        positions-incomplete."""
        held = self._exchange.positions(number, now, closed=closed)
        incomplete = self._take(FaultKind.POSITIONS_INCOMPLETE, number) is not None
        return held[: len(held) // 2] if incomplete else held

    def restricted(self, number: str, now: datetime) -> Counter[str]:
        """How many contracts or shares of each symbol the working orders of the account close."""
        working = [order for order in self._exchange.live_orders(number, now) if not order.terminal]
        return Counter({symbol: count for (symbol, _), count in reserved_by(working).items()})

    def transactions(self, number: str, now: datetime, wanted: Wanted) -> list[SimTransaction]:
        """The posted rows that are asked for, oldest first."""
        return self._exchange.transactions(number, now, wanted)

    def overlapping_rows(self, number: str) -> int | None:
        """How many rows the pages of the transactions have while they overlap; None while they do not."""
        armed = self._take(FaultKind.TRANSACTIONS_OVERLAPPING_PAGES, number)
        return None if armed is None else armed.fault.whole_number()

    def _take(self, kind: FaultKind, number: str) -> ArmedFault | None:
        return self._faults.take(kind, self._clock.monotonic(), account=number)
