"""The transactions of an account: trades with their fees, when they are posted, corrected and final."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from decimal import Decimal

import pytest

from core.simulator.exchange.clearing import Late
from core.simulator.exchange.exchange import Exchange
from core.simulator.exchange.fees import fees_for
from core.simulator.exchange.habits import FeesFinal, Habits, TradesPosted
from core.simulator.exchange.handling import Handling
from core.simulator.exchange.lifecycle import FillPlan
from core.simulator.exchange.money_rows import Correction
from core.simulator.exchange.orders import OrderRequest, SimPosition
from core.simulator.exchange.transactions import Wanted
from tests.core.simulator.exchange.closing_prices import cash, exchange_at, held
from tests.core.simulator.exchange.placed_orders import (
    ONE,
    START,
    TEN,
    TWO,
    at_mid,
    credit,
    exchange,
    leg,
    occ,
    trident_legs,
)

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
D = Decimal
DAY = date(2026, 11, 23)
EVENING = exchange_at(DAY, 22)
MORNING = exchange_at(DAY + timedelta(days=1), 6)


def filled(broker: Exchange, packages: int = 1, plan: FillPlan = FillPlan.IMMEDIATE) -> int:
    """The id of a trident that fills within the minute after TEN."""
    return broker.submit(ONE, at_mid(packages), TEN, handling=Handling(plan=plan)).id


def test_each_leg_of_each_fill_has_a_row_whose_value_less_fees_is_its_net() -> None:
    broker = exchange("100000")
    order = broker.order(ONE, filled(broker, 4, FillPlan.PARTIAL))
    rows = broker.transactions(ONE, TEN + MINUTE)
    order = broker.order(ONE, order.id)
    fills = {f.fill_id: (g, f) for g in order.legs for f in g.fills}
    assert sorted(row.fill_id or "" for row in rows) == sorted(fills)
    for row in rows:
        g, fill = fills[row.fill_id or ""]
        assert (row.kind, row.sub_kind, row.action) == ("Trade", g.action, g.action)
        assert (row.symbol, row.quantity, row.price) == (g.symbol, fill.quantity, fill.fill_price)
        assert row.value == (1 if g.sells else -1) * fill.quantity * fill.fill_price * 100
        assert row.net_value == row.value - row.fees.total_fees
        assert (row.order_id, row.leg_count, row.underlying) == (order.id, 4, "QQQ")
        assert (row.executed_at, row.day, row.estimated) == (fill.filled_at, DAY, True)
    assert [row.id for row in rows] == sorted(row.id for row in rows)
    assert broker.balances(ONE, TEN + MINUTE).cash_balance == 100_000 + sum((r.net_value for r in rows), D(0))
    assert broker.transactions(TWO, TEN + MINUTE) == []


@pytest.mark.parametrize("packages", [1, 3, 7, 13])
@pytest.mark.parametrize("root", ["QQQ", "SPXW"])
def test_the_fees_of_all_fills_are_those_of_the_order_rounded_once(packages: int, root: str) -> None:
    broker = exchange("1000000")
    legs = trident_legs(packages=packages) if root == "QQQ" else trident_legs(6850, 5, packages, "SPXW")
    price = "4.06" if root == "QQQ" else "6.80"
    order = broker.submit(ONE, credit(legs, price), TEN, handling=Handling(plan=FillPlan.PARTIAL))
    rows = broker.transactions(ONE, TEN + 30 * MINUTE)
    assert broker.order(ONE, order.id).status == "Filled"
    whole = fees_for("SPX" if root == "SPXW" else "QQQ", [(g.action, int(g.quantity)) for g in legs])
    for kind in ("regulatory_fees", "clearing_fees", "commission", "proprietary_index_option_fees"):
        assert sum((getattr(row.fees, kind) for row in rows), D(0)) == getattr(whole, kind)
        assert all(getattr(row.fees, kind) >= 0 for row in rows)


def test_the_fees_of_the_worked_examples() -> None:
    opened = [("Sell to Open", 2), ("Buy to Open", 2), ("Sell to Open", 1), ("Buy to Open", 1)]
    assert fees_for("QQQ", opened).total_fees == D("6.73")
    assert fees_for("SPX", opened).total_fees == D("10.63")
    assert fees_for("QQQ", [("Buy to Close", 1), ("Sell to Close", 1)]).total_fees == D("0.24")


def test_a_row_is_described_as_the_broker_does() -> None:
    broker = exchange()
    order = credit((leg("Sell to Open", occ("P", 622)), leg("Buy to Open", occ("P", 619))), "1.30")
    broker.submit(ONE, order, TEN, handling=Handling(plan=FillPlan.IMMEDIATE))
    sold, bought = broker.transactions(ONE, TEN + MINUTE)
    assert sold.description == f"Sold 1 QQQ 01/08/27 Put 622.00 @ {sold.price:.2f}"
    assert bought.description == f"Bought 1 QQQ 01/08/27 Put 619.00 @ {bought.price:.2f}"


def test_ids_ascend_over_all_accounts_and_depend_on_the_start() -> None:
    broker = exchange()
    for number in (ONE, TWO):
        broker.submit(number, at_mid(), TEN, handling=Handling(plan=FillPlan.IMMEDIATE))
    ids = [row.id for number in (ONE, TWO) for row in broker.transactions(number, TEN + MINUTE)]
    assert len(set(ids)) == len(ids) == 8
    first = (int(START.timestamp()) - 1_700_000_000) * 1000 + 500_000_001
    assert min(ids) == first


def test_trades_may_be_posted_at_ten_in_the_evening_with_cash_and_positions_before() -> None:
    broker = exchange()
    broker.habits = Habits(trades_posted=TradesPosted.EVENING)
    filled(broker)
    assert len(held(broker, TEN + MINUTE)) == 4
    moved = cash(broker, TEN + MINUTE)
    assert moved != 25_000
    assert broker.transactions(ONE, EVENING - SECOND) == []
    rows = broker.transactions(ONE, EVENING)
    assert len(rows) >= 4
    assert {row.created_at for row in rows} == {EVENING}
    assert all(row.executed_at < TEN + MINUTE for row in rows)
    assert cash(broker, EVENING) == moved == 25_000 + sum((row.net_value for row in rows), D(0))


@pytest.mark.parametrize("final", list(FeesFinal))
def test_fees_are_estimates_until_six_in_the_morning_or_for_ever(final: FeesFinal) -> None:
    broker = exchange()
    broker.habits = Habits(fees_final=final)
    filled(broker)
    before = broker.transactions(ONE, MORNING - SECOND)
    after = broker.transactions(ONE, MORNING)
    assert {row.estimated for row in before} == {True}
    assert {row.estimated for row in after} == {final is FeesFinal.NEVER}
    assert [(row.id, row.net_value) for row in before] == [(row.id, row.net_value) for row in after]
    assert {row.estimated for row in broker.transactions(ONE, MORNING + timedelta(days=9))} == {
        final is FeesFinal.NEVER
    }


def test_what_is_asked_for_goes_by_kind_symbol_and_instant_of_execution() -> None:
    broker = exchange()
    filled(broker)
    rows = broker.transactions(ONE, TEN + MINUTE)
    at = rows[0].executed_at

    def asked(**wanted: object) -> int:
        return len(broker.transactions(ONE, TEN + MINUTE, Wanted(**wanted)))  # type: ignore[arg-type]

    assert asked() == len(rows)
    assert asked(kinds=frozenset({"Trade"})) == len(rows)
    assert asked(kinds=frozenset({"Receive Deliver"})) == 0
    assert asked(sub_kinds=frozenset({"Sell to Open"})) == sum(row.sub_kind == "Sell to Open" for row in rows)
    assert asked(symbol=occ("P", 622)) == sum(row.symbol == occ("P", 622) for row in rows) > 0
    assert asked(underlying="SPX") == asked(instrument_type="Equity") == 0
    assert asked(action="Buy to Open") == sum(row.action == "Buy to Open" for row in rows)
    assert asked(since=at) + asked(until=at) == len(rows)
    assert asked(since=TEN + MINUTE) == 0


@dataclass
class Clerk:
    """Does one thing wrong with the postings of an account."""

    number: str = ONE
    lag: timedelta | None = None
    delay: Late | None = None
    corrects: Correction | None = None

    def position_lag(self, number: str) -> timedelta | None:
        return self.lag if number == self.number else None

    def late(self, number: str) -> Late | None:
        return self.delay if number == self.number else None

    def correction(self, number: str) -> Correction | None:
        return self.corrects if number == self.number else None


def test_a_fee_may_be_corrected_and_a_trade_reversed_and_posted_again() -> None:
    for correction in Correction:
        broker = exchange()
        broker.trouble(Clerk(corrects=correction))
        filled(broker)
        before = broker.transactions(ONE, MORNING - SECOND)
        moved = cash(broker, MORNING - SECOND)
        after = broker.transactions(ONE, MORNING)
        added = sorted((row for row in after if row.id > before[-1].id), key=lambda row: row.id)
        if correction is Correction.FEE:
            (row,) = added
            assert (row.kind, row.sub_kind, row.net_value) == ("Money Movement", "Balance Adjustment", D("-0.02"))
            assert cash(broker, MORNING) == moved - D("0.02")
        else:
            undone = before[-1]
            back, again = added
            assert (back.reverses, back.net_value, back.order_id) == (undone.id, -undone.net_value, undone.order_id)
            assert (again.reverses, again.net_value, again.fill_id) == (None, undone.net_value, undone.fill_id)
            assert cash(broker, MORNING) == moved
        assert cash(broker, MORNING) == 25_000 + sum((row.net_value for row in after), D(0))


def test_late_rows_come_later_alone_or_with_the_positions() -> None:
    hour = timedelta(hours=1)
    for with_positions in (False, True):
        broker = exchange()
        broker.trouble(Clerk(delay=Late(hour, with_positions)))
        filled(broker)
        at = TEN + MINUTE
        assert broker.transactions(ONE, at) == []
        assert len(held(broker, at)) == (0 if with_positions else 4)
        assert cash(broker, at) != 25_000
        rows = broker.transactions(ONE, at + hour)
        assert len(held(broker, at + hour)) == 4
        assert min(row.created_at - row.executed_at for row in rows) >= hour


def test_a_settlement_that_is_late_is_posted_once_with_its_cash_or_after_it() -> None:
    expiry = DAY + timedelta(days=1)
    evening, night = exchange_at(expiry, 22), timedelta(hours=11)
    symbol = occ("P", 7300, "SPXW", "261124")
    for with_positions in (False, True):
        broker = exchange("100000")
        broker.trouble(Clerk(delay=Late(night, with_positions)))
        broker.back_office.give(ONE, {symbol: -1}, TEN)
        assert broker.transactions(ONE, evening + night - SECOND) == []
        assert (cash(broker, evening) == 100_000) is with_positions
        assert held(broker, evening) == ({symbol: -1} if with_positions else {})
        rows = broker.transactions(ONE, evening + 3 * night)
        assert [row.sub_kind for row in rows] == ["Cash Settled Assignment", "Assignment"]
        assert cash(broker, evening + 3 * night) == 100_000 + rows[0].net_value
        assert held(broker, evening + 3 * night) == {}


def test_positions_may_lag_by_what_a_fault_says() -> None:
    broker = exchange()
    broker.trouble(Clerk(lag=timedelta(minutes=5)))
    filled(broker)
    assert held(broker, TEN + 5 * MINUTE) == {}
    assert len(held(broker, TEN + 6 * MINUTE)) == 4


def test_a_forgotten_order_leaves_no_row_and_no_posting() -> None:
    for habit in TradesPosted:
        broker = exchange()
        broker.habits = Habits(trades_posted=habit)
        order_id = filled(broker)
        broker.advance(TEN + MINUTE)
        broker.back_office.forget(ONE, order_id, TEN + MINUTE)
        assert broker.transactions(ONE, EVENING + MINUTE) == []
        assert held(broker, EVENING + MINUTE) == {}
        assert cash(broker, EVENING + MINUTE) == 25_000


def test_days_of_rows_are_exchange_dates_around_the_change_of_clocks() -> None:
    broker = exchange("1000000")
    broker.habits = Habits(desk=False)
    expiry = date(2027, 3, 12)  # the Friday before the clocks go forward
    at = exchange_at(expiry, 10)
    broker.back_office.give(ONE, {occ("P", 9000, "SPXW", "270312"): -1, occ("P", 900, expiry="270312"): -1}, at)
    by_day: dict[date, set[str]] = defaultdict(set)
    for row in broker.transactions(ONE, exchange_at(date(2027, 3, 16), 12)):
        by_day[row.day].add(row.sub_kind)
        assert row.created_at.tzinfo is UTC
    assert by_day == {expiry: {"Cash Settled Assignment", "Assignment", "Buy to Open"}}
    rows = broker.transactions(ONE, exchange_at(date(2027, 3, 16), 12))
    assert {row.created_at for row in rows} == {exchange_at(expiry, 22), exchange_at(expiry + timedelta(days=1), 6)}


def test_an_end_is_not_shown_before_the_fill_that_it_ends() -> None:
    broker = exchange("100000")
    broker.trouble(Clerk(lag=timedelta(hours=14)))
    symbol = occ("P", 6000, "SPXW", "261123")  # worthless tonight, and shown after that
    order = OrderRequest("Day", "Market", (leg("Buy to Open", symbol),))
    broker.submit(ONE, order, TEN, handling=Handling(plan=FillPlan.IMMEDIATE))
    notices = broker.advance(EVENING + timedelta(hours=12))
    told = [(n.at > EVENING, n.obj.quantity_direction) for n in notices if isinstance(n.obj, SimPosition)]
    assert told == [(True, "Long"), (True, "Zero")]
    assert broker.balances(ONE, MORNING).long_derivative_value == 0
    assert [r.sub_kind for r in broker.transactions(ONE, EVENING + timedelta(hours=12))] == [
        "Buy to Open",
        "Expiration",
    ]
