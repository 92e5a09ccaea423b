"""Finds tridents among legs that carry only the broker's symbols (rules 2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from core.domain.market.chain import Right
from core.domain.operation.amounts import strike as shown_strike
from core.domain.trident.occ import OccOption, read_occ
from core.domain.trident.trident import CALL_SPREADS, PUT_SPREADS, Action

LegKey = tuple[str, Action]
"""A leg's OCC symbol and the action that opens it."""


@dataclass(frozen=True, slots=True)
class FoundTrident:
    """A trident found by its legs. `body` and `width` are in dollars; `legs` are in the order of rules 2."""

    root: str
    expiration: date
    body: Decimal
    width: Decimal
    legs: tuple[tuple[LegKey, int], ...]

    def strikes(self) -> str:
        """The four strikes as text for the operator: 622P/619P/622C/625C."""
        body, low, high = self.body, self.body - self.width, self.body + self.width
        return f"{shown_strike(body)}P/{shown_strike(low)}P/{shown_strike(body)}C/{shown_strike(high)}C"


def found_tridents(held: Mapping[LegKey, Decimal]) -> tuple[FoundTrident, ...]:
    """The tridents that these contracts contain, each contract in one of them at most. The narrowest come first."""
    left = dict(held)
    found: list[FoundTrident] = []
    while (trident := _next(left)) is not None:
        found.append(trident)
        for key, quantity in trident.legs:
            left[key] -= quantity
    return tuple(found)


def _next(left: Mapping[LegKey, Decimal]) -> FoundTrident | None:
    options = {key: option for key, quantity in left.items() if quantity > 0 and (option := read_occ(key[0]))}
    short_puts = [(key, o) for key, o in options.items() if key[1] is Action.SELL_TO_OPEN and o.right is Right.PUT]
    for key, option in sorted(short_puts, key=lambda pair: pair[0][0]):
        for width in sorted(_widths(option, options.values())):
            legs = _legs(key, option, width, options)
            if legs is not None and all(left[leg] >= quantity for leg, quantity in legs):
                return FoundTrident(option.root, option.expiration, option.strike, width, legs)
    return None


def _widths(short_put: OccOption, options: Iterable[OccOption]) -> set[Decimal]:
    """How far other puts of the same root and expiration lie below the short one."""
    return {
        short_put.strike - other.strike
        for other in options
        if _is_with(short_put, other) and other.right is Right.PUT and other.strike < short_put.strike
    }


def _legs(
    short_put: LegKey, body: OccOption, width: Decimal, options: Mapping[LegKey, OccOption]
) -> tuple[tuple[LegKey, int], ...] | None:
    """The four legs on this body and width, with their contracts; None when one is not there."""
    wanted = (
        (Action.BUY_TO_OPEN, Right.PUT, body.strike - width, PUT_SPREADS),
        (Action.SELL_TO_OPEN, Right.CALL, body.strike, CALL_SPREADS),
        (Action.BUY_TO_OPEN, Right.CALL, body.strike + width, CALL_SPREADS),
    )
    legs: list[tuple[LegKey, int]] = [(short_put, PUT_SPREADS)]
    for action, right, strike, quantity in wanted:
        at = (
            key
            for key, o in options.items()
            if key[1] is action and _is_with(body, o) and o.right is right and o.strike == strike
        )
        key = next(at, None)
        if key is None:
            return None
        legs.append((key, quantity))
    return tuple(legs)


def _is_with(one: OccOption, other: OccOption) -> bool:
    return (one.root, one.expiration) == (other.root, other.expiration)
