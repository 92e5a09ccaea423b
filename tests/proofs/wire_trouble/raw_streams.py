"""Serves both streams of the broker frame by frame, as a test says (broker 3, 4)."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from tests.core.broker.raw_broker import ACCOUNT, RawBroker, json_answer, order_json

QUOTES = 7
"""The SDK's channel for quotes."""
LIMIT = 64 * 1024
"""The largest frame the SDK's websocket takes, in bytes."""

Socket = web.WebSocketResponse
Then = Callable[[Socket], Awaitable[None]]


def quote_frame(symbol: str = "QQQ", bid: float = 622.1, ask: float = 622.2) -> dict[str, Any]:
    row = [symbol, 0, 0, 0, 0, "Q", 0, "Q", bid, ask, 10, 10]
    return {"type": "FEED_DATA", "channel": QUOTES, "data": ["Quote", row]}


def order_alert(**changes: Any) -> dict[str, Any]:
    return {"type": "Order", "data": order_json(**changes), "timestamp": 1795357800000}


def sized(message: dict[str, Any], size: int) -> str:
    """The message as text of exactly `size` bytes."""
    bare = len(json.dumps({**message, "padding": ""}))
    return json.dumps({**message, "padding": "x" * (size - bare)})


class RawStreams:
    """Serves the alert stream at `/` and the quote feed at `/dxlink`.

    `alerts` and `feed` say what each new connection does, in order; the last one repeats.
    """

    def __init__(self, server: RawBroker) -> None:
        self.alerts: list[Then] = [quiet]
        self.feed: list[Then] = [quiet]
        self.auths = 0
        self.authorizes = True
        self.opens_channels = True
        self._server = server
        server.on("GET", "/", self.serve_alerts)
        server.on("GET", "/dxlink", self._quote_feed)

    def name_feed(self, port: int) -> None:
        """Makes the quote token name this port of this machine."""
        address = f"ws://127.0.0.1:{port}/dxlink"
        answer = {"data": {"token": "quote-token", "dxlink-url": address, "level": "api"}}
        self._server.on("GET", "/api-quote-tokens", json_answer(answer))

    async def serve_alerts(self, request: web.Request) -> web.StreamResponse:
        socket = Socket()
        await socket.prepare(request)
        asked = await socket.receive_json()
        await socket.send_json(
            {"status": "ok", "action": "connect", "value": [ACCOUNT], "request-id": asked["request-id"]}
        )
        await _next(self.alerts)(socket)
        await _until_closed(socket)
        return socket

    async def _quote_feed(self, request: web.Request) -> web.StreamResponse:
        socket = Socket()
        await socket.prepare(request)
        then: Then | None = _next(self.feed)
        async for message in socket:
            asked = json.loads(message.data)
            for answer in self._feed_answers(asked):
                await socket.send_json(answer)
            if asked["type"] == "FEED_SUBSCRIPTION" and asked["channel"] == QUOTES and then is not None:
                await then(socket)
                then = None
        return socket

    def _feed_answers(self, asked: dict[str, Any]) -> list[dict[str, Any]]:
        kind = asked["type"]
        unauthorized = {"type": "AUTH_STATE", "channel": 0, "state": "UNAUTHORIZED"}
        if kind == "SETUP":
            return [{**asked, "version": "1.0"}, unauthorized]
        if kind == "AUTH":
            self.auths += 1
            return [{**unauthorized, "state": "AUTHORIZED", "userId": "u"} if self.authorizes else unauthorized]
        if kind == "CHANNEL_REQUEST" and self.opens_channels:
            return [{**asked, "type": "CHANNEL_OPENED"}]
        return []


def _next(scripts: list[Then]) -> Then:
    return scripts.pop(0) if len(scripts) > 1 else scripts[0]


async def quiet(_: Socket) -> None:
    """Sends nothing by itself."""


def says(*frames: dict[str, Any] | str) -> Then:
    async def say(socket: Socket) -> None:
        for frame in frames:
            await socket.send_str(frame if isinstance(frame, str) else json.dumps(frame))

    return say


def closes(code: int) -> Then:
    async def close(socket: Socket) -> None:
        await socket.close(code=code)

    return close


async def _until_closed(socket: Socket) -> None:
    async for _ in socket:
        pass
