"""Whether an order ended because of this console's own cancel: only such an end frees its day by proof (rules 9).

The broker names the user of a cancel, and this console's is the account's own: the times decide between the two.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from core.domain.orders.order_states import OrderState, state_for
from core.domain.orders.orders import Intent, OrderReport

CARRIED_OUT_S = 10.0
"""Wall seconds from the console's asking within which an order ends because of it. A later end may be anybody's."""
NOT_CARRIED_OUT_S = 5.0
"""Wall seconds after the asking from which an order that works, and not as one to be cancelled, shows that the broker
does not carry it out."""
CANCEL_REQUESTED = "Cancel Requested"
"""The broker's word for a working order whose cancel it carries out."""
SOMEBODY_ELSE = "somebody else"
"""Who ended an order that the console's own cancel did not end, where the broker names no other user."""


def canceller(intent: Intent, report: OrderReport, now: datetime, speed: float) -> str:
    """Who cancelled the order besides this console: the broker's word for them, SOMEBODY_ELSE by the times; empty when
    it was the console, or when the console asked for no cancel. `speed` is market seconds per wall second."""
    if report.cancelled_by or intent.engine_cancel_at is None or state_for(report.status) is not OrderState.CANCELLED:
        return report.cancelled_by
    ended = report.terminal_at or report.updated_at or now
    return "" if ended_by_it(intent.engine_cancel_at, ended, speed) else SOMEBODY_ELSE


def ended_by_it(asked: datetime, ended: datetime, speed: float) -> bool:
    """Whether an order that ended then can have ended by a cancel asked for at `asked`."""
    return ended <= asked + timedelta(seconds=CARRIED_OUT_S * speed)


def is_not_carried_out(intent: Intent, report: OrderReport, now: datetime, speed: float) -> bool:
    """Whether the report shows that the broker does not carry out the console's cancel, which it has taken."""
    if intent.engine_cancel_at is None or report.order_id != intent.order_id:
        return False
    works_on = state_for(report.status) is OrderState.WORKING and report.status != CANCEL_REQUESTED
    return works_on and now >= intent.engine_cancel_at + timedelta(seconds=NOT_CARRIED_OUT_S * speed)
