"""An underlying's quote."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Freshness(StrEnum):
    """SPEC 14: quiet after 10 s without an event while the feed is live; stale after 30 s or when it is not."""

    NONE = "none"
    LIVE = "live"
    QUIET = "quiet"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class QuoteSlice:
    """One underlying. `trail` holds recent prices, oldest first, for a one-row picture; `day_path` holds
    (seconds since the open, price) for the chart."""

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
    trail: tuple[float, ...] = ()
    day_path: tuple[tuple[int, float], ...] = ()
