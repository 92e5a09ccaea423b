"""What goes wrong with orders at the broker: fills that nobody expects, and resting orders that are dropped."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from core.runtime.clock import ShiftedClock
from core.simulator.exchange.armed_faults import ArmedFaults
from core.simulator.exchange.client_orders import ClientOrders
from core.simulator.exchange.exchange import Exchange
from core.simulator.exchange.faults import Fault, FaultKind, FaultMatch
from core.simulator.exchange.handling import Dropped, Handling
from core.simulator.exchange.orders import OrderRefused
from tests.core.simulator.exchange.placed_orders import (
    CLOSE,
    ONE,
    TEN,
    at_mid,
    credit,
    exchange,
    net_of,
    trident_legs,
)

SECOND = timedelta(seconds=1)
NEXT_OPEN = datetime(2026, 11, 24, 14, 30, tzinfo=UTC)
LATER = TEN + 10 * SECOND
FAR = credit(trident_legs(), "5.90", "GTC")


def quiet() -> Exchange:
    broker = exchange()
    broker.fill_plan = "never"
    return broker


def clients(broker: Exchange, *faults: Fault) -> ClientOrders:
    armed = ArmedFaults()
    for fault in faults:
        armed.arm(fault, TEN, 0.0)
    return ClientOrders(broker, armed, ShiftedClock(TEN))


@pytest.mark.parametrize("packages", [1, 2])
def test_an_order_fills_whole_between_the_request_to_cancel_it_and_the_cancel(packages: int) -> None:
    broker = quiet()
    orders = clients(broker, Fault(FaultKind.ORDERS_FILL_AFTER_CANCEL))
    order = broker.submit(ONE, credit(trident_legs(packages=packages), "5.90"), TEN)
    assert orders.cancel(ONE, order.id, LATER).status == "Cancel Requested"
    broker.advance(LATER + SECOND)
    filled = broker.order(ONE, order.id)
    assert (filled.status, filled.cancel_username, net_of(filled)) == ("Filled", "main", Decimal("5.90"))
    assert filled.terminal_at is not None
    assert LATER < filled.terminal_at < LATER + SECOND
    second = broker.submit(ONE, FAR, LATER + 2 * SECOND)
    broker.advance(LATER + 10 * SECOND)
    orders.cancel(ONE, second.id, LATER + 10 * SECOND)
    broker.advance(LATER + 11 * SECOND)
    assert broker.order(ONE, second.id).status == "Cancelled", "one fault, one order"


@pytest.mark.parametrize("when", [TEN, CLOSE + timedelta(hours=3)])
def test_an_order_that_cannot_fill_uses_up_no_fault(when: datetime) -> None:
    """Neither at night nor before it is live."""
    broker = quiet()
    orders = clients(broker, Fault(FaultKind.ORDERS_FILL_AFTER_CANCEL))
    order = broker.submit(ONE, FAR, TEN)
    orders.cancel(ONE, order.id, when)
    broker.advance(when + 5 * SECOND)
    assert broker.order(ONE, order.id).status == "Cancelled"
    other = broker.submit(ONE, FAR, NEXT_OPEN)
    orders.cancel(ONE, other.id, NEXT_OPEN + 10 * SECOND)
    broker.advance(NEXT_OPEN + 11 * SECOND)
    assert broker.order(ONE, other.id).status == "Filled"


@pytest.mark.parametrize(("how", "status"), [(None, "Removed"), ("removed", "Removed"), ("expired", "Expired")])
def test_a_resting_order_is_dropped_at_the_next_open(how: str | None, status: str) -> None:
    broker = quiet()
    orders = clients(broker, Fault(FaultKind.ORDERS_GTC_DROPPED, match=FaultMatch(field=how)))
    day = orders.place(ONE, replace(FAR, time_in_force="Day"), TEN)  # it uses up no fault
    order = orders.place(ONE, FAR, TEN)
    kept = orders.place(ONE, replace(FAR, price=Decimal("5.95")), TEN)
    broker.advance(NEXT_OPEN - SECOND)
    assert [broker.order(ONE, each.id).status for each in (day, order, kept)] == ["Expired", "Live", "Live"]
    broker.advance(NEXT_OPEN)
    dropped = broker.order(ONE, order.id)
    assert (dropped.status, dropped.terminal_at) == (status, NEXT_OPEN)
    assert broker.order(ONE, kept.id).status == "Live"


def test_a_resting_order_may_be_gone_without_a_trace() -> None:
    broker = quiet()
    order = broker.submit(ONE, FAR, TEN, handling=Handling(dropped=Dropped.GONE))
    broker.advance(NEXT_OPEN - SECOND)
    assert broker.advance(NEXT_OPEN) == []
    with pytest.raises(OrderRefused, match="record_not_found"):
        broker.order(ONE, order.id)
    assert broker.live_orders(ONE, NEXT_OPEN) == broker.orders(ONE) == []


def test_an_order_that_has_ended_is_not_dropped_again() -> None:
    broker = quiet()
    order = broker.submit(ONE, FAR, TEN, handling=Handling(dropped=Dropped.REMOVED))
    broker.cancel(ONE, order.id, LATER)
    broker.advance(NEXT_OPEN + SECOND)
    assert broker.order(ONE, order.id).status == "Cancelled"


def test_an_unbalanced_fill_trades_one_short_and_ends() -> None:
    broker = exchange()
    broker.fill_plan = "immediate"
    orders = clients(broker, Fault(FaultKind.ORDERS_UNBALANCED_FILL))
    order = orders.place(ONE, at_mid(), TEN)
    broker.advance(LATER)
    ended = broker.order(ONE, order.id)
    assert (ended.status, [leg.remaining_quantity for leg in ended.legs]) == ("Cancelled", [1, 2, 1, 1])
    held = {p.symbol: (p.quantity, p.quantity_direction) for p in broker.positions(ONE, LATER)}
    assert held == {order.legs[0].symbol: (1, "Short")}
    assert broker.next_event_at() != LATER


def test_an_order_fills_at_once_by_an_act_also_in_part_and_at_a_price() -> None:
    broker = exchange(cash="100000")
    broker.fill_plan = "never"
    order = broker.submit(ONE, credit(trident_legs(packages=3), "5.80", "GTC"), TEN)
    with pytest.raises(OrderRefused, match="not live yet"):
        broker.back_office.fill(ONE, order.id, TEN)
    part = broker.back_office.fill(ONE, order.id, LATER, packages=1)
    assert (part.status, [leg.remaining_quantity for leg in part.legs]) == ("Live", [4, 4, 2, 2])
    with pytest.raises(OrderRefused, match="validation_error"):
        broker.back_office.fill(ONE, order.id, LATER, packages=3)
    broker.advance(LATER + timedelta(days=2))
    assert broker.order(ONE, order.id).remaining == 12, "the rest goes on resting"
    at = LATER + timedelta(days=2)
    broker.cancel(ONE, order.id, at)
    filled = broker.back_office.fill(ONE, order.id, at, Decimal("6.10"))
    assert (filled.status, net_of(filled)) == ("Filled", (Decimal("5.80") + 2 * Decimal("6.10")) / 3)
    broker.advance(at + 5 * SECOND)
    assert broker.order(ONE, order.id).status == "Filled"
    with pytest.raises(OrderRefused, match="does not work"):
        broker.back_office.fill(ONE, order.id, at + 6 * SECOND)
    fills = [fill.fill_id for leg in filled.legs for fill in leg.fills]
    assert len(fills) == len(set(fills)) == 8
