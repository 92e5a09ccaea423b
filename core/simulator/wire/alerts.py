"""The account alerts: a websocket on `/` that sends changed orders, balances and positions (broker 4)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from aiohttp import WSMsgType, web

from core.runtime.clock import Clock
from core.runtime.ids import Ids
from core.simulator.exchange.armed_faults import ArmedFaults
from core.simulator.exchange.faults import FaultKind
from core.simulator.exchange.orders import Notice
from core.simulator.wire.oauth import TokenIssuer
from core.simulator.wire.payloads import Payload
from core.simulator.wire.payloads_orders import notice as notice_payload
from core.simulator.wire.rest_faults import set_odd_field

MAX_MESSAGE = 65_536
MAX_QUEUED = 5_000
"""Messages that wait for a client that does not read. One more, and the connection is cut."""

CLOSE_SECONDS = 1.0
"""Wall seconds for a client to answer the close of its websocket."""

MAX_REORDER_SECONDS = 1.0
"""Wall seconds for which an alert to be reordered waits for its successor."""

SUBSCRIPTIONS = frozenset({"public-watchlists-subscribe", "quote-alerts-subscribe", "user-message-subscribe"})
MANDATORY = {"Order": "underlying-symbol", "AccountBalance": "cash-balance", "CurrentPosition": "cost-effect"}
"""For each type of alert, a key without which the SDK cannot read it."""


@dataclass(frozen=True, slots=True)
class _DelayedAlert:
    """An alert that waits for its successor, at most until the monotonic second `until`."""

    account: str
    payload: Payload
    until: float


class AlertServer:
    """The alert connections of all clients. Each gets the alerts of the accounts it has subscribed."""

    def __init__(
        self,
        tokens: TokenIssuer,
        accounts: Mapping[str, frozenset[str]],
        faults: ArmedFaults,
        clock: Clock,
        ids: Ids,
    ) -> None:
        """`accounts` maps each login to the numbers of its accounts."""
        self.tokens = tokens
        self.accounts = accounts
        self.faults = faults
        self.clock = clock
        self._ids = ids
        self._connections: set[AlertConnection] = set()
        self._delayed: list[_DelayedAlert] = []

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._connections)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Handles GET / with a websocket upgrade."""
        socket = web.WebSocketResponse(timeout=CLOSE_SECONDS, max_msg_size=MAX_MESSAGE, compress=False)
        await socket.prepare(request)
        connection = AlertConnection(self, socket, request.transport, self._ids.new())
        self._connections.add(connection)
        try:
            await connection.run()
        finally:
            self._connections.discard(connection)
        return socket

    def publish(self, notices: Sequence[Notice]) -> None:
        """Queues each notice for the connections that subscribed its account, changed by the armed alert faults."""
        batched: dict[str, list[Payload]] = {}
        for item in notices:
            if item.account_number not in batched and self._take(FaultKind.ALERTS_BATCHED, item):
                batched[item.account_number] = []
            for payload in self._with_faults(item):
                if item.account_number in batched:
                    batched[item.account_number].append(payload)
                else:
                    self._deliver(item.account_number, payload)
        for account, payloads in batched.items():
            if payloads:
                self._deliver(account, {"results": list(payloads)})

    def tell(self, account: str, payload: Payload) -> None:
        """Queues an alert that no fault changes."""
        self._deliver(account, payload)

    def flush(self) -> None:
        """Delivers the alerts that have waited too long for a successor."""
        monotonic = self.clock.monotonic()
        late = [held for held in self._delayed if held.until <= monotonic]
        self._delayed = [held for held in self._delayed if held.until > monotonic]
        for held in late:
            self._deliver(held.account, held.payload)

    async def apply_faults(self) -> None:
        """Closes connections while alerts-close is armed. Each closed connection is one occurrence."""
        for connection in tuple(self._connections):
            fault = self.faults.take(FaultKind.ALERTS_CLOSE, self.clock.monotonic(), path="/")
            if fault is None:
                return
            await connection.close(fault.fault.code or 1001, "going away")

    async def close(self) -> None:
        """Closes every connection (1001)."""
        await asyncio.gather(*(connection.close(1001, "going away") for connection in tuple(self._connections)))

    def _with_faults(self, item: Notice) -> list[Payload]:
        payload = notice_payload(item)
        if self._take(FaultKind.ALERTS_LOST, item):
            return []
        data = payload["data"]
        if isinstance(data, dict):
            if item.type == "Order" and self._take(FaultKind.ALERTS_UNKNOWN_STATUS, item):
                data["status"] = "Dead"
            if self._take(FaultKind.ALERTS_INVALID_OBJECT, item):
                data.pop(MANDATORY[item.type], None)
            odd = self.faults.take(FaultKind.ALERTS_ODD_FIELD, self.clock.monotonic(), account=item.account_number)
            if odd is not None:
                match = replace(odd.fault.match, field=odd.fault.match.field or MANDATORY[item.type])
                payload = set_odd_field(payload, match, odd.fault.value)
        if self._take(FaultKind.ALERTS_REORDERED, item):
            self._delayed.append(
                _DelayedAlert(item.account_number, payload, self.clock.monotonic() + MAX_REORDER_SECONDS)
            )
            return []
        late = [held.payload for held in self._delayed if held.account == item.account_number]
        self._delayed = [held for held in self._delayed if held.account != item.account_number]
        copies = 2 if self._take(FaultKind.ALERTS_DUPLICATED, item) else 1
        return [payload] * copies + late

    def _take(self, kind: FaultKind, item: Notice) -> bool:
        return self.faults.take(kind, self.clock.monotonic(), account=item.account_number) is not None

    def _deliver(self, account: str, payload: Payload) -> None:
        text = json.dumps(payload)
        for connection in self._connections:
            if account in connection.subscribed:
                connection.send(text)


