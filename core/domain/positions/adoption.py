"""Makes an exit of a closing order at the broker that no record knows (rules 15.4)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal

from core.domain.operation.amounts import price
from core.domain.operation.reasons import Reason, Refusal, refuse
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import ADOPTED, OrderLeg, OrderReport, OrderRequest, TimeInForce
from core.domain.positions.close_shape import close_shape
from core.domain.positions.exits import Exit, ExitKind
from core.domain.positions.left import most_worth
from core.domain.positions.tridents import ManagedTrident
from core.domain.positions.units import Unit, UnitName, left_of
from core.domain.trident.trident import OPENING, Action

_CLOSING = {action.value: action for action in Action if action not in OPENING}
_NONE: frozenset[UnitName] = frozenset()
_CHOICES = (
    (UnitName.PUT_1,),
    (UnitName.PUT_2,),
    (UnitName.CALL,),
    (UnitName.PUT_1, UnitName.PUT_2),
    (UnitName.PUT_1, UnitName.CALL),
    (UnitName.PUT_2, UnitName.CALL),
    tuple(UnitName),
)
"""The units that one order may close, `put-1` before `put-2`."""


def closes_legs(report: OrderReport) -> bool:
    """Whether the order only closes whole contracts."""
    return _legs(report) is not None


def adopted_exit(
    report: OrderReport,
    exit_id: str,
    tridents: Sequence[ManagedTrident],
    claimed: Mapping[str, Collection[UnitName]],
    session_day: date,
    at: datetime,
) -> Exit | Refusal:
    """The exit that stands for a closing order no record knows, as unknown: its fills and its state are folded from
    there.

    It closes whole units, at most at what they can be worth, of the oldest of these tridents that has them and of whose
    units no exit has claimed one. Whether it was sent strictly nobody can see. `at` is now.
    """
    legs, debit = _legs(report), None if report.credit is None else -report.credit
    if legs is None or debit is None or debit <= 0:
        return _not_one(report, "it is no order for a debit that only closes whole contracts")
    found = next(
        (
            (trident, units)
            for trident in tridents
            for units in _units(trident, claimed.get(trident.id, _NONE))
            if _closes(units, legs)
        ),
        None,
    )
    if found is None:
        return _not_one(report, "its legs are not those of whole units of one trident that no other order closes")
    trident, units = found
    shape = close_shape(units)
    most = most_worth(units, trident.width) / (1 if shape is None else shape.per)
    if debit > most:
        return _not_one(report, f"it bids {price(debit)}, and its units are worth at most {price(most)}")
    identifier = report.identifier or f"{ADOPTED}-{exit_id}"
    in_force = TimeInForce.GTC if report.time_in_force == TimeInForce.GTC.value else TimeInForce.DAY
    ordered = legs if shape is None else shape.legs
    received = report.received_at or at
    return Exit(
        id=exit_id,
        account=report.account,
        session_day=session_day,
        underlying=trident.underlying,
        identifier=identifier,
        request=OrderRequest(trident.underlying, ordered, -debit, identifier, in_force),
        state=OrderState.UNKNOWN,
        prepared_at=received,
        sent_at=received,
        order_id=report.order_id,
        broker_status=report.status,
        terminal_at=None,
        detail="",
        trident_id=trident.id,
        kind=ExitKind.MANUAL,
        units=tuple(unit.name for unit in units),
        origin=ADOPTED,
    )


def _not_one(report: OrderReport, why: str) -> Refusal:
    return refuse(Reason.NOT_AN_EXIT, order_id=report.order_id, why=why)


def _units(trident: ManagedTrident, claimed: Collection[UnitName]) -> tuple[tuple[Unit, ...], ...]:
    """The units of the trident that an order may close, in every number of them."""
    free = {unit.name: unit for unit in left_of(trident.units) if unit.name not in claimed}
    return tuple(tuple(free[name] for name in names) for names in _CHOICES if free.keys() >= {*names})


def _closes(units: Sequence[Unit], legs: Sequence[OrderLeg]) -> bool:
    shape = close_shape(units)
    return shape is not None and {*shape.legs} == {*legs}


def _legs(report: OrderReport) -> tuple[OrderLeg, ...] | None:
    legs = []
    for leg in report.legs:
        action = _CLOSING.get(leg.action)
        if action is None or leg.quantity <= 0 or leg.quantity % 1 != Decimal(0):
            return None
        legs.append(OrderLeg(leg.symbol, action, int(leg.quantity)))
    return tuple(legs) or None
