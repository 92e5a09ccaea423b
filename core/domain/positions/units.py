"""The units of a trident: its three verticals, each whole, closed, gone or broken (exits 1)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, StrEnum

from core.domain.market.chain import Right
from core.domain.orders.orders import OrderRequest
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


@dataclass(frozen=True, slots=True)
class Unit:
    """One vertical: a contract of `short` sold, one of `long` bought, both the chain's OCC symbols.

    `credit` is what its opening brought per share, None when nobody knows; `estimated`: it was divided by the entry's
    mids.
    """

    name: UnitName
    short: str
    long: str
    credit: Decimal | None = None
    estimated: bool = False
    state: UnitState = UnitState.WHOLE

    @property
    def is_put(self) -> bool:
        return self.name.right is Right.PUT


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
    return tuple(sorted((u for u in units if u.state is UnitState.WHOLE), key=lambda u: list(UnitName).index(u.name)))
