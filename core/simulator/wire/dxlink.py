"""The quote feed: the DXLink protocol over a websocket (broker 3)."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from core.runtime.clock import Clock
from core.simulator.exchange.armed_faults import ArmedFault, ArmedFaults
from core.simulator.exchange.faults import FaultKind
from core.simulator.wire.feed_channel import MIN_AGGREGATION, Channel, MessageInvalid
from core.simulator.wire.feed_events import FeedEvents
from core.simulator.wire.oauth import TokenIssuer

VERSION = "1.0-1.2.1-20260722-153442"
MAX_MESSAGE = 65_536
"""Bytes of the longest message from a client. A longer one closes the connection with 1009 (broker 3)."""

IDLE_PERIOD = 0.2
"""Wall seconds between two checks for armed faults, while a connection has no channel."""

REFUSAL_DELAY = 0.02
"""Wall seconds before a refused AUTH is answered. A client may answer at once; a real server is farther away."""

CLOSE_SECONDS = 1.0
"""Wall seconds for a client to answer the close of its websocket."""


class QuoteFeed:
    """The feed connections of all clients."""

    def __init__(
        self, events: FeedEvents, tokens: TokenIssuer, faults: ArmedFaults, clock: Clock, keepalive_seconds: float
    ) -> None:
        self.events = events
        self.tokens = tokens
        self.faults = faults
        self.clock = clock
        self.keepalive_seconds = keepalive_seconds
        self._connections: set[FeedConnection] = set()

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._connections)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Handles GET /dxlink with a websocket upgrade."""
        refused = self.faults.take(FaultKind.DXLINK_UPGRADE_REFUSED, self.clock.monotonic(), path=request.path)
        if refused is not None:
            return web.Response(
                status=refused.fault.code or 502, text="<html>Bad Gateway</html>", content_type="text/html"
            )
        socket = web.WebSocketResponse(timeout=CLOSE_SECONDS, max_msg_size=MAX_MESSAGE, compress=False)
        await socket.prepare(request)
        connection = FeedConnection(self, socket, request.transport)
        self._connections.add(connection)
        try:
            await connection.run()
        finally:
            self._connections.discard(connection)
        return socket

    async def close(self) -> None:
        """Closes every connection (1001)."""
        await asyncio.gather(*(connection.close(1001, "going away") for connection in tuple(self._connections)))


