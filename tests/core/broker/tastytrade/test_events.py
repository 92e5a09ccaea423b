"""Feed events become our values: ages by the event's own time, missing sides, daily candles."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tastytrade import dxfeed

from core.broker.port import BrokerTime
from core.broker.tastytrade.backoff import backoff_s
from core.broker.tastytrade.broker_time import BrokerDates
from core.broker.tastytrade.chain import tick_table
from core.broker.tastytrade.events import candles_of, quote_of, trade_of
from core.domain.market.quotes import MAX_AHEAD_S
from core.runtime.clock import ShiftedClock

START = datetime(2026, 11, 23, 15, tzinfo=UTC)
RECEIVED = 1000.0


def dates(speed: float = 1.0, machine_off: timedelta = timedelta(0), told: bool = True) -> BrokerDates:
    """The broker's time is START at the monotonic second 1000, and the machine's clock is off by so much."""
    found = BrokerDates(ShiftedClock(START + machine_off, speed, monotonic=lambda: RECEIVED))
    found.time = BrokerTime(START - timedelta(seconds=0.5), START, RECEIVED) if told else None
    return found


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
    [(None, None, 0), (5, None, 5), (None, 7, 7), (5, 7, 7), (7200, 1, 7200), (-2, -2, 0), (-3, -3, None), (-3, 4, 4)],
)
def test_a_quotes_age_is_that_of_its_older_side(bid_age: int | None, ask_age: int | None, age: int | None) -> None:
    times = [0 if side is None else ms(START - timedelta(seconds=side)) for side in (bid_age, ask_age)]
    quote = quote_of(quote_event(*times), dates(), RECEIVED)
    assert quote.age(RECEIVED) == (None if age is None else pytest.approx(age))
    assert quote.ahead_s == (pytest.approx(3) if age is None else None)


@given(
    off=st.floats(-1e7, 1e7),
    speed=st.sampled_from([1.0, 6.0, 60.0]),
    event_age=st.floats(-100_000, 100_000),
    waited=st.floats(0, 1000),
)
def test_the_age_of_an_event_does_not_depend_on_this_machines_clock(
    off: float, speed: float, event_age: float, waited: float
) -> None:
    at = ms(START - timedelta(seconds=event_age))
    row = ["SPX", 0, at, 0, 0, "C", 1, "ZERO_UP", False, 6000.25, "NaN", "NaN", "NaN", "NaN"]
    ages = [
        (
            quote_of(quote_event(at, at), kept, RECEIVED).age(RECEIVED + waited),
            trade_of(dxfeed.Trade.from_stream(row)[0], kept, RECEIVED).age(RECEIVED + waited),
        )
        for kept in (dates(speed), dates(speed, timedelta(seconds=off)))
    ]
    assert ages[0] == ages[1]
    assert (ages[0][0] is None) == (event_age / speed < -MAX_AHEAD_S - 0.001) or abs(event_age / speed + 2) < 0.001


def test_before_the_broker_told_its_time_no_age_is_made_younger() -> None:
    """The machine's clock is all there is then. One that is behind finds its events ahead, never new."""
    event = quote_event(*[ms(START - timedelta(seconds=120))] * 2)
    behind, right = (timedelta(seconds=-180), timedelta(0))
    assert quote_of(event, dates(machine_off=behind, told=False), RECEIVED).age(RECEIVED) is None
    assert quote_of(event, dates(machine_off=right, told=False), RECEIVED).age(RECEIVED) == pytest.approx(120)


def ago(header: datetime) -> str:
    return format_datetime(header, usegmt=True)


def test_answers_narrow_the_brokers_time_and_a_contradiction_starts_anew() -> None:
    now = [RECEIVED]
    kept = BrokerDates(ShiftedClock(START, monotonic=lambda: now[0]))
    for after, whole in ((0.0, 0), (0.9, 0), (1.3, 1), (2.1, 2)):  # the broker's clock is START + 0.05 s at 1000
        now[0] = RECEIVED + after
        kept.note(ago(START + timedelta(seconds=whole)), now[0])
        assert kept.time is not None
        least, most = kept.time.offset(kept.clock)
        assert least <= timedelta(seconds=0.05) <= most
    assert most - least < timedelta(seconds=0.2)
    assert kept.time.mono == now[0], "it was told just now, however narrow it was before"
    kept.note(ago(START + timedelta(seconds=500)), now[0])
    least, most = kept.time.offset(kept.clock)
    assert most - least == timedelta(seconds=1)
    assert least > timedelta(seconds=490)


@pytest.mark.parametrize("header", [None, "", "yesterday", "Mon, 99 Nov 2026 15:00:00 GMT"])
def test_a_date_that_cannot_be_read_tells_nothing(header: str | None) -> None:
    kept = dates()
    before = kept.time
    kept.note(header, RECEIVED)
    assert kept.time is before


def test_a_slow_answer_tells_its_time_less_exactly() -> None:
    kept = BrokerDates(ShiftedClock(START, monotonic=lambda: RECEIVED))
    kept.note(ago(START - timedelta(seconds=9)), RECEIVED - 9.5)
    assert kept.time is not None
    least, most = kept.time.offset(kept.clock)
    assert (least, most) == (timedelta(seconds=-9), timedelta(seconds=1.5)), "it may be right, so it is not called off"


def test_ages_are_wall_seconds_when_market_time_runs_faster() -> None:
    quote = quote_of(quote_event(ms(START - timedelta(seconds=120))), dates(60.0), RECEIVED)
    assert quote.age(RECEIVED) == pytest.approx(2.0)


def test_prices_are_exact_decimals() -> None:
    quote = quote_of(quote_event(), dates(), RECEIVED)
    assert (quote.bid, quote.ask) == (Decimal("0.1"), Decimal("0.3"))
    assert quote.mid == Decimal("0.2")


def test_a_side_that_is_no_number_is_missing() -> None:
    event = quote_event().model_copy(update={"bid_price": Decimal("NaN"), "ask_price": None})
    quote = quote_of(event, dates(), RECEIVED)
    assert (quote.bid, quote.ask) == (None, None)


def test_a_trade_is_as_old_as_its_own_time() -> None:
    time = ms(START - timedelta(seconds=4))
    row = ["SPX", 0, time, 0, 0, "C", 1, "ZERO_UP", False, 6000.25, "NaN", "NaN", "NaN", "NaN"]
    trade = trade_of(dxfeed.Trade.from_stream(row)[0], dates(), RECEIVED)
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
