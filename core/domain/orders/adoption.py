"""Makes records of what the broker shows: its order, and an entry of an order that no record knows (rules 9)."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from core.domain.market.underlying import SHIPPED
from core.domain.operation.reasons import Reason, Refusal, refuse
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import ADOPTED, Entry, OrderLeg, OrderReport, OrderRequest
from core.domain.orders.packages import in_packages, packages_in
from core.domain.trident.found import FoundTrident, found_tridents
from core.domain.trident.trident import OPENING, max_risk

_OPENING = {action.value: action for action in OPENING}


def order_as_shown(report: OrderReport, identifier: str) -> OrderRequest | None:
    """The order as the broker has it; None when it is none for a credit that only opens whole contracts."""
    legs = legs_as_shown(report)
    if legs is None or report.credit is None or report.credit <= 0:
        return None
    return OrderRequest(report.underlying, legs, report.credit, identifier)


def legs_as_shown(report: OrderReport) -> tuple[OrderLeg, ...] | None:
    """The legs that the order opens; None when it has none, or does anything else than to open whole contracts."""
    legs = []
    for leg in report.legs:
        action = _OPENING.get(leg.action)
        if action is None or leg.quantity <= 0 or leg.quantity % 1:
            return None
        legs.append(OrderLeg(leg.symbol, action, int(leg.quantity)))
    return tuple(legs) or None


def adopted_entry(report: OrderReport, entry_id: str, session_day: date, at: datetime) -> Entry | Refusal:
    """The entry that stands for an order no record knows, as unknown: its fills and its state are folded from there.

    Only whole packages of one trident on a shipped underlying can be adopted; another order is refused. The request is
    one package of it, `taken` the order when that has more. Its credit stands for the natural, the mid and the limit,
    because what they were is not known. `at` is now.
    """
    identifier = report.identifier or f"{ADOPTED}-{entry_id}"
    order = order_as_shown(report, identifier)
    trident = None if order is None or order.underlying not in SHIPPED else _trident_of(order)
    if order is None or trident is None:
        return refuse(Reason.NOT_A_TRIDENT, order_id=report.order_id)
    received = report.received_at or at
    # In the order of rules 2, in which an entry's strikes are read.
    legs = tuple(OrderLeg(symbol, action, quantity) for (symbol, action), quantity in trident.legs)
    request = OrderRequest(order.underlying, legs, order.credit, identifier)
    return Entry(
        id=entry_id,
        account=report.account,
        session_day=session_day,
        cycle=0,
        suggestion_id="",
        underlying=order.underlying,
        expiration=trident.expiration,
        strikes=trident.strikes(),
        identifier=identifier,
        request=request,
        limit=order.credit,
        natural=order.credit,
        mid=order.credit,
        width=trident.width,
        max_risk=max_risk(trident.width, order.credit),
        state=OrderState.UNKNOWN,
        holds_day=False,
        prepared_at=received,
        sent_at=received,
        order_id=report.order_id,
        broker_status=report.status,
        terminal_at=None,
        detail="",
        origin=ADOPTED,
        taken=None if packages_in(order.legs, legs) == 1 else in_packages(order, legs),
    )


def _trident_of(order: OrderRequest) -> FoundTrident | None:
    """The trident that these legs are whole packages of, with nothing left over."""
    found = next(iter(found_tridents({(leg.symbol, leg.action): Decimal(leg.quantity) for leg in order.legs})), None)
    if found is None:
        return None
    package = tuple(OrderLeg(symbol, action, quantity) for (symbol, action), quantity in found.legs)
    return None if packages_in(order.legs, package) is None else found
