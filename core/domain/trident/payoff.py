"""The P&L of a trident at expiry, for any settlement price: the figures of its chart (rules 2). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from core.domain.trident.trident import break_evens, max_profit, max_risk, profit_at_expiry


@dataclass(frozen=True, slots=True)
class Payoff:
    """The result at expiry of packages sold for `credit` each. Body, width and credit are per share; results are in $
    for all packages."""

    body: Decimal
    width: Decimal
    credit: Decimal
    packages: int = 1

    def at(self, settle: Decimal) -> Decimal:
        """P&L in $ at this settlement."""
        return self.packages * profit_at_expiry(self.body, self.width, self.credit, settle)

    @property
    def max_profit(self) -> Decimal:
        """The most it can gain, in $: at a settlement on the body."""
        return self.packages * max_profit(self.credit)

    @property
    def max_loss(self) -> Decimal:
        """The most it can lose, in $: at or below the lower long strike. Not above 0 when no settlement loses."""
        return self.packages * max_risk(self.width, self.credit)

    @property
    def beyond_call(self) -> Decimal:
        """The P&L in $ at or above the upper long strike."""
        return self.at(self.body + self.width)

    @property
    def break_evens(self) -> tuple[Decimal | None, Decimal | None]:
        """The settlements below and above the body at which P&L is zero; None where there is none."""
        return break_evens(self.body, self.width, self.credit)

    def curve(self, low: Decimal, high: Decimal) -> tuple[tuple[Decimal, Decimal], ...]:
        """Points (settlement, P&L in $) from `low` to `high`, with every bend between.

        Straight lines through them are exact.
        """
        bends = (self.body - self.width, self.body, self.body + self.width)
        settles = sorted({low, high, *(bend for bend in bends if low < bend < high)})
        return tuple((settle, self.at(settle)) for settle in settles)
