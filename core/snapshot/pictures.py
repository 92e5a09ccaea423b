"""Slices that only the charts are drawn from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from core.domain.trident.book_payoff import BookPayoff
from core.domain.trident.payoff import Payoff


@dataclass(frozen=True, slots=True)
class CreditPoint:
    """The natural and the mid credit of one trident at an instant, per share."""

    at: datetime
    natural: Decimal
    mid: Decimal


@dataclass(frozen=True, slots=True)
class CreditTrail:
    """The credit of a trident entered today since its entry, oldest first."""

    underlying: str
    expiration: date
    strikes: str
    points: tuple[CreditPoint, ...]


@dataclass(frozen=True, slots=True)
class PayoffView:
    """The payoff of one trident at expiry, and its P&L now. `basis` says where its credit comes from: fill, limit or
    natural.

    `profit_mid` and `profit_natural` are the P&L in $ if it were closed now, with what is realized; None before it is
    open. `left` is what is left of one of which a unit has ended: empty while its payoff is not known, None of a whole
    trident. With it, `payoff` is only what it was.
    `price` is the underlying's. Stale prices and marks keep their values and are marked as stale. `account` is masked,
    empty before an entry. `others` counts the further open tridents.
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
    left: BookPayoff | None = None


@dataclass(frozen=True, slots=True)
class PicturesSlice:
    """The data of the charts. `payoff` is None while there is no trident to show."""

    credits: tuple[CreditTrail, ...] = ()
    payoff: PayoffView | None = None
