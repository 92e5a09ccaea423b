"""Market data for all accounts from one login's feed. When it fails, the next login takes over (rules 4)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime

from core.broker.multi_login.routes import Routes
from core.broker.port import MarketData, MarketDataSink, StreamState, StreamStatus
from core.domain.market.quotes import Candle, DaySummary, Quote, Trade, TradingHalt
from core.runtime.clock import Clock

_LOOK_EVERY_S = 0.5
log = logging.getLogger(__name__)


@dataclass(eq=False, repr=False)
class LoginsMarketData:
    """Implements `port.MarketData` over several logins. Subscriptions survive a change of login.

    `patience_s` is how many wall seconds a feed may be without a connection before the next login takes over.
    """

    feeds: Mapping[str, MarketData]
    routes: Routes
    clock: Clock
    patience_s: float
    _underlyings: set[str] = field(init=False, default_factory=set)
    _options: set[str] = field(init=False, default_factory=set)
    feeding: str = field(init=False)
    """The name of the login whose feed is used."""
    _wanted: str = field(init=False)

    def __post_init__(self) -> None:
        self.feeding = self.routes.names[0]
        self._wanted = self.feeding

    def prefer(self, name: str) -> None:
        """Uses the feed of this login from now on. The change takes up to half a second while a feed runs."""
        self._wanted = name

    async def run(self, sink: MarketDataSink) -> None:
        """Delivers to the sink until cancelled. Raises only what the sink raised."""
        before = 0
        while True:
            await self._change_to(self._wanted)
            heard = CountingSink(sink, self.clock, before)
            await self._feed_until_failed(heard)
            before = heard.connections
            words = f"login {self.feeding} feeds no quotes; login {self._wanted} takes over"
            log.warning("%s", words)
            sink.on_market_data_status(StreamStatus(StreamState.WAITING, self.clock.monotonic(), words, before))

    async def subscribe(self, underlyings: AbstractSet[str], options: AbstractSet[str]) -> None:
        self._underlyings |= underlyings
        self._options |= options
        await self.feeds[self.feeding].subscribe(underlyings, options)

    async def unsubscribe(self, options: AbstractSet[str]) -> None:
        self._options -= options
        await self.feeds[self.feeding].unsubscribe(options)

    async def daily_candles(self, symbol: str, since: datetime) -> tuple[Candle, ...]:
        return await self.feeds[self.feeding].daily_candles(symbol, since)

    async def _change_to(self, name: str) -> None:
        """Moves all subscriptions to this login."""
        if name == self.feeding:
            return
        await self.feeds[self.feeding].unsubscribe(frozenset(self._options))
        self.feeding = name
        await self.feeds[name].subscribe(frozenset(self._underlyings), frozenset(self._options))

    async def _feed_until_failed(self, heard: CountingSink) -> None:
        """Delivers from the present feed until another login's is to be used."""
        feed = self.feeds[self.feeding]
        if len(self.feeds) == 1:
            await feed.run(heard)
            return
        running = asyncio.create_task(feed.run(heard), name=f"quotes of {self.feeding}")
        failing = asyncio.create_task(self._until_failing(heard), name="watch of the quotes")
        try:
            ended, _ = await asyncio.wait({running, failing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (running, failing):
                task.cancel()
            await asyncio.wait({running, failing})
        for task in ended:
            task.result()  # raises what the sink raised

    async def _until_failing(self, heard: CountingSink) -> None:
        """Returns once another login's feed is to be used: the operator's choice, or the next login that is not
        refused.
        """
        while self._wanted == self.feeding:
            await self.clock.sleep(_LOOK_EVERY_S)
            lost = heard.lost_s() >= self.patience_s or self.routes.is_refused(self.feeding)
            following = [name for name in self.routes.after(self.feeding) if name != self.feeding]
            if lost and self._wanted == self.feeding and not self.routes.is_refused(following[0]):
                self._wanted = following[0]


class CountingSink:
    """Passes everything on, counts the connections of all logins, and knows how long there has been none."""

    def __init__(self, sink: MarketDataSink, clock: Clock, before: int) -> None:
        self._sink = sink
        self._clock = clock
        self._before = before
        self._lost_at: float | None = clock.monotonic()
        self.connections = before

    def lost_s(self) -> float:
        """Wall seconds without a connection; 0 while there is one."""
        return 0.0 if self._lost_at is None else self._clock.monotonic() - self._lost_at

    def on_quotes(self, quotes: Sequence[Quote]) -> None:
        self._sink.on_quotes(quotes)

    def on_trades(self, trades: Sequence[Trade]) -> None:
        self._sink.on_trades(trades)

    def on_summaries(self, summaries: Sequence[DaySummary]) -> None:
        self._sink.on_summaries(summaries)

    def on_halts(self, halts: Sequence[TradingHalt]) -> None:
        self._sink.on_halts(halts)

    def on_market_data_status(self, status: StreamStatus) -> None:
        if status.state is StreamState.CONNECTED:
            self._lost_at = None
        elif self._lost_at is None:
            self._lost_at = self._clock.monotonic()
        self.connections = self._before + status.connections
        self._sink.on_market_data_status(replace(status, connections=self.connections))
