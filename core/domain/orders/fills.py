"""Sums over the fill records of an order (rules 9: fills come from fill records)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from core.domain.orders.order_states import OrderState, state_for
from core.domain.orders.orders import AnyIntent, Fill, Intent, IntentKind, OrderReport, OrderRequest


def filled_by_symbol(fills: Iterable[Fill]) -> dict[str, Decimal]:
    """The contracts filled of each leg, by OCC symbol."""
    filled: dict[str, Decimal] = {}
    for fill in fills:
        filled[fill.symbol] = filled.get(fill.symbol, Decimal(0)) + fill.quantity
    return filled


def recorded_fill(fill: Fill, recorded: Iterable[Fill]) -> Fill | None:
    """This fill of an intent as it is recorded; None when it is not. One without an order's id is of an older version,
    which knew fills by their own ids alone."""
    return next((r for r in recorded if fill.fill_id == r.fill_id and r.order_id in ("", fill.order_id)), None)


def is_known(fill: Fill, recorded: Iterable[Fill]) -> bool:
    """Whether a fill of an intent is among those recorded."""
    return recorded_fill(fill, recorded) is not None


def with_fills_of(intent: AnyIntent, report: OrderReport) -> AnyIntent:
    """The intent as it is with the fills of the report too."""
    return replace(intent, fills=(*intent.fills, *(fill for fill in report.fills if not is_known(fill, intent.fills))))


def is_complete(request: OrderRequest, fills: Iterable[Fill]) -> bool:
    """Whether every leg is filled in full."""
    filled = filled_by_symbol(fills)
    return all(filled.get(leg.symbol, Decimal(0)) >= leg.quantity for leg in request.legs)


def is_rest_open(report: OrderReport) -> bool:
    """Whether the broker still works an order, and a leg of it has contracts that are not filled.

    An order that has ended may come with only a part of its fill records: the others come later.
    """
    return state_for(report.status) is OrderState.WORKING and any(
        leg.remaining is None or leg.remaining > 0 for leg in report.legs
    )


def is_overfilled(request: OrderRequest, fills: Iterable[Fill]) -> bool:
    """Whether more contracts of a leg are filled than were ordered (rules 13.6)."""
    filled = filled_by_symbol(fills)
    return any(filled.get(leg.symbol, Decimal(0)) > leg.quantity for leg in request.legs)


def is_balanced(request: OrderRequest, fills: Iterable[Fill]) -> bool:
    """Whether all legs are filled in the same proportion. An order that ends otherwise is an incident (rules 9)."""
    filled = filled_by_symbol(fills)
    return len({filled.get(leg.symbol, Decimal(0)) / leg.quantity for leg in request.legs}) == 1


def may_end_so(intent: Intent) -> bool:
    """Whether its order may end with just what has filled: nothing or all of it, and of an exit also some whole units
    (rules 9, 15.4)."""
    if not intent.fills or is_complete(intent.terms, intent.fills):
        return True
    return intent.KIND is IntentKind.EXIT and is_balanced(intent.terms, intent.fills)
