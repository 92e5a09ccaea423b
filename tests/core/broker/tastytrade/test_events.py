"""Feed events become our values: ages by the event's own time, missing sides, daily candles."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from tastytrade import dxfeed

from core.broker.tastytrade.backoff import backoff_s
from core.broker.tastytrade.chain import tick_table
from core.broker.tastytrade.events import candles_of, quote_of, trade_of
from core.runtime.clock import ShiftedClock

START = datetime(2026, 11, 23, 15, tzinfo=UTC)
RECEIVED = 1000.0


def clock_at(speed: float = 1.0) -> ShiftedClock:
    """A clock that stands at START and at the monotonic second 1000."""
    return ShiftedClock(START, speed, monotonic=lambda: RECEIVED)


def ms(instant: datetime) -> int:
    return round(instant.timestamp() * 1000)


def quote_event(bid_time: int = 0, ask_time: int = 0, **changes: Any) -> dxfeed.Quote:
    fields = {
        "eventSymbol": "QQQ",
        "eventTime": 0,
        "sequence": 0,
        "timeNanoPart": 0,
        "bidTime": bid_time,
        "bidExchangeCode": "Q",
        "askTime": ask_time,
        "askExchangeCode": "Q",
        "bidPrice": 0.1,
        "askPrice": 0.3,
        "bidSize": "NaN",
        "askSize": 3,
    }
    return dxfeed.Quote.model_validate({**fields, **changes})


def candle_event(day: date, close: Any = 10.0, flags: int = 0) -> dxfeed.Candle:
    time = ms(datetime(day.year, day.month, day.day, tzinfo=UTC))
    row = ["QQQ{=1d,tho=true}", 0, flags, time, time, 0, 1, 1, 1, 1, 1, "NaN", 0, 9.0, 11.0, 8.0, close]
    return dxfeed.Candle.from_stream(row)[0]


@pytest.mark.parametrize(
    ("bid_age", "ask_age", "age"),
    [(None, None, 0), (5, None, 5), (None, 7, 7), (5, 7, 7), (7200, 1, 7200), (-3, -3, 0)],
)
def test_a_quotes_age_is_that_of_its_older_side(bid_age: int | None, ask_age: int | None, age: int) -> None:
    times = [0 if side is None else ms(START - timedelta(seconds=side)) for side in (bid_age, ask_age)]
    quote = quote_of(quote_event(*times), clock_at(), RECEIVED)
    assert quote.age(RECEIVED) == pytest.approx(age)
    assert quote.as_of <= quote.received


def test_ages_are_wall_seconds_when_market_time_runs_faster() -> None:
    quote = quote_of(quote_event(ms(START - timedelta(seconds=120))), clock_at(60.0), RECEIVED)
    assert quote.age(RECEIVED) == pytest.approx(2.0)


def test_prices_are_exact_decimals() -> None:
    quote = quote_of(quote_event(), clock_at(), RECEIVED)
    assert (quote.bid, quote.ask) == (Decimal("0.1"), Decimal("0.3"))
    assert quote.mid == Decimal("0.2")


def test_a_side_that_is_no_number_is_missing() -> None:
    event = quote_event().model_copy(update={"bid_price": Decimal("NaN"), "ask_price": None})
    quote = quote_of(event, clock_at(), RECEIVED)
    assert (quote.bid, quote.ask) == (None, None)


def test_a_trade_is_as_old_as_its_own_time() -> None:
    time = ms(START - timedelta(seconds=4))
    row = ["SPX", 0, time, 0, 0, "C", 1, "ZERO_UP", False, 6000.25, "NaN", "NaN", "NaN", "NaN"]
    trade = trade_of(dxfeed.Trade.from_stream(row)[0], clock_at(), RECEIVED)
    assert trade.age(RECEIVED) == pytest.approx(4.0)
    assert (trade.price, trade.day_volume) == (Decimal("6000.25"), None)


def test_daily_candles_are_sorted_and_the_last_word_counts() -> None:
    monday, tuesday, wednesday, thursday = (date(2026, 11, 16) + timedelta(days=n) for n in range(4))
    found = candles_of(
        [
            candle_event(thursday),
            candle_event(wednesday, flags=0x2),  # removed
            candle_event(tuesday, close="NaN"),
            candle_event(monday, close=9.5),
            candle_event(thursday, close=10.5),
            candle_event(wednesday - timedelta(days=7)),
            candle_event(wednesday - timedelta(days=7), flags=0x2),
        ]
    )
    assert [(candle.day, candle.close) for candle in found] == [(monday, 9.5), (thursday, 10.5)]


@pytest.mark.parametrize(("price", "tick"), [("2.95", "0.05"), ("3.00", "0.1"), ("40", "0.1")])
def test_ticks_are_by_ascending_threshold(price: str, tick: str) -> None:
    sizes = [{"value": "0.1"}, {"value": "0.05", "threshold": "3.0"}]
    own = {"value": "0.01", "symbol": "QQQ   261224P00622000"}
    assert tick_table([own, *sizes]).tick(Decimal(price)) == Decimal(tick)
    assert tick_table([own]).tick(Decimal(price)) is None


def test_back_off_grows_with_full_jitter_between_its_bounds() -> None:
    assert [backoff_s(n, 0.0) for n in (0, 5, 50)] == [0.2, 0.2, 0.2]
    ceilings = [backoff_s(n, 0.999999) for n in range(12)]
    assert ceilings == sorted(ceilings)
    assert ceilings[0] == pytest.approx(0.2)
    assert ceilings[3] == pytest.approx(1.6, rel=1e-3)
    assert ceilings[-1] == pytest.approx(30.0, rel=1e-3)
