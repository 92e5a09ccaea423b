"""Daily candles over the feed: one snapshot at a time, asked for by anyone, fetched by the stream's own task."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from datetime import datetime

from tastytrade import DXLinkStreamer, dxfeed

from core.broker.port import BrokerError, BrokerFault
from core.broker.tastytrade.events import candles_of
from core.broker.tastytrade.timings import Timings
from core.domain.market.quotes import Candle

INTERVAL = "1d"


@dataclass(frozen=True, slots=True)
class _Request:
    symbol: str
    since: datetime
    answer: asyncio.Future[tuple[Candle, ...]]


class CandleDesk:
    """Requests wait here for a connection, and survive the loss of one until the asker's time is up."""

    def __init__(self, timings: Timings) -> None:
        self._timings = timings
        self._requests: deque[_Request] = deque()
        self._wake = asyncio.Event()

    async def ask(self, symbol: str, since: datetime) -> tuple[Candle, ...]:
        """Raises BrokerError(UNREACHABLE) when no snapshot comes in time."""
        request = _Request(symbol, since, asyncio.get_running_loop().create_future())
        self._requests.append(request)
        self._wake.set()
        try:
            async with asyncio.timeout(self._timings.candles):
                return await request.answer
        except TimeoutError:
            raise BrokerError(BrokerFault.UNREACHABLE, f"candles of {symbol}: no answer in time") from None
        finally:
            request.answer.cancel()

    async def serve(self, streamer: DXLinkStreamer) -> None:
        """Answers requests for as long as the connection stands."""
        while True:
            while self._requests:
                request = self._requests[0]
                if not request.answer.done():
                    candles = await self._snapshot(streamer, request)
                    if not request.answer.done():
                        request.answer.set_result(candles)
                self._requests.popleft()
            self._wake.clear()
            await self._wake.wait()

    async def _snapshot(self, streamer: DXLinkStreamer, request: _Request) -> tuple[Candle, ...]:
        """Everything up to the snapshot's end mark, or until the asker gives up or nothing more comes: some feeds
        send no mark."""
        while streamer.get_event_nowait(dxfeed.Candle) is not None:
            pass  # late updates of an earlier subscription
        aggregation = self._timings.slow_aggregation
        await streamer.subscribe_candle([request.symbol], INTERVAL, request.since, refresh_interval=aggregation)
        events: list[dxfeed.Candle] = []
        ended = False
        while not request.answer.done():
            try:
                async with asyncio.timeout(self._timings.candle_quiet):
                    event = await streamer.get_event(dxfeed.Candle)
            except TimeoutError:
                if events:
                    break
                continue
            # The feed may write the interval its own way: {=d,tho=true}.
            if not event.event_symbol.startswith(f"{request.symbol}{{"):
                continue
            events.append(event)
            ended = ended or event.snapshot_end or event.snapshot_snip
            if ended and not event.pending:
                break
        await streamer.unsubscribe_candle(request.symbol, INTERVAL)
        return candles_of(events)
