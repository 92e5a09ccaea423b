"""What some days earned, against the broker's cash: both agree to the cent, or the difference is told (rules 15.6)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from core.domain.operation import amounts

_NONE = Decimal(0)


@dataclass(frozen=True, slots=True)
class CashSum:
    """The cash of an account before its first trident and now, by the broker, and what explains the change. In $.

    `realized` is what the tridents earned, net of `fees`; `estimated`: a fee is not the broker's last word. `open` is
    what the opening of the units brought that have not ended, and `unrealized` what these would earn or lose at their
    mids, None without fresh quotes. `own` is what the history has besides: shares of assignments count for the tridents
    at the first official close, and what their sale brings beyond that is the operator's. `waiting` is the cash that
    units have moved which are broken, or gone and not settled yet, of `waits` tridents.
    """

    before: Decimal
    now: Decimal
    realized: Decimal
    fees: Decimal
    estimated: bool
    open: Decimal
    unrealized: Decimal | None
    own: Decimal = _NONE
    waiting: Decimal = _NONE
    waits: int = 0

    @property
    def difference(self) -> Decimal:
        """By how much the broker has more than is explained."""
        return self.now - self.before - self.realized - self.open - self.own - self.waiting


def cash_words(found: CashSum, days: int) -> str:
    """The sum in one line."""
    realized = amounts.realized(found.realized, estimated=found.estimated)
    parts = [f"{realized} realized after {amounts.dollars(found.fees)} of fees"]
    parts.append(f"{amounts.signed_dollars(found.open)} received for what is open")
    if found.own:
        parts.append(f"{amounts.signed_dollars(found.own)} of shares and what else is not ours")
    if found.waiting or found.waits:
        waits = amounts.counted(found.waits, "trident")
        parts.append(f"{amounts.signed_dollars(found.waiting)} of {waits} not settled yet")
    cash = f"cash {amounts.dollars(found.before)} to {amounts.dollars(found.now)}"
    if found.difference:
        agrees = f"the broker's cash differs by {amounts.signed_dollars(found.difference)}"
    else:
        agrees = "it balances with the broker's cash"
    marks = "" if found.unrealized is None else f"; {amounts.signed_dollars(found.unrealized)} open by mid"
    return f"{amounts.counted(days, 'session')}: {', '.join(parts)}; {cash}: {agrees}{marks}"
