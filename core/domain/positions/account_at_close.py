"""An account after a session's close: what is at risk, what it is worth, what the session realized (rules 15.6)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from core.domain.positions.pnl import Unrealized


@dataclass(frozen=True, slots=True)
class AccountAtClose:
    """Amounts in $. `capital` is buying power and open risk together; `unrealized` is None without fresh quotes of all
    that is open; `realized` is net of `fees`, both of this session alone. `at`, aware UTC, is when it was read."""

    account: str
    day: date
    open_risk: Decimal
    capital: Decimal
    unrealized: Unrealized | None
    realized: Decimal
    fees: Decimal
    at: datetime
