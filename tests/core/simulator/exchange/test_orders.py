"""The simulated exchange: an order from Received to its final status."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from core.simulator.exchange.orders import (
    Notice,
    OrderChanges,
    OrderRefused,
    OrderRequest,
    SimBalances,
    SimOrder,
    SimPosition,
)
from core.simulator.market.market import Market
from tests.core.simulator.exchange.placed_orders import (
    CLOSE,
    ONE,
    OPEN,
    OPTIONS_CLOSE,
    START,
    TEN,
    at_mid,
    credit,
    exchange,
    follow,
    leg,
    net_of,
    occ,
    package,
    trident_legs,
)

SECOND = timedelta(seconds=1)


def test_a_natural_limit_goes_through_every_status_and_fills() -> None:
    broker = exchange()
    legs = trident_legs()
    request = credit(legs, package(legs).natural - Decimal("0.05"), identifier="intent-1")
    order = broker.submit(ONE, request, TEN)
    assert (order.status, order.price, order.size, order.warnings) == ("Received", request.price, 1, ())
    statuses = follow(broker, order.id, TEN + timedelta(seconds=30))
    assert statuses == ["Received", "Routed", "In Flight", "Live", "Filled"]
    filled = broker.order(ONE, order.id)
    assert filled.external_identifier == "intent-1"
    assert filled.received_at == TEN
    assert filled.in_flight_at is not None
    assert filled.live_at is not None
    assert filled.terminal_at is not None
    assert TEN < filled.in_flight_at < filled.live_at < filled.terminal_at < TEN + timedelta(seconds=10)
    assert not filled.cancellable
    assert not filled.editable
    assert net_of(filled) >= order.price  # type: ignore[operator]


def test_fills_sum_to_one_net_never_below_the_limit_with_unique_ids() -> None:
    broker = exchange(cash="500000")
    ids: list[str] = []
    filled = 0
    for minute in range(0, 60, 3):
        at = TEN + timedelta(minutes=minute)
        order = broker.submit(ONE, at_mid(packages=1 + minute % 2, at=at), at)
        broker.advance(at + timedelta(minutes=2, seconds=50))
        done = broker.order(ONE, order.id)
        ids += [fill.fill_id for g in done.legs for fill in g.fills]
        if done.status == "Filled":
            filled += 1
            assert done.price is not None
            assert net_of(done) >= done.price
            assert all(sum(f.quantity for f in g.fills) == g.quantity for g in done.legs)
            assert all(f.fill_price > 0 for g in done.legs for f in g.fills)
    assert filled >= 12
    assert len(ids) == len(set(ids))


def test_entries_at_the_mid_take_seconds_to_a_few_minutes() -> None:
    waits = []
    for minute in range(0, 240, 12):
        broker = exchange()
        at = TEN + timedelta(minutes=minute)
        order = broker.submit(ONE, at_mid(at=at), at)
        broker.advance(at + timedelta(minutes=10))
        done = broker.order(ONE, order.id)
        if done.terminal_at is not None:
            waits.append((done.terminal_at - at).total_seconds())
    assert len(waits) >= 15
    assert 4 < sorted(waits)[len(waits) // 2] < 90


def test_how_often_the_exchange_is_advanced_changes_nothing() -> None:
    def outcome(step: timedelta) -> list[Notice]:
        broker = exchange()
        broker.submit(ONE, at_mid(), TEN)
        seen: list[Notice] = []
        now = TEN
        while now < TEN + timedelta(minutes=6):
            now += step
            seen += broker.advance(now)
        return seen

    assert outcome(timedelta(seconds=3)) == outcome(timedelta(minutes=6))


def test_a_limit_above_the_mid_rests_and_expires_when_options_close() -> None:
    broker = exchange()
    legs = trident_legs()
    order = broker.submit(ONE, credit(legs, package(legs).mid.quantize(Decimal("0.01")) + Decimal("2.00")), TEN)
    broker.advance(OPTIONS_CLOSE - SECOND)
    assert broker.order(ONE, order.id).status == "Live"
    broker.advance(OPTIONS_CLOSE)
    expired = broker.order(ONE, order.id)
    assert expired.status == "Expired"
    assert expired.terminal_at == OPTIONS_CLOSE
    assert not any(g.fills for g in expired.legs)


def test_day_orders_expire_at_a_quarter_past_one_on_a_half_day() -> None:
    broker = exchange()
    at = datetime(2026, 11, 27, 16, 0, tzinfo=UTC)
    order = broker.submit(ONE, credit(trident_legs(), "5.90"), at)
    broker.advance(datetime(2026, 11, 27, 18, 15, tzinfo=UTC))
    assert broker.order(ONE, order.id).terminal_at == datetime(2026, 11, 27, 18, 15, tzinfo=UTC)


def test_off_tick_is_received_routed_and_rejected_but_passes_the_dry_run() -> None:
    broker = exchange()
    legs = trident_legs(body=6850, width=15, root="SPXW")
    request = credit(legs, "20.03")
    dry = broker.dry_run(ONE, request, TEN)
    assert dry.errors == ()
    order = broker.submit(ONE, request, TEN)
    statuses = follow(broker, order.id, TEN + timedelta(seconds=3))
    assert statuses == ["Received", "Routed", "Rejected"]
    assert "tick" in (broker.order(ONE, order.id).reject_reason or "")


@pytest.mark.parametrize(("price", "good"), [("20.10", True), ("20.05", False), ("2.95", True), ("2.97", False)])
def test_the_tick_is_that_of_the_index_table(price: str, good: bool) -> None:
    broker = exchange()
    broker.fill_plan = "never"
    order = broker.submit(ONE, credit(trident_legs(body=6850, width=15, root="SPXW"), price), TEN)
    broker.advance(TEN + timedelta(seconds=5))
    assert broker.order(ONE, order.id).status == ("Live" if good else "Rejected")


def test_partial_fills_show_remaining_quantities_before_the_rest() -> None:
    broker = exchange()
    broker.fill_plan = "partial"
    order = broker.submit(ONE, at_mid(), TEN)
    notices = broker.advance(TEN + timedelta(seconds=30))
    states = [n.obj for n in notices if isinstance(n.obj, SimOrder)]
    partial = next(state for state in states if state.partially_filled)
    assert partial.status == "Live"
    assert [g.remaining_quantity for g in partial.legs] == [1, 1, 0, 0]
    done = broker.order(ONE, order.id)
    assert done.status == "Filled"
    assert [len(g.fills) for g in done.legs] == [2, 2, 1, 1]
    assert net_of(done) == done.price


def test_a_larger_order_fills_package_by_package() -> None:
    broker = exchange(cash="500000")
    broker.fill_plan = "partial"
    order = broker.submit(ONE, at_mid(packages=3), TEN)
    broker.advance(TEN + timedelta(seconds=5))
    partial = broker.order(ONE, order.id)
    assert [g.remaining_quantity for g in partial.legs] == [4, 4, 2, 2]
    broker.advance(TEN + timedelta(seconds=30))
    assert broker.order(ONE, order.id).status == "Filled"


def test_cancel_goes_through_cancel_requested() -> None:
    broker = exchange()
    broker.fill_plan = "never"
    order = broker.submit(ONE, at_mid(), TEN)
    broker.advance(TEN + 10 * SECOND)
    requested = broker.cancel(ONE, order.id, TEN + 10 * SECOND)
    assert (requested.status, requested.cancellable) == ("Cancel Requested", False)
    broker.advance(TEN + 12 * SECOND)
    cancelled = broker.order(ONE, order.id)
    assert cancelled.status == "Cancelled"
    assert cancelled.cancelled_at == cancelled.terminal_at
    with pytest.raises(OrderRefused) as refused:
        broker.cancel(ONE, order.id, TEN + 12 * SECOND)
    assert refused.value.code == "cannot_update_order"


def test_a_fill_may_beat_a_cancel() -> None:
    ended = {}
    for hundredths in (2, 5, 42, 48):
        broker = exchange()
        broker.fill_plan = "never"
        order = broker.submit(ONE, at_mid(), TEN)
        broker.advance(TEN + 10 * SECOND)
        match_at = broker.next_event_at()
        assert match_at is not None
        broker.fill_plan = "immediate"
        broker.cancel(ONE, order.id, match_at - timedelta(milliseconds=10 * hundredths))
        assert broker.order(ONE, order.id).status == "Cancel Requested"
        broker.advance(TEN + 20 * SECOND)
        ended[hundredths] = broker.order(ONE, order.id).status
    # A cancel takes 0.1 to 0.4 s to arrive; what trades before that has traded.
    assert ended == {2: "Filled", 5: "Filled", 42: "Cancelled", 48: "Cancelled"}


def test_a_cancel_between_partial_fills_keeps_what_was_filled() -> None:
    broker = exchange()
    broker.fill_plan = "partial"
    order = broker.submit(ONE, at_mid(), TEN)
    broker.advance(TEN + 5 * SECOND)
    broker.cancel(ONE, order.id, TEN + 5 * SECOND)
    broker.advance(TEN + 30 * SECOND)
    cancelled = broker.order(ONE, order.id)
    assert cancelled.status == "Cancelled"
    assert [g.remaining_quantity for g in cancelled.legs] == [1, 1, 0, 0]
    assert {p.symbol: p.quantity for p in broker.positions(ONE, TEN + 30 * SECOND)} == {g.symbol: 1 for g in order.legs}


def changes(price: Decimal) -> OrderChanges:
    return OrderChanges("Day", "Limit", price, "Credit")


def test_a_replacement_is_contingent_until_the_original_is_cancelled() -> None:
    broker = exchange()
    broker.fill_plan = "never"
    request = at_mid()
    order = broker.submit(ONE, request, TEN)
    broker.advance(TEN + 10 * SECOND)
    assert request.price is not None
    successor = broker.replace(ONE, order.id, changes(request.price - Decimal("0.02")), TEN + 10 * SECOND)
    assert successor.id != order.id
    assert (successor.status, successor.contingent_status) == ("Contingent", "Pending Order")
    assert successor.replaces_order_id == order.id
    original = broker.order(ONE, order.id)
    assert (original.status, original.replacing_order_id) == ("Replace Requested", successor.id)
    broker.advance(TEN + 15 * SECOND)
    assert broker.order(ONE, order.id).status == "Cancelled"
    current = broker.order(ONE, successor.id)
    assert (current.status, current.contingent_status) == ("Live", None)
    assert current.price == request.price - Decimal("0.02")


def test_a_fill_of_the_original_aborts_the_replacement() -> None:
    broker = exchange()
    broker.fill_plan = "never"
    request = at_mid()
    assert request.price is not None
    order = broker.submit(ONE, request, TEN)
    broker.advance(TEN + 10 * SECOND)
    at = broker.next_event_at()
    assert at is not None
    successor = broker.replace(ONE, order.id, changes(request.price - Decimal("0.02")), at - timedelta(milliseconds=20))
    broker.fill_plan = "immediate"
    broker.advance(at + 5 * SECOND)
    assert broker.order(ONE, order.id).status == "Filled"
    assert broker.order(ONE, successor.id).status == "Removed"
    assert len(broker.positions(ONE, at + 5 * SECOND)) == 4
    with pytest.raises(OrderRefused, match="cannot_update_order"):
        broker.replace(ONE, order.id, changes(Decimal("4.00")), at + 5 * SECOND)


def test_an_order_outside_the_session_waits_for_the_next_one() -> None:
    broker = exchange()
    evening = CLOSE + timedelta(hours=2)
    order = broker.submit(ONE, at_mid(), evening)
    assert [w.code for w in order.warnings] == ["tif_next_valid_sesssion"]
    next_open = OPEN + timedelta(days=1)
    broker.advance(next_open - SECOND)
    assert broker.order(ONE, order.id).status == "Received"
    broker.fill_plan = "never"
    broker.advance(next_open + 5 * SECOND)
    assert broker.order(ONE, order.id).status == "Live"
    broker.advance(OPTIONS_CLOSE + timedelta(days=1))
    assert broker.order(ONE, order.id).status == "Expired"


def test_routing_takes_wall_time_when_the_clock_runs_fast() -> None:
    broker = exchange()
    broker.speed = 60.0
    order = broker.submit(ONE, at_mid(), TEN)
    broker.advance(TEN + 4 * SECOND)
    assert broker.order(ONE, order.id).status in {"Received", "Routed"}
    broker.advance(TEN + timedelta(minutes=15))
    assert broker.order(ONE, order.id).status in {"Live", "Filled"}
    live_at = broker.order(ONE, order.id).live_at
    assert live_at is not None
    assert timedelta(seconds=9) <= live_at - TEN <= timedelta(seconds=39)


@pytest.mark.parametrize(
    ("plan", "status"), [("never", "Live"), ("immediate", "Filled"), ("reject", "Rejected"), ("delayed", "Live")]
)
def test_fill_plans(plan: str, status: str) -> None:
    broker = exchange()
    broker.set_fill_plan(ONE, plan)
    order = broker.submit(ONE, credit(trident_legs(), "5.00"), TEN)
    broker.advance(TEN + 15 * SECOND)
    assert broker.order(ONE, order.id).status == status
    broker.advance(TEN + 60 * SECOND)
    assert broker.order(ONE, order.id).status == ("Filled" if plan == "delayed" else status)


def test_an_unknown_fill_plan_is_refused() -> None:
    with pytest.raises(ValueError, match="sometimes"):
        exchange().fill_plan = "sometimes"


def test_nothing_fills_while_the_underlying_is_halted() -> None:
    halted = Market(7, START)
    broker = exchange(market=halted)
    at = TEN + timedelta(hours=1)
    halted.halt("QQQ", at, at + timedelta(minutes=5))
    broker.fill_plan = "immediate"
    order = broker.submit(ONE, at_mid(at=at), at)
    broker.advance(at + timedelta(minutes=5) - SECOND)
    assert broker.order(ONE, order.id).status == "Live"
    broker.advance(at + timedelta(minutes=5, seconds=5))
    assert broker.order(ONE, order.id).status == "Filled"


def test_a_market_order_sells_at_the_natural_price() -> None:
    broker = exchange()
    legs = (leg("Sell to Open", occ("P", 622)), leg("Buy to Open", occ("P", 619)))
    order = broker.submit(ONE, OrderRequest("Day", "Market", legs), TEN)
    broker.advance(TEN + 10 * SECOND)
    filled = broker.order(ONE, order.id)
    assert filled.status == "Filled"
    assert filled.terminal_at is not None
    assert net_of(filled) == package(legs, filled.terminal_at).natural


def test_a_fill_is_announced_as_order_and_balance_and_later_by_its_positions() -> None:
    broker = exchange()
    broker.fill_plan = "immediate"
    order = broker.submit(ONE, at_mid(), TEN)
    notices = broker.advance(TEN + timedelta(seconds=20))
    assert [n.at for n in notices] == sorted(n.at for n in notices)
    filled_at = broker.order(ONE, order.id).terminal_at
    assert filled_at is not None
    assert any(isinstance(n.obj, SimBalances) and n.at == filled_at for n in notices)
    positions = [n for n in notices if isinstance(n.obj, SimPosition)]
    assert {n.obj.symbol for n in positions if isinstance(n.obj, SimPosition)} == {g.symbol for g in order.legs}
    assert filled_at < positions[-1].at <= filled_at + 3 * SECOND
    assert {n.type for n in notices} == {"Order", "CurrentPosition", "AccountBalance"}
    assert broker.advance(TEN + timedelta(seconds=20)) == []


def test_live_orders_are_todays_in_any_status_and_history_goes_by_receipt() -> None:
    broker = exchange()
    broker.fill_plan = "never"
    first = broker.submit(ONE, at_mid(), TEN)
    second = broker.submit(ONE, at_mid(), TEN + 5 * SECOND)
    broker.cancel(ONE, first.id, TEN + 10 * SECOND)
    assert [o.id for o in broker.live_orders(ONE, CLOSE)] == [second.id, first.id]
    tomorrow = TEN + timedelta(days=1)
    third = broker.submit(ONE, at_mid(), tomorrow)
    assert [o.id for o in broker.live_orders(ONE, tomorrow)] == [third.id]
    assert [o.id for o in broker.orders(ONE, TEN, TEN + 5 * SECOND)] == [first.id]
    assert [o.id for o in broker.orders(ONE)] == [third.id, second.id, first.id]
