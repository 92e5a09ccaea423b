"""Slices of the open tridents."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
    def part(self) -> TridentExits | None:
        """How it is taken to its end where a unit of it has ended; None while it is whole."""
        return self.exits if self.exits is not None and self.exits.is_part else None

    @property
    def open_mid(self) -> Decimal | None:
        """What closing what is left of it would realize at the mid, in $ before fees: nothing that is realized."""
        return self.profit_mid if self.part is None else self.part.unrealized_mid

    @property
    def open_natural(self) -> Decimal | None:
        """The same at natural."""
        return self.profit_natural if self.part is None else self.part.unrealized_natural

    @property
    def left(self) -> LeftAtExpiry | None:
        """The payoff at expiry of what is left, with what is realized; None while that is not known."""
        return self.payoff if self.part is None else self.part.payoff


@dataclass(frozen=True, slots=True)
class PositionsSlice:
    """The open tridents of all accounts, the nearest expiration first. `trouble` says what could not be read, or is
    empty."""

    open: tuple[PositionView, ...] = ()
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class OpenTogether:
    """What closing all that is left of several tridents would realize now, in $ before fees. Every place that tells it
    asks `open_together`.

    `unknown` counts those whose mark is not known. `mid`, `natural` and `profit` are None while there is one, or no
    trident. `profit` is what they earn at mid with what their ended units realized. `is_part`: one has such a unit.
    `stale`: one is by old quotes.
    """

    tridents: int = 0
    unknown: int = 0
    mid: Decimal | None = None
    natural: Decimal | None = None
    profit: Decimal | None = None
    is_part: bool = False
    stale: bool = False


def open_together(views: Iterable[PositionView]) -> OpenTogether:
    """What is open of these tridents."""
    held = tuple(views)
    return OpenTogether(
        tridents=len(held),
        unknown=sum(view.open_mid is None for view in held),
        mid=_sum([view.open_mid for view in held]),
        natural=_sum([view.open_natural for view in held]),
        profit=_sum([view.profit_mid for view in held]),
        is_part=any(view.part is not None for view in held),
        stale=any(view.freshness is Freshness.STALE for view in held),
    )


def _sum(values: Sequence[Decimal | None]) -> Decimal | None:
    """The sum of all; None where one of them is not known, or there is none."""
    known = [value for value in values if value is not None]
    return sum(known, Decimal(0)) if known and len(known) == len(values) else None
