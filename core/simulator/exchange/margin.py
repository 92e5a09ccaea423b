"""Margin of an account's positions: what defined risks can lose at expiration, uncovered calls, shares. All in $."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from core.simulator.exchange.instruments import SHARES_PER_CONTRACT
from core.simulator.market.market_data import ListedOption

Holdings = Mapping[str, int]
"""OCC symbol to contracts, or the symbol of shares to their number; positive when long and negative when short."""
Prices = Callable[[str], Decimal]
"""The price of an underlying, or the mark of a contract by its OCC symbol, in $ per share."""

SHARE_MAINTENANCE = Decimal("0.25")
SHARE_INITIAL = Decimal("0.50")
UNCOVERED_RATE = Decimal("0.20")
UNCOVERED_LEAST_RATE = Decimal("0.10")


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
    return _bounds(tuple((option.right, option.strike, count) for option, count in positions))


@lru_cache(maxsize=4096)
def _bounds(held: tuple[tuple[str, Decimal, int], ...]) -> PayoffBounds:
    """The bounds for (right, strike, contracts): an account asks for the same ones again and again."""
    slope = sum(count for right, _, count in held if right == "C")
    # The payoff is linear between strikes: its extremes lie at a price of zero, at a strike, or above the last strike.
    prices = [Decimal(0), *sorted({strike for _, strike, _ in held})]
    values = [
        sum(
            (
                count * SHARES_PER_CONTRACT * max(Decimal(0), price - strike if right == "C" else strike - price)
                for right, strike, count in held
            ),
            Decimal(0),
        )
        for price in prices
    ]
    return PayoffBounds(min(values), max(values) if slope <= 0 else None, slope < 0)


def by_expiration(
    holdings: Holdings, options: Mapping[str, ListedOption]
) -> dict[tuple[str, object], list[tuple[ListedOption, int]]]:
    """The contracts held, by underlying and expiration. Legs of different expirations do not cover each other here."""
    groups: dict[tuple[str, object], list[tuple[ListedOption, int]]] = {}
    for symbol, count in holdings.items():
        if count and (option := options.get(symbol)) is not None:
            groups.setdefault((option.underlying, option.expiration), []).append((option, count))
    return groups


def shares_in(holdings: Holdings, options: Mapping[str, ListedOption]) -> dict[str, int]:
    """The shares held, by symbol: whatever is no contract."""
    return {symbol: count for symbol, count in holdings.items() if count and symbol not in options}


def uncovered_calls(holdings: Holdings, options: Mapping[str, ListedOption]) -> Counter[str]:
    """The short calls that neither long calls of their expiration nor long shares cover, by underlying."""
    uncovered: Counter[str] = Counter()
    for (underlying, _), group in by_expiration(holdings, options).items():
        uncovered[underlying] += max(0, -sum(count for option, count in group if option.right == "C"))
    for symbol, count in shares_in(holdings, options).items():
        uncovered[symbol] = max(0, uncovered[symbol] - max(0, count) // SHARES_PER_CONTRACT)
    return +uncovered


def margin_requirement(
    holdings: Holdings, options: Mapping[str, ListedOption], price: Prices, share_rate: Decimal = SHARE_MAINTENANCE
) -> Decimal:
    """The margin in $: what each underlying and expiration can lose, uncovered calls by the 20 % rule, and a part of
    the value of shares.

    The 20 % rule takes the mark of a call and a fifth of the underlying's price, less what the strike is out of the
    money, and at least a tenth.
    """
    total, naked = Decimal(0), uncovered_calls(holdings, options)
    for (underlying, _), group in by_expiration(holdings, options).items():
        total += max(Decimal(0), -payoff_bounds(group).worst)
        short = max(0, -sum(count for option, count in group if option.right == "C"))
        if count := min(short, naked[underlying]):
            naked[underlying] -= count
            total += count * _uncovered(group, price)
    for symbol, count in shares_in(holdings, options).items():
        total += abs(count) * price(symbol) * share_rate
    return total


def _uncovered(group: list[tuple[ListedOption, int]], price: Prices) -> Decimal:
    """What one uncovered call of the group takes: its short call with the lowest strike."""
    option = min((o for o, count in group if o.right == "C" and count < 0), key=lambda o: o.strike)
    spot = price(option.underlying) * option.deliverable
    away = max(Decimal(0), option.strike - spot)
    rate = max(UNCOVERED_RATE * spot - away, UNCOVERED_LEAST_RATE * spot)
    return SHARES_PER_CONTRACT * (price(option.occ) + rate)


def combined(first: Holdings, second: Holdings) -> dict[str, int]:
    """The sum of two holdings."""
    total = dict(first)
    for symbol, count in second.items():
        total[symbol] = total.get(symbol, 0) + count
    return total