@dataclass(eq=False)
class FeedConnection:
    """The connection of one client: SETUP, then AUTH, then channels with their subscriptions."""

    feed: QuoteFeed
    socket: web.WebSocketResponse
    transport: asyncio.Transport | None
    _set_up: bool = field(default=False, init=False)
    _authorized: bool = field(default=False, init=False)
    _channels: dict[int, Channel] = field(default_factory=dict, init=False)
    _full: bool = field(default=False, init=False)
    """Whether new channels use the FULL format, after dxlink-full."""
    _silent_until: float = field(default=-math.inf, init=False)
    """Monotonic second until which nothing is sent, after dxlink-silence."""
    _half_open: bool = field(default=False, init=False)
    _wake: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    """Set by a subscription, to send its values at once."""
    _next_keepalive: float = field(default=math.inf, init=False)
    """Monotonic second at which the next keepalive is sent."""

    def __post_init__(self) -> None:
        self._keepalive_period = self.feed.keepalive_seconds / 2

    async def run(self) -> None:
        """Serves the client until it disconnects, a fault ends the connection, or the server stops."""
        try:
            async with asyncio.TaskGroup() as group:
                pump = group.create_task(self._send_changes())
                try:
                    await self._read()
                finally:
                    pump.cancel()
        except* ConnectionError:
            # The client disconnected while we wrote to it, which is no error here.
            pass

    async def close(self, code: int, reason: str) -> None:
        """Closes with this websocket code. Cuts the connection of a client that does not answer or read."""
        if self._half_open:
            self._abort()
            return
        try:
            async with asyncio.timeout(2 * CLOSE_SECONDS):
                await self.socket.close(code=code, message=reason.encode())
        except (TimeoutError, ConnectionError):
            self._abort()

    async def _read(self) -> None:
        while not self.socket.closed:
            try:
                message = await self.socket.receive(timeout=self.feed.keepalive_seconds)
            except TimeoutError:
                if self._half_open:
                    continue
                await self._error(0, "TIMEOUT", "No keepalive was received in time")
                await self.close(1000, "keepalive timeout")
                return
            if message.type is not WSMsgType.TEXT:
                if message.type is WSMsgType.BINARY:
                    await self._error(0, "INVALID_MESSAGE", "Binary messages are not understood")
                    continue
                return
            try:
                await self._receive(_decode(message.data))
            except MessageInvalid as invalid:
                await self._error(0, "INVALID_MESSAGE", str(invalid))

    async def _receive(self, message: Mapping[str, Any]) -> None:
        kind, channel = message["type"], message["channel"]
        if kind == "SETUP":
            await self._setup(message)
        elif not self._set_up:
            await self._error(channel, "BAD_ACTION", "SETUP comes first")
        elif kind == "KEEPALIVE":
            return
        elif kind == "AUTH":
            await self._auth(message)
        elif kind == "ERROR":
            return
        elif not self._authorized:
            await self._error(channel, "UNAUTHORIZED", "You must be authorized")
        elif kind == "CHANNEL_REQUEST":
            await self._open(channel, message)
        elif kind not in ("CHANNEL_CANCEL", "FEED_SETUP", "FEED_SUBSCRIPTION"):
            await self._error(channel, "INVALID_MESSAGE", f"Unknown message type {kind}")
        elif channel not in self._channels:
            await self._error(channel, "BAD_ACTION", f"Channel {channel} is not open")
        elif kind == "CHANNEL_CANCEL":
            del self._channels[channel]
            await self._send({"type": "CHANNEL_CLOSED", "channel": channel})
        elif kind == "FEED_SETUP":
            await self._send_text(self._channels[channel].set_up(message))
        else:
            self._channels[channel].subscribe(message)
            self._wake.set()

    async def _setup(self, message: Mapping[str, Any]) -> None:
        version = message.get("version")
        if not isinstance(version, str) or not version.startswith(("0.", "1.")):
            await self._error(0, "UNSUPPORTED_PROTOCOL", f"Protocol version {version!r} is not supported")
            return
        accepted = message.get("acceptKeepaliveTimeout")
        if isinstance(accepted, int | float) and not isinstance(accepted, bool) and accepted > 0:
            self._keepalive_period = min(self.feed.keepalive_seconds, float(accepted)) / 2
        self._next_keepalive = self.feed.clock.monotonic() + self._keepalive_period
        seconds = self.feed.keepalive_seconds
        shown = int(seconds) if seconds.is_integer() else seconds
        setup = {"keepaliveTimeout": shown, "acceptKeepaliveTimeout": shown, "version": VERSION}
        await self._send({"type": "SETUP", "channel": 0, **setup})
        if not self._set_up:
            self._set_up = True
            await self._send({"type": "AUTH_STATE", "channel": 0, "state": "UNAUTHORIZED"})

    async def _auth(self, message: Mapping[str, Any]) -> None:
        token = message.get("token")
        if self._take(FaultKind.DXLINK_AUTH_UNANSWERED) is not None:
            return
        login = None
        if isinstance(token, str) and self._take(FaultKind.DXLINK_AUTH_REFUSED) is None:
            login = self.feed.tokens.quote_login_of(token, self.feed.clock.monotonic())
        if login is None:
            await self.feed.clock.sleep(REFUSAL_DELAY)
            await self._send({"type": "AUTH_STATE", "channel": 0, "state": "UNAUTHORIZED"})
            return
        self._authorized = True
        await self._send({"type": "AUTH_STATE", "channel": 0, "state": "AUTHORIZED", "userId": login})

    async def _open(self, channel: int, message: Mapping[str, Any]) -> None:
        if message.get("service") != "FEED":
            await self._error(channel, "BAD_ACTION", f"Service {message.get('service')!r} is not offered")
        elif channel <= 0 or channel in self._channels:
            await self._error(channel, "BAD_ACTION", f"Channel {channel} cannot be opened")
        else:
            self._channels[channel] = Channel(channel, self._full)
            parameters = {"contract": "AUTO", "subFormat": "LIST"}
            await self._send(
                {"type": "CHANNEL_OPENED", "channel": channel, "service": "FEED", "parameters": parameters}
            )

    async def _send_changes(self) -> None:
        """Sends, once an aggregation period, the events that have changed; also keepalives and faults."""
        while True:
            period = min((channel.aggregation for channel in self._channels.values()), default=IDLE_PERIOD)
            try:
                # Faults and keepalives are checked more often than the market of a slow channel.
                async with asyncio.timeout(max(MIN_AGGREGATION, min(period, IDLE_PERIOD))):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            monotonic = self.feed.clock.monotonic()
            if monotonic >= self._next_keepalive:
                self._next_keepalive = monotonic + self._keepalive_period
                await self._send({"type": "KEEPALIVE", "channel": 0})
            if self._authorized and await self._apply_faults():
                return
            for channel in tuple(self._channels.values()):
                for frame in channel.frames(self.feed.events, self.feed.clock.now(), monotonic):
                    await self._send_text(frame)
                    await asyncio.sleep(0)

    async def _apply_faults(self) -> bool:
        """Carries out the armed faults of the feed. Returns True when one has ended the connection."""
        if (fault := self._take(FaultKind.DXLINK_CLOSE)) is not None:
            await self.close(fault.fault.code or 1001, "going away")
            return True
        if (fault := self._take(FaultKind.DXLINK_HALF_OPEN)) is not None:
            await self._go_half_open(fault.fault.seconds)
            return True
        if (fault := self._take(FaultKind.DXLINK_SILENCE)) is not None:
            self._silent_until = self.feed.clock.monotonic() + (fault.fault.seconds or math.inf)
        if self._take(FaultKind.DXLINK_ERROR) is not None:
            await self._error(0, "UNKNOWN", "Internal server error")
        if self._channels and self._take(FaultKind.DXLINK_FULL) is not None:
            self._full = True
            for channel in self._channels.values():
                channel.full = True
                await self._send_text(channel.config())
        for channel in self._channels.values():
            if channel.subscribed and (short := channel.bad_arity()) is not None:
                if self._take(FaultKind.DXLINK_BAD_ARITY) is not None:
                    await self._send_text(short)
                break
        return False

    async def _go_half_open(self, seconds: float | None) -> None:
        """Neither reads nor writes for so long (None: for good), while TCP stays up. Then cuts the connection."""
        self._half_open = True
        if self.transport is not None:
            self.transport.pause_reading()
        if seconds is None:
            await asyncio.get_running_loop().create_future()
        else:
            await self.feed.clock.sleep(seconds)
        self._abort()

    def _abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    def _take(self, kind: FaultKind) -> ArmedFault | None:
        return self.feed.faults.take(kind, self.feed.clock.monotonic(), path="/dxlink")

    async def _error(self, channel: int, error: str, text: str) -> None:
        await self._send({"type": "ERROR", "channel": channel, "error": error, "message": text})

    async def _send(self, message: Mapping[str, Any]) -> None:
        await self._send_text(json.dumps(message))

    async def _send_text(self, text: str) -> None:
        if not self._half_open and self.feed.clock.monotonic() >= self._silent_until:
            await self.socket.send_str(text)


def _decode(text: str) -> Mapping[str, Any]:
    """A message with a string `type` and an int `channel` (0 if it has none). Raises MessageInvalid."""
    try:
        message = json.loads(text)
    except ValueError as error:
        raise MessageInvalid("The message is not JSON") from error
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise MessageInvalid("The message has no type")
    channel = message.setdefault("channel", 0)
    if isinstance(channel, bool) or not isinstance(channel, int):
        raise MessageInvalid(f"Channel {channel!r} is not a number")
    return message
