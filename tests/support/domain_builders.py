"""Builders of domain values with sensible defaults, so that a test states only what it is about."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from core.domain.market.chain import Expiration, ListedStrike, OptionSymbols, TickTable
from core.domain.market.indicators import Indicators
from core.domain.market.judgement import Metrics
from core.domain.market.quotes import Candle, Quote
from core.domain.market.sessions import EXCHANGE_ZONE, Session
from core.domain.market.underlying import QQQ, Underlying
from core.domain.trident.pricing import Pricing, price_trident
from core.domain.trident.trident import Trident, build_trident

D = Decimal
TODAY = date(2025, 11, 5)
NOW = 1_000.0

# Broker 9.
QQQ_TICKS = TickTable((), D("0.01"))
SPX_TICKS = TickTable(((D("3.0"), D("0.05")),), D("0.1"))


def listed(strike: Decimal, root: str = "QQQ", day: date = date(2025, 12, 19)) -> ListedStrike:
    """A listed strike with the option symbols the chain gives it (broker 2.4)."""

    def names(right: str) -> OptionSymbols:
        return OptionSymbols(
            occ=f"{root:<6}{day:%y%m%d}{right}{int(strike * 1000):08d}",
            streamer=f".{root}{day:%y%m%d}{right}{strike.normalize():f}",
        )

    return ListedStrike(strike, put=names("P"), call=names("C"))


def strikes(low: int, high: int, step: int = 1) -> tuple[Decimal, ...]:
    return tuple(D(s) for s in range(low, high + 1, step))


def expiration(
    day: date = date(2025, 12, 19),
    *,
    underlying: str = "QQQ",
    root: str | None = None,
    listing: Iterable[Decimal] = strikes(600, 645),
    pm_settled: bool = True,
    standard: bool = True,
    shares_per_contract: int = 100,
    ticks: TickTable = QQQ_TICKS,
) -> Expiration:
    name = root or underlying
    return Expiration(
        underlying=underlying,
        root=name,
        day=day,
        pm_settled=pm_settled,
        standard=standard,
        shares_per_contract=shares_per_contract,
        strikes={s: listed(s, name, day) for s in listing},
        ticks=ticks,
    )


def trident(body: int | str = 622, width: int | str = 3, underlying: Underlying = QQQ) -> Trident:
    """A trident; by default the 622P/619P/622C/625C of the product's first description."""
    built = build_trident(underlying, expiration(underlying=underlying.symbol), D(body), D(width))
    assert isinstance(built, Trident)
    return built


# Bid and ask of the four legs, in leg order, that give the example's 3.86 natural and 4.10 mid.
EXAMPLE_PRICES = (("8.96", "9.04"), ("7.58", "7.66"), ("8.46", "8.54"), ("7.12", "7.20"))


def quotes_for(
    on: Trident,
    prices: Sequence[tuple[str | Decimal | None, str | Decimal | None]] = EXAMPLE_PRICES,
    *,
    age_s: float = 0.0,
    now: float = NOW,
) -> dict[str, Quote]:
    """Quotes of the four legs, all of the same age; `prices` are (bid, ask) in the order of the legs."""

    def number(value: str | Decimal | None) -> Decimal | None:
        return None if value is None else D(value)

    return {
        leg.symbols.streamer: Quote(leg.symbols.streamer, number(bid), number(ask), now - age_s, now - age_s)
        for leg, (bid, ask) in zip(on.legs, prices, strict=True)
    }


def aged(quotes: dict[str, Quote], symbol: str, age_s: float, now: float = NOW) -> dict[str, Quote]:
    """The same quotes, but the prices of one leg were set `age_s` ago, whenever they were received."""
    return {**quotes, symbol: replace(quotes[symbol], as_of=now - age_s)}


def priced(on: Trident | None = None) -> Pricing:
    on = on or trident()
    pricing = price_trident(on, quotes_for(on), NOW)
    assert isinstance(pricing, Pricing)
    return pricing


def indicators(**over: Any) -> Indicators:
    """Indicators of a quiet market: neutral direction, no stress, price inside the bands; `over` replaces values."""
    quiet: dict[str, Any] = {
        "price": D(100),
        "rsi": D(58),
        "adx": D(22),
        "upper_band": D(110),
        "middle_band": D(100),
        "lower_band": D(90),
        "macd_histogram": D(0),
        "sma20": D(100),
        "historical_volatility": D("0.20"),
        "range5": D("0.02"),
        "low20": D(95),
        "high20": D(105),
        "last_closes": (D(98), D(101), D(100)),
    }
    return Indicators(**{**quiet, **over})


def metrics(**over: Any) -> Metrics:
    """Metrics, read just now, of an ETF without earnings or dividend dates; `over` replaces values."""
    fresh: dict[str, Any] = {
        "symbol": "QQQ",
        "iv_rank": D(40),
        "iv30": D("0.20"),
        "iv_percentile": None,
        "ex_dividend": None,
        "dividend": None,
        "earnings": None,
        "beta": None,
        "age_s": 0.0,
    }
    return Metrics(**{**fresh, **over})


def candle(day: date, close: float, reach: float = 0.0) -> Candle:
    """A daily candle whose high and low are `reach` above and below its close."""
    return Candle(day, open=close, high=close + reach, low=close - reach, close=close)


def candles(count: int = 250, *, closes: Sequence[float] | None = None, last: date = TODAY) -> list[Candle]:
    """Candles of completed sessions, oldest first, the last on the day before `last`; a gentle wave unless `closes` are
    given."""
    values = closes if closes is not None else [600 + 6 * math.sin(n / 4) for n in range(count)]
    first = last - timedelta(days=len(values))
    return [candle(first + timedelta(days=n), close, reach=2.0) for n, close in enumerate(values)]


def session_days(count: int = 300, *, last: date = TODAY) -> list[date]:
    """The days of the sessions that `candles` has, oldest first, the last on the day before `last`."""
    return [last - timedelta(days=back) for back in range(count, 0, -1)]


def session(day: date, close_hour: int = 16) -> Session:
    """A session from 09:30 to `close_hour`, exchange time."""

    def at(hour: int, minute: int) -> datetime:
        return datetime(day.year, day.month, day.day, hour, minute, tzinfo=EXCHANGE_ZONE).astimezone(UTC)

    return Session(day, at(9, 30), at(close_hour, 0))
