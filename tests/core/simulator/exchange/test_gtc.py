"""Orders that work over nights: they keep their id, stay in the live listing, and end when what they trade ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from core.simulator.exchange.exchange import Exchange
from core.simulator.exchange.habits import Habits
from core.simulator.exchange.orders import OrderChanges, SimOrder
from core.simulator.market.market import Market
from tests.core.simulator.exchange.placed_orders import (
    ONE,
    OPTIONS_CLOSE,
    START,
    TEN,
    at_mid,
    credit,
    exchange,
    leg,
    occ,
    trident_legs,
)

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
NEXT_OPEN = datetime(2026, 11, 24, 14, 30, tzinfo=UTC)
FAR = "5.90"
"""A credit that no market gives."""


def resting(broker: Exchange, at: datetime = TEN, price: str = FAR) -> SimOrder:
    return broker.submit(ONE, credit(trident_legs(), price, "GTC"), at)


def shown(broker: Exchange, until: datetime, order_id: int) -> list[SimOrder]:
    """The states of an order that are told until then."""
    found = [notice.obj for notice in broker.advance(until)]
    return [each for each in found if isinstance(each, SimOrder) and each.id == order_id]


def test_it_works_on_over_nights_a_holiday_and_a_weekend_under_its_id() -> None:
    broker = exchange()
    order = resting(broker)
    live = shown(broker, TEN + DAY - SECOND, order.id)[-1]
    for days in range(1, 9):  # Thanksgiving, the half day after it, a weekend
        at = TEN + days * DAY
        assert shown(broker, at, order.id) == []
        assert broker.order(ONE, order.id) == live
        assert (live.status, live.cancellable, live.editable) == ("Live", True, True)
        assert broker.live_orders(ONE, at) == [live]
        midnight = datetime.combine(at.date(), datetime.min.time(), UTC)
        assert broker.orders(ONE, midnight) == []
        assert broker.orders(ONE, TEN, TEN + SECOND) == [live]


def test_the_live_listing_holds_todays_in_any_status_and_older_ones_that_work() -> None:
    broker = exchange(cash="100000")
    kept, ended = resting(broker), resting(broker)
    day = broker.submit(ONE, credit(trident_legs(), FAR), TEN)
    broker.advance(OPTIONS_CLOSE)
    assert broker.order(ONE, day.id).status == "Expired"
    assert [o.id for o in broker.live_orders(ONE, OPTIONS_CLOSE)] == [day.id, ended.id, kept.id]
    tuesday = TEN + DAY
    assert [o.id for o in broker.live_orders(ONE, tuesday)] == [ended.id, kept.id]
    broker.cancel(ONE, ended.id, tuesday)
    new = resting(broker, tuesday + SECOND)
    assert [o.id for o in broker.live_orders(ONE, tuesday + 10 * SECOND)] == [new.id, ended.id, kept.id]
    assert [o.id for o in broker.live_orders(ONE, tuesday + DAY)] == [new.id, kept.id]
    assert [o.id for o in broker.orders(ONE)] == [new.id, day.id, ended.id, kept.id]


def test_a_cancel_at_night_is_done_at_once() -> None:
    broker = exchange()
    order = resting(broker)
    night = TEN + timedelta(hours=14)
    assert broker.cancel(ONE, order.id, night).status == "Cancel Requested"
    broker.advance(night + SECOND)
    cancelled = broker.order(ONE, order.id)
    assert cancelled.status == "Cancelled"
    assert cancelled.terminal_at is not None
    assert night < cancelled.terminal_at < night + SECOND


@pytest.mark.parametrize(
    ("root", "expiry", "strike"), [("QQQ", "261127", 622), ("QQQ", "261204", 622), ("SPXW", "261130", 6850)]
)
def test_it_expires_when_its_contract_stops_trading(root: str, expiry: str, strike: int) -> None:
    broker = exchange()
    symbol = occ("P", strike, root, expiry)
    bid = replace(credit((leg("Buy to Open", symbol),), "0.05", "GTC"), price_effect="Debit")
    broker.fill_plan = "never"
    order = broker.submit(ONE, bid, TEN)
    contract = Market(7, START).option(symbol)
    assert contract is not None
    broker.advance(contract.stops_trading_at - SECOND)
    assert broker.order(ONE, order.id).status == "Live"
    broker.advance(contract.stops_trading_at)
    expired = broker.order(ONE, order.id)
    assert (expired.status, expired.terminal_at) == ("Expired", contract.stops_trading_at)
    assert broker.next_event_at() is None


@pytest.mark.parametrize(
    ("until", "ends"),
    [
        (date(2026, 11, 23), OPTIONS_CLOSE),
        (date(2026, 11, 25), OPTIONS_CLOSE + 2 * DAY),
        (date(2026, 11, 27), datetime(2026, 11, 27, 18, 15, tzinfo=UTC)),
    ],
)
def test_one_good_till_a_date_ends_when_options_close_on_it(until: date, ends: datetime) -> None:
    broker = exchange()
    order = broker.submit(ONE, replace(credit(trident_legs(), FAR, "GTD"), gtc_date=until), TEN)
    broker.advance(ends - SECOND)
    assert broker.order(ONE, order.id).status == "Live"
    broker.advance(ends)
    assert (broker.order(ONE, order.id).status, broker.order(ONE, order.id).terminal_at) == ("Expired", ends)


def test_placed_in_the_evening_it_is_routed_at_the_open_and_fills_there() -> None:
    broker = exchange()
    broker.fill_plan = "immediate"
    order = resting(broker, OPTIONS_CLOSE + timedelta(hours=1))
    assert [warning.code for warning in order.warnings] == ["tif_next_valid_sesssion"]
    broker.advance(NEXT_OPEN - SECOND)
    assert broker.order(ONE, order.id).status == "Received"
    statuses = [each.status for each in shown(broker, NEXT_OPEN + 30 * SECOND, order.id)]
    assert statuses[:3] == ["Routed", "In Flight", "Live"]
    assert statuses[-1] == "Filled"


def test_it_can_be_replaced_on_a_later_day() -> None:
    broker = exchange()
    broker.fill_plan = "never"
    order = resting(broker)
    later = TEN + 2 * DAY
    broker.advance(later)
    price = at_mid(at=later).price
    new = broker.replace(ONE, order.id, OrderChanges("GTC", "Limit", price, "Credit"), later)
    broker.advance(later + 10 * SECOND)
    assert broker.order(ONE, order.id).status == "Cancelled"
    assert broker.order(ONE, new.id).status == "Live"
    broker.set_fill_plan(ONE, "normal")
    broker.advance(later + 20 * DAY)
    assert broker.order(ONE, new.id).status == "Filled"


def test_some_brokers_route_it_anew_at_each_open_under_another_number() -> None:
    broker = exchange()
    broker.habits = Habits(gtc_touched_daily=True)
    order = resting(broker)
    broker.advance(NEXT_OPEN - SECOND)
    numbers = [broker.order(ONE, order.id).ext_exchange_order_number]
    for opened in (NEXT_OPEN, NEXT_OPEN + DAY, NEXT_OPEN + 3 * DAY):  # Thursday is a holiday
        states = shown(broker, opened + 10 * SECOND, order.id)
        assert [each.status for each in states] == ["Routed", "In Flight", "Live"]
        assert all(opened <= each.updated_at < opened + 2 * SECOND for each in states)
        numbers.append(states[-1].ext_exchange_order_number)
    assert len(set(numbers)) == 4
    broker.fill_plan = "immediate"
    broker.advance(NEXT_OPEN + 3 * DAY + 30 * SECOND)
    assert broker.order(ONE, order.id).status == "Filled"


def test_a_cancel_is_not_lost_while_an_order_is_routed_anew() -> None:
    broker = exchange()
    broker.habits = Habits(gtc_touched_daily=True)
    order = resting(broker)
    broker.cancel(ONE, order.id, NEXT_OPEN - timedelta(milliseconds=50))
    states = shown(broker, NEXT_OPEN + 10 * SECOND, order.id)
    assert {each.status for each in states[-3:]} <= {"Live", "Cancel Requested", "Cancelled"}
    assert broker.order(ONE, order.id).status == "Cancelled"
