"""Margin of positions with a defined risk: the most they can lose at expiration, and the bounds of their payoff."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from core.simulator.exchange.instruments import SHARES_PER_CONTRACT
from core.simulator.market.market_data import ListedOption

Holdings = Mapping[str, int]
"""OCC symbol to contracts, positive when long and negative when short."""


@dataclass(frozen=True, slots=True)
class PayoffBounds:
    """The lowest and highest value of a holding at expiration, in $.

    `best` is None when there is no highest value. `unbounded` means that there is no lowest value, because some short
    calls are not covered; `worst` then leaves out prices above the last strike.
    """

    worst: Decimal
    best: Decimal | None
    unbounded: bool


def payoff_bounds(positions: Iterable[tuple[ListedOption, int]]) -> PayoffBounds:
    """The bounds of the payoff over all settlement prices. The contracts share one underlying and expiration."""
    held = list(positions)
    slope = sum(count for option, count in held if option.right == "C")
    # The payoff is linear between strikes: its extremes lie at a price of zero, at a strike, or above the last strike.
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
    """The contracts held, by underlying and expiration. Legs of different expirations do not cover each other here."""
    groups: dict[tuple[str, object], list[tuple[ListedOption, int]]] = {}
    for symbol, count in holdings.items():
        if count:
            option = options[symbol]
            groups.setdefault((option.underlying, option.expiration), []).append((option, count))
    return groups


def margin_requirement(holdings: Holdings, options: Mapping[str, ListedOption]) -> Decimal:
    """The margin in $: the sum of what each underlying and expiration can lose. Uncovered calls are not considered."""
    groups = by_expiration(holdings, options).values()
    return sum((max(Decimal(0), -payoff_bounds(group).worst) for group in groups), Decimal(0))


def has_uncovered_calls(holdings: Holdings, options: Mapping[str, ListedOption]) -> bool:
    """Whether the holding has more short calls than long ones in any underlying and expiration."""
    return any(payoff_bounds(group).unbounded for group in by_expiration(holdings, options).values())


def combined(first: Holdings, second: Holdings) -> dict[str, int]:
    """The sum of two holdings."""
    total = dict(first)
    for symbol, count in second.items():
        total[symbol] = total.get(symbol, 0) + count
    return total
