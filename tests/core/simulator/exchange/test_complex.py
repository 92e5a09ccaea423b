"""Complex orders: one order that ends the others by its fill, and one whose fill lets them work."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from core.runtime.clock import ShiftedClock
from core.simulator.exchange.armed_faults import ArmedFaults
from core.simulator.exchange.client_accounts import ClientAccounts
from core.simulator.exchange.complex_orders import ComplexRequest, ComplexType, SimComplexOrder
from core.simulator.exchange.exchange import Exchange
from core.simulator.exchange.habits import Habits
from core.simulator.exchange.orders import OrderChanges, OrderRefused, OrderRequest
from tests.core.simulator.exchange.placed_orders import (
    CLOSE,
    ONE,
    OPTIONS_CLOSE,
    TEN,
    TWO,
    at_mid,
    credit,
    exchange,
    leg,
    occ,
    trident_legs,
)

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
SHORT, LONG = occ("P", 622), occ("P", 619)
OCO, OTO, OTOCO = ComplexType.OCO, ComplexType.OTO, ComplexType.OTOCO


def close(price: str, *, strict: bool = True) -> OrderRequest:
    """Buys the put spread back, good till it is cancelled."""
    legs = (leg("Buy to Close", SHORT), leg("Sell to Close", LONG))
    return OrderRequest("GTC", "Limit", legs, Decimal(price), "Debit", strict=strict)


def entry(price: str = "0.05") -> OrderRequest:
    return credit((leg("Sell to Open", SHORT), leg("Buy to Open", LONG)), price)


def broker_with_spread() -> Exchange:
    broker = exchange()
    broker.habits = Habits(position_lag_s=(0.0, 0.0))
    broker.fill_plan = "never"
    broker.back_office.give(ONE, {SHORT: -1, LONG: 1}, TEN)
    return broker


def statuses(broker: Exchange, placed: SimComplexOrder) -> list[str]:
    """Of the trigger, if there is one, and the others."""
    now = broker.complex_orders.get(placed.account_number, placed.id)
    return [each.status for each in (*((now.trigger,) if now.trigger else ()), *now.orders)]


def test_of_two_that_cancel_each_other_one_fills() -> None:
    broker = broker_with_spread()
    placed = broker.complex_orders.place(ONE, ComplexRequest(OCO, (close("0.30"), close("2.90"))), TEN)
    assert [each.complex_order_tag for each in placed.orders] == ["OCO::oco-order"] * 2
    broker.advance(TEN + 5 * SECOND)
    assert statuses(broker, placed) == ["Live", "Live"]
    assert [warning for each in placed.orders for warning in each.warnings] == [], "one position is enough for both"
    shown = ClientAccounts(broker, ArmedFaults(), ShiftedClock(TEN))
    assert shown.restricted(ONE, TEN + 5 * SECOND) == {SHORT: 1, LONG: 1}
    broker.fill_plan = "normal"
    broker.advance(TEN + 60 * SECOND)
    cheap, dear = broker.complex_orders.get(ONE, placed.id).orders
    assert (cheap.status, dear.status) == ("Cancelled", "Filled")
    assert dear.terminal_at is not None
    assert cheap.terminal_at is not None
    assert dear.terminal_at < cheap.terminal_at < dear.terminal_at + SECOND, "the broker cancels it, a moment later"
    assert broker.complex_orders.get(ONE, placed.id).terminal_at == cheap.terminal_at
    assert broker.positions(ONE, TEN + 60 * SECOND) == []


@pytest.mark.parametrize("strict", [True, False])
def test_while_the_cancel_is_on_its_way_the_second_one_may_trade(strict: bool) -> None:
    """Strict orders then close nothing twice. Others open a position."""
    ends = set()
    for earlier in range(12):
        broker = broker_with_spread()
        for _ in range(earlier):  # orders of other ids have other delays
            broker.submit(TWO, entry(), TEN)
        both = (close("2.90", strict=strict), close("2.95", strict=strict))
        placed = broker.complex_orders.place(ONE, ComplexRequest(OCO, both), TEN)
        broker.fill_plan = "immediate"
        broker.advance(TEN + 60 * SECOND)
        ends.add(tuple(sorted(statuses(broker, placed))))
        assert bool(broker.opened_by_close) is (statuses(broker, placed) == ["Filled", "Filled"])
        assert bool(broker.positions(ONE, TEN + 60 * SECOND)) is bool(broker.opened_by_close)
    assert ("Cancelled", "Filled") in ends
    assert len(ends) == 2
    assert ends - {("Cancelled", "Filled")} == ({("Filled", "Rejected")} if strict else {("Filled", "Filled")})


def test_a_trigger_that_fills_lets_the_others_work() -> None:
    broker = exchange()
    broker.habits = Habits(position_lag_s=(0.0, 0.0))
    broker.fill_plan = "never"
    request = ComplexRequest(OTOCO, (close("0.30"), close("2.90")), entry())
    placed = broker.complex_orders.place(ONE, request, TEN)
    assert placed.trigger is not None
    assert placed.trigger.complex_order_tag == "OTOCO::trigger-order"
    broker.advance(TEN + 10 * SECOND)
    assert statuses(broker, placed) == ["Live", "Contingent", "Contingent"]
    broker.fill_plan = "immediate"
    filled_at = TEN + 10 * SECOND
    while statuses(broker, placed)[0] != "Filled":
        filled_at += timedelta(milliseconds=50)
        broker.advance(filled_at)
    assert statuses(broker, placed)[1:] == ["Received", "Received"]
    broker.fill_plan = "never"
    broker.advance(filled_at + 10 * SECOND)
    assert statuses(broker, placed) == ["Filled", "Live", "Live"]
    assert len(broker.positions(ONE, filled_at + 10 * SECOND)) == 2
    broker.fill_plan = "normal"
    broker.advance(filled_at + 60 * SECOND)
    assert statuses(broker, placed) == ["Filled", "Cancelled", "Filled"]
    assert broker.positions(ONE, filled_at + 60 * SECOND) == []
    assert broker.opened_by_close == []


def test_a_trigger_that_ends_unfilled_takes_the_others_with_it() -> None:
    for act in ("cancel", "expire"):
        broker = exchange()
        broker.fill_plan = "never"
        placed = broker.complex_orders.place(ONE, ComplexRequest(OTO, (close("0.30"),), entry()), TEN)
        assert placed.trigger is not None
        broker.advance(TEN + 10 * SECOND)
        if act == "cancel":
            broker.cancel(ONE, placed.trigger.id, TEN + 10 * SECOND)
        broker.advance(OPTIONS_CLOSE)
        assert statuses(broker, placed) == ["Cancelled" if act == "cancel" else "Expired", "Removed"]


def test_the_fill_of_one_that_was_triggered_leaves_the_rest_of_an_oto() -> None:
    broker = exchange()
    broker.habits = Habits(position_lag_s=(0.0, 0.0))
    broker.fill_plan = "immediate"
    request = ComplexRequest(OTO, (close("2.90"), credit(trident_legs(), "5.95", "GTC")), entry())
    placed = broker.complex_orders.place(ONE, request, TEN)
    broker.fill_plan = "normal"
    broker.advance(TEN + 60 * SECOND)
    assert statuses(broker, placed) == ["Filled", "Filled", "Live"]


def test_listings_by_id_live_and_all() -> None:
    broker = broker_with_spread()
    first = broker.complex_orders.place(ONE, ComplexRequest(OCO, (close("0.30"), close("0.31"))), TEN)
    second = broker.complex_orders.place(ONE, ComplexRequest(OTO, (close("0.30"),), entry("2.90")), TEN + SECOND)
    assert [each.id for each in broker.complex_orders.live(ONE, CLOSE)] == [second.id, first.id]
    assert broker.complex_orders.live(TWO, CLOSE) == []
    singles = {each.id: each for each in broker.live_orders(ONE, CLOSE)}
    assert [singles[each.id].complex_order_id for each in first.orders] == [first.id] * 2
    # On the next day the day order has expired, and what waited for it has gone with it.
    assert [each.id for each in broker.complex_orders.live(ONE, CLOSE + DAY)] == [first.id]
    assert [each.id for each in broker.complex_orders.all(ONE)] == [second.id, first.id]
    ended = broker.complex_orders.get(ONE, second.id)
    assert ended.terminal_at == OPTIONS_CLOSE
    for number, complex_id in ((TWO, first.id), (ONE, 7), ("5WT99999", first.id)):
        with pytest.raises(OrderRefused, match="record_not_found"):
            broker.complex_orders.get(number, complex_id)
    broker.back_office.wipe(ONE, CLOSE + DAY)
    assert broker.complex_orders.all(ONE) == []


def test_a_complex_order_is_cancelled_as_a_whole() -> None:
    broker = broker_with_spread()
    placed = broker.complex_orders.place(
        ONE, ComplexRequest(OTOCO, (close("0.30"), close("0.31")), entry("2.90")), TEN, by="rival"
    )
    broker.advance(TEN + 5 * SECOND)
    asked = broker.complex_orders.cancel(ONE, placed.id, TEN + 5 * SECOND)
    assert {each.status for each in asked.orders} == {"Cancel Requested"}
    broker.advance(TEN + 10 * SECOND)
    assert statuses(broker, placed) == ["Cancelled"] * 3
    assert {each.username for each in placed.orders} == {"rival"}
    with pytest.raises(OrderRefused, match="cannot_update_order"):
        broker.complex_orders.cancel(ONE, placed.id, TEN + 11 * SECOND)


def test_a_replaced_order_stays_beside_as_a_related_one() -> None:
    broker = broker_with_spread()
    placed = broker.complex_orders.place(ONE, ComplexRequest(OCO, (close("0.30"), close("0.31"))), TEN)
    broker.advance(TEN + 5 * SECOND)
    old = placed.orders[0]
    new = broker.replace(ONE, old.id, OrderChanges("GTC", "Limit", Decimal("2.90"), "Debit"), TEN + 5 * SECOND)
    broker.advance(TEN + 10 * SECOND)
    now = broker.complex_orders.get(ONE, placed.id)
    assert [each.id for each in now.related] == [old.id]
    assert {each.id for each in now.orders} == {placed.orders[1].id, new.id}
    broker.fill_plan = "normal"
    broker.advance(TEN + 60 * SECOND)
    assert broker.order(ONE, new.id).status == "Filled"
    assert broker.order(ONE, placed.orders[1].id).status == "Cancelled"


@pytest.mark.parametrize("fills_first", [True, False])
def test_a_trigger_may_be_replaced(fills_first: bool) -> None:
    broker = exchange()
    broker.habits = Habits(position_lag_s=(0.0, 0.0))
    broker.fill_plan = "never"
    placed = broker.complex_orders.place(ONE, ComplexRequest(OTO, (close("0.30"),), entry("0.05")), TEN)
    assert placed.trigger is not None
    broker.advance(TEN + 10 * SECOND)
    at = broker.next_event_at()
    assert at is not None
    asked_at = at - timedelta(milliseconds=20 if fills_first else 600)
    new = broker.replace(ONE, placed.trigger.id, OrderChanges("Day", "Limit", Decimal("0.06"), "Credit"), asked_at)
    broker.fill_plan = "immediate"
    broker.advance(at + 10 * SECOND)
    now = broker.complex_orders.get(ONE, placed.id)
    assert now.trigger is not None
    assert now.trigger.status == "Filled"
    assert now.trigger.id == (placed.trigger.id if fills_first else new.id)
    assert [each.id for each in now.related] == [new.id if fills_first else placed.trigger.id]
    assert [each.status for each in now.orders] == ["Filled"]


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (ComplexRequest(OCO, (close("0.30"),)), "validation_error"),
        (ComplexRequest(OCO, (close("0.30"), close("0.31")), entry()), "validation_error"),
        (ComplexRequest(OTO, (close("0.30"),)), "validation_error"),
        (ComplexRequest(OTOCO, (close("0.30"),), entry()), "validation_error"),
        (ComplexRequest(OCO, tuple(close("0.30") for _ in range(5))), "validation_error"),
        (ComplexRequest(OTO, (replace(close("1"), order_type="Market", price=None),), entry()), "validation_error"),
        (ComplexRequest(OTO, (close("0.30"),), replace(at_mid(), price_effect="Debit")), "cant_sell_for_debit"),
    ],
)
def test_a_malformed_or_forbidden_one_is_refused_whole(request_: ComplexRequest, code: str) -> None:
    broker = broker_with_spread()
    assert code in [error.code for error in broker.complex_orders.validate(ONE, request_, TEN)]
    with pytest.raises(OrderRefused):
        broker.complex_orders.place(ONE, request_, TEN)
    assert broker.orders(ONE) == []
