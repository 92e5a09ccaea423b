"""The alert websocket at the raw protocol: acknowledgements, errors, and faults that the SDK hides."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from pydantic import ValidationError
from tastytrade import AlertStreamer
from tastytrade.order import PlacedOrder

from core.simulator.exchange.faults import FaultKind, FaultMatch
from tests.core.simulator.wire.simulated_server import ACCOUNT, SimulatedServer, broker, only_account, qqq_spread, until


class Alerts:
    """A client of the alert stream that speaks the raw protocol."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, token: str) -> None:
        self.socket = socket
        self._token = token

    async def ask(self, action: str, **more: Any) -> Any:
        await self.socket.send_json({"auth-token": f"Bearer {self._token}", "action": action, **more})
        return await self.socket.receive_json(timeout=5)

    async def next(self, seconds: float = 5.0) -> Any:
        return await self.socket.receive_json(timeout=seconds)


@asynccontextmanager
async def alerts(server: SimulatedServer) -> AsyncIterator[Alerts]:
    token = await server.token()
    async with aiohttp.ClientSession() as client, client.ws_connect(f"{server.url}/") as socket:
        yield Alerts(socket, token)


async def place(server: SimulatedServer) -> int:
    async with server.session() as session:
        account = await only_account(session)
        response = await account.place_order(session, await qqq_spread(session, "1.20"), dry_run=False)
        return response.order.id


async def test_connect_is_acknowledged_with_the_request_id() -> None:
    async with broker() as server, alerts(server) as client:
        answer = await client.ask("connect", value=[ACCOUNT], **{"request-id": 1})
        assert answer.pop("web-socket-session-id")
        assert answer == {"status": "ok", "action": "connect", "request-id": 1, "value": [ACCOUNT]}
        for action in ("heartbeat", "public-watchlists-subscribe", "quote-alerts-subscribe"):
            answer = await client.ask(action, **{"request-id": 2})
            assert (answer["status"], answer["action"], answer["request-id"]) == ("ok", action, 2)


async def test_connect_with_one_bare_account() -> None:
    """The broker's JavaScript client sends a single account as text, and its token without `Bearer`."""
    async with broker() as server, aiohttp.ClientSession() as client, client.ws_connect(f"{server.url}/") as socket:
        common = {"source": "tastytrade-api-js-sdk", "auth-token": await server.token()}
        await socket.send_json({"action": "connect", "value": ACCOUNT, "request-id": 1, **common})
        answer = await socket.receive_json(timeout=5)
        assert (answer["status"], answer["request-id"]) == ("ok", 1)
        await socket.send_json({"action": "heartbeat", "request-id": 2, **common})
        assert (await socket.receive_json(timeout=5))["status"] == "ok"
        await place(server)
        assert (await socket.receive_json(timeout=5))["data"]["status"] == "Received"


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"action": "quote-alerts-subscribe"}, "connect-not-completed"),
        ({"action": "connect", "value": ["5WT99999"]}, "not-permitted"),
        ({"action": "connect", "value": "5WT99999"}, "not-permitted"),
        ({"action": "connect", "value": ""}, "not-permitted"),
        ({"action": "connect", "value": []}, "not-permitted"),
        ({"action": "connect"}, "not-permitted"),
        ({"action": "connect", "value": [ACCOUNT], "auth-token": "Bearer nobody"}, "not-authorized"),
        ({"action": "dance"}, "unknown-action"),
    ],
)
async def test_errors_of_the_alert_stream(message: dict[str, Any], text: str) -> None:
    async with broker() as server, alerts(server) as client:
        answer = await client.ask(**{"request-id": 4, **message})
        assert answer["status"] == "error"
        assert answer["message"] == text
        assert answer["request-id"] == 4


async def test_nonsense_does_not_end_the_connection() -> None:
    async with broker() as server, alerts(server) as client:
        for nonsense in ("{", "[]", "7"):
            await client.socket.send_str(nonsense)
            assert (await client.next())["message"] == "invalid-message"
        assert (await client.ask("heartbeat"))["status"] == "ok"


async def test_the_sdk_gets_its_other_subscriptions_acknowledged() -> None:
    async with broker() as server, server.session() as session:
        async with AlertStreamer(session) as streamer:
            await streamer.subscribe_accounts([await only_account(session)])
            await streamer.subscribe_public_watchlists()
            await streamer.subscribe_quote_alerts()
        await until(lambda: server.simulator.alerts.connections == 0)


async def test_a_refused_connect_may_lack_the_request_id() -> None:
    async with broker() as server, alerts(server) as client:
        server.arm(FaultKind.ALERTS_CONNECT_REFUSED)
        answer = await client.ask("connect", value=[ACCOUNT], **{"request-id": 1})
        assert answer["status"] == "error"
        assert "request-id" not in answer
        assert (await client.ask("connect", value=[ACCOUNT]))["status"] == "ok"


async def statuses(client: Alerts, count: int) -> list[str]:
    return [(await client.next())["data"].get("status") for _ in range(count)]


