"""Expiration, exercise and assignment: what becomes of contracts, of the cash and of the shares, and when it shows."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from core.simulator.exchange.assignment import (
    BEFORE_DIVIDEND,
    EARLIER,
    IN_THE_MONEY,
    LAST_DAYS,
    WITHOUT_EXTRINSIC,
    assignment_chance,
)
from core.simulator.exchange.habits import AssignmentFee, Habits
from core.simulator.exchange.orders import OrderLeg, OrderRefused, SimBalances, SimPosition
from core.simulator.market.market import Market
from tests.core.simulator.exchange.closing_prices import (
    cash,
    closing_at,
    deliveries,
    exchange_at,
    held,
    told,
)
from tests.core.simulator.exchange.placed_orders import (
    ONE,
    START,
    TEN,
    credit,
    exchange,
    leg,
    net_of,
    occ,
    trident_legs,
)

MINUTE = timedelta(minutes=1)
EXPIRY = date(2027, 1, 8)
MORNING = exchange_at(EXPIRY + timedelta(days=1), 6)
EVENING = exchange_at(EXPIRY, 22)
LAST_TEN = exchange_at(EXPIRY, 10)
"""On the last day: what was given earlier in the money might be assigned early."""
P622, P619, C622, C625 = occ("P", 622), occ("P", 619), occ("C", 622), occ("C", 625)
DAY = date(2026, 11, 24)
HALF_DAY = date(2026, 11, 27)
D = Decimal


def short_put(strike: int, count: int, day: date, root: str = "QQQ") -> dict[str, int]:
    return {occ("P", strike, root, f"{day:%y%m%d}"): -count}


def test_a_trident_of_spxw_held_to_cash_comes_to_the_cent() -> None:
    broker = closing_at(EXPIRY, "6846")
    broker.fill_plan = "immediate"
    legs = trident_legs(6850, 5, root="SPXW")
    order = broker.submit(ONE, credit(legs, "6.80"), TEN)
    broker.advance(TEN + MINUTE)
    assert net_of(broker.order(ONE, order.id)) == D("6.80")
    before = cash(broker, EVENING - MINUTE)
    assert before == D("100000") + 680 - D("10.63")
    assert len(held(broker, EVENING - MINUTE)) == 4
    assert held(broker, EVENING) == {}
    assert cash(broker, EVENING) == D("100000") - D("135.63")
    body, wing, call, long_call = (leg.symbol for leg in legs)
    rows = deliveries(broker, EVENING)
    assert sorted(told(rows)) == sorted(
        [
            ("Cash Settled Assignment", body, D(2), D(-805)),
            ("Assignment", body, D(2), D(0)),
            ("Expiration", wing, D(2), D(0)),
            ("Expiration", call, D(1), D(0)),
            ("Expiration", long_call, D(1), D(0)),
        ]
    )
    (settled,) = [row for row in rows if row.sub_kind == "Cash Settled Assignment"]
    assert (settled.price, settled.value, settled.fees.clearing_fees) == (D(6850), D(-800), D("5.00"))
    removed = next(row for row in rows if row.sub_kind == "Assignment")
    assert removed.id == settled.id + 1
    assert {(row.executed_at, row.day, row.order_id) for row in rows} == {(EVENING, EXPIRY, None)}
    assert sum((row.net_value for row in broker.transactions(ONE, EVENING)), D(0)) == D("-135.63")


def test_a_short_put_assigned_early_leaves_shares_and_the_rest_of_its_trident() -> None:
    day = TEN.date()
    broker = exchange()
    broker.habits = Habits(desk=False, position_lag_s=(0, 0))
    broker.fill_plan = "immediate"
    broker.submit(ONE, credit(trident_legs(), "4.06"), TEN)
    broker.advance(TEN + MINUTE)
    opened = cash(broker, TEN + MINUTE)
    assert opened == D(25000) + 406 - D("6.73")
    evening = exchange_at(day, 20)
    before = held(broker, evening)
    assert before == {P622: -2, P619: 2, C622: -1, C625: 1}
    broker.back_office.assign(ONE, P622, 1, evening, at_once=False)
    morning = exchange_at(day + timedelta(days=1), 6)
    assert held(broker, morning - MINUTE) == before
    broker.advance(morning - MINUTE)
    told_then = broker.advance(morning)
    assert held(broker, morning) == {P622: -1, P619: 2, C622: -1, C625: 1, "QQQ": 100}
    assert cash(broker, morning) == opened - 62_200 - 5
    assert told(deliveries(broker, morning)) == [
        ("Assignment", P622, D(1), D(0)),
        ("Buy to Open", "QQQ", D(100), D(-62_205)),
    ]
    removal, shares = deliveries(broker, morning)
    assert (removal.instrument_type, shares.instrument_type, shares.action) == (
        "Equity Option",
        "Equity",
        "Buy to Open",
    )
    assert (shares.price, shares.value, shares.fees.clearing_fees) == (D(622), D(-62_200), D(5))
    assert shares.description == "Buy to Open 100 QQQ @ 622.00"
    positions = [n.obj for n in told_then if isinstance(n.obj, SimPosition)]
    assert {p.symbol for p in positions} == {P622, "QQQ"}
    assert any(isinstance(n.obj, SimBalances) for n in told_then)
    (held_shares,) = [p for p in broker.positions(ONE, morning) if p.symbol == "QQQ"]
    assert (held_shares.instrument_type, held_shares.multiplier, held_shares.expires_at) == ("Equity", 1, None)
    assert held_shares.average_open_price == 622


@pytest.mark.parametrize(("close", "assigned"), [("621.99", True), ("622.00", False), ("622.01", False)])
def test_options_of_an_etf_are_exercised_by_exception_and_seen_next_morning(close: str, assigned: bool) -> None:
    broker = closing_at(EXPIRY, close)
    broker.back_office.give(ONE, {P622: -2}, LAST_TEN)
    assert held(broker, EVENING - MINUTE) == {P622: -2}
    assert held(broker, EVENING) == ({P622: -2} if assigned else {})
    assert held(broker, MORNING - MINUTE) == ({P622: -2} if assigned else {})
    assert held(broker, MORNING) == ({"QQQ": 200} if assigned else {})
    rows = deliveries(broker, MORNING)
    if assigned:
        assert told(rows) == [("Assignment", P622, D(2), D(0)), ("Buy to Open", "QQQ", D(200), D(-124_405))]
        assert {row.created_at for row in rows} == {MORNING}
    else:
        assert told(rows) == [("Expiration", P622, D(2), D(0))]
        assert {row.created_at for row in rows} == {EVENING}
    # Nobody saw it at 17:00, when it was executed.
    assert {(row.executed_at, row.day) for row in rows} == {(exchange_at(EXPIRY, 17), EXPIRY)}


def test_a_spread_in_the_money_leaves_its_width_and_two_fees() -> None:
    broker = closing_at(EXPIRY, "600")
    broker.back_office.give(ONE, {P622: -1, P619: 1}, LAST_TEN)
    assert held(broker, MORNING) == {}
    assert cash(broker, MORNING) == D(100_000) - 300 - 10
    assert told(deliveries(broker, MORNING)) == [
        ("Exercise", P619, D(1), D(0)),
        ("Sell to Open", "QQQ", D(100), D(61_895)),
        ("Assignment", P622, D(1), D(0)),
        ("Buy to Close", "QQQ", D(100), D(-62_205)),
    ]


def test_a_long_put_is_exercised_and_a_long_call_too() -> None:
    broker = closing_at(EXPIRY, "620.50")
    broker.back_office.give(ONE, {P622: 1, occ("C", 620): 2}, LAST_TEN)
    assert held(broker, MORNING) == {"QQQ": 100}
    assert {row.sub_kind for row in deliveries(broker, MORNING)} == {
        "Exercise",
        "Sell to Close",
        "Buy to Open",
    }
    assert cash(broker, MORNING) == D(100_000) - 2 * 62_000 + 62_200 - 10


def test_a_covered_call_takes_its_shares_and_shares_beyond_them_are_short() -> None:
    broker = closing_at(EXPIRY, "630")
    broker.back_office.give(ONE, {C622: -1, "QQQ": 60}, LAST_TEN)
    assert held(broker, MORNING) == {"QQQ": -40}
    assert told(deliveries(broker, MORNING)) == [
        ("Assignment", C622, D(1), D(0)),
        ("Sell to Close", "QQQ", D(60), D(37_315)),
        ("Sell to Open", "QQQ", D(40), D(24_880)),
    ]


def test_the_fee_of_an_assignment_may_be_charged_per_contract() -> None:
    for habit, fee in ((AssignmentFee.SYMBOL, 5), (AssignmentFee.CONTRACT, 10)):
        broker = closing_at(EXPIRY, "600", assignment_fee=habit)
        broker.back_office.give(ONE, {P622: -2}, LAST_TEN)
        assert cash(broker, MORNING) == D(100_000) - 124_400 - fee


def test_an_am_settled_contract_stops_a_day_before_and_is_posted_on_its_own() -> None:
    day = date(2026, 12, 18)
    broker = closing_at(day, "6846")
    symbol = occ("P", 6850, "SPX", "261218")
    broker.back_office.give(ONE, {symbol: -1}, TEN)
    evening = exchange_at(day, 22)
    assert held(broker, evening - MINUTE) == {symbol: -1}
    assert held(broker, evening) == {}
    assert cash(broker, evening) == D(100_000) - 405
    (mark,) = {p.mark_price for p in broker_positions_before(day)}
    assert mark == D(4)


def broker_positions_before(day: date) -> list[SimPosition]:
    """The AM-settled contract after the open at which it settles."""
    broker = closing_at(day, "6846")
    broker.back_office.give(ONE, {occ("P", 6850, "SPX", "261218"): -1}, TEN)
    return broker.positions(ONE, exchange_at(day, 10))


def test_a_half_day_and_a_weekend_change_no_hour() -> None:
    broker = closing_at(HALF_DAY, "6846")  # the Friday after Thanksgiving: it closes at 13:00
    spx = short_put(6850, 1, HALF_DAY, "SPXW")
    broker.back_office.give(ONE, spx, TEN)
    assert held(broker, exchange_at(HALF_DAY, 22) - MINUTE) == spx
    assert held(broker, exchange_at(HALF_DAY, 22)) == {}
    broker = closing_at(HALF_DAY, "600")
    qqq = short_put(610, 1, HALF_DAY)
    broker.back_office.give(ONE, qqq, exchange_at(HALF_DAY, 10))
    saturday = exchange_at(HALF_DAY + timedelta(days=1), 6)
    assert held(broker, saturday - MINUTE) == qqq
    assert held(broker, saturday) == {"QQQ": 100}
    assert {row.day for row in deliveries(broker, saturday)} == {HALF_DAY}


def test_one_long_read_and_many_short_ones_see_the_same() -> None:
    seen = []
    for step in (timedelta(minutes=20), timedelta(days=60)):
        broker = closing_at(DAY, "610")
        broker.back_office.give(ONE, {**short_put(620, 2, DAY), P622: -3, P619: 3}, TEN)
        broker.fill_plan = "never"
        at, end = TEN, exchange_at(date(2026, 12, 1), 12)
        while at < end:
            at = min(at + step, end)
            broker.advance(at)
        seen.append([(r.id, r.created_at, *told([r])) for r in broker.transactions(ONE, end)])
    assert seen[0] == seen[1] != []


@pytest.mark.parametrize(
    ("right", "strike", "mark", "dividend", "days_left", "chance"),
    [
        ("C", 600, "22.00", "0", LAST_DAYS, WITHOUT_EXTRINSIC),
        ("C", 600, "22.00", "0", LAST_DAYS + 1, EARLIER),
        ("C", 600, "21.60", "0", 1, WITHOUT_EXTRINSIC),
        ("C", 600, "22.03", "0", 1, IN_THE_MONEY),
        ("C", 600, "22.60", "0.70", 1, BEFORE_DIVIDEND),
        ("C", 600, "22.60", "0.70", 40, BEFORE_DIVIDEND),
        ("C", 600, "22.80", "0.70", 1, IN_THE_MONEY),
        ("P", 640, "18.60", "0.70", 1, IN_THE_MONEY),
        ("P", 640, "18.01", "0.70", 1, WITHOUT_EXTRINSIC),
        ("P", 640, "17.60", "0", 40, EARLIER),
        ("C", 622, "3.00", "9", 1, 0.0),
    ],
)
def test_the_chance_of_an_early_assignment_follows_what_a_holder_gains(
    right: str, strike: int, mark: str, dividend: str, days_left: int, chance: float
) -> None:
    """The middle of a wide quote is less than the intrinsic value on many evenings; that is no dividend to gain."""
    option = exchange().back_office.market.option(occ(right, strike))
    assert option is not None
    assert assignment_chance(option, D(622), D(mark), D(dividend), days_left) == chance


def test_deep_puts_are_assigned_early_some_nights_of_their_last_weeks_and_index_options_never() -> None:
    broker = exchange("1000000")
    broker.habits = Habits(desk=False)
    soon, later, index = occ("P", 700, expiry="261204"), occ("P", 700), occ("P", 7600, "SPXW")
    broker.back_office.give(ONE, {soon: -50, later: -50, index: -50}, TEN)
    end = exchange_at(date(2026, 12, 4), 12)
    rows = deliveries(broker, end)
    nights = {row.created_at for row in rows if row.sub_kind == "Assignment" and row.symbol == soon}
    assert len(nights) > 1
    left = held(broker, end)
    assert left[index] == -50
    assert left[later] <= -48, "rarely before the last two weeks"
    assert -50 < left[soon] < -25
    assert left["QQQ"] == 100 * (100 + left[soon] + left[later])


def test_a_broker_without_early_assignment_assigns_only_what_it_is_told_to() -> None:
    broker = exchange("1000000")
    broker.habits = Habits(desk=False, early_assignment=False)
    deep = occ("P", 700)
    broker.back_office.give(ONE, {deep: -20}, TEN)
    end = exchange_at(date(2026, 12, 5), 12)
    assert held(broker, end) == {deep: -20}
    broker.back_office.assign(ONE, deep, 1, end)
    assert held(broker, end) == {deep: -19, "QQQ": 100}


def test_an_assignment_needs_short_contracts_of_an_etf() -> None:
    broker = exchange("1000000")
    index = occ("P", 6850, "SPXW")
    broker.back_office.give(ONE, {P622: -1, P619: 1, index: -1}, TEN)
    for symbol, count in ((P622, 2), (P619, 1), (index, 1), (C622, 1), (P622, 0)):
        with pytest.raises(OrderRefused, match="the account is short"):
            broker.back_office.assign(ONE, symbol, count, TEN)
    broker.back_office.assign(ONE, P622, 1, TEN)
    assert held(broker, TEN)["QQQ"] == 100


def test_a_short_contract_at_the_strike_may_be_assigned_all_the_same() -> None:
    for chance, left in ((1.0, {"QQQ": 100}), (0.0, {})):
        broker = closing_at(EXPIRY, "622.04", pin_assignment=chance)
        broker.back_office.give(ONE, {P622: -1, P619: 1}, LAST_TEN)
        assert held(broker, MORNING) == left


def test_a_split_makes_adjusted_contracts_and_more_shares_of_the_same_cost() -> None:
    day = date(2026, 12, 1)
    broker = exchange("100000", Market(7, START))
    broker.habits = Habits(desk=False, position_lag_s=(0, 0))
    index = occ("P", 6850, "SPXW")
    broker.back_office.give(ONE, {P622: -2, P619: 2, "QQQ": 100, index: 1}, TEN)
    before = {p.symbol: p for p in broker.positions(ONE, TEN)}
    resting = credit((leg("Sell to Close", P619),), "90.00", "GTC")
    order = broker.submit(ONE, resting, TEN)
    broker.back_office.split("QQQ", D(2), day, TEN)
    at = exchange_at(day, 6, 30)
    broker.advance(at - MINUTE)
    assert set(held(broker, at - MINUTE)) == {P622, P619, "QQQ", index}
    broker.advance(at)
    adjusted = [symbol.replace("QQQ ", "QQQ1") for symbol in (P622, P619)]
    assert held(broker, at) == {adjusted[0]: -2, adjusted[1]: 2, "QQQ": 200, index: 1}
    assert broker.order(ONE, order.id).status == "Removed"
    after = {p.symbol: p for p in broker.positions(ONE, at)}
    assert after["QQQ"].average_open_price == before["QQQ"].average_open_price / 2
    assert after[adjusted[0]].average_open_price == before[P622].average_open_price
    assert cash(broker, at) == 100_000
    rows = deliveries(broker, at)
    assert {(row.sub_kind, row.net_value) for row in rows} == {("Forward Split", D(0))}
    assert len(rows) == 6
    broker.back_office.assign(ONE, adjusted[0], 1, at)
    assert held(broker, at)["QQQ"] == 400
    assert cash(broker, at) == 100_000 - 62_205
    with pytest.raises(OrderRefused, match="split already"):
        broker.back_office.split("QQQ", D(2), day, at)


def test_a_split_earns_nothing_and_gains_of_its_day_count_from_the_close_before() -> None:
    day = date(2026, 12, 1)
    broker = exchange("300000", Market(7, START))
    broker.habits = Habits(desk=False, position_lag_s=(0, 0))
    broker.fill_plan = "immediate"
    broker.back_office.give(ONE, {P622: 2, "QQQ": 100}, TEN)
    broker.back_office.split("QQQ", D(2), day, TEN)
    at, ten = exchange_at(day, 6, 30), exchange_at(day, 10)
    adjusted = P622.replace("QQQ ", "QQQ1")
    before = broker.balances(ONE, at - MINUTE)
    for later in (at, exchange_at(day, 9)):
        now = broker.balances(ONE, later)
        assert now.net_liquidating_value == pytest.approx(before.net_liquidating_value, abs=10), "a quote of its own"
        assert now.maintenance_requirement == before.maintenance_requirement
    after = {p.symbol: p for p in broker.positions(ONE, at, closed=True)}
    assert {symbol: p.quantity_direction for symbol, p in after.items()} == {
        P622: "Zero",
        adjusted: "Long",
        "QQQ": "Long",
    }
    assert {(p.realized_today, p.realized_day_gain) for p in after.values()} == {(D(0), D(0))}
    closes = {p.symbol: p.close_price for p in broker.positions(ONE, ten)}
    assert closes[adjusted] == pytest.approx(after[adjusted].mark_price, abs=D("0.20")), "of 16:00, not of 16:15"
    assert closes["QQQ"] == pytest.approx(after["QQQ"].mark_price, abs=D("0.01"))
    assert (after[adjusted].deliverable_type, after["QQQ"].deliverable_type, after[P622].deliverable_type) == (
        "Shares",
        None,
        None,
    )
    for sold, multiplier in (
        (leg("Sell to Close", adjusted), 100),
        (OrderLeg("Equity", "QQQ", "Sell to Close", D(50)), 1),
    ):
        opened, close = after[sold.symbol].average_open_price, closes[sold.symbol]
        assert opened != close
        order = broker.submit(ONE, credit((sold,), "3.00"), ten)
        broker.advance(ten + MINUTE)
        (filled,) = broker.order(ONE, order.id).legs
        part, paid = int(sold.quantity), sum((f.quantity * f.fill_price for f in filled.fills), D(0))
        found = next(p for p in broker.positions(ONE, ten + MINUTE) if p.symbol == sold.symbol)
        assert found.quantity == after[sold.symbol].quantity - part
        assert found.realized_today == multiplier * (paid - part * opened)
        assert found.realized_day_gain == multiplier * (paid - part * close)


def test_an_adjusted_contract_can_be_closed_like_any_other() -> None:
    """No chain has it: its tick is that of its root."""
    day = date(2026, 12, 1)
    broker = exchange("100000", Market(7, START))
    broker.habits = Habits(desk=False, position_lag_s=(0, 0))
    broker.fill_plan = "immediate"
    broker.back_office.give(ONE, {P622: 2}, TEN)
    broker.back_office.split("QQQ", D(2), day, TEN)
    ten = exchange_at(day, 10)
    broker.advance(ten)
    (adjusted,) = held(broker, ten)
    order = broker.submit(ONE, credit((leg("Sell to Close", adjusted, 2),), "2.51"), ten)
    broker.advance(ten + MINUTE)
    assert broker.order(ONE, order.id).status == "Filled"
    assert held(broker, ten + MINUTE) == {}


def test_an_operator_may_sell_the_shares_at_ten_of_the_next_session() -> None:
    monday = exchange_at(date(2027, 1, 11), 10)
    for sells, left in ((True, {}), (False, {"QQQ": 100})):
        broker = closing_at(EXPIRY, "621", hand_sells_shares=sells)
        broker.back_office.give(ONE, {P622: -1, P619: 1}, LAST_TEN)
        assert held(broker, monday - MINUTE) == {"QQQ": 100}
        assert held(broker, monday + MINUTE) == left
        sold = [order for order in broker.orders(ONE) if order.username == "hand"]
        assert [(o.status, o.received_at, o.legs[0].symbol) for o in sold] == [("Filled", monday, "QQQ")] * sells
