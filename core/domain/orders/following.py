"""Which intents are followed at the broker: those whose end there was not shown (rules 9)."""

from __future__ import annotations

from collections.abc import Sequence

from core.domain.orders.fills import is_complete
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Intent, IntentOrder

FOLLOWED_FOR_EVER = frozenset({OrderState.SENT, OrderState.WORKING, OrderState.UNKNOWN})
"""States of an intent that is followed whatever its age. Others are followed for some sessions only (a setting)."""


def is_end_shown(intent: Intent, orders: Sequence[IntentOrder]) -> bool:
    """Whether the broker has shown the end of every order of the intent, and of a filled one all fill records.

    An intent without an order has shown nothing: an order that was refused or never seen may appear later.
    """
    if intent.state in FOLLOWED_FOR_EVER or not orders or not all(order.ended for order in orders):
        return False
    return intent.state is not OrderState.FILLED or is_complete(intent.terms, intent.fills)
