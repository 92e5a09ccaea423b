"""How many packages an entry is of, and the credit and the risk that follow from it (rules 2, 9).

A package is what the entry's request has once: two put spreads and one call spread. An order that a person changed at
the broker may have more of them, or legs that are no whole number of them: such legs have no credit and no risk here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from core.domain.orders.fills import filled_by_symbol, is_complete, is_overfilled
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Entry, OrderLeg, OrderRequest
from core.domain.trident.trident import Action, max_risk

_Contracts = Mapping[tuple[str, Action], Decimal]


def packages_in(legs: Sequence[OrderLeg], package: Sequence[OrderLeg]) -> int | None:
    """How many times these legs are those of the package; None when they are no whole number of them, or a symbol comes
    twice: an order's fills tell no such legs apart."""
    counted = _contracts(legs)
    if legs == package:  # as most are: they need no division
        return 1 if legs and len(counted) == len(legs) else None
    return _times(counted, _contracts(package)) if len(counted) == len(legs) else None


def in_packages(order: OrderRequest, package: Sequence[OrderLeg]) -> OrderRequest | None:
    """The order with its legs in the order of the package's; None when it is no whole number of packages."""
    times = packages_in(order.legs, package)
    return (
        None
        if times is None
        else replace(order, legs=tuple(replace(leg, quantity=times * leg.quantity) for leg in package))
    )


def packages_ordered(entry: Entry) -> int | None:
    """The packages of the order whose legs the entry's fills are counted against; None when it has other legs."""
    return packages_in(entry.terms.legs, entry.request.legs)


def packages_at_risk(entry: Entry) -> int | None:
    """The packages that the entry has filled or may still fill. None when nobody can say: other legs, or an incident,
    or an order filled beyond its quantities, whose fills are no whole number of packages."""
    ordered = packages_ordered(entry)
    if ordered is None or not entry.fills:
        return ordered
    actions = {leg.symbol: leg.action for leg in entry.request.legs}
    by_symbol = filled_by_symbol(entry.fills)
    if not by_symbol.keys() <= actions.keys():
        return None
    if entry.state is not OrderState.INCIDENT and not is_overfilled(entry.terms, entry.fills):
        return ordered
    by_leg = {(symbol, actions[symbol]): count for symbol, count in by_symbol.items()}
    filled = _times(by_leg, _contracts(entry.request.legs))
    return None if filled is None else max(ordered, filled)


def fill_credit(entry: Entry) -> Decimal | None:
    """The credit per share at which a package of the entry was filled. None while a leg is not filled in full, when
    more is filled than was ordered, and for other legs than a trident's: none of these is the credit of a package."""
    ordered = packages_ordered(entry)
    if ordered is None or not is_complete(entry.terms, entry.fills) or is_overfilled(entry.terms, entry.fills):
        return None
    sign = {leg.symbol: 1 if leg.action is Action.SELL_TO_OPEN else -1 for leg in entry.terms.legs}
    received = (sign[f.symbol] * f.quantity * f.price for f in entry.fills if f.symbol in sign)
    return sum(received, Decimal(0)) / ordered


def risk_at(entry: Entry, credit: Decimal) -> Decimal | None:
    """The max risk in $ of all packages of the entry at this credit per share; None when it is unknown."""
    return risk_in(packages_at_risk(entry), entry, credit)


def risk_in(packages: int | None, entry: Entry, credit: Decimal) -> Decimal | None:
    """The max risk in $ of so many packages of the entry at this credit per share; None when it is unknown."""
    return None if packages is None else packages * max_risk(entry.width, credit)


def risk_of(entry: Entry) -> Decimal | None:
    """The entry's max risk in $ from its fills; as it was sent, or at the price the broker took when that is more,
    while a fill record is missing or one too many is there. None when it is unknown."""
    credit = fill_credit(entry)
    if credit is not None:
        return risk_at(entry, credit)
    packages = packages_at_risk(entry)
    as_sent = entry.max_risk if entry.taken is None else max(entry.max_risk, max_risk(entry.width, entry.taken.credit))
    return None if packages is None else packages * as_sent


def total_risk(risks: Iterable[Decimal | None]) -> Decimal | None:
    """The sum of these risks in $; None when one of them is unknown."""
    total = Decimal(0)
    for risk in risks:
        if risk is None:
            return None
        total += risk
    return total


def _contracts(legs: Iterable[OrderLeg]) -> _Contracts:
    return {(leg.symbol, leg.action): Decimal(leg.quantity) for leg in legs}


def _times(counted: _Contracts, package: _Contracts) -> int | None:
    """How many times all of these contracts are the package's; None when that is no whole number, or none."""
    if counted.keys() != package.keys():
        return None
    times = {counted[key] / quantity for key, quantity in package.items()}
    if len(times) != 1:
        return None
    [number] = times
    return int(number) if number >= 1 and number % 1 == 0 else None
