"""What is to be sent as one exit, and the only place that makes its order (rules 15.7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from core.domain.orders.orders import OrderLeg, OrderRequest, TimeInForce
from core.domain.positions.close_shape import close_shape
from core.domain.positions.exits import ExitKind
from core.domain.positions.units import Unit, UnitName
from core.domain.positions.walk import ClosePrices


@dataclass(frozen=True, slots=True)
class ExitPlan:
    """An exit that is due. Prices are debits per share of the order's price: `cap` is the highest that its rule allows,
    None for a target, whose `basis` is the unit credit. `prices` are those of the decision; `step` counts the walk."""

    kind: ExitKind
    units: tuple[UnitName, ...]
    legs: tuple[OrderLeg, ...]
    debit: Decimal
    time_in_force: TimeInForce
    cap: Decimal | None = None
    basis: Decimal | None = None
    prices: ClosePrices | None = None
    step: int = 0


def target_plan(unit: Unit, debit: Decimal) -> ExitPlan:
    """The target of one whole unit, which rests until it is cancelled."""
    return ExitPlan(ExitKind.TARGET, (unit.name,), _legs([unit]), debit, TimeInForce.GTC, basis=unit.credit)


def close_plan(
    kind: ExitKind, units: Sequence[Unit], debit: Decimal, cap: Decimal, prices: ClosePrices | None, step: int = 0
) -> ExitPlan:
    """The close of some whole units, which dies with its session."""
    names = tuple(unit.name for unit in units)
    return ExitPlan(kind, names, _legs(units), debit, TimeInForce.DAY, cap=cap, prices=prices, step=step)


def request_of(plan: ExitPlan, underlying: str, identifier: str) -> OrderRequest:
    """Its order. It is always strict: a leg that would open a position is not filled (broker 2.3)."""
    return OrderRequest(underlying, plan.legs, -plan.debit, identifier, plan.time_in_force, strict=True)


def _legs(units: Sequence[Unit]) -> tuple[OrderLeg, ...]:
    shape = close_shape(units)
    if shape is None:
        raise ValueError("only whole units are closed")
    return shape.legs
