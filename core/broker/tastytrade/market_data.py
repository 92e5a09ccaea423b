"""The quote feed of one login over DXLink; it reconnects by itself (broker 3, 6, 7)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any, TypeVar

import anyio
from tastytrade import DXLinkStreamer, dxfeed

from core.broker.port import MarketDataSink
from core.broker.tastytrade.candles import CandleDesk
from core.broker.tastytrade.connection import Connection
from core.broker.tastytrade.events import halt_of, quote_of, summary_of, trade_of
from core.broker.tastytrade.supervisor import Entered, SinkFailed, StreamLost, keep_alive
from core.domain.market.quotes import Candle
from core.runtime.clock import exchange_time

CHUNK = 200
"""Symbols per subscription.

A larger one is refused, or answered with a frame that the SDK cannot take (broker 3).
"""
PACE_S = 0.05
UNDERLYING_EVENTS: tuple[type[dxfeed.Event], ...] = (dxfeed.Quote, dxfeed.Trade, dxfeed.Summary, dxfeed.Profile)
REGULAR_HOURS = (time(9, 31), time(16, 0))

E = TypeVar("E", bound=dxfeed.Event)
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class _Change:
    """A change of subscription; changes are made in the order they were requested."""

    add: bool
    kind: type[dxfeed.Event]
    symbols: tuple[str, ...]


class DXLinkMarketData:
    """Implements `core.broker.port.MarketData`. Subscriptions survive the loss of a connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._underlyings: set[str] = set()
        self._options: set[str] = set()
        self._changes: deque[_Change] = deque()
        self._wake = asyncio.Event()
        self._standing = False
        self._last_event = 0.0
        self._desk = CandleDesk(connection.timings)

    async def run(self, sink: MarketDataSink) -> None:
        """Delivers to the sink until cancelled. Raises only what the sink raised.

        When a connection is lost the status becomes WAITING; quotes received before are then no prices any more
        (rules 14).
        """
        await keep_alive(
            "market data",
            self._connection,
            lambda entered: self._connect(sink, entered),
            sink.on_market_data_status,
        )

    async def subscribe(self, underlyings: AbstractSet[str], options: AbstractSet[str]) -> None:
        """Takes effect at once when connected, else with the next connection."""
        new_underlyings, new_options = set(underlyings) - self._underlyings, set(options) - self._options
        self._underlyings |= new_underlyings
        self._options |= new_options
        for kind in UNDERLYING_EVENTS:
            self._change(True, kind, new_underlyings)
        self._change(True, dxfeed.Quote, new_options)

    async def unsubscribe(self, options: AbstractSet[str]) -> None:
        """Takes effect like `subscribe`. A symbol that is also a subscribed underlying keeps its quotes."""
        gone = set(options) & self._options
        self._options -= gone
        self._change(False, dxfeed.Quote, gone - self._underlyings)

    async def daily_candles(self, symbol: str, since: datetime) -> tuple[Candle, ...]:
        """The daily sessions since an aware instant, completed and forming, oldest first. Raises BrokerError."""
        return await self._desk.ask(symbol, since)

    def _change(self, add: bool, kind: type[dxfeed.Event], symbols: AbstractSet[str]) -> None:
        if self._standing and symbols:
            self._changes.append(_Change(add, kind, tuple(sorted(symbols))))
            self._wake.set()

    async def _connect(self, sink: MarketDataSink, entered: Entered) -> None:
        timings = self._connection.timings
        try:
            async with AsyncExitStack() as stack:
                async with asyncio.timeout(timings.enter_stream):
                    streamer = await stack.enter_async_context(DXLinkStreamer(self._connection.session))
                await self._subscribe_all(streamer)
                entered()
                self._last_event = self._connection.clock.monotonic()
                async with anyio.create_task_group() as tasks:
                    for work in self._deliveries(streamer, sink):
                        tasks.start_soon(work)
                    tasks.start_soon(self._desk.serve, streamer)
                    tasks.start_soon(self._watch_silence)
                    tasks.start_soon(self._follow_changes, streamer)
                    # The quote token expires after a day: reconnect before it does.
                    await self._connection.clock.sleep(timings.token_life)
                    tasks.cancel_scope.cancel()
        finally:
            self._standing = False

    async def _subscribe_all(self, streamer: DXLinkStreamer) -> None:
        self._changes.clear()
        self._standing = True
        wanted = [_Change(True, kind, tuple(sorted(self._underlyings))) for kind in UNDERLYING_EVENTS]
        wanted.append(_Change(True, dxfeed.Quote, tuple(sorted(self._options))))
        for change in wanted:
            await self._apply(streamer, change)

    async def _follow_changes(self, streamer: DXLinkStreamer) -> None:
        while True:
            while self._changes:
                await self._apply(streamer, self._changes.popleft())
            self._wake.clear()
            await self._wake.wait()

    async def _apply(self, streamer: DXLinkStreamer, change: _Change) -> None:
        timings = self._connection.timings
        interval = timings.quote_aggregation if change.kind is dxfeed.Quote else timings.slow_aggregation
        for index, symbols in enumerate(_chunks(change.symbols)):
            if index:
                await self._connection.clock.sleep(PACE_S)
            if change.add:
                await streamer.subscribe(change.kind, symbols, refresh_interval=interval)
            else:
                await streamer.unsubscribe(change.kind, symbols)

    def _deliveries(
        self, streamer: DXLinkStreamer, sink: MarketDataSink
    ) -> Iterable[Callable[[], Coroutine[Any, Any, None]]]:
        dates = self._connection.dates
        return (
            lambda: self._drain(streamer, dxfeed.Quote, lambda e, at: quote_of(e, dates, at), sink.on_quotes),
            lambda: self._drain(streamer, dxfeed.Trade, lambda e, at: trade_of(e, dates, at), sink.on_trades),
            lambda: self._drain(streamer, dxfeed.Summary, summary_of, sink.on_summaries),
            lambda: self._drain(streamer, dxfeed.Profile, halt_of, sink.on_halts),
        )

    async def _drain(
        self,
        streamer: DXLinkStreamer,
        kind: type[E],
        convert: Callable[[E, float], V],
        deliver: Callable[[Sequence[V]], None],
    ) -> None:
        """Delivers the latest event of each symbol, then pauses: one event at a time falls behind (broker 7)."""
        clock = self._connection.clock
        while True:
            event: E | None = await streamer.get_event(kind)
            received = clock.monotonic()
            latest: dict[str, E] = {}
            while event is not None:
                latest[event.event_symbol] = event
                event = streamer.get_event_nowait(kind)
            self._last_event = received
            values = [convert(newest, received) for newest in latest.values()]
            try:
                deliver(values)
            except Exception as error:
                raise SinkFailed("the market data sink failed") from error
            await clock.sleep(self._connection.timings.drain)

    async def _watch_silence(self) -> None:
        """Raises StreamLost when in regular hours nothing but keepalives comes.

        Holidays are not known here; on one the connection is renewed each minute, which does no harm.
        """
        clock, limit = self._connection.clock, self._connection.timings.data_silence
        while True:
            await clock.sleep(limit / 4)
            now = exchange_time(clock.now())
            regular = now.weekday() < 5 and REGULAR_HOURS[0] <= now.time() < REGULAR_HOURS[1]
            if not regular or not (self._underlyings or self._options):
                self._last_event = clock.monotonic()
            elif clock.monotonic() - self._last_event >= limit:
                raise StreamLost(f"no market data for {limit:g} s")


def _chunks(symbols: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for start in range(0, len(symbols), CHUNK):
        yield symbols[start : start + CHUNK]
