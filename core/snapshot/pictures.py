"""What the pictures are drawn from, beyond what other slices hold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from core.domain.trident.payoff import Payoff


@dataclass(frozen=True, slots=True)
class CreditPoint:
    """A package's natural and mid credit per share at an instant."""

    at: datetime
    natural: Decimal
    mid: Decimal


@dataclass(frozen=True, slots=True)
class CreditTrail:
    """The credit of a trident entered today, from its entry on, oldest first."""

    underlying: str
    expiration: date
    strikes: str
    points: tuple[CreditPoint, ...]


@dataclass(frozen=True, slots=True)
class PayoffView:
    """One trident at expiry and now. `basis` says what its credit is: the fill, the limit, natural.

    P&L in $ per package when closed now, None before it is open; `price` is the underlying's. A stale one keeps its
    value and says so. `account` is masked, empty before an entry; `others` counts further open tridents.
    """

    underlying: str
    expiration: date
    strikes: str
    account: str
    basis: str
    payoff: Payoff
    price: Decimal | None
    price_stale: bool
    profit_mid: Decimal | None
    profit_natural: Decimal | None
    marks_stale: bool
    others: int


@dataclass(frozen=True, slots=True)
class PicturesSlice:
    credits: tuple[CreditTrail, ...] = ()
    payoff: PayoffView | None = None
