"""Months of the market: the same for a seed in any order of questions, and well-formed on every day of them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from random import Random

import numpy as np
import pytest

from core.simulator.market.listing import expirations_of
from core.simulator.market.market import Market
from core.simulator.market.market_data import ListedStrike, TradingSession
from core.simulator.market.paths import HISTORY, SYMBOLS, DailyPaths, Floats

START = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
PASTS = (
    "773d8851d42d7f00",
    "2afff50089c392ff",
    "8bf28f71937743bd",
    "21527be86c8d3d5d",
    "409813ad714cd9c4",
    "f0c0ed1db65688a2",
    "373804595f170a58",
    "9a73334e9b490fc9",
    "14c86b8127b914f8",
    "bf611830a066f0df",
    "1c1dfe39c189d990",
    "36256452cf98ced5",
    "2f926b5937298579",
    "67b9d590f215e15c",
    "213e3baf1bdfb938",
    "7bf73c90256c0288",
    "1113de8383bdae82",
    "1667298889cdaa3e",
    "09dcb4795af09cf9",
    "56f77c0177ed1f1d",
    "889dc06f97cb5eed",
    "c6169f4645b3c1a9",
    "0a52529b3da5f635",
    "839cdd64fdc140ae",
)
"""Digests of the history and of the first session of each seed, as they were when seeds became known by them."""


def past_of(seed: int) -> str:
    """A digest of the bars up to the first session, and of the seconds of it and of the one before."""
    paths = DailyPaths(seed)
    digest = sha256()
    for symbol in SYMBOLS:
        bars = paths.bars(symbol, -HISTORY, 0)
        figures: list[Floats] = [bar.knots * 1e6 for bar in bars]
        figures += [np.array([bar.implied * 1e6, bar.sigma * 1e6, bar.volume]) for bar in bars]
        figures += [paths.seconds(symbol, offset, 23_400) * 1e3 for offset in (-1, 0)]
        for each in figures:
            # Rounded: the last places of an exponential differ from processor to processor.
            digest.update(np.rint(each).astype(np.int64).tobytes())
    return digest.hexdigest()[:16]


def sessions(market: Market, count: int) -> list[TradingSession]:
    """The first sessions of a market."""
    found = [market.sessions_around(market.start)[2]]
    while len(found) < count:
        found.append(market.sessions_around(found[-1].close)[2])
    return found


def test_the_past_and_the_first_session_of_a_seed_stay_what_they_were() -> None:
    assert tuple(past_of(seed) for seed in range(len(PASTS))) == PASTS


def test_other_sessions_than_the_first_are_another_market_than_before() -> None:
    """The first of them opens after a night of the future, and no two of its prices repeat the past's recipe."""
    paths = DailyPaths(7)
    past, ahead = paths.bar("QQQ", 0), paths.bar("QQQ", 30)
    assert (past.implied_at_open, past.long_run) == (0.0, 1.0)
    assert ahead.implied_at_open > 0.0
    assert ahead.long_run != 1.0


@pytest.mark.parametrize("seed", [7, 11])
def test_a_seed_has_the_same_months_in_any_order_of_questions(seed: int) -> None:
    asked = Random(seed)
    symbols = ("QQQ", "SPX", ".QQQ270108P622", ".QQQ270319C640", ".SPXW270219P6800")
    questions = [
        (asked.choice(symbols), START + timedelta(days=asked.randint(0, 85), seconds=asked.randint(0, 26_000)))
        for _ in range(150)
    ]

    def answers(order: list[tuple[str, datetime]]) -> dict[tuple[str, datetime], object]:
        market = Market(seed, START)
        return {
            (symbol, at): (
                market.quote(symbol, at),
                market.trade(symbol, at),
                market.summary(symbol, at),
                market.greeks(symbol, at),
                market.chain_day("SPX", at),
                market.next_dividend("QQQ", at.date()),
            )
            for symbol, at in order
        }

    shuffled = list(questions)
    asked.shuffle(shuffled)
    assert answers(questions) == answers(shuffled)
    # The daily bars are shared by the markets of a process: here they are made in another order too.
    one, other = DailyPaths(seed), DailyPaths(seed)
    last = other.bar("QQQ", 90)
    for offset in range(91):
        one.bar("SPX", offset)
    assert (one.bar("QQQ", 90).knots == last.knots).all()
    assert (one.seconds("QQQ", 60, 23_400, 900) == other.seconds("QQQ", 60, 23_400, 900)).all()


