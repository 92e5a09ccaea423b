"""The slice of an underlying's quote."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum


class Freshness(StrEnum):
    """How old a quote is (rules 14): quiet after 10 s without an event, stale after 30 s or without a live feed."""

    NONE = "none"
    LIVE = "live"
    QUIET = "quiet"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class QuoteSlice:
    """One underlying. `change`, `day_low` and `day_high` are of the session on `day`, which is None when that is today
    or not known. `day_path` has pairs of seconds since the open and price, for the chart."""

    symbol: str
    price: Decimal | None
    change: Decimal | None
    change_percent: Decimal | None
    bid: Decimal | None
    ask: Decimal | None
    age_s: int | None
    freshness: Freshness
    day_low: Decimal | None = None
    day_high: Decimal | None = None
    day_path: tuple[tuple[int, float], ...] = ()
    day: date | None = None
