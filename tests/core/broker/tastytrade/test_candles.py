"""Candle snapshots whose end the feed marks in an unusual way, or not at all."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from core.broker.tastytrade import Login, TastytradeBroker
from core.runtime.clock import SystemClock
from core.runtime.ids import SeededIds
from tests.core.broker.simulated_streams import QUICK, Receiver, running

SINCE = datetime(2026, 11, 1, tzinfo=UTC)
FIRST = date(2026, 11, 16)
END, SNIP, PENDING = 0x8, 0x10, 0x1


class CandleFeed:
    """Answers a candle subscription with the test's frames: (symbol, days after FIRST, flags) each."""

    def __init__(self) -> None:
        self.frames: list[list[tuple[str, int, int]]] = []
        self.removed = 0
        self.port = 0

    async def token(self, _: web.Request) -> web.StreamResponse:
        return web.json_response({"access_token": "access", "expires_in": 900})

    async def quote_token(self, _: web.Request) -> web.StreamResponse:
        address = f"ws://127.0.0.1:{self.port}/dxlink"
        return web.json_response({"data": {"token": "quote", "dxlink-url": address, "level": "api"}})

    async def dxlink(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            asked: dict[str, Any] = json.loads(message.data)
            match asked["type"]:
                case "SETUP":
                    await socket.send_json({"type": "AUTH_STATE", "channel": 0, "state": "AUTHORIZED"})
                case "CHANNEL_REQUEST":
                    await socket.send_json({"type": "CHANNEL_OPENED", "channel": asked["channel"]})
                case "FEED_SUBSCRIPTION" if "add" in asked:
                    for frame in self.frames:
                        rows = [value for row in frame for value in self._row(*row)]
                        data = {"type": "FEED_DATA", "channel": asked["channel"], "data": ["Candle", rows]}
                        await socket.send_json(data)
                case "FEED_SUBSCRIPTION":
                    self.removed += 1
        return socket

    def _row(self, symbol: str, after: int, flags: int) -> list[Any]:
        day = datetime.combine(FIRST + timedelta(days=after), datetime.min.time(), UTC)
        time = round(day.timestamp() * 1000)
        return [symbol, 0, flags, time, time, 0, 1, 1, 1, 1, 1, "NaN", 0, 9.0, 11.0, 8.0, 10.0 + after]


@pytest.fixture
async def feed() -> AsyncIterator[CandleFeed]:
    found = CandleFeed()
    app = web.Application()
    app.router.add_post("/oauth/token", found.token)
    app.router.add_get("/api-quote-tokens", found.quote_token)
    app.router.add_get("/dxlink", found.dxlink)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.port = int(runner.addresses[0][1])
    yield found
    await runner.cleanup()


@pytest.mark.parametrize(
    ("frames", "days"),
    [
        ([[("QQQ{=1d,tho=true}", 2, 0x4), ("QQQ{=1d,tho=true}", 1, 0), ("QQQ{=1d,tho=true}", 0, END)]], [0, 1, 2]),
        ([[("QQQ{=d,tho=true}", 1, 0x4)], [("QQQ{=d,tho=true}", 0, SNIP)]], [0, 1]),
        ([[("QQQ{=d,tho=true}", 1, 0), ("QQQ{=d,tho=true}", 0, 0)]], [0, 1]),
        ([[("SPX{=d,tho=true}", 3, END)], [("QQQ{=d,tho=true}", 0, END)]], [0]),
        ([[("QQQ{=d,tho=true}", 1, END | PENDING)], [("QQQ{=d,tho=true}", 0, 0)]], [0, 1]),
    ],
    ids=["end", "snip", "no mark", "another symbol's end", "end of a pending transaction"],
)
async def test_a_snapshot_is_whole(feed: CandleFeed, frames: list[list[tuple[str, int, int]]], days: list[int]) -> None:
    feed.frames = frames
    login = Login("main", "secret", "refresh")
    broker = TastytradeBroker(
        login, SystemClock(), SeededIds(1), base_url=f"http://127.0.0.1:{feed.port}", timings=QUICK
    )
    await broker.connect()
    try:
        async with running(broker.market_data.run(Receiver())):
            candles = await broker.market_data.daily_candles("QQQ", SINCE)
    finally:
        await broker.close()
    assert [(candle.day - FIRST).days for candle in candles] == days
    assert [candle.close for candle in candles] == [10.0 + day for day in days]
    assert feed.removed == 1
