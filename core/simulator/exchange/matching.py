"""The market price of an order's legs together, the chance that its limit fills, and the prices of its legs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from itertools import product

import numpy as np

from core.simulator.exchange.orders import SimLeg, package_size
from core.simulator.market.market_data import MarketQuote, TickSize
from core.simulator.market.paths import Floats

CENT = Decimal("0.01")
FILL_CHANCE_AT_MID = 1 / 18
"""The chance that a limit at the mid fills within one second of wall time at speed 1."""
REACH_ABOVE_MID = 0.25
"""How far above the mid a limit can still fill, as a fraction of the distance from natural to mid."""
FILL_CHANCE_NEAR_NATURAL = 0.9
"""The same chance for a limit just above the natural price."""
_SAME = 1e-6
"""Prices in floats that differ by less $ are the same."""


@dataclass(frozen=True, slots=True)
class PackageQuote:
    """The market price of an order's legs together, per share and per unit of their ratio. Positive is a credit.

    `natural` trades every leg at the side it can have at once, `mid` at the middle of its quote. `quotes` holds each
    leg's bid and ask, `ratios` its contracts per unit, `sells` whether it is sold.
    """

    natural: Decimal
    mid: Decimal
    quotes: tuple[tuple[Decimal, Decimal], ...]
    ratios: tuple[int, ...]
    sells: tuple[bool, ...]

    def has_buyer_at(self, net: Decimal) -> bool:
        """Whether the package can trade at this net: what is only sold brings at least a cent for each contract."""
        return not all(self.sells) or net >= CENT * sum(self.ratios)


def package_quote(legs: Sequence[SimLeg], quote: Callable[[str], MarketQuote | None]) -> PackageQuote | None:
    """The market price of these legs together, or None when one has no bid or no ask. `quote` takes an OCC symbol."""
    size = package_size(tuple(leg.quantity for leg in legs))
    natural = mid = Decimal(0)
    quotes: list[tuple[Decimal, Decimal]] = []
    ratios = tuple(leg.quantity // size for leg in legs)
    for leg, ratio in zip(legs, ratios, strict=True):
        seen = quote(leg.symbol)
        if seen is None or seen.bid is None or seen.ask is None:
            return None
        quotes.append((seen.bid, seen.ask))
        natural += ratio * (seen.bid if leg.sells else -seen.ask)
        mid += (ratio if leg.sells else -ratio) * (seen.bid + seen.ask) / 2
    return PackageQuote(natural, mid, tuple(quotes), ratios, tuple(leg.sells for leg in legs))


def fill_chance(package: PackageQuote, limit: Decimal) -> float:
    """The chance that a limit fills within one second: 1 up to the natural price, falling to 0 above the mid."""
    if limit <= package.natural:
        return 1.0
    if package.mid <= package.natural:
        return 0.0
    depth = float((package.mid - limit) / (package.mid - package.natural))
    if depth < 0:
        return FILL_CHANCE_AT_MID * max(0.0, 1 + depth / REACH_ABOVE_MID)
    return FILL_CHANCE_AT_MID + (FILL_CHANCE_NEAR_NATURAL - FILL_CHANCE_AT_MID) * depth * depth


@dataclass(frozen=True, slots=True)
class PackageMinutes:
    """The market price of an order's legs together at each minute of a session: as PackageQuote, as arrays in $."""

    natural: Floats
    mid: Floats

    @classmethod
    def of(cls, legs: Sequence[SimLeg], quotes: Sequence[Floats]) -> PackageMinutes:
        """`quotes` holds for each leg an array of two rows, its bids and its asks."""
        size = package_size(tuple(leg.quantity for leg in legs))
        natural = np.zeros(quotes[0].shape[1])
        mid = np.zeros(quotes[0].shape[1])
        for leg, (bids, asks) in zip(legs, quotes, strict=True):
            ratio = leg.quantity // size
            natural += ratio * (bids if leg.sells else -asks)
            mid += (ratio if leg.sells else -ratio) * (bids + asks) / 2
        return cls(natural, mid)


