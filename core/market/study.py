"""Reads what the broker knows of an underlying and judges it; all accounts of a cycle share this (rules 4, 5)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from core.broker.port import Broker, BrokerError, MarketData
from core.domain.market.chain import OptionChain
from core.domain.market.judgement import Judgement, Metrics, judge
from core.domain.market.quotes import Candle
from core.domain.market.underlying import PriceSource, Underlying
from core.domain.operation.reasons import Reason, Refusal, refuse
from core.market.calendar import SessionCalendar
from core.market.daily_candles import DailyCandles
from core.market.feed import Feed
from core.market.quote_store import QuoteStore
from core.runtime.clock import Clock, exchange_time

SHARED_S = 2.0
"""Wall seconds for which accounts share a judgement: shorter than the pause between two attempts (rules 4)."""


@dataclass(eq=False, repr=False)
class MarketStudy:
    """The market data behind the judgement. Candles and chains are read once a session, metrics at every judgement."""

    broker: Broker
    market_data: MarketData
    feed: Feed
    quotes: QuoteStore
    clock: Clock
    calendar: SessionCalendar
    minimum_score: Decimal
    _candles: DailyCandles = field(init=False)
    _chains: dict[str, tuple[date, OptionChain]] = field(init=False, default_factory=dict)
    _judged: dict[str, tuple[float, Judgement]] = field(init=False, default_factory=dict)
    _locks: dict[str, asyncio.Lock] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._candles = DailyCandles(self.market_data, self.calendar, self.clock)

    def today(self) -> date:
        """The exchange's date now."""
        return exchange_time(self.clock.now()).date()

    async def prepare(self, underlyings: Mapping[str, Underlying]) -> tuple[Refusal, ...]:
        """Reads candles and chains before the first slot, and returns what failed. That is read again when needed."""
        refusals: list[Refusal] = []
        for symbol in underlyings:
            for read in (self.candles, self.chain):
                result = await read(symbol)
                if isinstance(result, Refusal):
                    refusals.append(result)
        return tuple(refusals)

    async def candles(self, symbol: str) -> tuple[Candle, ...] | Refusal:
        """The daily candles of completed sessions, oldest first, at most 250; or why they cannot be read."""
        async with self._lock(f"candles {symbol}"):
            return await self._candles.read(symbol)

    async def chain(self, symbol: str) -> OptionChain | Refusal:
        """Today's option chain, or why it cannot be read."""
        async with self._lock(f"chain {symbol}"):
            today = self.today()
            cached = self._chains.get(symbol)
            if cached is None or cached[0] != today:
                try:
                    cached = today, await self.broker.chain(symbol)
                except BrokerError as error:
                    return refuse(Reason.CHAIN_UNREADABLE, symbol=symbol, detail=error.detail)
                self._chains[symbol] = cached
            return cached[1]

    async def price(self, underlying: Underlying) -> tuple[Decimal, float] | None:
        """The underlying's price and its age in wall seconds, or None.

        The feed's price, and for an index without one the broker's mark.
        """
        seen = self.feed.underlying_price(underlying, self.clock.monotonic())
        if seen is not None:
            return seen.price, seen.age_s
        if underlying.price_source is PriceSource.LAST and self.feed.is_live(self.clock.monotonic()):
            try:
                mark = (await self.broker.marks((underlying.symbol,))).get(underlying.symbol)
            except BrokerError:
                return None  # the caller reports that the price is missing
            return None if mark is None else (mark, 0.0)
        return None

    async def judge(self, underlying: Underlying) -> Judgement:
        """Judges the underlying now (rules 5). Accounts that ask within 2 s share one judgement."""
        async with self._lock(f"judgement {underlying.symbol}"):
            shared = self._judged.get(underlying.symbol)
            if shared is not None and self.clock.monotonic() - shared[0] <= SHARED_S:
                return shared[1]
            judgement = await self._judge(underlying)
            self._judged[underlying.symbol] = self.clock.monotonic(), judgement
            return judgement

    async def _judge(self, underlying: Underlying) -> Judgement:
        symbol = underlying.symbol
        price = await self.price(underlying)
        metrics = await self._metrics(symbol)
        if isinstance(metrics, Refusal):
            return Judgement(symbol, metrics, minimum=self.minimum_score)
        candles = await self.candles(symbol)
        if isinstance(candles, Refusal):
            return Judgement(symbol, candles, minimum=self.minimum_score)
        return judge(
            symbol,
            price=None if price is None else price[0],
            price_age_s=None if price is None else price[1],
            halted=self.quotes.halted(symbol),
            metrics=metrics,
            candles=candles,
            sessions=self._candles.sessions(),
            today=self.today(),
            minimum=self.minimum_score,
        )

    async def _metrics(self, symbol: str) -> Metrics | Refusal | None:
        try:
            read = await self.broker.metrics((symbol,))
        except BrokerError:
            return refuse(Reason.METRICS_MISSING, symbol=symbol)
        return next((m for m in read if m.symbol == symbol), None)

    def _lock(self, name: str) -> asyncio.Lock:
        return self._locks.setdefault(name, asyncio.Lock())