class AlertConnection:
    """The connection of one client. It gets no alerts until it has sent `connect` with its accounts."""

    def __init__(
        self, server: AlertServer, socket: web.WebSocketResponse, transport: asyncio.Transport | None, session: str
    ) -> None:
        self._server = server
        self._socket = socket
        self._transport = transport
        self._session = session
        self._outbox: asyncio.Queue[str] = asyncio.Queue(MAX_QUEUED)
        self.subscribed: frozenset[str] = frozenset()

    async def run(self) -> None:
        """Serves the client until it disconnects or the server stops."""
        try:
            async with asyncio.TaskGroup() as group:
                writer = group.create_task(self._write())
                try:
                    await self._read()
                finally:
                    writer.cancel()
        except* ConnectionError:
            # The client disconnected while we wrote to it, which is no error here.
            pass

    def send(self, text: str) -> None:
        """Queues a message. Cuts the connection when too many are waiting."""
        try:
            self._outbox.put_nowait(text)
        except asyncio.QueueFull:
            if self._transport is not None:
                self._transport.abort()

    async def close(self, code: int, reason: str) -> None:
        """Closes with this websocket code. Cuts the connection of a client that does not answer."""
        try:
            async with asyncio.timeout(2 * CLOSE_SECONDS):
                await self._socket.close(code=code, message=reason.encode())
        except (TimeoutError, ConnectionError):
            if self._transport is not None:
                self._transport.abort()

    async def _write(self) -> None:
        while True:
            await self._socket.send_str(await self._outbox.get())

    async def _read(self) -> None:
        async for message in self._socket:
            if message.type is WSMsgType.TEXT:
                answer = self._answer(message.data)
                if answer is not None:
                    self.send(json.dumps(answer))

    def _answer(self, text: str) -> Payload | None:
        try:
            message = json.loads(text)
        except ValueError:
            return self._error("", None, "invalid-message")
        if not isinstance(message, dict):
            return self._error("", None, "invalid-message")
        action, request_id = str(message.get("action", "")), message.get("request-id")
        if action == "heartbeat":
            return self._ok(action, request_id)
        token = str(message.get("auth-token", "")).removeprefix("Bearer ")
        login = self._server.tokens.login_of(token, self._server.clock.monotonic())
        if action == "connect":
            return self._connect(login, message, request_id)
        if action not in SUBSCRIPTIONS:
            return self._error(action, request_id, "unknown-action")
        if not self.subscribed:
            return self._error(action, request_id, "connect-not-completed")
        if login is None:
            return self._error(action, request_id, "not-authorized")
        return self._ok(action, request_id)

    def _connect(self, login: str | None, message: Mapping[str, Any], request_id: object) -> Payload:
        if (
            self._server.faults.take(FaultKind.ALERTS_CONNECT_REFUSED, self._server.clock.monotonic(), path="/")
            is not None
        ):
            return self._error("connect", None, "failed")
        if login is None:
            return self._error("connect", request_id, "not-authorized")
        value = message.get("value")
        # A single account may come as text, as the broker's own JavaScript client sends it (broker 4).
        numbers = [str(number) for number in (value if isinstance(value, list) else [value] if value else [])]
        if not numbers or not self._server.accounts.get(login, frozenset()).issuperset(numbers):
            return self._error("connect", request_id, "not-permitted")
        self.subscribed = frozenset(numbers)
        answer = self._ok("connect", request_id)
        answer["value"] = list(numbers)
        return answer

    def _ok(self, action: str, request_id: object) -> Payload:
        answer: Payload = {"status": "ok", "action": action, "web-socket-session-id": self._session}
        if isinstance(request_id, int | str):
            answer["request-id"] = request_id
        return answer

    def _error(self, action: str, request_id: object, text: str) -> Payload:
        answer = self._ok(action, request_id)
        answer["status"] = "error"
        answer["message"] = text
        return answer
