"""Until when options trade: 16:15, 13:15 on half days, index options until 16:00 on their last day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from core.simulator.market.market import Market

START = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
CLOSE = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)
LATE = CLOSE + timedelta(minutes=15)
HALF_DAY = date(2026, 11, 27)


@pytest.fixture(scope="module")
def market() -> Market:
    return Market(7, START)


def moves(market: Market, symbol: str, since: datetime, until: datetime) -> bool:
    """Whether the quote changes between two instants."""
    first = market.quote(symbol, since)
    return any(market.quote(symbol, since + (until - since) * n / 40) != first for n in range(1, 41))


def test_options_are_open_15_minutes_longer_than_shares(market: Market) -> None:
    for at, shares, options in (
        (CLOSE - timedelta(seconds=1), True, True),
        (CLOSE, False, True),
        (LATE - timedelta(seconds=1), False, True),
        (LATE, False, False),
        (datetime(2026, 11, 27, 18, 14, tzinfo=UTC), False, True),
        (datetime(2026, 11, 27, 18, 15, tzinfo=UTC), False, False),
        (datetime(2026, 11, 26, 18, 0, tzinfo=UTC), False, False),
    ):
        assert (market.is_open(at), market.options_open(at)) == (shares, options), at
    last, current, following = market.options_around(CLOSE + timedelta(minutes=5))
    assert current is not None
    assert [last.day, current.day, following.day] == [date(2026, 11, 20), date(2026, 11, 23), date(2026, 11, 24)]
    last, current, following = market.options_around(LATE)
    assert (last.day, current, following.day) == (date(2026, 11, 23), None, date(2026, 11, 24))


@pytest.mark.parametrize(
    ("contract", "minutes"),
    [
        (".QQQ261123P622", 15),
        (".QQQ270108P622", 15),
        (".SPXW261123P6800", 0),
        (".SPXW261124P6800", 15),
        (".SPX261218P6800", 15),
    ],
)
def test_a_contract_is_quoted_until_it_stops(market: Market, contract: str, minutes: int) -> None:
    option = market.option(contract)
    assert option is not None
    stops = CLOSE + timedelta(minutes=minutes)
    assert market.options_open(stops - timedelta(seconds=1), option)
    assert not market.options_open(stops, option)
    if minutes:
        assert moves(market, contract, CLOSE + timedelta(seconds=5), LATE)
    assert not moves(market, contract, stops, CLOSE + timedelta(hours=12))
    last = market.quote(contract, CLOSE + timedelta(hours=12))
    assert last is not None
    assert stops - timedelta(seconds=4) < last.bid_time <= stops


@pytest.mark.parametrize("day", [date(2026, 11, 23), HALF_DAY])
def test_the_listing_says_when_each_root_stops(market: Market, day: date) -> None:
    session = market.session(day)
    assert session is not None
    stops = {}
    for root in [*market.chain("QQQ", day), *market.chain("SPX", day)]:
        for expiration in root.expirations:
            if expiration.day == day:
                stops[root.root] = (expiration.stops_trading_at, expiration.expires_at)
    late = session.close + timedelta(minutes=15)
    assert stops == {"QQQ": (late, late), "SPXW": (session.close, session.close)}


def test_an_am_settled_contract_stops_the_day_before_and_settles_at_the_open(market: Market) -> None:
    option = market.option(".SPX261218P6800")
    assert option is not None
    assert option.stops_trading_at == datetime(2026, 12, 17, 21, 0, tzinfo=UTC)
    opened = datetime(2026, 12, 18, 14, 30, tzinfo=UTC)
    assert market.settlement_price(option) == market.summary("SPX", opened).day_open


def test_what_is_traded_after_the_close_is_calm_and_changes_no_official_price(market: Market) -> None:
    evening = CLOSE + timedelta(hours=2)
    for symbol in ("QQQ", "SPX"):
        at_close, later = market.trade(symbol, CLOSE), market.trade(symbol, evening)
        assert at_close == later
        assert later is not None
        assert later.price == market.official_close(symbol, CLOSE.date())
        assert market.candles(symbol, START, CLOSE) == market.candles(symbol, START, evening)
        assert market.summary(symbol, CLOSE) == market.summary(symbol, evening)
    assert not moves(market, "SPX", CLOSE, evening)
    assert moves(market, "QQQ", CLOSE, LATE)
    bids = [quote.bid for s in range(0, 901, 30) if (quote := market.quote("QQQ", CLOSE + timedelta(seconds=s)))]
    official = market.official_close("QQQ", CLOSE.date())
    assert all(bid is not None and abs(bid / official - 1) < Decimal("0.004") for bid in bids)


def test_a_contract_settles_from_the_official_close_not_from_its_last_quote(market: Market) -> None:
    for contract in (".QQQ261123P622", ".SPXW261123P6800"):
        option = market.option(contract)
        assert option is not None
        assert market.settlement_price(option) == market.official_close(option.underlying, option.expiration)


def test_index_options_follow_the_fund_after_the_close() -> None:
    """By beta: the index stands still, its options do not."""
    together = 0
    for seed in range(12):
        market = Market(seed, START)
        first, last = (market.quote("QQQ", at) for at in (CLOSE, LATE))
        assert first is not None
        assert last is not None
        assert first.bid is not None
        assert last.bid is not None
        price = market.official_close("SPX", CLOSE.date())
        contract = f".SPXW270108C{round(price / 50) * 50 - 800}"
        before, after = (market.greeks(contract, at) for at in (CLOSE, LATE))
        assert before is not None
        assert after is not None
        fund, index = float(last.bid / first.bid) - 1, (after.price - before.price) / float(price)
        together += abs(index - 0.93 * fund) < 0.0002
    assert together == 12