def contracts(strikes: tuple[ListedStrike, ...], price: Decimal) -> list[str]:
    """Of an expiration: the lowest strike, the highest, and some around the price."""
    near = sorted(strikes, key=lambda each: abs(each.strike - price))[:12:4]
    return [name for each in (strikes[0], *near, strikes[-1]) for name in (each.call_streamer, each.put_streamer)]


@pytest.mark.parametrize("seed", range(3))
def test_no_quote_of_any_month_is_crossed_negative_or_off_tick(seed: int) -> None:
    """At the open, at 16:05, on a half day, before and after an ex-date, and on the last day of a contract."""
    market = Market(seed, START)
    asked = 0
    for number, session in enumerate(sessions(market, 90)):
        if number % 10 and session.day not in (date(2026, 11, 27), date(2026, 12, 18), date(2026, 12, 21)):
            continue
        for symbol in ("QQQ", "SPX"):
            price = market.official_close(symbol, session.day)
            for root in market.chain(symbol, session.day):
                for expiration in root.expirations[:2] + root.expirations[2::7]:
                    for streamer in contracts(expiration.strikes, price):
                        for at in (session.open, session.close + timedelta(minutes=5)):
                            quote = market.quote(streamer, at)
                            assert quote is not None
                            assert quote.bid is not None
                            assert quote.ask is not None
                            assert 0 <= quote.bid < quote.ask, (streamer, at)
                            assert quote.bid_time <= min(at, expiration.stops_trading_at)
                            for side in (quote.bid, quote.ask):
                                tick = Decimal("0.01") if symbol == "QQQ" else Decimal("0.05")
                                assert side % tick == 0, (streamer, at)
                            asked += 1
    assert asked > 1000


def test_the_chain_of_each_of_750_days_is_one_that_can_be_traded() -> None:
    """Everything in it still trades, 30 to 50 days are always there, and the price is well inside the strikes."""
    market = Market(5, START)
    weekly_last: list[date] = []
    for number, session in enumerate(sessions(market, 750)):
        for symbol, name in (("QQQ", "QQQ"), ("SPX", "SPXW")):
            days = expirations_of(name, session.day)
            assert list(days) == sorted(days)
            assert any(30 <= (day - session.day).days <= 50 for day in days), session.day
            assert all(market.session(day) is not None for day in days)
            assert market.chain_day(symbol, session.open) == session.day
            assert market.chain_day(symbol, session.options_close) > session.day
            if number % 25 == 0:
                price = market.official_close(symbol, session.day)
                for root in market.chain(symbol, session.day):
                    for expiration in root.expirations:
                        assert expiration.stops_trading_at > session.open
                        assert expiration.strikes[0].strike < price * Decimal("0.8")
                        assert expiration.strikes[-1].strike > price * Decimal("1.2")
        last = max(day for day, kind in expirations_of("QQQ", session.day).items() if kind == "Weekly")
        if weekly_last and last > weekly_last[-1]:
            assert session.day.weekday() == 3 or market.session(session.day - timedelta(days=1)) is None
        weekly_last.append(last)


def test_a_contract_leaves_the_chain_when_it_stops() -> None:
    market = Market(7, START)
    close = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)

    def listed(symbol: str, at: datetime) -> set[date]:
        day = market.chain_day(symbol, at)
        return {expiration.day for root in market.chain(symbol, day) for expiration in root.expirations}

    today = close.date()
    for symbol, stops in (("SPX", close), ("QQQ", close + timedelta(minutes=15))):
        assert today in listed(symbol, stops - timedelta(seconds=1))
        assert today not in listed(symbol, stops)
        assert today not in listed(symbol, close + timedelta(hours=12))
        assert date(2026, 11, 24) in listed(symbol, close + timedelta(hours=12))
