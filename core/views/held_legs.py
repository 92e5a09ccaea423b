"""The legs of an open trident for the screen: what is left of each, and how it is quoted (rules 7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from core.domain.market.chain import Right
from core.domain.market.quotes import Quote
from core.domain.positions.units import Unit
from core.domain.risk.positions import HeldContract, OpenTrident
from core.snapshot import LegView

_LEGS = 4


def held_legs(
    trident: OpenTrident, units: Sequence[Unit], quotes: Sequence[Quote | None], oldest: Quote | None, age_s: int | None
) -> tuple[LegView, ...]:
    """The legs of the entry with what is left of each by its `units`, which may be empty: then all is. None of an entry
    that is no trident.

    `quotes` are in the order of the legs, `oldest` is the oldest of those that have an age, `age_s` its age.
    """
    names = trident.strikes.split("/")
    if trident.packages is None or len(names) != len(trident.legs):
        return ()
    left = _left(units) if units and len(trident.legs) == _LEGS else [leg.quantity for leg in trident.legs]
    legs = zip(trident.legs, names, left, quotes, strict=True)
    views = [_leg_view(leg, name, quantity, quote) for leg, name, quantity, quote in legs]
    return aged_legs(tuple(views), quotes, oldest, age_s)


def aged_legs(
    legs: tuple[LegView, ...], quotes: Sequence[Quote | None], oldest: Quote | None, age_s: int | None
) -> tuple[LegView, ...]:
    """The same legs with the ages of their quotes, by that of the oldest one: all grow older in the same second, so
    that a row changes once a second and not for each leg."""
    return tuple([replace(leg, age_s=_age(quote, oldest, age_s)) for leg, quote in zip(legs, quotes, strict=False)])


def _age(quote: Quote | None, oldest: Quote | None, age_s: int | None) -> int | None:
    if quote is None or oldest is None or age_s is None or quote.ahead_s is not None:
        return None
    return max(0, age_s - int(quote.as_of - oldest.as_of))


def _left(units: Sequence[Unit]) -> list[int]:
    """The contracts that are left of each leg, in the order of rules 2."""
    put, _, call = units
    held = [symbol for unit in units for symbol in unit.held]
    return [held.count(symbol) for symbol in (put.short, put.long, call.short, call.long)]


def _leg_view(leg: HeldContract, name: str, quantity: int, quote: Quote | None) -> LegView:
    right = Right.PUT if name.endswith("P") else Right.CALL
    return LegView(
        role=f"{leg.direction.value.lower()} {right.name.lower()}",
        action=leg.direction.value,
        strike=Decimal(name.rstrip("PC")),
        right=right.value,
        quantity=quantity,
        bid=None if quote is None else quote.bid,
        ask=None if quote is None else quote.ask,
        mid=None if quote is None else quote.mid,
        age_s=None,
        crossed=quote is not None and quote.crossed,
    )
