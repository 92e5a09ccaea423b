"""Measures quotes per second through adapter, feed and store, against a loop that only reads them from the SDK."""

from __future__ import annotations

import asyncio
import gc
import logging
import statistics
import time
from collections.abc import Callable
from contextlib import suppress

from tastytrade import DXLinkStreamer, dxfeed

from bench.figure import Figure
from bench.quote_server import END_SYMBOL, QUOTES, SYMBOLS
from bench.sdk import REFRESH, SECRET, bare_session
from bench.server_child import ServerChild, pin
from core.broker.tastytrade import Login, TastytradeBroker
from core.domain.market.underlying import SHIPPED
from core.market.feed import Feed
from core.market.quote_store import MemoryQuoteStore
from core.runtime.clock import SystemClock
from core.runtime.gc import tune_gc
from core.runtime.ids import RandomIds

PAIRS = 7
AIM = 0.9
POLL_S = 0.005
TIMEOUT_S = 60.0
OWN_CORE = 0


def measure() -> list[Figure]:
    pin(OWN_CORE)
    # Both sides run as in the console: without the SDK's debug log, and with few garbage collections.
    logging.getLogger("tastytrade").setLevel(logging.WARNING)
    tune_gc()
    bare: list[float] = []
    ours: list[float] = []
    with ServerChild("bench.quote_server") as server:
        for pair in range(PAIRS + 1):
            for rates, drain in ((bare, bare_rate), (ours, our_rate)):
                gc.collect()
                rate = asyncio.run(drain(server.port))
                if pair:  # the first pair only warms up
                    rates.append(rate)
    our_rate_s, bare_rate_s = statistics.median(ours), statistics.median(bare)
    ratio = our_rate_s / bare_rate_s
    return [
        Figure(
            "quotes per second through feed and store",
            f"{our_rate_s:,.0f}/s",
            f"bare SDK drain {bare_rate_s:,.0f}/s",
            ratio,
            f">= {AIM}",
            ratio >= AIM,
        )
    ]


async def bare_rate(port: int) -> float:
    """Quotes per second of the SDK alone, in a loop that keeps the latest quote of each symbol."""
    latest: dict[str, dxfeed.Quote] = {}

    async def drain(streamer: DXLinkStreamer) -> None:
        while True:
            event: dxfeed.Quote | None = await streamer.get_event(dxfeed.Quote)
            while event is not None:
                latest[event.event_symbol] = event
                event = streamer.get_event_nowait(dxfeed.Quote)

    async with bare_session(port) as session, DXLinkStreamer(session) as streamer:
        draining = asyncio.create_task(drain(streamer))
        timing = asyncio.create_task(_rate(lambda symbol: symbol in latest))
        await streamer.subscribe(dxfeed.Quote, [*SYMBOLS, END_SYMBOL])
        try:
            return await timing
        finally:
            await _cancel(draining)


async def our_rate(port: int) -> float:
    """Quotes per second of the product, through adapter and feed into the store that the engine prices from."""
    clock = SystemClock()
    broker = TastytradeBroker(Login("bench", SECRET, REFRESH), clock, RandomIds(), base_url=f"http://127.0.0.1:{port}")
    store = MemoryQuoteStore()
    feed = Feed(broker.market_data, store, clock, [SHIPPED["QQQ"]], lambda now: True)
    await broker.connect()
    await broker.market_data.subscribe(frozenset(), frozenset({*SYMBOLS, END_SYMBOL}))
    running = asyncio.create_task(feed.run())
    try:
        return await _rate(lambda symbol: store.quote(symbol) is not None)
    finally:
        await _cancel(running)
        await broker.close()


async def _rate(has_quote: Callable[[str], bool]) -> float:
    """Quotes per second, from the first one kept to the last one kept."""
    async with asyncio.timeout(TIMEOUT_S):
        while not has_quote(SYMBOLS[0]):  # noqa: ASYNC110 - neither side has an event to wait for
            await asyncio.sleep(POLL_S)
        started = time.monotonic()
        while not has_quote(END_SYMBOL):  # noqa: ASYNC110
            await asyncio.sleep(POLL_S)
        return QUOTES / (time.monotonic() - started)


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
