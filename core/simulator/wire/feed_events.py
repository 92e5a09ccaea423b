"""The events of the quote feed: the fields of each event type in DXLink's order, and their values.

Broker 3 has the order and the types of the fields. A number that the market does not have is the string "NaN". Times
are milliseconds since 1970 UTC, in market time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from core.runtime.clock import exchange_time
from core.simulator.exchange.market_view import MarketView
from core.simulator.market.dividends import PAYMENTS_A_YEAR
from core.simulator.market.market_data import MarketCandle, MarketTrade

NAN = "NaN"
SNAPSHOT_BEGIN = 0x4
SNAPSHOT_END = 0x8
REMOVE_EVENT = 0x2

Value = str | int | float | bool | None

_FIELD_NAMES = {
    "Quote": (
        "eventSymbol eventTime sequence timeNanoPart bidTime bidExchangeCode askTime askExchangeCode bidPrice askPrice"
        " bidSize askSize"
    ),
    "Trade": (
        "eventSymbol eventTime time timeNanoPart sequence exchangeCode dayId tickDirection extendedTradingHours price"
        " change size dayVolume dayTurnover"
    ),
    "Greeks": "eventSymbol eventTime eventFlags index time sequence price volatility delta gamma theta rho vega",
    "Candle": (
        "eventSymbol eventTime eventFlags index time sequence count volume vwap bidVolume askVolume impVolatility"
        " openInterest open high low close"
    ),
    "Summary": (
        "eventSymbol eventTime dayId dayClosePriceType prevDayId prevDayClosePriceType openInterest dayOpenPrice"
        " dayHighPrice dayLowPrice dayClosePrice prevDayClosePrice prevDayVolume"
    ),
    "Underlying": (
        "eventSymbol eventTime eventFlags index time sequence volatility frontVolatility backVolatility callVolume"
        " putVolume optionVolume putCallRatio"
    ),
    "Profile": (
        "eventSymbol eventTime description shortSaleRestriction tradingStatus haltStartTime haltEndTime exDividendDayId"
        " statusReason high52WeekPrice low52WeekPrice beta shares highLimitPrice lowLimitPrice earningsPerShare"
        " exDividendAmount dividendFrequency freeFloat"
    ),
    "TheoPrice": (
        "eventSymbol eventTime eventFlags index time sequence price underlyingPrice delta gamma dividend interest"
    ),
    "TimeAndSale": (
        "eventSymbol eventTime eventFlags index time timeNanoPart sequence exchangeCode price size bidPrice askPrice"
        " tradeThroughExempt aggressorSide spreadLeg extendedTradingHours validTick type buyer seller"
        " exchangeSaleConditions"
    ),
}
FIELDS: Mapping[str, tuple[str, ...]] = {kind: tuple(names.split()) for kind, names in _FIELD_NAMES.items()}
"""The fields of each event type, in the order of the feed."""

MIN_PERIOD: Mapping[str, float] = {
    "Quote": 0.1,
    "Trade": 0.1,
    "TimeAndSale": 0.1,
    "Greeks": 1.0,
    "TheoPrice": 1.0,
    "Candle": 1.0,
    "Summary": 2.0,
    "Underlying": 2.0,
    "Profile": 2.0,
}
"""The shortest time between two reads of a symbol, in wall seconds: values that change slowly are computed rarely."""


@dataclass(frozen=True, slots=True)
class CandleSymbol:
    """A candle symbol such as `QQQ{=1d,tho=true}`, as its symbol QQQ and its period 1d."""

    symbol: str
    period: str

    @property
    def daily(self) -> bool:
        """Whether the candles are daily ones, the only ones the feed has."""
        return self.period in ("d", "1d")


def parse_candle_symbol(text: str) -> CandleSymbol:
    """Parses the symbol of a candle subscription. Its period is `1d` when it names none."""
    symbol, brace, attributes = text.partition("{")
    if not brace:
        return CandleSymbol(symbol, "1d")
    for attribute in attributes.rstrip("}").split(","):
        key, _, value = attribute.partition("=")
        if key == "":
            return CandleSymbol(symbol, value)
    return CandleSymbol(symbol, "1d")


class FeedEvents:
    """The values of feed events, in the order of FIELDS. `at` is an instant of market time."""

    def __init__(self, view: MarketView) -> None:
        self._view = view
        self._builders: Mapping[str, Callable[[str, datetime], tuple[Value, ...] | None]] = {
            "Quote": self._quote,
            "Trade": self._trade,
            "Greeks": self._greeks,
            "Summary": self._summary,
            "Underlying": self._underlying,
            "Profile": self._profile,
            "TheoPrice": self._theo_price,
            "TimeAndSale": self._time_and_sale,
        }

    def event(self, kind: str, symbol: str, at: datetime) -> tuple[Value, ...] | None:
        """The current event of a type other than Candle. None when the symbol has no such event."""
        if not self._view.market.knows(symbol):
            return None
        return self._builders[kind](symbol, at)

    def candle_snapshot(self, text: str, since: datetime, at: datetime) -> list[tuple[Value, ...]]:
        """The daily candles from `since` on, newest first, with snapshot flags. Without any it is one removed event."""
        asked = parse_candle_symbol(text)
        candles: list[MarketCandle] = []
        if asked.daily and asked.symbol in self._view.market.symbols:
            candles = self._view.candles(asked.symbol, since, at)
        if not candles:
            return [_empty_candle(text, since)]
        events = []
        for place, candle in enumerate(reversed(candles)):
            flags = (SNAPSHOT_BEGIN if place == 0 else 0) | (SNAPSHOT_END if place == len(candles) - 1 else 0)
            events.append(_candle(text, candle, flags))
        return events

    def forming_candle(self, text: str, at: datetime) -> tuple[Value, ...] | None:
        """The candle of the current session, as an update after a snapshot. None for other than daily candles."""
        asked = parse_candle_symbol(text)
        if not asked.daily or asked.symbol not in self._view.market.symbols:
            return None
        candles = self._view.candles(asked.symbol, at - timedelta(days=5), at)
        return _candle(text, candles[-1], 0) if candles else None

    def _quote(self, symbol: str, at: datetime) -> tuple[Value, ...] | None:
        quote = self._view.quote(symbol, at)
        if quote is None:
            return None
        return (
            symbol,
            0,
            0,
            0,
            epoch_ms(quote.bid_time),
            "Q",
            epoch_ms(quote.ask_time),
            "Q",
            number(quote.bid),
            number(quote.ask),
            quote.bid_size if quote.bid is not None else NAN,
            quote.ask_size if quote.ask is not None else NAN,
        )

    def _trade(self, symbol: str, at: datetime) -> tuple[Value, ...] | None:
        trade = self._view.trade(symbol, at)
        if trade is None:
            return None
        ms = epoch_ms(trade.time)
        return (
            symbol,
            0,
            ms,
            0,
            trade.day_volume % 4096,
            "Q",
            day_id(trade.time.date()),
            trade.tick,
            False,
            number(trade.price),
            number(trade.change),
            int(trade.size),
            trade.day_volume,
            float(trade.price) * trade.day_volume,
        )

    def _greeks(self, symbol: str, at: datetime) -> tuple[Value, ...] | None:
        greeks = self._view.greeks(symbol, at)
        if greeks is None:
            return None
        ms = epoch_ms(greeks.time)
        return (
            symbol,
            0,
            0,
            event_index(ms),
            ms,
            0,
            number(greeks.price),
            number(greeks.volatility),
            number(greeks.delta),
            number(greeks.gamma),
            number(greeks.theta),
            number(greeks.rho),
            number(greeks.vega),
        )

    def _summary(self, symbol: str, at: datetime) -> tuple[Value, ...] | None:
        summary = self._view.summary(symbol, at)
        return (
            symbol,
            0,
            day_id(summary.day),
            "REGULAR",
            day_id(summary.previous_day),
            "FINAL",
            summary.open_interest,
            number(summary.day_open),
            number(summary.day_high),
            number(summary.day_low),
            NAN,
            number(summary.previous_close),
            NAN,
        )

    def _underlying(self, symbol: str, at: datetime) -> tuple[Value, ...] | None:
        if symbol not in self._view.market.symbols:
            return None
        candles = self._view.candles(symbol, at - timedelta(days=5), at)
        volatility = candles[-1].implied_volatility if candles else None
        if volatility is None:
            return None
        ms = epoch_ms(at.replace(second=0, microsecond=0))
        volume = candles[-1].volume // 100
        calls = volume * 4 // 10
        level = number(round(volatility, 4))
        return (symbol, 0, 0, event_index(ms), ms, 0, level, level, level, calls, volume - calls, volume, 1.5)

    def _profile(self, symbol: str, at: datetime) -> tuple[Value, ...] | None:
        halted = self._view.halted(symbol, at)
        described = "Nasdaq 100 ETF" if symbol == "QQQ" else "S&P 500 index" if symbol == "SPX" else symbol
        status = "HALTED" if halted else "ACTIVE"
        reason = "Trading halted" if halted else NAN
        paid = self._view.market.next_dividend(symbol, exchange_time(at).date())
        dividend = (number(paid.amount), PAYMENTS_A_YEAR[symbol]) if paid is not None else (NAN, NAN)
        ex_day = day_id(paid.ex) if paid is not None else 0
        return (
            symbol,
            0,
            described,
            "INACTIVE",
            status,
            0,
            0,
            ex_day,
            reason,
            *(NAN for _ in range(7)),
            *dividend,
            NAN,
        )

    def _theo_price(self, symbol: str, at: datetime) -> tuple[Value, ...] | None:
        greeks = self._view.greeks(symbol, at)
        option = self._view.market.option(symbol)
        trade = self._view.trade(option.underlying, at) if option is not None else None
        if option is None or greeks is None or trade is None:
            return None
        ms = epoch_ms(greeks.time)
        index = event_index(ms)
        figures = (number(greeks.price), number(trade.price), number(greeks.delta), number(greeks.gamma))
        tomorrow = exchange_time(at).date() + timedelta(days=1)
        paid = sum(d.amount for d in self._view.market.dividends(option.underlying, tomorrow, option.expiration))
        return (symbol, 0, 0, index, ms, 0, *figures, round(float(paid / trade.price), 6), 0.0)

    def _time_and_sale(self, symbol: str, at: datetime) -> tuple[Value, ...] | None:
        trade: MarketTrade | None = self._view.trade(symbol, at)
        if trade is None:
            return None
        quote = self._view.quote(symbol, at)
        ms = epoch_ms(trade.time)
        bid, ask = (quote.bid, quote.ask) if quote is not None else (None, None)
        side = "BUY" if trade.tick.endswith("UP") else "SELL"
        prices = (number(trade.price), int(trade.size), number(bid), number(ask))
        rest = (" ", side, False, False, True, "NEW", None, None, "@")
        return (symbol, 0, 0, event_index(ms), ms, 0, 0, "Q", *prices, *rest)


def number(value: Decimal | float | None) -> float | str:
    """A JSON number, or the string that the feed sends for NaN, infinity and a missing value."""
    if value is None:
        return NAN
    plain = float(value)
    if math.isnan(plain):
        return NAN
    if math.isinf(plain):
        return "Infinity" if plain > 0 else "-Infinity"
    return plain


def epoch_ms(instant: datetime) -> int:
    """Milliseconds since 1970 UTC."""
    return round(instant.timestamp() * 1000)


def day_id(day: date) -> int:
    """Days from 1970-01-01 to the date."""
    return (day - date(1970, 1, 1)).days


def event_index(ms: int) -> int:
    """The index of a time-series event: its second from bit 32 on, its millisecond from bit 22 on."""
    return ((ms // 1000) << 32) | ((ms % 1000) << 22)


def _candle(text: str, candle: MarketCandle, flags: int) -> tuple[Value, ...]:
    ms = epoch_ms(candle.time)
    middle = (float(candle.high) + float(candle.low) + float(candle.close)) / 3
    half = candle.volume // 2
    head = (text, 0, flags, event_index(ms), ms, 0, max(1, candle.volume // 100))
    flows = (candle.volume, round(middle, 4), half, candle.volume - half, number(candle.implied_volatility), NAN)
    return (*head, *flows, number(candle.open), number(candle.high), number(candle.low), number(candle.close))


def _empty_candle(text: str, since: datetime) -> tuple[Value, ...]:
    ms = epoch_ms(since)
    flags = SNAPSHOT_BEGIN | SNAPSHOT_END | REMOVE_EVENT
    return (text, 0, flags, event_index(ms), ms, 0, 0, *(NAN for _ in range(10)))