async def test_lost_duplicated_and_reordered_alerts() -> None:
    async with broker() as server, alerts(server) as client:
        server.simulator.exchange.fill_plan = "never"
        await client.ask("connect", value=[ACCOUNT])
        await place(server)
        assert await statuses(client, 4) == ["Received", "Routed", "In Flight", "Live"]
        server.arm(FaultKind.ALERTS_LOST)
        await place(server)
        assert await statuses(client, 3) == ["Routed", "In Flight", "Live"]
        server.arm(FaultKind.ALERTS_DUPLICATED, count=2)
        await place(server)
        assert await statuses(client, 6) == ["Received", "Received", "Routed", "Routed", "In Flight", "Live"]
        server.arm(FaultKind.ALERTS_REORDERED)
        await place(server)
        assert await statuses(client, 4) == ["Routed", "Received", "In Flight", "Live"]


async def test_a_held_alert_without_a_successor_comes_anyway() -> None:
    async with broker() as server, alerts(server) as client:
        server.simulator.exchange.fill_plan = "never"
        await client.ask("connect", value=[ACCOUNT])
        await place(server)
        await statuses(client, 3)
        server.arm(FaultKind.ALERTS_REORDERED)
        assert await statuses(client, 1) == ["Live"]


async def test_an_alert_with_an_unknown_status_kills_the_sdk_s_streamer() -> None:
    async with broker() as server, server.session() as session:
        server.arm(FaultKind.ALERTS_UNKNOWN_STATUS)
        account = await only_account(session)

        async def watch() -> None:
            async with AlertStreamer(session) as streamer:
                await streamer.subscribe_accounts([account])
                await place(server)
                async with asyncio.timeout(5):
                    async for _ in streamer.listen(PlacedOrder):
                        pass

        with pytest.raises(ExceptionGroup) as raised:
            await watch()
        assert raised.group_contains(ValidationError)


async def test_an_alert_may_lack_a_mandatory_key() -> None:
    async with broker() as server, alerts(server) as client:
        await client.ask("connect", value=[ACCOUNT])
        server.arm(FaultKind.ALERTS_INVALID_OBJECT)
        await place(server)
        assert "underlying-symbol" not in (await client.next())["data"]
        assert "underlying-symbol" in (await client.next())["data"]


@pytest.mark.parametrize(
    ("match", "value", "key"), [(None, 123, "underlying-symbol"), (FaultMatch(field="action"), None, "action")]
)
async def test_an_alert_may_have_an_odd_field(match: FaultMatch | None, value: object, key: str) -> None:
    async with broker() as server, alerts(server) as client:
        await client.ask("connect", value=[ACCOUNT])
        server.arm(FaultKind.ALERTS_ODD_FIELD, match=match, value=value)
        await place(server)

        def seen(message: Any) -> list[Any]:
            data = message["data"]
            return [data[key]] if key in data else [leg[key] for leg in data["legs"]]

        assert set(seen(await client.next())) == {value}
        assert value not in seen(await client.next())


async def test_the_alerts_of_one_event_may_come_in_one_frame() -> None:
    async with broker() as server, alerts(server) as client:
        server.simulator.exchange.fill_plan = "never"
        await client.ask("connect", value=[ACCOUNT])
        server.arm(FaultKind.ALERTS_BATCHED, count=2)
        await place(server)
        batches = [(await client.next())["results"] for _ in range(2)]
        assert batches[0][0]["data"]["status"] == "Received"
        assert batches[1][0]["data"]["status"] == "Routed"
        assert (await client.next())["data"]["status"] == "In Flight"


async def test_a_fill_and_its_balances_may_come_in_one_frame() -> None:
    async with broker() as server, alerts(server) as client:
        server.simulator.exchange.fill_plan = "immediate"
        await client.ask("connect", value=[ACCOUNT])
        server.arm(FaultKind.ALERTS_BATCHED, count=None)
        await place(server)
        frames: list[list[str]] = []
        while not frames or "CurrentPosition" not in frames[-1]:
            frames.append([notice["type"] for notice in (await client.next())["results"]])
        assert ["Order", "AccountBalance"] in frames  # the positions follow a little later
        assert len(frames[-1]) > 1


async def test_the_stream_closes_with_the_code_asked_for() -> None:
    async with broker() as server, alerts(server) as client:
        await client.ask("connect", value=[ACCOUNT])
        server.arm(FaultKind.ALERTS_CLOSE, code=1012)
        message = await client.socket.receive(timeout=5)
        assert message.type is aiohttp.WSMsgType.CLOSE
        assert client.socket.close_code == 1012


async def test_a_client_that_vanishes_disturbs_nobody() -> None:
    async with broker() as server, alerts(server) as staying:
        await staying.ask("connect", value=[ACCOUNT])
        async with alerts(server) as leaving:
            await leaving.ask("connect", value=[ACCOUNT])
            transport = leaving.socket.get_extra_info("socket")
            assert transport is not None
            leaving.socket._response.connection.transport.abort()  # type: ignore[union-attr]
            await place(server)
            assert await statuses(staying, 1) == ["Received"]
        await until(lambda: server.simulator.alerts.connections == 1)
