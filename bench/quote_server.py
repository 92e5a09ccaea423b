"""A DXLink server that sends quotes as fast as the client takes them: `python -m bench.quote_server`.

It starts when the client subscribes END_SYMBOL. It sends QUOTES quotes of the other symbols of that channel, and then
one of END_SYMBOL.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from typing import Any

from aiohttp import WSMsgType, web

from bench.server_child import READY, pin

SYMBOLS = tuple(f".QQQ270115{right}{strike}" for right in "CP" for strike in range(560, 660))
"""The symbols with quotes, as many as the adapter subscribes in one message: far more than a cycle has legs."""
END_SYMBOL = "~LAST"
QUOTES = 150_000
QUOTES_PER_FRAME = 20
"""The quotes in one frame, as many as a busy feed sends at once (broker 7)."""
DISTINCT_FRAMES = 64
"""Frames that are built beforehand and sent in turn."""
OWN_CORE = 1


class QuoteServer:
    """Accepts every login and sends quotes."""

    def __init__(self) -> None:
        self.port = 0

    def application(self) -> web.Application:
        """The web application: OAuth, quote token and feed."""
        app = web.Application()
        app.router.add_post("/oauth/token", self._token)
        app.router.add_get("/api-quote-tokens", self._quote_token)
        app.router.add_get("/dxlink", self._dxlink)
        return app

    async def _token(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"access_token": "token", "token_type": "Bearer", "expires_in": 900})

    async def _quote_token(self, request: web.Request) -> web.StreamResponse:
        address = f"ws://127.0.0.1:{self.port}/dxlink"
        return web.json_response({"data": {"token": "token", "dxlink-url": address, "level": "api"}})

    async def _dxlink(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        fields: dict[int, list[str]] = {}
        wanted: dict[int, list[str]] = {}
        flood: asyncio.Task[None] | None = None
        async for received in socket:
            if received.type is not WSMsgType.TEXT:
                break
            message = json.loads(received.data)
            channel = message["channel"]
            if message["type"] == "FEED_SETUP":
                fields[channel] = message["acceptEventFields"].get("Quote", [])
            elif message["type"] == "FEED_SUBSCRIPTION":
                wanted.setdefault(channel, []).extend(added["symbol"] for added in message.get("add", ()))
                if END_SYMBOL in wanted[channel]:
                    symbols = [symbol for symbol in wanted.pop(channel) if symbol != END_SYMBOL]
                    flood = asyncio.create_task(send_quotes(socket, channel, symbols, fields[channel]))
            for answer in answers(message):
                await socket.send_json(answer)
        if flood is not None:
            flood.cancel()
        return socket


def answers(message: dict[str, Any]) -> list[dict[str, Any]]:
    """The answers of a feed server to a message of the handshake (broker 3)."""
    kind, channel = message["type"], message["channel"]
    state: dict[str, Any] = {"type": "AUTH_STATE", "channel": 0}
    if kind == "SETUP":
        return [{**message, "version": "1.0-bench"}, {**state, "state": "UNAUTHORIZED"}]
    if kind == "AUTH":
        return [{**state, "state": "AUTHORIZED", "userId": "bench"}]
    if kind == "CHANNEL_REQUEST":
        parameters = {"contract": "AUTO", "subFormat": "LIST"}
        return [{"type": "CHANNEL_OPENED", "channel": channel, "service": "FEED", "parameters": parameters}]
    if kind == "FEED_SETUP":
        config = {"aggregationPeriod": 0.1, "dataFormat": "COMPACT", "eventFields": message["acceptEventFields"]}
        return [{"type": "FEED_CONFIG", "channel": channel, **config}]
    return []


async def send_quotes(
    socket: web.WebSocketResponse, channel: int, symbols: Sequence[str], fields: Sequence[str]
) -> None:
    """Sends QUOTES quotes of the symbols in turn, then one of END_SYMBOL."""
    rows = [quote_row(symbols[n % len(symbols)], n, fields) for n in range(DISTINCT_FRAMES * QUOTES_PER_FRAME)]
    frames = [frame(channel, rows[start : start + QUOTES_PER_FRAME]) for start in range(0, len(rows), QUOTES_PER_FRAME)]
    for number in range(QUOTES // QUOTES_PER_FRAME):
        await socket.send_str(frames[number % len(frames)])
    await socket.send_str(frame(channel, [quote_row(END_SYMBOL, 0, fields)]))


def quote_row(symbol: str, number: int, fields: Sequence[str]) -> list[Any]:
    """The values of a quote, in the order of the fields that the client asked for."""
    now = int(time.time() * 1000)
    values: dict[str, Any] = {
        "eventSymbol": symbol,
        "bidTime": now,
        "bidExchangeCode": "Q",
        "askTime": now,
        "askExchangeCode": "Q",
        "bidPrice": round(5 + number % 97 / 100, 2),
        "askPrice": round(5.05 + number % 97 / 100, 2),
        "bidSize": 10 + number % 40,
        "askSize": 12 + number % 40,
    }
    return [values.get(field, 0) for field in fields]


def frame(channel: int, rows: Sequence[Sequence[Any]]) -> str:
    """A FEED_DATA message in the COMPACT format, as JSON."""
    flat = [value for row in rows for value in row]
    return json.dumps({"type": "FEED_DATA", "channel": channel, "data": ["Quote", flat]}, separators=(",", ":"))


async def main() -> None:
    """Serves until standard input ends."""
    server = QuoteServer()
    runner = web.AppRunner(server.application(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.port = int(runner.addresses[0][1])
    print(f"{READY}{server.port}", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    pin(OWN_CORE)
    asyncio.run(main())
