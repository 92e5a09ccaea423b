"""What a report says of an order, beside what is known of it and of its intent (rules 9, 13.6).

Reports come late, twice and in any order. An intent may have more than one order at the broker: a person replaced it
there, or its identifier is there twice.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.domain.operation import amounts, times
from core.domain.orders.comparison import difference
from core.domain.orders.fills import is_complete, is_overfilled, may_end_so, recorded_fill
from core.domain.orders.order_states import OrderState, state_for
from core.domain.orders.orders import Fill, Intent, IntentOrder, OrderReport
from core.domain.orders.shape import ended_unfilled

ROUTE = ("Received", "Routed", "In Flight", "Live")
"""The words of an order on its way to the exchange and there, in this order."""
CONTINGENT = "Contingent"
"""The word for a replacement that waits for the end of the order it replaces."""
_ENDED = (OrderState.CANCELLED, OrderState.EXPIRED, OrderState.REJECTED, OrderState.ABSENT, OrderState.NOT_SENT)


def has_ended(report: OrderReport) -> bool:
    """Whether the broker's word is one of an order that has ended."""
    return state_for(report.status) not in (None, OrderState.WORKING)


def known_order(orders: Sequence[IntentOrder], order_id: str | None) -> IntentOrder | None:
    """The order with this id among those of the intent."""
    return next((order for order in orders if order.order_id == order_id), None)


def is_older(known: IntentOrder | None, report: OrderReport) -> bool:
    """Whether a later state of the order than the report's is known. Answers and alerts may cross.

    An end is never older news: no time of the broker may keep an order alive here that has ended there.
    """
    if known is None or has_ended(report):
        return False
    if known.updated_at is not None and report.updated_at is not None and known.updated_at != report.updated_at:
        return report.updated_at < known.updated_at
    if known.ended:
        return True
    both = known.status in ROUTE and report.status in ROUTE
    return both and ROUTE.index(report.status) < ROUTE.index(known.status)


def replaces(orders: Sequence[IntentOrder], report: OrderReport, order_id: str | None) -> bool:
    """Whether the reported order replaced the one with this id, at once or over others of the intent."""
    seen: set[str] = set()
    known = known_order(orders, report.order_id)
    before = report.replaces or ("" if known is None else known.replaces)
    while before and before not in seen:
        if before == order_id:
            return True
        seen.add(before)
        known = known_order(orders, before)
        before = "" if known is None else known.replaces
    return False


def successor(orders: Sequence[IntentOrder], report: OrderReport) -> str | None:
    """The id of the order that replaces the reported one, unless it has ended too."""
    follows = [order for order in orders if report.order_id == order.replaces or order.order_id == report.replaced_by]
    if not follows:
        return report.replaced_by or None
    return next((order.order_id for order in follows if not order.ended), None)


def is_aside(intent: Intent, orders: Sequence[IntentOrder], report: OrderReport) -> bool:
    """Whether the report is about another of its orders than the one that stands for the intent: a replaced one, or
    a replacement that waits, or was dropped. Of such an order only the fills count."""
    if intent.order_id in (None, report.order_id):
        return False
    if not replaces(orders, report, intent.order_id):
        return True
    return report.status == CONTINGENT or ended_unfilled(report)


def contradiction(intent: Intent, orders: Sequence[IntentOrder], report: OrderReport) -> str:
    """Why the report cannot be folded into the intent: people have to settle that. Empty when it can.

    The fills of the report are already among those of the intent. An incident is contradicted by nothing more.
    """
    if intent.state is OrderState.INCIDENT:
        return ""
    aside = is_aside(intent, orders, report)
    return (
        _twin(intent, orders, report)
        or _corrected_fill(intent, report)
        or ("" if aside else difference(intent.terms, intent.account, report))
        or _fills(intent)
        or ("" if aside else _revived(intent, orders, report) or _exists_after_all(intent, orders, report))
    )


def _corrected_fill(intent: Intent, report: OrderReport) -> str:
    """How a fill that is on record is shown otherwise now; empty when none is."""
    for fill in report.fills:
        known = recorded_fill(fill, intent.fills)
        if known is not None and (known.symbol, known.quantity, known.price) != (
            fill.symbol,
            fill.quantity,
            fill.price,
        ):
            return f"fill {fill.fill_id} is on record as {_fill_words(known)}, the broker shows {_fill_words(fill)}"
    return ""


def _fill_words(fill: Fill) -> str:
    return f"{amounts.quantity(fill.quantity)} {fill.symbol} at {amounts.plain(fill.price)}"


def _twin(intent: Intent, orders: Sequence[IntentOrder], report: OrderReport) -> str:
    """A second order under one identifier that replaced none. It is told when it is first seen."""
    ids = {order.order_id for order in orders}
    linked = report.replaces in ids or report.replaced_by in ids or any(o.replaces == report.order_id for o in orders)
    if not ids or report.order_id in ids or linked:
        return ""
    first = known_order(orders, intent.order_id) or orders[0]
    return (
        f"two orders under one identifier: {first.order_id} {first.status or intent.broker_status or ''}, "
        f"{report.order_id} {report.status}"
    )


def _fills(intent: Intent) -> str:
    """More contracts filled than were ordered, or only some of an order that has ended, unless it may end so."""
    over = is_overfilled(intent.terms, intent.fills)
    in_part = intent.state in _ENDED and not may_end_so(intent)
    if not over and not in_part:
        return ""
    return f"{len(intent.fills)} fill records do not fit an order recorded as {intent.state.words}"


def _revived(intent: Intent, orders: Sequence[IntentOrder], report: OrderReport) -> str:
    """An order that works again after it was shown to have ended."""
    known = known_order(orders, report.order_id)
    if known is None or not known.ended or state_for(report.status) is not OrderState.WORKING:
        return ""
    if is_older(known, report) or is_complete(intent.terms, intent.fills):
        return ""
    if known.updated_at is None or report.updated_at is None:
        return ""
    was, now = times.stamp(known.updated_at), times.stamp(report.updated_at)
    return f"order {report.order_id} was shown {known.status} at {was}, and is {report.status} again at {now}"


def _exists_after_all(intent: Intent, orders: Sequence[IntentOrder], report: OrderReport) -> str:
    """An order that by our evidence does not exist: it never left, was refused at once, or its replacement has
    ended."""
    state = state_for(report.status)
    alive_after_the_end = (
        intent.state in (OrderState.CANCELLED, OrderState.EXPIRED)
        and state is OrderState.WORKING
        and replaces(orders, report, intent.order_id)
    )
    refused = intent.state is OrderState.REJECTED and intent.order_id is None and state is not OrderState.REJECTED
    if not alive_after_the_end and not refused and intent.state is not OrderState.NOT_SENT:
        return ""
    return f"recorded as {intent.state.words}, and yet order {report.order_id} is {report.status} there"
