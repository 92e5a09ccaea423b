"""The units of a trident: its three verticals, each whole, closed, gone or broken (rules 15.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, StrEnum

from core.domain.market.chain import Right
from core.domain.orders.orders import OrderRequest
from core.domain.trident.sides import Direction, LegSide
from core.domain.trident.trident import Action


class UnitName(StrEnum):
    """The units of a trident, in the order in which they are always told."""

    PUT_1 = "put-1"
    PUT_2 = "put-2"
    CALL = "call"

    @property
    def right(self) -> Right:
        return Right.CALL if self is UnitName.CALL else Right.PUT


class UnitState(Enum):
    """What became of a unit. `GONE`: it left without an order of ours. `BROKEN`: its legs are out of proportion."""

    WHOLE = "whole"
    CLOSED = "closed"
    GONE = "gone"
    BROKEN = "broken"


class Ended(StrEnum):
    """How a unit ended. `TARGET`, `TIME` and `MANUAL`: by an exit of ours; the others behind our back."""

    TARGET = "target"
    TIME = "time"
    MANUAL = "manual"
    HAND = "hand"
    ASSIGNED = "assigned"
    EXERCISED = "exercised"
    EXPIRED = "expired"
    DESK = "desk"
    SPLIT = "split"
    ATTESTED = "attested"


@dataclass(frozen=True, slots=True)
class Unit:
    """One vertical: a contract of `short` sold, one of `long` bought, both the chain's OCC symbols.

    `credit` is what its opening brought per share, None when nobody knows; `estimated`: it was divided by the entry's
    mids. `how` says how it ended, None while it has not, or while nothing explains it. A broken unit has the contracts
    that `held` names; a whole one has both, a closed or gone one none.
    """

    name: UnitName
    short: str
    long: str
    credit: Decimal | None = None
    estimated: bool = False
    state: UnitState = UnitState.WHOLE
    how: Ended | None = None
    remainder: tuple[str, ...] = ()

    @property
    def is_put(self) -> bool:
        return self.name.right is Right.PUT

    @property
    def held(self) -> tuple[str, ...]:
        """The symbols of its contracts that are left, one each."""
        if self.state is UnitState.BROKEN:
            return self.remainder
        return (self.short, self.long) if self.state is UnitState.WHOLE else ()

    def side(self, symbol: str) -> Direction:
        """The side on which it holds a symbol of its own."""
        return Direction.SHORT if symbol == self.short else Direction.LONG


_PLACE = {name: place for place, name in enumerate(UnitName)}


def units_of(request: OrderRequest) -> tuple[Unit, Unit, Unit]:
    """The three units of one package of a trident, without their credits.

    Raises ValueError when the request is not 2 put spreads and 1 call spread that sell before they buy.
    """
    wanted = ((Action.SELL_TO_OPEN, 2), (Action.BUY_TO_OPEN, 2), (Action.SELL_TO_OPEN, 1), (Action.BUY_TO_OPEN, 1))
    if tuple((leg.action, leg.quantity) for leg in request.legs) != wanted:
        raise ValueError(f"order {request.identifier} is not one trident")
    short_put, long_put, short_call, long_call = (leg.symbol for leg in request.legs)
    return (
        Unit(UnitName.PUT_1, short_put, long_put),
        Unit(UnitName.PUT_2, short_put, long_put),
        Unit(UnitName.CALL, short_call, long_call),
    )


def left_of(units: Iterable[Unit]) -> tuple[Unit, ...]:
    """The units that an order may still close, in the order of their names."""
    return in_order(unit for unit in units if unit.state is UnitState.WHOLE)


def in_order(units: Iterable[Unit]) -> tuple[Unit, ...]:
    """The units in the order of their names."""
    return tuple(sorted(units, key=lambda unit: _PLACE[unit.name]))


def names_of(names: Iterable[UnitName]) -> str:
    """The names in a sentence, in their order: `put-1, call`."""
    wanted = {*names}
    return ", ".join(name for name in UnitName if name in wanted)


def names_with(names: Iterable[UnitName], one: str, several: str) -> str:
    """The names with the verb that goes with as many: `put-1 is`, `put-1, call are`."""
    wanted = {*names}
    return f"{names_of(wanted)} {one if len(wanted) == 1 else several}"


def legs_of(units: Iterable[Unit]) -> Mapping[LegSide, int]:
    """The contracts that the units still have, by leg and side."""
    legs: dict[LegSide, int] = {}
    for unit in units:
        for symbol in unit.held:
            leg = (symbol, unit.side(symbol))
            legs[leg] = legs.get(leg, 0) + 1
    return legs
