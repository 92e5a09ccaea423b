"""Orders that rest: decided once a session, and filled as if they had been tried all the time."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from math import sqrt

import numpy as np
import pytest

from core.simulator.exchange.exchange import Exchange
from core.simulator.exchange.matching import PackageMinutes, fill_chance, fill_chances
from core.simulator.exchange.order_book import OrderBook
from core.simulator.exchange.orders import OrderLeg, OrderRequest, SimLeg, SimOrder
from core.simulator.exchange.resting import RestingOrders
from core.simulator.market.market import Market
from core.simulator.market.market_data import MarketQuote
from tests.core.simulator.exchange.placed_orders import (
    CLOSE,
    ONE,
    OPEN,
    START,
    TEN,
    credit,
    exchange,
    leg,
    net_of,
    occ,
    package,
    trident_legs,
)

SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
PUT = (leg("Sell to Open", occ("P", 622)), leg("Buy to Open", occ("P", 619)))
CALL = (leg("Sell to Open", occ("C", 622)), leg("Buy to Open", occ("C", 625)))


def above_mid(legs: tuple[OrderLeg, ...], cents: int) -> OrderRequest:
    """A GTC order at so many cents above the mid."""
    return credit(legs, package(legs).mid.quantize(Decimal("0.01")) + Decimal(cents) / 100, "GTC")


def ended(broker: Exchange, number: str = ONE) -> list[tuple[int, str, datetime | None, Decimal]]:
    return [(o.id, o.status, o.terminal_at, net_of(o)) for o in broker.orders(number)]


def market_quotes(legs: tuple[OrderLeg, ...], market: Market, at: datetime) -> dict[str, MarketQuote | None]:
    return {g.symbol: market.quote(market.occ_to_streamer(g.symbol) or "", at) for g in legs}


def sim(legs: tuple[OrderLeg, ...]) -> tuple[SimLeg, ...]:
    return tuple(SimLeg(g.instrument_type, g.symbol, g.action, int(g.quantity), int(g.quantity)) for g in legs)


def test_how_often_the_exchange_is_advanced_changes_no_fill() -> None:
    """Each second, or once for a week: the same orders fill at the same instants and prices."""

    def outcome(often: bool) -> list[tuple[int, str, datetime | None, Decimal]]:
        broker = exchange(cash="200000")
        for cents in (4, 8, 12, 16, 20, 30, 45):
            for legs in (PUT, CALL):
                broker.submit(ONE, above_mid(legs, cents), TEN)
        broker.submit(ONE, above_mid(trident_legs(), 25), TEN + 7 * DAY)
        now, end = TEN, TEN + 8 * DAY
        while often and now < end:
            session = OPEN + timedelta(days=(now - OPEN).days)
            now += SECOND if now - session < timedelta(hours=6, minutes=46) else timedelta(minutes=17)
            broker.advance(now)
        broker.advance(end)
        return ended(broker)

    rarely = outcome(often=False)
    assert outcome(often=True) == rarely
    filled = [at for _, status, at, _ in rarely if status == "Filled" and at is not None]
    assert len(filled) >= 4
    assert len([at for at in filled if at > TEN + timedelta(hours=7)]) >= 3, "some of them only on a later day"
    assert any(status == "Live" for _, status, _, _ in rarely)


@pytest.mark.parametrize("legs", [PUT, CALL, trident_legs(), PUT[:1]])
def test_the_chances_of_a_session_are_those_of_its_single_minutes(legs: tuple[OrderLeg, ...]) -> None:
    market = Market(7, START)
    streamers = [market.occ_to_streamer(g.symbol) or "" for g in legs]
    compared = 0
    for opened in (OPEN, OPEN + 4 * DAY):
        minutes = [market.option_minutes(streamer, opened) for streamer in streamers]
        found = PackageMinutes.of(sim(legs), [each for each in minutes if each is not None])
        for part in range(0, 101, 5):
            cents = Decimal(float(np.quantile(found.mid, part / 100))).quantize(Decimal("0.01"))
            chances = fill_chances(found, float(cents))
            for minute in range(0, len(chances), 7):
                quotes = package(legs, opened + minute * MINUTE)
                assert float(quotes.natural) == pytest.approx(found.natural[minute], abs=1e-4)
                assert float(quotes.mid) == pytest.approx(found.mid[minute], abs=1e-4)
                assert fill_chance(quotes, cents) == pytest.approx(chances[minute], abs=1e-4)
                compared += chances[minute] not in (0.0, 1.0)
    assert compared > 20


@pytest.mark.parametrize("speed", [1.0, 60.0])
def test_matches_come_as_often_as_single_tries_would_hit(speed: float) -> None:
    """Of 2,000 orders at one limit: how many are matched in the session, and where in it."""
    market = Market(7, START)
    resting = RestingOrders(market, 7)
    session = market.sessions_around(TEN)[1]
    assert session is not None
    legs = sim(PUT)
    minutes = [market.option_minutes(market.occ_to_streamer(g.symbol) or "", TEN) for g in PUT]
    found = PackageMinutes.of(legs, [each for each in minutes if each is not None])
    tries = 60 / sqrt(speed)
    expected, limit, missed = 1.0, package(PUT).mid.quantize(Decimal("0.01")), np.zeros(0)
    while expected > 0.9:  # a limit that most of them meet, and not all
        limit += Decimal("0.001")
        missed = np.cumprod((1 - fill_chances(found, float(limit))) ** tries)
        expected = 1 - missed[-1]
    assert expected > 0.1
    order = SimOrder(1, ONE, "GTC", "Limit", 1, "QQQ", "Equity", limit, "Live", legs, TEN, TEN)
    matches = [resting.next_match(replace(order, id=each), session, session.open, speed) for each in range(1, 2001)]
    hit = [at for at in matches if at is not None]
    assert len(hit) / 2000 == pytest.approx(expected, abs=4 * sqrt(expected * (1 - expected) / 2000))
    middle = next(minute for minute, left in enumerate(missed) if 1 - left > expected / 2)
    early = sum(at < session.open + middle * MINUTE for at in hit) / 2000
    assert early == pytest.approx(1 - missed[middle - 1], abs=4 * sqrt(0.25 / 2000))
    for at in hit[:100]:
        assert session.open < at
        assert resting.next_match(replace(order, id=matches.index(at) + 1), session, at, speed) != at


def test_a_match_fills_at_the_price_of_its_instant_or_waits_for_the_next() -> None:
    """No fill is below the limit, and none is dated where the market had no chance for it."""
    market = Market(7, START)
    broker = exchange(cash="900000", market=market)
    for cents in range(3, 40):
        broker.submit(ONE, above_mid(PUT, cents), TEN)
        broker.submit(ONE, above_mid(CALL, cents), TEN)
    broker.advance(TEN + 15 * DAY)
    filled = [order for order in broker.orders(ONE) if order.status == "Filled"]
    assert len(filled) >= 10
    for order in filled:
        assert order.price is not None
        assert net_of(order) >= order.price
        for at in {fill.filled_at for g in order.legs for fill in g.fills if fill is g.fills[0]}:
            legs = tuple(OrderLeg(g.instrument_type, g.symbol, g.action, Decimal(g.quantity)) for g in order.legs)
            assert fill_chance(package(legs, at), order.price) > 0


def test_a_halt_delays_a_match_and_loses_none() -> None:
    market = Market(7, START)
    market.halt("QQQ", OPEN + DAY, OPEN + DAY + timedelta(hours=2))
    broker = exchange(market=market)
    order = broker.submit(ONE, above_mid(PUT, 20), TEN)
    broker.fill_plan = "never"
    broker.advance(OPEN + DAY - SECOND)
    broker.fill_plan = "immediate"
    broker.advance(OPEN + DAY + timedelta(hours=2) - SECOND)
    assert broker.order(ONE, order.id).status == "Live"
    broker.advance(OPEN + DAY + timedelta(hours=2) + 2 * SECOND)
    assert broker.order(ONE, order.id).status == "Filled"


@pytest.mark.parametrize("own", [False, True])
def test_a_changed_plan_counts_from_its_instant_on(own: bool) -> None:
    broker = exchange()
    order = broker.submit(ONE, credit(PUT, "2.95", "GTC"), TEN)
    later = TEN + DAY + timedelta(hours=1)
    broker.advance(later)
    assert broker.order(ONE, order.id).status == "Live"
    if own:
        broker.set_fill_plan(ONE, "immediate")
    else:
        broker.fill_plan = "immediate"
    broker.advance(later + 3 * SECOND)
    filled = broker.order(ONE, order.id)
    assert filled.status == "Filled"
    assert filled.terminal_at is not None
    assert later < filled.terminal_at <= later + 2 * SECOND


def test_a_plan_of_never_wakes_nobody_until_the_next_open() -> None:
    broker = exchange()
    broker.fill_plan = "never"
    broker.submit(ONE, above_mid(PUT, 5), TEN)
    broker.advance(TEN + 11 * MINUTE)
    assert broker.next_event_at() == OPEN + DAY


class CountingMarket(Market):
    """A market that counts the quotes it is asked for."""

    asked = 0

    def quote(self, streamer_symbol: str, at: datetime) -> MarketQuote | None:
        self.asked += 1
        return super().quote(streamer_symbol, at)


def test_fifteen_hundred_orders_cost_a_session_about_nothing() -> None:
    """A match a second would ask for 70 million quotes."""
    market = CountingMarket(7, START)
    filled: list[SimOrder] = []
    book = OrderBook(market, 7, lambda order, at: None, lambda order, legs, at: filled.append(order))
    late = CLOSE + 15 * MINUTE - 5 * SECOND
    for number in range(1, 1501):
        legs = PUT if number % 2 else CALL
        price = above_mid(legs, 40 + number % 60).price
        order = SimOrder(number, ONE, "GTC", "Limit", 1, "QQQ", "Equity", price, "Received", sim(legs), late, late)
        book.add(order, late, None)
    run_until(book, OPEN + DAY - SECOND)
    market.asked, filled[:] = 0, []
    events = run_until(book, OPEN + 2 * DAY - SECOND)
    assert len(filled) < 750, "most of them go on resting"
    assert events < 1_500 * 2 + 3 * len(filled)
    assert market.asked < 3_000


def run_until(book: OrderBook, end: datetime) -> int:
    """Runs the book to an instant; returns the number of events."""
    events = 0
    while (at := book.next_event_at()) is not None and at <= end:
        book.run_next()
        events += 1
    return events
