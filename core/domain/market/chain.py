"""An underlying's option chain: roots, expirations, strikes, and the tick table (reference 2.4, 9)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum


class Right(Enum):
    PUT = "P"
    CALL = "C"


@dataclass(frozen=True, slots=True)
class OptionSymbols:
    """The chain's own names of one option: OCC for orders, streamer for quotes. Never built by us."""

    occ: str
    streamer: str


@dataclass(frozen=True, slots=True)
class ListedStrike:
    strike: Decimal
    put: OptionSymbols
    call: OptionSymbols


@dataclass(frozen=True, slots=True)
class TickTable:
    """Tick sizes by price: the first band whose threshold is above the price, else the fallback."""

    bands: tuple[tuple[Decimal, Decimal], ...]  # (threshold, tick), ascending
    fallback: Decimal | None

    def tick(self, price: Decimal) -> Decimal | None:
        """The tick at this price, or None when the table has no answer; a tick that is not above zero is none."""
        tick = next((tick for threshold, tick in self.bands if price < threshold), self.fallback)
        return tick if tick is not None and tick > 0 else None


@dataclass(frozen=True)
class Expiration:
    """One expiration of one root."""

    underlying: str
    root: str
    day: date
    pm_settled: bool
    standard: bool
    shares_per_contract: int
    strikes: Mapping[Decimal, ListedStrike]
    ticks: TickTable


@dataclass(frozen=True)
class OptionChain:
    underlying: str
    expirations: tuple[Expiration, ...]
