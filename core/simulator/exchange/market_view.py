"""The market as the broker shows it to clients: the simulated market, changed by the armed faults.

Orders fill on the simulated market itself. Only the data shown to clients is changed here.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from core.runtime.clock import Clock, exchange_time
from core.simulator.exchange.faults import ArmedFaults, FaultKind
from core.simulator.market.market import Market
from core.simulator.market.market_data import (
    MarketCandle,
    MarketGreeks,
    MarketMetricsRow,
    MarketQuote,
    MarketSummary,
    MarketTrade,
)
from core.simulator.market.sessions import previous_session

STALE_BY = timedelta(hours=2)
"""How old market data is under market-stale-snapshot."""

CANDLES_MISSING = 10
"""How many completed sessions have no candle under market-candles-missing, unless it names the dates."""


class MarketView:
    """The market data that clients are shown. Each call takes an instant of market time; see Market for the values."""

    def __init__(self, market: Market, faults: ArmedFaults, clock: Clock) -> None:
        self.market = market
        self._faults = faults
        self._clock = clock

    def quote(self, symbol: str, at: datetime) -> MarketQuote | None:
        """Bid and ask; both are None for an index and under market-nan."""
        quote = self.market.quote(symbol, self._instant(symbol, at))
        if quote is None or self._faults.is_empty:
            return quote
        if self._armed(FaultKind.MARKET_NAN, symbol):
            return replace(quote, bid=None, ask=None)
        if self._armed(FaultKind.MARKET_ZERO_BID, symbol):
            return replace(quote, bid=Decimal(0), bid_size=0)
        if self._armed(FaultKind.MARKET_CROSSED, symbol) and quote.bid is not None and quote.ask is not None:
            # A locked quote has equal sides: swapping them alone would not show it as crossed.
            gap = max(quote.ask - quote.bid, Decimal("0.01"))
            return replace(quote, bid=quote.ask, ask=max(quote.ask - gap, Decimal(0)))
        return quote

    def trade(self, symbol: str, at: datetime) -> MarketTrade | None:
        return self.market.trade(symbol, self._instant(symbol, at))

    def summary(self, symbol: str, at: datetime) -> MarketSummary:
        return self.market.summary(symbol, self._instant(symbol, at))

    def greeks(self, symbol: str, at: datetime) -> MarketGreeks | None:
        return self.market.greeks(symbol, self._instant(symbol, at))

    def candles(self, symbol: str, since: datetime, at: datetime) -> list[MarketCandle]:
        candles = self.market.candles(symbol, since, self._instant(symbol, at))
        missing = self._faults.take(FaultKind.MARKET_CANDLES_MISSING, self._clock.monotonic(), symbol=symbol)
        if missing is None:
            return candles
        days = missing.fault.days()
        if days is None:
            completed = [c.day for c in candles if c.day < exchange_time(at).date()][-CANDLES_MISSING:]
            days = (completed[0], completed[-1]) if completed else (date.max, date.min)
        return [c for c in candles if not days[0] <= c.day <= days[1]]

    def chain_day(self, symbol: str, at: datetime) -> date:
        """The date whose chain a read at this instant shows: that of the session before under chain-stale."""
        day = self.market.chain_day(symbol, at)
        return previous_session(day).day if self._armed(FaultKind.CHAIN_STALE, symbol) else day

    def updated_at(self, quote: MarketQuote | None, trade: MarketTrade | None, at: datetime) -> datetime:
        """When market data of these was updated last; `at` where it has neither a quote nor a trade."""
        times = [quote.bid_time, quote.ask_time] if quote is not None and quote.bid is not None else []
        if trade is not None:
            times.append(trade.time)
        return max(times, default=at)

    def halted(self, symbol: str, at: datetime) -> bool:
        """Whether the broker reports a halt of the symbol or of its underlying."""
        option = self.market.option(symbol)
        names = (symbol,) if option is None else (symbol, option.underlying)
        return any(self._armed(FaultKind.MARKET_HALTED, name) or self.market.halted(name, at) for name in names)

    def metrics(self, symbol: str, at: datetime) -> MarketMetricsRow:
        """Raises KeyError for an unknown symbol."""
        return self.market.metrics(symbol, self._instant(symbol, at))

    def session_unreadable(self) -> bool:
        return self._armed(FaultKind.SESSION_UNREADABLE, "*")

    def session_closed(self) -> bool:
        return self._armed(FaultKind.SESSION_CLOSED, "*")

    def session_past_close(self) -> bool:
        return self._armed(FaultKind.SESSION_PAST_CLOSE, "*")

    def session_without_close(self) -> bool:
        return self._armed(FaultKind.SESSION_OPEN_WITHOUT_CLOSE, "*")

    def _instant(self, symbol: str, at: datetime) -> datetime:
        """The instant whose market is shown: `at`, or an earlier one while market data is frozen or stale."""
        if self._faults.is_empty:
            return at
        frozen = self._faults.take(FaultKind.MARKET_FROZEN, self._clock.monotonic(), symbol=symbol)
        if frozen is not None:
            return min(at, frozen.since)
        stale = self._faults.take(FaultKind.MARKET_STALE_SNAPSHOT, self._clock.monotonic(), symbol=symbol)
        if stale is not None:
            return min(at, stale.since) - STALE_BY
        return at

    def _armed(self, kind: FaultKind, symbol: str) -> bool:
        return self._faults.take(kind, self._clock.monotonic(), symbol=symbol) is not None
