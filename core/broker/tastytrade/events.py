"""Turns the feed's events into our values (broker 3).

Their times are epoch milliseconds by the exchange's clock; 0 means no time. Ages follow from the broker's time, never
from the machine's clock, which may be wrong.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from tastytrade import dxfeed

from core.broker.tastytrade.broker_time import BrokerDates
from core.domain.market.quotes import Candle, DaySummary, Quote, Trade, TradingHalt


def quote_of(event: dxfeed.Quote, dates: BrokerDates, received: float) -> Quote:
    """The quote of an event that arrived at the monotonic second `received`.

    `as_of` is the older of the two sides' own times where the event carries them (rules 4.3).
    """
    return Quote(
        symbol=event.event_symbol,
        bid=_finite(event.bid_price),
        ask=_finite(event.ask_price),
        received=received,
        as_of=_as_of(dates, received, (event.bid_time, event.ask_time)),
        bid_size=_finite(event.bid_size),
        ask_size=_finite(event.ask_size),
    )


def trade_of(event: dxfeed.Trade, dates: BrokerDates, received: float) -> Trade:
    return Trade(
        symbol=event.event_symbol,
        price=event.price,
        received=received,
        as_of=_as_of(dates, received, (event.time,)),
        day_volume=_finite(event.day_volume),
    )


def summary_of(event: dxfeed.Summary, received: float) -> DaySummary:
    return DaySummary(
        symbol=event.event_symbol,
        previous_close=_finite(event.prev_day_close_price),
        day_open=_finite(event.day_open_price),
        day_high=_finite(event.day_high_price),
        day_low=_finite(event.day_low_price),
        received=received,
        day=_day(event.day_id),
    )


def _day(day_id: int) -> date | None:
    """The date that is so many days after 1970-01-01; None for 0, which is no date, and for one out of reach."""
    try:
        return None if day_id <= 0 else date(1970, 1, 1) + timedelta(days=day_id)
    except OverflowError:
        return None


def halt_of(event: dxfeed.Profile, received: float) -> TradingHalt:
    return TradingHalt(event.event_symbol, event.trading_status == "HALTED", received)


def candles_of(events: Iterable[dxfeed.Candle]) -> tuple[Candle, ...]:
    """One candle a session, oldest first; the last event of a session counts.

    Sessions that were removed or have no prices (the SDK turns NaN into 0) are left out. The time of a daily candle is
    midnight UTC of its session's date.
    """
    days: dict[date, Candle] = {}
    for event in events:
        day = datetime.fromtimestamp(event.time / 1000, UTC).date()
        prices = (event.open, event.high, event.low, event.close)
        if event.remove or not all(price.is_finite() and price > 0 for price in prices):
            days.pop(day, None)
        else:
            days[day] = Candle(day, *(float(price) for price in prices))
    return tuple(days[day] for day in sorted(days))


def _as_of(dates: BrokerDates, received: float, times: tuple[int, ...]) -> float:
    """The monotonic second of the oldest of these times; `received` when there is none."""
    own = [time for time in times if time > 0]
    if not own:
        return received
    return dates.second_of(datetime.fromtimestamp(min(own) / 1000, UTC))


def _finite(value: Decimal | None) -> Decimal | None:
    return value if value is not None and value.is_finite() else None
