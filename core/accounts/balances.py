"""Keeps what each account is worth, as the newest read of it at the broker said."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from core.broker.port import AccountReads
from core.runtime.clock import Clock


@dataclass(frozen=True, slots=True)
class Balance:
    """Amounts in $ as of an instant (UTC)."""

    net_liquidation: Decimal
    buying_power: Decimal
    at: datetime


@dataclass(eq=False, repr=False)
class Balances:
    """Is given every read of an account that somebody makes; it makes none of its own."""

    clock: Clock
    _newest: dict[str, Balance] = field(init=False, default_factory=dict)

    def heard(self, reads: AccountReads) -> None:
        """Takes note of a read. One in which a figure is no number tells nothing."""
        worth, power = reads.net_liquidating_value, reads.derivative_buying_power
        if worth.is_finite() and power.is_finite():
            self._newest[reads.number] = Balance(worth, power, self.clock.now().replace(microsecond=0))

    def of(self, number: str) -> Balance | None:
        """The newest of this account; None before the first."""
        return self._newest.get(number)