def fill_chances(package: PackageMinutes, limit: float | None) -> Floats:
    """The chance that a limit fills within one second, at each minute: as `fill_chance`. None is a market order."""
    if limit is None:
        return np.ones(len(package.natural))
    span = package.mid - package.natural
    depth = (package.mid - limit) / np.where(span > 0, span, 1.0)
    above = FILL_CHANCE_AT_MID * np.maximum(0.0, 1 + depth / REACH_ABOVE_MID)
    below = FILL_CHANCE_AT_MID + (FILL_CHANCE_NEAR_NATURAL - FILL_CHANCE_AT_MID) * depth * depth
    chances = np.where(span > _SAME, np.where(depth < 0, above, below), 0.0)
    return np.asarray(np.where(limit <= package.natural + _SAME, 1.0, chances), dtype=np.float64)


def leg_prices(package: PackageQuote, net: Decimal) -> tuple[Decimal, ...]:
    """The price of each leg in $ and whole cents. By their ratios and sides they add up to exactly `net`.

    Each leg lies between its mid and its worse side in the proportion in which `net` lies between mid and natural. The
    cents that rounding leaves over are added to one or two legs.
    """
    span = package.mid - package.natural
    share = min(Decimal(1), max(Decimal(-1), (package.mid - net) / span)) if span > 0 else Decimal(0)
    prices = []
    for (bid, ask), sells in zip(package.quotes, package.sells, strict=True):
        middle, half = (bid + ask) / 2, (ask - bid) / 2
        worse = -share * half if sells else share * half
        prices.append(max(CENT, (middle + worse).quantize(CENT)))
    weights = [ratio if sells else -ratio for ratio, sells in zip(package.ratios, package.sells, strict=True)]
    left = int((net - _net(weights, prices)) / CENT)
    return tuple(_spread_remainder(prices, weights, left))


def _net(weights: Sequence[int], prices: Sequence[Decimal]) -> Decimal:
    return sum((weight * price for weight, price in zip(weights, prices, strict=True)), Decimal(0))


def _spread_remainder(prices: list[Decimal], weights: list[int], left: int) -> list[Decimal]:
    """The prices, changed in at most two legs so that their net grows by `left` cents. All stay positive.

    Raises ValueError when no such change exists. With ratios that have no common factor one always does.
    """
    if left == 0:
        return prices
    best: tuple[int, list[Decimal]] | None = None
    for i, j in product(range(len(prices)), repeat=2):
        for step in range(-abs(weights[i]), abs(weights[i]) + 1):
            rest = left - weights[j] * step if i != j else left
            if rest % weights[i]:
                continue
            change = rest // weights[i]
            moved = list(prices)
            moved[i] += change * CENT
            if i != j:
                moved[j] += step * CENT
            cost = abs(change) + (abs(step) if i != j else 0)
            if min(moved) > 0 and (best is None or cost < best[0]):
                best = (cost, moved)
    if best is None:
        raise ValueError(f"no leg prices give the net: weights {weights}, {left} cents left over")
    return best[1]


def tick_at(ticks: Sequence[TickSize], price: Decimal) -> Decimal:
    """The tick at a price: that of the first band whose threshold is above it, else the last one (broker 9).

    Raises ValueError for a tick table without a band that applies at any price.
    """
    for band in ticks:
        if band.threshold is None or price < band.threshold:
            return band.value
    raise ValueError(f"tick table without a fallback: {ticks}")


def off_tick(ticks: Sequence[TickSize], price: Decimal) -> bool:
    """Whether an absolute net price is not a multiple of its tick."""
    return price % tick_at(ticks, price) != 0


def to_cent(price: Decimal) -> Decimal:
    """A net price rounded up to whole cents."""
    return price.quantize(CENT, ROUND_CEILING)
