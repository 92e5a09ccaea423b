"""Dividends: their dates, what they take from the price, and what options, metrics and the feed make of them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from core.simulator.market.dividends import dividends, next_dividend
from core.simulator.market.market import Market
from core.simulator.market.market_data import TradingSession
from core.simulator.market.surface import RATE, YEAR_SECONDS

START = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
EX = date(2026, 12, 21)
AMOUNT = Decimal("0.7941")
LATER_START = datetime(2027, 1, 4, 14, 0, tzinfo=UTC)
"""From here on, 50 sessions go by without an ex-date."""


def session_number(market: Market, number: int) -> TradingSession:
    """The session with this offset."""
    session = market.sessions_around(market.start)[2]
    for _ in range(number):
        session = market.sessions_around(session.close)[2]
    return session


def test_the_dates_and_amounts_are_those_of_the_fund() -> None:
    found = dividends("QQQ", date(2024, 12, 1), date(2025, 12, 31))
    assert [(d.ex.isoformat(), d.pay.isoformat(), str(d.amount)) for d in found] == [
        ("2024-12-23", "2024-12-31", "0.7941"),
        ("2025-03-24", "2025-04-30", "0.7157"),
        ("2025-06-23", "2025-07-31", "0.5911"),
        ("2025-09-22", "2025-10-31", "0.6940"),
        ("2025-12-22", "2025-12-31", "0.7941"),
    ]
    assert next_dividend("QQQ", date(2023, 6, 17)) == dividends("QQQ", date(2023, 6, 20), date(2023, 6, 20))[0], (
        "the Monday was a holiday"
    )
    assert dividends("SPX", date(2020, 1, 1), date(2030, 1, 1)) == ()
    assert next_dividend("SPX", EX) is None


def test_the_next_dividend_is_todays_until_tomorrow() -> None:
    market = Market(7, START)
    for day, ex in ((EX - timedelta(days=1), EX), (EX, EX), (EX + timedelta(days=1), date(2027, 3, 22))):
        found = market.next_dividend("QQQ", day)
        assert found is not None
        assert found.ex == ex


@pytest.mark.parametrize("seed", range(3))
def test_the_price_opens_lower_by_the_dividend_and_stays_lower(seed: int) -> None:
    """The same seed on dates without an ex-date is the same market without the dividend."""
    paid, unpaid = Market(seed, START), Market(seed, LATER_START)
    before = session_number(paid, 18)
    assert paid.sessions_around(before.close)[2].day == EX
    previous = paid.official_close("QQQ", before.day)
    assert previous == unpaid.official_close("QQQ", session_number(unpaid, 18).day)
    left = 1 - float(AMOUNT / previous)
    for number in (19, 20, 30):
        ours, theirs = session_number(paid, number), session_number(unpaid, number)
        for hours in (0, 1, 6.5):
            with_it = paid.trade("QQQ", ours.open + timedelta(hours=hours))
            without = unpaid.trade("QQQ", theirs.open + timedelta(hours=hours))
            assert with_it is not None
            assert without is not None
            assert float(with_it.price) == pytest.approx(float(without.price) * left, abs=0.011)
        assert paid.official_close("SPX", ours.day) == unpaid.official_close("SPX", theirs.day)


def test_candles_and_the_previous_close_are_not_adjusted() -> None:
    market = Market(7, START)
    ex = market.session(EX)
    assert ex is not None
    bars = market.candles("QQQ", START, ex.open + timedelta(minutes=1))
    (eve,) = [bar for bar in bars if bar.day == date(2026, 12, 18)]
    assert eve.close == market.official_close("QQQ", eve.day) == market.summary("QQQ", ex.open).previous_close


@pytest.mark.parametrize("seed", [0, 1, 3])
def test_a_call_less_its_put_loses_nothing_on_any_night(seed: int) -> None:
    """What a share loses on an ex-date was never part of what the contracts deliver: no night moves them by it."""
    market = Market(seed, START)
    sessions = [session_number(market, number) for number in range(16, 22)]
    assert EX in {session.day for session in sessions}
    compared = []
    for before, after in pairwise(sessions):
        opened = market.summary("QQQ", after.open).day_open
        assert opened is not None
        closed = market.official_close("QQQ", before.day)
        share = float(opened - closed) + (float(AMOUNT) if after.day == EX else 0.0)
        for expiry in ("270108", "270219"):
            for strike in range(round(closed) - 30, round(closed) + 30):
                call, put = f"{expiry}C{strike}", f"{expiry}P{strike}"
                if any(market.greeks(f".QQQ{each}", before.close).time != before.close for each in (call, put)):  # type: ignore[union-attr]
                    continue  # its quote changed last a moment before the close
                moved = worth(market, call, after.open) - worth(market, call, before.close)
                moved -= worth(market, put, after.open) - worth(market, put, before.close)
                carried = RATE * (after.open - before.close).total_seconds() / YEAR_SECONDS * strike
                assert moved == pytest.approx(share - carried, abs=0.02), (before.day, expiry, strike)
                compared.append(after.day)
    assert len(compared) >= 10
    assert EX in compared


def worth(market: Market, contract: str, at: datetime) -> float:
    """The theoretical value of a contract of QQQ."""
    greeks = market.greeks(f".QQQ{contract}", at)
    assert greeks is not None
    return greeks.price


def test_a_deep_call_before_the_ex_date_is_worth_what_exercise_gives() -> None:
    """It has less time value than the dividend: this is why calls are exercised the day before."""
    market = Market(7, START)
    eve = market.session(date(2026, 12, 18))
    assert eve is not None
    price = float(market.official_close("QQQ", eve.day))
    strike = round(price - 60)
    assert worth(market, f"261224C{strike}", eve.close) == pytest.approx(price - strike, abs=0.02)
    assert worth(market, f"270219C{strike}", eve.close) > price - strike + 0.5


@pytest.mark.parametrize("seed", range(3))
def test_no_contract_of_the_fund_is_worth_less_than_exercise_gives(seed: int) -> None:
    market = Market(seed, START)
    for number in (0, 18, 19, 40):
        session = session_number(market, number)
        for root in market.chain("QQQ", session.day):
            for expiration in root.expirations[::4]:
                for strike in expiration.strikes[::9]:
                    noon = session.open + timedelta(hours=2)
                    quote = market.quote("QQQ", noon)
                    assert quote is not None
                    assert quote.ask is not None
                    assert quote.bid is not None
                    for streamer, inside in (
                        (strike.call_streamer, quote.bid - strike.strike),
                        (strike.put_streamer, strike.strike - quote.ask),
                    ):
                        greeks = market.greeks(streamer, noon)
                        assert greeks is not None
                        # The value is that of the contract's last change of quote, up to three seconds ago.
                        assert greeks.price >= float(inside) - 0.3, streamer
