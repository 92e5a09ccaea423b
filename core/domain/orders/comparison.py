"""Compares the order that the broker shows with the one that was asked for (rules 9, 13.2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from core.domain.operation import amounts
from core.domain.operation.events import masked
from core.domain.orders.orders import OrderReport, OrderRequest

LIMIT = "Limit"
"""The broker's word for the type of every order that is asked for here."""
_Legs = Mapping[str, tuple[tuple[str, Decimal], ...]]


def difference(asked: OrderRequest, account: str, shown: OrderReport) -> str:
    """How the order that the broker shows differs from the one asked for, each difference with both values; empty when
    it does not differ.

    A price or a quantity that is not shown is a difference; an identifier, an underlying, a type and a time in force
    that are not shown are none. Account numbers are masked.
    """
    return "; ".join(f"asked {wanted}, the broker shows {seen}" for wanted, seen in _differences(asked, account, shown))


def is_partial(asked: OrderRequest, shown: OrderReport) -> bool:
    """Whether the report leaves out legs, quantities or the price of the order asked for, and shows no other legs.

    A report about an order under way may be short. It is a hint to read the order, and no difference yet.
    """
    wanted, seen = _asked_legs(asked), _shown_legs(shown)
    counted = _by_symbol((leg.symbol, leg.action, leg.quantity) for leg in shown.legs if leg.quantity)
    if not seen.keys() <= wanted.keys() or any(counted[symbol] != wanted[symbol] for symbol in counted):
        return False
    return counted.keys() < wanted.keys() or shown.credit is None


def same_legs(asked: OrderRequest, shown: OrderReport) -> bool:
    """Whether the order that the broker shows has just the legs of the one asked for, in their quantities."""
    return _asked_legs(asked) == _shown_legs(shown)


def _differences(asked: OrderRequest, account: str, shown: OrderReport) -> Iterable[tuple[str, str]]:
    if shown.account != account:
        yield f"for account {masked(account)}", masked(shown.account)
    if shown.identifier is not None and shown.identifier != asked.identifier:
        yield f"under {asked.identifier}", shown.identifier
    if shown.underlying and shown.underlying != asked.underlying:
        yield asked.underlying, shown.underlying
    wanted, seen = _asked_legs(asked), _shown_legs(shown)
    for symbol in dict.fromkeys([*wanted, *seen]):
        if wanted.get(symbol) != seen.get(symbol):
            yield f"{_words(wanted.get(symbol))} {symbol}", _words(seen.get(symbol))
    if shown.credit != asked.credit:
        yield _price(asked.credit), _price(shown.credit)
    wanted_time = asked.time_in_force.value
    if shown.time_in_force not in ("", wanted_time):
        yield f"time in force {wanted_time}", shown.time_in_force
    if shown.order_type not in ("", LIMIT):
        yield f"order type {LIMIT}", shown.order_type


def _asked_legs(asked: OrderRequest) -> _Legs:
    return _by_symbol((leg.symbol, leg.action.value, Decimal(leg.quantity)) for leg in asked.legs)


def _shown_legs(shown: OrderReport) -> _Legs:
    return _by_symbol((leg.symbol, leg.action, leg.quantity) for leg in shown.legs)


def _by_symbol(legs: Iterable[tuple[str, str, Decimal]]) -> _Legs:
    """What is done with each symbol. A symbol that comes twice is another order, so nothing is added up."""
    found: dict[str, tuple[tuple[str, Decimal], ...]] = {}
    for symbol, action, quantity in legs:
        found[symbol] = tuple(sorted((*found.get(symbol, ()), (action, quantity))))
    return found


def _words(done: tuple[tuple[str, Decimal], ...] | None) -> str:
    return " and ".join(f"{action} {amounts.plain(quantity)}" for action, quantity in done) if done else "no such leg"


def _price(credit: Decimal | None) -> str:
    if credit is None:
        return "no price"
    return f"{amounts.credit(credit)} credit" if credit >= 0 else f"{amounts.credit(-credit)} debit"
