"""Defined-risk margin: the most option positions can cost at expiration, and the bounds of an order's payoff."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from core.simulator.market.market_data import ListedOption

SHARES_PER_CONTRACT = 100
Holdings = Mapping[str, int]
"""OCC symbol to signed contracts; positive is long."""


@dataclass(frozen=True, slots=True)
class PayoffBounds:
    """Worst and best value at expiration, $ of the whole holding. `unbounded` marks has_uncovered_calls short calls."""

    worst: Decimal
    best: Decimal | None
    unbounded: bool


def payoff_bounds(positions: Iterable[tuple[ListedOption, int]]) -> PayoffBounds:
    """The payoff's bounds over every settlement price, for contracts of one expiration and underlying."""
    held = list(positions)
    slope = sum(count for option, count in held if option.right == "C")
    # The payoff is linear between strikes, so its extremes lie at zero, at a strike, or beyond the last one.
    prices = [Decimal(0), *sorted({option.strike for option, _ in held})]
    values = [
        sum((count * SHARES_PER_CONTRACT * _intrinsic(option, price) for option, count in held), Decimal(0))
        for price in prices
    ]
    return PayoffBounds(min(values), max(values) if slope <= 0 else None, slope < 0)


def _intrinsic(option: ListedOption, price: Decimal) -> Decimal:
    distance = price - option.strike if option.right == "C" else option.strike - price
    return max(Decimal(0), distance)


def by_expiration(
    holdings: Holdings, options: Mapping[str, ListedOption]
) -> dict[tuple[str, object], list[tuple[ListedOption, int]]]:
    """Holdings grouped by underlying and expiration; no spread reaches across expirations here."""
    groups: dict[tuple[str, object], list[tuple[ListedOption, int]]] = {}
    for symbol, count in holdings.items():
        if count:
            option = options[symbol]
            groups.setdefault((option.underlying, option.expiration), []).append((option, count))
    return groups


def margin_requirement(holdings: Holdings, options: Mapping[str, ListedOption]) -> Decimal:
    """Margin in $: what each underlying and expiration can lose at most. Uncovered calls are not computed here."""
    groups = by_expiration(holdings, options).values()
    return sum((max(Decimal(0), -payoff_bounds(group).worst) for group in groups), Decimal(0))


def has_uncovered_calls(holdings: Holdings, options: Mapping[str, ListedOption]) -> bool:
    """Whether the holding is short more calls than it is long, in any expiration."""
    return any(payoff_bounds(group).unbounded for group in by_expiration(holdings, options).values())


def combined(first: Holdings, second: Holdings) -> dict[str, int]:
    """Both holdings as one."""
    total = dict(first)
    for symbol, count in second.items():
        total[symbol] = total.get(symbol, 0) + count
    return total
