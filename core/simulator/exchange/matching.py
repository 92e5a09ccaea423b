"""Matching: what an order's package is worth in the market, when it fills, and how the net price falls on its legs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from itertools import product

from core.simulator.exchange.orders import SimLeg, package_size
from core.simulator.market.market_data import MarketQuote, TickSize

CENT = Decimal("0.01")
FILL_CHANCE_AT_MID = 1 / 18
"""Chance a second (wall, speed 1) that a limit at the mid finds a counterparty."""
REACH_ABOVE_MID = 0.25
"""How far above the mid a counterparty may still be found, as a share of the way from natural to mid."""
FILL_CHANCE_NEAR_NATURAL = 0.9
"""That chance for a limit just short of the natural price."""


@dataclass(frozen=True, slots=True)
class PackageQuote:
    """A package per ratio unit: what it fetches at once and at the midpoints. Positive is a credit, per share."""

    natural: Decimal
    mid: Decimal
    quotes: tuple[tuple[Decimal, Decimal], ...]
    ratios: tuple[int, ...]
    sells: tuple[bool, ...]


def package_quote(legs: Sequence[SimLeg], quote: Callable[[str], MarketQuote | None]) -> PackageQuote | None:
    """The legs' package in this market, or None when a leg has no two-sided quote. `quote` takes OCC symbols."""
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
    """Chance that a resting limit fills within a second: 1 at or through the natural price, 0 well above the mid."""
    if limit <= package.natural:
        return 1.0
    if package.mid <= package.natural:
        return 0.0
    depth = float((package.mid - limit) / (package.mid - package.natural))
    if depth < 0:
        return FILL_CHANCE_AT_MID * max(0.0, 1 + depth / REACH_ABOVE_MID)
    return FILL_CHANCE_AT_MID + (FILL_CHANCE_NEAR_NATURAL - FILL_CHANCE_AT_MID) * depth * depth


def leg_prices(package: PackageQuote, net: Decimal) -> tuple[Decimal, ...]:
    """A price for each leg, in cents, whose net is exactly `net`.

    Legs are placed as far between their midpoints and their worse sides as the net is; what rounding leaves over is
    put on the legs whose ratios can take it.
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
    """The prices with `left` cents of net added, keeping every price positive.

    Raises ValueError when no change of two legs gives it, which ratios without a common factor never cause.
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
    """The tick at a price: the first band above it, else the fallback (reference 9)."""
    for band in ticks:
        if band.threshold is None or price < band.threshold:
            return band.value
    raise ValueError(f"tick table without a fallback: {ticks}")


def off_tick(ticks: Sequence[TickSize], price: Decimal) -> bool:
    """Whether an absolute net price is not a multiple of its tick."""
    return price % tick_at(ticks, price) != 0


def to_cent(price: Decimal) -> Decimal:
    """A net price in whole cents, never below the figure given."""
    return price.quantize(CENT, ROUND_CEILING)
