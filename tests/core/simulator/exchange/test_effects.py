"""The position effect of closing orders: strict or not, under every habit, with and without a lag of positions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import product

import pytest

from core.simulator.exchange.exchange import Exchange
from core.simulator.exchange.habits import Habits, OpeningBesideClose, WithoutPosition, WorkingCloses
from core.simulator.exchange.handling import AS_ASKED, Handling
from core.simulator.exchange.lifecycle import FillPlan
from core.simulator.exchange.orders import OrderChanges, OrderLeg, OrderRefused, OrderRequest, SimOrder
from tests.core.simulator.exchange.placed_orders import CLOSE, ONE, TEN, exchange, follow, leg, occ

SECOND = timedelta(seconds=1)
SHORT, LONG = occ("P", 622), occ("P", 619)
LAGS = ((0.0, 0.0), (60.0, 60.0))
HABITS = [
    Habits(position_lag_s=lag, strict_without_position=without, relabel=relabel, working_closes=closes)
    for lag, without, relabel, closes in product(LAGS, WithoutPosition, (True, False), WorkingCloses)
]
LATER = TEN + 20 * SECOND
"""When what was filled at TEN is true, and with the longer lag not shown yet."""


def broker_with(habits: Habits) -> Exchange:
    broker = exchange(cash="300000")
    broker.habits = habits
    broker.fill_plan = "immediate"
    return broker


def closing(quantity: int = 1, *, strict: bool, price: str = "30.00", tif: str = "Day") -> OrderRequest:
    """An order that buys the short put back at any price."""
    legs = (leg("Buy to Close", SHORT, quantity),)
    return OrderRequest(tif, "Limit", legs, Decimal(price), "Debit", strict=strict)


def opening(quantity: int = 1) -> OrderRequest:
    return OrderRequest("Day", "Limit", (leg("Sell to Open", SHORT, quantity),), Decimal("0.01"), "Credit")


def end_of(
    broker: Exchange, request: OrderRequest, at: datetime = LATER, handling: Handling = AS_ASKED
) -> tuple[str, str, int]:
    """How an order ends: the code of its refusal or its status, its action, and how many positions it opened."""
    try:
        order = broker.submit(ONE, request, at, handling=handling)
    except OrderRefused as refused:
        return refused.errors[0].code, "", len(broker.opened_by_close)
    broker.advance(at + 10 * SECOND)
    ended = broker.order(ONE, order.id)
    assert (ended.reject_reason is None) == (ended.status == "Filled")
    return ended.status, ended.legs[0].action, len(broker.opened_by_close)


def without_position(habits: Habits, strict: bool) -> tuple[str, str, int]:
    """What an order does, by the habits, whose position is not there when it arrives."""
    if strict:
        discards = habits.strict_without_position is WithoutPosition.DISCARD
        return ("Rejected", "Buy to Close", 0) if discards else ("closing_with_no_position", "", 0)
    return ("Filled", "Buy to Open", 1) if habits.relabel else ("validation_error", "", 0)


CLOSED = ("Filled", "Buy to Close", 0)


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("habits", HABITS)
def test_a_close_without_a_position(habits: Habits, strict: bool) -> None:
    broker = broker_with(habits)
    assert end_of(broker, closing(strict=strict)) == without_position(habits, strict)
    broker.back_office.give(ONE, {SHORT: 1}, LATER + 100 * SECOND)  # long: buying closes nothing of it
    expected, before = without_position(habits, strict), len(broker.opened_by_close)
    ended = end_of(broker, closing(strict=strict), LATER + 100 * SECOND)
    assert ended == (*expected[:2], before + expected[2])


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("habits", HABITS)
def test_a_close_of_what_is_shown(habits: Habits, strict: bool) -> None:
    broker = broker_with(habits)
    broker.back_office.give(ONE, {SHORT: -2}, TEN)
    assert end_of(broker, closing(2, strict=strict)) == CLOSED
    broker.back_office.give(ONE, {SHORT: -1}, LATER + 100 * SECOND)
    # More than there is: the leg as a whole has no position to close.
    assert end_of(broker, closing(2, strict=strict), LATER + 100 * SECOND) == without_position(habits, strict)


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("habits", HABITS)
def test_a_close_of_what_was_just_bought_is_judged_by_what_is_shown(habits: Habits, strict: bool) -> None:
    broker = broker_with(habits)
    broker.submit(ONE, opening(), TEN)
    status, action, opened = end_of(broker, closing(strict=strict))
    if habits.position_lag_s == (0.0, 0.0):
        assert (status, action, opened) == CLOSED
    else:  # a relabelled leg still meets the true position: the order is called an opening and opens nothing
        assert (status, action) == without_position(habits, strict)[:2]
        assert opened == 0


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("habits", HABITS)
def test_a_close_of_what_is_gone_is_judged_again_when_it_fills(habits: Habits, strict: bool) -> None:
    broker = broker_with(habits)
    broker.back_office.give(ONE, {SHORT: -1}, TEN)
    assert end_of(broker, closing(strict=False), TEN) == CLOSED
    ended = end_of(broker, closing(strict=strict), TEN + 11 * SECOND)
    if habits.position_lag_s == (0.0, 0.0):
        assert ended == without_position(habits, strict)
    elif strict or not habits.relabel:
        assert ended == ("Rejected", "Buy to Close", 0)
    else:
        assert ended == ("Filled", "Buy to Open", 1)


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("habits", HABITS)
def test_a_close_beside_others_that_work(habits: Habits, strict: bool) -> None:
    broker = broker_with(habits)
    broker.back_office.give(ONE, {SHORT: -2}, TEN)
    broker.set_fill_plan(ONE, "never")
    for price in ("0.05", "0.06"):  # one each of two: both have a position to close
        assert broker.submit(ONE, closing(strict=strict, price=price, tif="GTC"), TEN).warnings == ()
    broker.advance(TEN + 5 * SECOND)
    reserved = habits.working_closes is WorkingCloses.RESERVE
    ended = end_of(broker, closing(2, strict=strict), TEN + 5 * SECOND, Handling(plan=FillPlan.IMMEDIATE))
    if reserved:  # the position is there: a relabelled order meets it, and opens nothing
        assert ended == (*without_position(habits, strict)[:2], 0)
    else:
        assert ended == CLOSED
    gone = ended[0] == "Filled"
    broker.set_fill_plan(ONE, "immediate")
    broker.advance(TEN + 30 * SECOND)
    statuses = [broker.order(ONE, order.id).status for order in broker.orders(ONE)[-2:]]
    assert statuses == ["Rejected" if gone and (strict or not habits.relabel) else "Filled"] * 2
    assert len(broker.opened_by_close) == (2 if gone and not strict and habits.relabel else 0)


@pytest.mark.parametrize("strict", [True, False])
def test_a_rejected_close_is_received_and_routed_first(strict: bool) -> None:
    broker = broker_with(Habits(relabel=False))
    broker.back_office.give(ONE, {LONG: 1}, TEN)
    request = closing(strict=strict)
    if not strict:
        with pytest.raises(OrderRefused, match="validation_error"):
            broker.submit(ONE, request, TEN)
        return
    order = broker.submit(ONE, request, TEN)
    assert follow(broker, order.id, TEN + 5 * SECOND) == ["Received", "Routed", "Rejected"]
    assert broker.order(ONE, order.id).reject_reason == "Order would not close a position"


@pytest.mark.parametrize("warns", [True, False])
@pytest.mark.parametrize("strict", [True, False])
def test_a_dry_run_warns_of_a_close_without_a_position(strict: bool, warns: bool) -> None:
    broker = broker_with(Habits(warns_no_position=warns))
    run = broker.dry_run(ONE, closing(strict=strict), TEN)
    assert run.errors == ()
    assert [warning.code for warning in run.warnings] == ["closing_with_no_position"] * warns
    assert run.order is not None
    assert run.order.legs[0].action == ("Buy to Close" if strict else "Buy to Open")
    broker.back_office.give(ONE, {SHORT: -1}, TEN)
    assert broker.dry_run(ONE, closing(strict=strict), TEN).warnings == ()


def test_the_rest_of_a_partly_filled_close_whose_position_goes_is_removed() -> None:
    broker = broker_with(Habits(position_lag_s=(0.0, 0.0)))
    broker.back_office.give(ONE, {SHORT: -2}, TEN)
    broker.fill_plan = "partial"
    order = broker.submit(ONE, closing(2, strict=True), TEN)
    broker.advance(TEN + 5 * SECOND)
    assert broker.order(ONE, order.id).remaining == 1
    broker.back_office.give(ONE, {SHORT: 1}, TEN + 5 * SECOND)
    broker.advance(TEN + 30 * SECOND)
    ended = broker.order(ONE, order.id)
    assert (ended.status, ended.remaining, ended.reject_reason) == (
        "Partially Removed",
        1,
        "Order would not close a position",
    )


def test_only_the_leg_without_a_position_is_relabelled() -> None:
    broker = broker_with(Habits(position_lag_s=(0.0, 0.0)))
    broker.back_office.give(ONE, {LONG: 1}, TEN)
    legs = (leg("Buy to Close", SHORT), leg("Sell to Close", LONG))
    order = broker.submit(ONE, OrderRequest("Day", "Limit", legs, Decimal("2.90"), "Debit"), TEN)
    assert [each.action for each in order.legs] == ["Buy to Open", "Sell to Close"]
    broker.advance(TEN + 10 * SECOND)
    assert broker.opened_by_close == [(order.id, SHORT)]
    rows = broker.transactions(ONE, TEN + 10 * SECOND)
    assert {row.action for row in rows} == {"Buy to Open", "Sell to Close"}


def test_a_relabelled_close_is_an_opening_to_an_account_that_may_only_close() -> None:
    broker = broker_with(Habits())
    broker.restrict(ONE, is_closing_only=True)
    assert [error.code for error in broker.validate(ONE, closing(strict=False), TEN)] == ["not_permitted"]


def test_a_replacement_may_close_what_the_replaced_order_closes() -> None:
    broker = broker_with(Habits())
    broker.fill_plan = "never"
    broker.back_office.give(ONE, {SHORT: -1}, TEN)
    order = broker.submit(ONE, closing(strict=True, price="0.05", tif="GTC"), TEN)
    broker.advance(TEN + 5 * SECOND)
    new = broker.replace(ONE, order.id, OrderChanges("GTC", "Limit", Decimal("0.07"), "Debit"), TEN + 5 * SECOND)
    broker.advance(TEN + 10 * SECOND)
    assert [broker.order(ONE, each).status for each in (order.id, new.id)] == ["Cancelled", "Live"]
    assert new.warnings == ()
    broker.back_office.give(ONE, {SHORT: 1}, TEN + 10 * SECOND)  # the flag goes over too
    broker.fill_plan = "immediate"
    broker.advance(TEN + 20 * SECOND)
    assert broker.order(ONE, new.id).status == "Rejected"


@pytest.mark.parametrize("habit", OpeningBesideClose)
@pytest.mark.parametrize("closes_first", [True, False])
def test_an_opening_and_a_close_on_two_sides_of_one_contract(closes_first: bool, habit: OpeningBesideClose) -> None:
    broker = broker_with(Habits(opening_beside_close=habit))
    broker.fill_plan = "never"
    broker.back_office.give(ONE, {SHORT: -1}, TEN)
    close, open_ = closing(strict=True, price="0.05", tif="GTC"), replace(opening(), price=Decimal("50.00"))
    first, second = (close, open_) if closes_first else (open_, close)
    broker.submit(ONE, first, TEN)
    refused = habit is (OpeningBesideClose.REFUSE_OPENING if closes_first else OpeningBesideClose.REFUSE_CLOSING)
    assert [error.code for error in broker.validate(ONE, second, TEN)] == ["opposing_order"] * refused
    assert broker.validate(ONE, first, TEN) == [] or not closes_first
    elsewhere = replace(opening(), legs=(leg("Sell to Open", LONG),), price=Decimal("50.00"))
    assert broker.validate(ONE, elsewhere, TEN) == []


def shares(action: str, quantity: int, price: str | None = None, *, strict: bool = False) -> OrderRequest:
    legs = (OrderLeg("Equity", "QQQ", action, Decimal(quantity)),)
    effect = None if price is None else "Credit" if action.startswith("Sell") else "Debit"
    order_type = "Market" if price is None else "Limit"
    return OrderRequest("Day", order_type, legs, Decimal(price) if price else None, effect, strict=strict)


def held(broker: Exchange, at: datetime) -> dict[str, int]:
    return {p.symbol: p.quantity if p.quantity_direction == "Long" else -p.quantity for p in broker.positions(ONE, at)}


def test_shares_are_bought_and_sold_like_contracts() -> None:
    broker = broker_with(Habits(position_lag_s=(0.0, 0.0)))
    bought = broker.submit(ONE, shares("Buy to Open", 100), TEN)
    broker.advance(TEN + 20 * SECOND)
    assert held(broker, TEN + 20 * SECOND) == {"QQQ": 100}
    price = broker.order(ONE, bought.id).legs[0].fills[0].fill_price
    assert 500 < price < 750
    assert [error.code for error in broker.validate(ONE, shares("Sell to Close", 200, strict=True), LATER)] == []
    sold = broker.submit(ONE, shares("Sell to Close", 100, "1.00", strict=True), LATER)
    broker.advance(LATER + 20 * SECOND)
    assert broker.order(ONE, sold.id).status == "Filled"
    assert held(broker, LATER + 20 * SECOND) == {}
    rows = broker.transactions(ONE, LATER + 20 * SECOND)
    assert {(row.instrument_type, row.action) for row in rows} == {
        ("Equity", "Buy to Open"),
        ("Equity", "Sell to Close"),
    }
    assert sum(row.quantity or 0 for row in rows) == 200
    cash = broker.balances(ONE, LATER + 20 * SECOND).cash_balance
    assert cash == 300_000 + sum(row.net_value for row in rows)


def test_shares_are_traded_alone_and_until_four() -> None:
    broker = broker_with(Habits())
    mixed = replace(
        shares("Buy to Open", 100, "700"), legs=(*shares("Buy to Open", 100).legs, leg("Buy to Open", LONG))
    )
    assert {error.code for error in broker.validate(ONE, mixed, TEN)} == {"validation_error"}
    for bad in (replace(shares("Buy to Open", 1), legs=(OrderLeg("Equity", "SPX", "Buy to Open", Decimal(1)),)),):
        assert {error.code for error in broker.validate(ONE, bad, TEN)} == {"validation_error"}
    wrong = replace(shares("Buy to Open", 1, "700"), price_effect="Credit")
    assert [error.code for error in broker.validate(ONE, wrong, TEN)] == ["cant_buy_for_credit"]
    late = broker.submit(ONE, shares("Buy to Open", 10), CLOSE + 60 * SECOND)
    assert [warning.code for warning in late.warnings] == ["tif_next_valid_sesssion"]
    broker.advance(datetime(2026, 11, 24, 14, 30, 30, tzinfo=UTC))
    assert broker.order(ONE, late.id).status == "Filled"


def test_an_order_of_shares_rests_over_nights_without_an_end() -> None:
    broker = broker_with(Habits())
    broker.fill_plan = "normal"
    order = broker.submit(ONE, replace(shares("Buy to Open", 10, "300.00"), time_in_force="GTC"), TEN)
    broker.advance(TEN + timedelta(days=2))
    resting: SimOrder = broker.order(ONE, order.id)
    assert resting.status == "Live"
    broker.fill_plan = "immediate"
    broker.advance(TEN + timedelta(days=2, minutes=1))
    assert broker.order(ONE, order.id).status == "Filled"
