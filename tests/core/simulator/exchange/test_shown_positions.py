"""The positions as the broker shows them: later than fills, with opening prices, gains, shares and margin."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from core.simulator.exchange.habits import Habits
from core.simulator.exchange.handling import Handling
from core.simulator.exchange.lifecycle import FillPlan
from core.simulator.exchange.orders import OrderRequest, SimPosition
from tests.core.simulator.exchange.closing_prices import cash, closing_at, exchange_at, held
from tests.core.simulator.exchange.placed_orders import (
    CLOSE,
    ONE,
    TEN,
    TWO,
    at_mid,
    credit,
    exchange,
    leg,
    net_of,
    occ,
)

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
D = Decimal
P622, P619, C622, C625 = occ("P", 622), occ("P", 619), occ("C", 622), occ("C", 625)
PUTS = (P622, P619)


def spread(action: str, price: str, count: int = 1, effect: str = "Credit") -> OrderRequest:
    """The 622/619 put spread, opened for a credit or closed for a debit."""
    first, second = ("Sell to Open", "Buy to Open") if action == "open" else ("Buy to Close", "Sell to Close")
    order = credit((leg(first, P622, count), leg(second, P619, count)), price)
    return OrderRequest(order.time_in_force, order.order_type, order.legs, order.price, effect)


def test_positions_follow_each_fill_within_three_seconds_and_never_out_of_order() -> None:
    broker = exchange("500000")
    broker.fill_plan = "partial"
    for number in range(24):
        broker.submit(ONE, at_mid(3), TEN + number * SECOND)
    notices = broker.advance(TEN + 2 * MINUTE)
    rows = broker.transactions(ONE, TEN + 2 * MINUTE)
    lags = [row.created_at - row.executed_at for row in rows]
    assert all(timedelta(0) <= lag <= 3 * SECOND for lag in lags)
    assert max(lags) > 2 * SECOND
    assert min(lags) < SECOND
    posted = [row.created_at for row in rows]
    assert posted == sorted(posted)
    assert {n.at for n in notices if isinstance(n.obj, SimPosition)} == set(posted)


@pytest.mark.parametrize("lag", [(0.0, 0.0), (2.0, 2.0), (600.0, 600.0)])
def test_cash_and_margin_change_with_the_fill_and_positions_when_shown(lag: tuple[float, float]) -> None:
    broker = exchange()
    broker.habits = Habits(position_lag_s=lag)
    broker.fill_plan = "immediate"
    order = broker.submit(ONE, at_mid(), TEN)
    broker.advance(TEN + MINUTE)
    filled_at = max(f.filled_at for g in broker.order(ONE, order.id).legs for f in g.fills)
    assert broker.balances(ONE, filled_at).maintenance_requirement == 600
    assert cash(broker, filled_at) > 25_000
    shown_at = filled_at + timedelta(seconds=lag[0])
    if lag[0]:
        # It was filled in at most two parts, and all that was shown before the last one is not all of it.
        late = exchange()
        late.habits = Habits(position_lag_s=lag)
        late.fill_plan = "immediate"
        late.submit(ONE, at_mid(), TEN)
        late.advance(shown_at - timedelta(microseconds=1))
        shown = late.positions(ONE, shown_at - timedelta(microseconds=1))
        assert sum(position.quantity for position in shown) < 6
    assert sum(position.quantity for position in broker.positions(ONE, max(shown_at, TEN + MINUTE))) == 6


def test_the_average_opening_price_is_that_of_all_that_was_opened() -> None:
    broker = exchange()
    broker.habits = Habits(position_lag_s=(0, 0))
    first = broker.submit(ONE, spread("open", "1.30"), TEN, handling=Handling(plan=FillPlan.IMMEDIATE))
    second = broker.submit(ONE, spread("open", "1.40", 3), TEN + MINUTE, handling=Handling(plan=FillPlan.IMMEDIATE))
    at = TEN + 2 * MINUTE
    positions = {p.symbol: p for p in broker.positions(ONE, at)}
    for index, symbol in enumerate(PUTS):
        fills = [f for o in (first, second) for f in broker.order(ONE, o.id).legs[index].fills]
        paid = sum((f.quantity * f.fill_price for f in fills), D(0))
        assert sum(f.quantity for f in fills) == positions[symbol].quantity == 4
        assert positions[symbol].average_open_price == (paid / 4).quantize(D("0.0001"))


def test_gains_of_the_day_count_from_the_previous_close_and_realized_ones_from_the_opening() -> None:
    broker = exchange()
    broker.habits = Habits(position_lag_s=(0, 0), desk=False)
    at_once = Handling(plan=FillPlan.IMMEDIATE)
    opening = broker.submit(ONE, spread("open", "1.30", 2), TEN, handling=at_once)
    tomorrow = exchange_at(date(2026, 11, 24), 10)
    before = {p.symbol: p for p in broker.positions(ONE, tomorrow)}
    assert {p.realized_today for p in before.values()} == {D(0)}
    closing = broker.submit(ONE, spread("close", "1.90", effect="Debit"), tomorrow, handling=at_once)
    at = tomorrow + MINUTE
    positions = {p.symbol: p for p in broker.positions(ONE, at)}
    opened = {g.symbol: g.fills[0].fill_price for g in broker.order(ONE, opening.id).legs}
    closed = {g.symbol: g.fills[0].fill_price for g in broker.order(ONE, closing.id).legs}
    for symbol, sign in ((P622, -1), (P619, 1)):
        found = positions[symbol]
        assert found.quantity == 1
        assert found.realized_today == sign * 100 * (closed[symbol] - opened[symbol])
        assert found.realized_day_gain == sign * 100 * (closed[symbol] - before[symbol].close_price)
        assert found.realized_on == tomorrow.date()
        assert found.average_open_price == opened[symbol]
    whole = sum((p.realized_today for p in positions.values()), D(0))
    assert whole == 100 * (net_of(broker.order(ONE, opening.id)) + net_of(broker.order(ONE, closing.id)))
    # What was realized counts on its exchange date alone, also in the night.
    evening, morning = exchange_at(date(2026, 11, 24), 23), exchange_at(date(2026, 11, 25), 1)
    assert sum((p.realized_today for p in broker.positions(ONE, evening)), D(0)) == whole
    assert {p.realized_today for p in broker.positions(ONE, morning)} == {D(0)}


def test_an_opening_price_of_last_year_gives_way_to_the_years_last_close() -> None:
    broker = exchange()
    broker.habits = Habits(desk=False)
    long = occ("P", 500, expiry="270115")
    broker.back_office.give(ONE, {long: 1}, TEN)
    (old,) = broker.positions(ONE, exchange_at(date(2026, 12, 31), 12))
    assert old.average_yearly_close == old.average_open_price
    last_close = exchange_at(date(2026, 12, 31), 16)
    mark = broker.positions(ONE, last_close)[0].mark_price
    (new,) = broker.positions(ONE, exchange_at(date(2027, 1, 5), 12))
    assert new.average_yearly_close == mark != new.average_open_price


def test_what_expired_is_marked_at_its_settlement_until_it_is_gone() -> None:
    day = date(2027, 1, 8)
    broker = closing_at(day, "610.00")
    broker.back_office.give(ONE, {P622: -1, occ("C", 622): 1}, exchange_at(day, 10))
    marks = {p.symbol: p.mark_price for p in broker.positions(ONE, exchange_at(day, 16, 15))}
    assert marks == {P622: D(12), occ("C", 622): D(0)}


def test_shares_take_a_quarter_of_their_value_and_half_of_it_in_buying_power() -> None:
    broker = exchange("100000")
    before = broker.balances(ONE, CLOSE)
    broker.back_office.give(ONE, {"QQQ": 100}, CLOSE)
    after = broker.balances(ONE, CLOSE)
    value = after.long_equity_value
    (position,) = broker.positions(ONE, CLOSE)
    assert value == 100 * position.mark_price > 60_000
    assert after.net_liquidating_value == before.net_liquidating_value + value
    assert after.maintenance_requirement == value / 4
    assert after.derivative_buying_power == before.derivative_buying_power + value / 2
    broker.back_office.give(TWO, {"QQQ": -100}, CLOSE)
    short = broker.balances(TWO, CLOSE)
    assert short.short_equity_value == value
    assert short.maintenance_requirement == value / 4
    assert short.derivative_buying_power == 100_000 - value - value / 2


def test_uncovered_calls_after_an_assignment_have_a_margin_and_shares_cover_them() -> None:
    broker = exchange("100000")
    broker.back_office.give(ONE, {C622: -1}, TEN)
    naked = broker.balances(ONE, TEN)
    (call,) = broker.positions(ONE, TEN)
    spot = 100 * broker.back_office.ledgers[ONE].price("QQQ", TEN)
    away = max(D(0), 100 * D(622) - spot)
    assert naked.maintenance_requirement == max(spot / 5 - away, spot / 10) + 100 * call.mark_price
    broker.back_office.give(ONE, {"QQQ": 100}, TEN)
    assert broker.balances(ONE, TEN).maintenance_requirement == spot / 4
    broker.back_office.give(TWO, {C622: -1, C625: 1}, TEN)
    assert broker.balances(TWO, TEN).maintenance_requirement == 300


def test_a_margin_call_comes_in_the_morning_and_goes_unless_a_hand_decides() -> None:
    day, morning = TEN.date(), exchange_at(date(2026, 11, 24), 6)
    broker = exchange("10000")
    broker.habits = Habits(desk=False)
    for number in (ONE, TWO):
        broker.back_office.give(number, {P622: -2, P619: 2}, TEN)
    broker.restrict(TWO, is_in_margin_call=False)
    for number in (ONE, TWO):
        broker.back_office.assign(number, P622, 2, exchange_at(day, 18), at_once=False)
    broker.advance(morning - SECOND)
    assert not broker.trading_status(ONE).is_in_margin_call
    broker.advance(morning)
    assert cash(broker, morning) < 0
    assert broker.trading_status(ONE).is_in_margin_call
    assert not broker.trading_status(TWO).is_in_margin_call
    broker.back_office.give(ONE, {"QQQ": -200}, morning)
    broker.back_office.ledgers[ONE].cash += 124_400  # as if they had been sold
    broker.advance(morning + timedelta(days=1))
    assert not broker.trading_status(ONE).is_in_margin_call


def test_a_dividend_is_paid_on_shares_held_over_the_ex_date_and_by_who_is_short() -> None:
    friday, ex, pay = date(2026, 12, 18), date(2026, 12, 21), date(2026, 12, 31)
    broker = exchange("1000000")
    broker.habits = Habits(desk=False)
    broker.back_office.give(ONE, {"QQQ": 200}, exchange_at(friday, 15))
    broker.back_office.give(TWO, {"QQQ": -100}, exchange_at(friday, 15))
    broker.advance(exchange_at(ex, 10))
    broker.back_office.give(ONE, {"QQQ": -200}, exchange_at(ex, 10))  # sold on the ex-date: the dividend stays
    assert broker.transactions(ONE, exchange_at(pay, 6) - SECOND) == []
    paid_at = exchange_at(pay, 6)
    for number, value in ((ONE, D("158.82")), (TWO, D("-79.41"))):
        (row,) = broker.transactions(number, paid_at)
        assert (row.kind, row.sub_kind, row.symbol, row.net_value) == ("Money Movement", "Dividend", "QQQ", value)
        assert cash(broker, paid_at, number) == 1_000_000 + value
    assert held(broker, paid_at) == {}
