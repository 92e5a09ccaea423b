"""What a trident comes to at expiry, at every settlement: the figures behind its picture (SPEC 2). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from core.domain.trident.trident import break_evens, max_profit, max_risk, profit_at_expiry


@dataclass(frozen=True, slots=True)
class Payoff:
    """One package sold for `credit`; body, width and credit per share, what it comes to in $."""

    body: Decimal
    width: Decimal
    credit: Decimal

    def at(self, settle: Decimal) -> Decimal:
        """P&L in $ at this settlement."""
        return profit_at_expiry(self.body, self.width, self.credit, settle)

    @property
    def max_profit(self) -> Decimal:
        """In $, at a settlement on the body."""
        return max_profit(self.credit)

    @property
    def max_loss(self) -> Decimal:
        """In $, at or below the long put; not above 0 when no settlement loses."""
        return max_risk(self.width, self.credit)

    @property
    def beyond_call(self) -> Decimal:
        """P&L in $ at or above the long call."""
        return self.at(self.body + self.width)

    @property
    def break_evens(self) -> tuple[Decimal | None, Decimal | None]:
        """Settlements with zero P&L below and above the body; None where there is none."""
        return break_evens(self.body, self.width, self.credit)

    def curve(self, low: Decimal, high: Decimal) -> tuple[tuple[Decimal, Decimal], ...]:
        """(settlement, P&L in $) from `low` to `high`, with every bend between: straight lines join them exactly."""
        bends = (self.body - self.width, self.body, self.body + self.width)
        settles = sorted({low, high, *(bend for bend in bends if low < bend < high)})
        return tuple((settle, self.at(settle)) for settle in settles)
