"""Daily candles over the feed's connection: anyone may ask, and the stream's own task fetches them one by one."""

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
    """Queues requests for candles until there is a connection.

    A request survives the loss of a connection until its time is up.
    """

    def __init__(self, timings: Timings) -> None:
        self._timings = timings
        self._requests: deque[_Request] = deque()
        self._wake = asyncio.Event()

    async def ask(self, symbol: str, since: datetime) -> tuple[Candle, ...]:
        """The daily candles of a symbol since an aware instant, oldest first.

        Raises BrokerError(UNREACHABLE) when no snapshot comes in time.
        """
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
        """Answers requests while the connection stands."""
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
        """Reads candles up to the end mark of the snapshot.

        Some feeds send no end mark, so it also ends when nothing more comes, or when the request was given up.
        """
        while streamer.get_event_nowait(dxfeed.Candle) is not None:
            pass  # left over from an earlier subscription
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
            # The feed may write the interval in its own way, like {=d,tho=true}.
            if not event.event_symbol.startswith(f"{request.symbol}{{"):
                continue
            events.append(event)
            ended = ended or event.snapshot_end or event.snapshot_snip
            if ended and not event.pending:
                break
        await streamer.unsubscribe_candle(request.symbol, INTERVAL)
        return candles_of(events)
