"""The broker's risk desk: whom it closes half an hour before the close, and what it leaves alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from core.simulator.exchange.exchange import Exchange
from core.simulator.exchange.habits import Habits
from core.simulator.exchange.handling import Handling
from core.simulator.exchange.lifecycle import FillPlan
from core.simulator.exchange.orders import OrderRefused
from tests.core.simulator.exchange.closing_prices import exchange_at, held
from tests.core.simulator.exchange.placed_orders import ONE, TWO, credit, exchange, leg, occ

DAY = date(2026, 11, 25)
HALF_DAY = date(2026, 11, 27)
MINUTE = timedelta(minutes=1)


def near(broker: Exchange, day: date, away: int = 0) -> dict[str, int]:
    """A trident that expires on the date, with its body so many $ below the price of 10:00."""
    body = round(broker.back_office.ledgers[ONE].price("QQQ", exchange_at(day, 10))) - away
    when = f"{day:%y%m%d}"
    wings = {occ("P", body - 3, expiry=when): 2, occ("C", body + 3, expiry=when): 1}
    return {occ("P", body, expiry=when): -2, occ("C", body, expiry=when): -1, **wings}


def test_it_closes_every_leg_of_the_day_in_an_account_that_could_not_carry_the_shares() -> None:
    broker = exchange("25000")
    later = {occ("P", 622): -1, occ("P", 619): 1}
    legs = near(broker, DAY)
    broker.back_office.give(ONE, {**legs, **later}, exchange_at(DAY, 10))
    resting = replace(credit((leg("Buy to Close", next(iter(legs))),), "0.01", "GTC"), price_effect="Debit")
    order = broker.submit(ONE, resting, exchange_at(DAY, 11), handling=Handling(plan=FillPlan.NEVER))
    half_past = exchange_at(DAY, 15, 30)
    assert held(broker, half_past - MINUTE) == {**legs, **later}
    assert held(broker, half_past + MINUTE) == later
    removed = broker.order(ONE, order.id)
    assert (removed.status, removed.cancel_username) == ("Removed", "tradedesk")
    (closing,) = [o for o in broker.orders(ONE) if o.username == "tradedesk"]
    assert (closing.source, closing.order_type, closing.status) == ("tastytrade risk", "Market", "Filled")
    assert closing.received_at == half_past
    assert {(g.symbol, g.action, g.quantity) for g in closing.legs} == {
        (symbol, "Sell to Close" if count > 0 else "Buy to Close", abs(count)) for symbol, count in legs.items()
    }
    assert len([r for r in broker.transactions(ONE, half_past + MINUTE) if r.order_id == closing.id]) >= 4


@pytest.mark.parametrize(("cash", "away", "desk"), [("1000000", 0, True), ("25000", 30, True), ("25000", 0, False)])
def test_it_leaves_alone_who_can_carry_them_what_is_far_and_what_it_never_does(
    cash: str, away: int, desk: bool
) -> None:
    broker = exchange(cash)
    broker.habits = Habits(desk=desk)
    when = f"{DAY:%y%m%d}"
    body = round(broker.back_office.ledgers[ONE].price("QQQ", exchange_at(DAY, 10))) - away
    legs = {occ("P", body, expiry=when): -1, occ("P", body - 3, expiry=when): 1}
    broker.back_office.give(ONE, legs, exchange_at(DAY, 10))
    assert held(broker, exchange_at(DAY, 16)) == legs
    assert broker.orders(ONE) == []


def test_on_a_half_day_it_comes_half_an_hour_before_that_close() -> None:
    broker = exchange("25000")
    legs = near(broker, HALF_DAY)
    broker.back_office.give(ONE, legs, exchange_at(HALF_DAY, 10))
    assert held(broker, exchange_at(HALF_DAY, 12, 29)) == legs
    assert held(broker, exchange_at(HALF_DAY, 12, 32)) == {}


def test_many_legs_go_in_orders_of_four_and_other_accounts_keep_theirs() -> None:
    broker = exchange("25000")
    when = f"{DAY:%y%m%d}"
    body = round(broker.back_office.ledgers[ONE].price("QQQ", exchange_at(DAY, 10)))
    legs = {occ("P", body - k, expiry=when): (-1) ** (k + 1) for k in range(10)}
    at = exchange_at(DAY, 10)
    broker.back_office.give(ONE, legs, at)
    broker.back_office.give(TWO, legs, at)
    broker.back_office.liquidate(ONE, at)
    assert held(broker, at + MINUTE) == {}
    assert held(broker, at + MINUTE, TWO) == legs
    assert sorted(len(order.legs) for order in broker.orders(ONE)) == [2, 4, 4]
    with pytest.raises(OrderRefused, match="nothing that delivers shares"):
        broker.back_office.liquidate(ONE, at + MINUTE)


def test_what_it_leaves_of_a_frozen_account_expires() -> None:
    broker = exchange("25000")
    legs = near(broker, DAY)
    broker.back_office.give(ONE, legs, exchange_at(DAY, 10))
    broker.restrict(ONE, is_frozen=True)
    assert held(broker, exchange_at(DAY, 16)) == legs
    assert set(held(broker, exchange_at(date(2026, 11, 26), 7))) <= {"QQQ"}
