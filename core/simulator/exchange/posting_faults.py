"""What goes wrong with an account's postings while faults are armed: late positions, late rows, corrections."""

from __future__ import annotations

from datetime import timedelta

from core.runtime.clock import Clock
from core.simulator.exchange.armed_faults import ArmedFault, ArmedFaults
from core.simulator.exchange.clearing import Late
from core.simulator.exchange.exchange import Exchange
from core.simulator.exchange.faults import FaultKind
from core.simulator.exchange.money_rows import Correction

POSITIONS_LATE_S = 5.0
ROWS_LATE_S = 3600.0
"""The seconds of a fault that does not name them."""


class PostingFaults:
    """Implements `clearing.PostingTrouble` with the armed faults. The clock says only how long a fault lasts."""

    def __init__(self, exchange: Exchange, faults: ArmedFaults, clock: Clock) -> None:
        self._exchange = exchange
        self._faults = faults
        self._clock = clock

    def position_lag(self, number: str) -> timedelta | None:
        """How long in market time the positions follow a fill now, under positions-lag."""
        armed = self._take(FaultKind.POSITIONS_LAG, number)
        seconds = None if armed is None else armed.fault.seconds or POSITIONS_LATE_S
        return None if seconds is None else timedelta(seconds=seconds * self._exchange.speed)

    def late(self, number: str) -> Late | None:
        """How much later in market time something is posted now, under transactions-late."""
        armed = self._take(FaultKind.TRANSACTIONS_LATE, number)
        if armed is None:
            return None
        by = timedelta(seconds=armed.fault.seconds or ROWS_LATE_S)
        return Late(by, with_positions=armed.fault.match.field == "all")

    def correction(self, number: str) -> Correction | None:
        """What the broker corrects this morning, under transactions-corrected."""
        armed = self._take(FaultKind.TRANSACTIONS_CORRECTED, number)
        return None if armed is None else Correction(armed.fault.match.field or Correction.FEE.value)

    def _take(self, kind: FaultKind, number: str) -> ArmedFault | None:
        return self._faults.take(kind, self._clock.monotonic(), account=number)
