"""The open tridents."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from core.snapshot.quotes import Freshness


@dataclass(frozen=True, slots=True)
class PositionView:
    """One open trident. Credit and marks per share, P&L and max risk in $ per package, both from the fill; the marks
    are what closing costs. `age_s` and `freshness` are of the oldest leg's quote; account is masked."""

    entry_id: str
    account: str
    underlying: str
    expiration: date
    dte: int
    strikes: str
    credit: Decimal | None
    max_risk: Decimal
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


@dataclass(frozen=True, slots=True)
class PositionsSlice:
    """The open tridents of all accounts, the nearest expiration first. `trouble` says what could not be read."""

    open: tuple[PositionView, ...] = ()
    trouble: str = ""
