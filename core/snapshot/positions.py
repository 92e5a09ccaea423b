"""Slices of the open tridents."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from core.domain.trident.book_payoff import LeftAtExpiry
from core.snapshot.quotes import Freshness
from core.snapshot.spread import LegView
from core.snapshot.tridents import TridentExits


@dataclass(frozen=True, slots=True)
class PositionView:
    """One open trident. `account` is masked.

    Credit and marks are per share and package; the marks are the cost of closing now. P&L and `max_risk` are in $ for
    all packages, from the credit of the fill; None when they are unknown. `packages` is None for other legs than a
    trident's. `differs` says what of it the broker does not hold, or is empty. `age_s` and `freshness` are those of the
    leg with the oldest quote. `exits` says how it is taken to its end, None where nothing takes it there. `opened_at`
    is when its last fill came. `legs` are those of the entry with what is left of each: 0 contracts once it is closed.
    `payoff` is that of all of it, `left` that of what is left of it.
    """

    entry_id: str
    account: str
    underlying: str
    expiration: date
    dte: int
    strikes: str
    credit: Decimal | None
    max_risk: Decimal | None
    break_even_below: Decimal | None
    break_even_above: Decimal | None
    price: Decimal | None
    mark_mid: Decimal | None
    mark_natural: Decimal | None
    profit_mid: Decimal | None
    profit_natural: Decimal | None
    age_s: int | None
    freshness: Freshness
    warnings: tuple[str, ...] = ()
    packages: int | None = 1
    differs: str = ""
    exits: TridentExits | None = None
    opened_at: datetime | None = None
    legs: tuple[LegView, ...] = ()
    payoff: LeftAtExpiry | None = None

    @property
    def newest_first(self) -> tuple[float, str]:
        """Sorts tridents from the newest to the oldest; one without a known opening counts as old."""
        return (0.0 if self.opened_at is None else -self.opened_at.timestamp(), self.entry_id)

    @property
    def open_mid(self) -> Decimal | None:
        """What closing what is left of it would realize at the mid, in $ before fees: nothing that is realized."""
        return self.profit_mid if self.exits is None else self.exits.unrealized_mid

    @property
    def open_natural(self) -> Decimal | None:
        """The same at natural."""
        return self.profit_natural if self.exits is None else self.exits.unrealized_natural

    @property
    def left(self) -> LeftAtExpiry | None:
        """The payoff at expiry of what is left, with what is realized; None while that is not known."""
        return self.exits.payoff if self.exits is not None and self.exits.is_part else self.payoff


@dataclass(frozen=True, slots=True)
class PositionsSlice:
    """The open tridents of all accounts, the nearest expiration first. `trouble` says what could not be read, or is
    empty."""

    open: tuple[PositionView, ...] = ()
    trouble: str = ""
