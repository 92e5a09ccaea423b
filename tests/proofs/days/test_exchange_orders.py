"""Which orders of others opened something beside ours, as the simulated exchange has it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from core.simulator.exchange.habits import Habits
from core.simulator.exchange.handling import Handling
from core.simulator.exchange.lifecycle import FillPlan
from core.simulator.exchange.orders import OrderRequest
from tests.core.simulator.exchange.placed_orders import ONE, TEN, exchange, leg, occ
from tests.proofs.days.exchange_orders import opens_any

SHORT = occ("P", 622)
LATER = TEN + timedelta(seconds=5)


@pytest.mark.parametrize(
    ("held", "targets", "action", "taken_as", "opens"),
    [
        (-2, 0, "Buy to Close", "Buy to Close", False),
        (-2, 2, "Buy to Close", "Buy to Open", False),
        (0, 0, "Buy to Close", "Buy to Open", True),
        (0, 0, "Sell to Open", "Sell to Open", True),
    ],
    ids=["a close", "a close beside our targets", "a close of nothing", "an opening"],
)
def test_a_close_opens_nothing_whatever_the_broker_calls_it(
    held: int, targets: int, action: str, taken_as: str, opens: bool
) -> None:
    broker = exchange(cash="300000")
    broker.habits = Habits(position_lag_s=(0.0, 0.0))
    broker.set_fill_plan(ONE, "never")
    if held:
        broker.back_office.give(ONE, {SHORT: held}, TEN)
    for _ in range(targets):
        target = OrderRequest("GTC", "Limit", (leg("Buy to Close", SHORT),), Decimal("0.05"), "Debit", strict=True)
        broker.submit(ONE, target, TEN)
    broker.advance(LATER)
    asked = OrderRequest("Day", "Market", (leg(action, SHORT),))
    placed = broker.submit(ONE, asked, LATER, handling=Handling(plan=FillPlan.IMMEDIATE))
    broker.advance(LATER + timedelta(seconds=10))
    order = broker.order(ONE, placed.id)
    assert (order.status, [each.action for each in order.legs]) == ("Filled", [taken_as])
    assert opens_any(order, broker.opened_by_close) is opens
