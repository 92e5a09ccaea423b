"""The option chain of an underlying: roots, expirations, strikes, and the tick table (broker 2.4, 9)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum


class Right(Enum):
    """The right of an option. The value is its letter in a strike's name."""

    PUT = "P"
    CALL = "C"


@dataclass(frozen=True, slots=True)
class OptionSymbols:
    """The chain's own symbols of one option: OCC for orders, streamer for quotes. We never build a symbol ourselves."""

    occ: str
    streamer: str


@dataclass(frozen=True, slots=True)
class ListedStrike:
    """A strike that the expiration lists, in dollars, with the symbols of its put and its call."""

    strike: Decimal
    put: OptionSymbols
    call: OptionSymbols


@dataclass(frozen=True, slots=True)
class TickTable:
    """Tick sizes by price, in dollars: that of the first band whose threshold is above the price, else the fallback."""

    bands: tuple[tuple[Decimal, Decimal], ...]  # (threshold, tick), ascending
    fallback: Decimal | None

    def tick(self, price: Decimal) -> Decimal | None:
        """The tick at this price; None when the table has none, or one that is not above 0."""
        tick = next((tick for threshold, tick in self.bands if price < threshold), self.fallback)
        return tick if tick is not None and tick > 0 else None


@dataclass(frozen=True)
class Expiration:
    """One expiration of one root.

    `strikes` is by strike, in dollars; `pm_settled` is False for a morning settlement.
    """

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
    """All expirations of an underlying, of every root."""

    underlying: str
    expirations: tuple[Expiration, ...]
