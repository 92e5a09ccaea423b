"""DXLink at the raw protocol: a client like the broker's JavaScript one, a client that errs, and the feed's faults."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from httpx2.websockets import WebSocketDisconnect, WebSocketUpgradeError
from tastytrade import DXLinkStreamer, Session
from tastytrade.dxfeed import Event, Quote
from tastytrade.utils import TastytradeError

from core.simulator.exchange.faults import FaultKind
from tests.core.simulator.wire.simulated_server import MONDAY_TEN, SETUP, SimulatedServer, broker, feed, until


async def test_the_quote_token_names_the_feed() -> None:
    async with broker() as server:
        status, body, _ = await server.get("/api-quote-tokens", await server.token())
        assert status == 200
        assert body["data"]["dxlink-url"] == f"ws://127.0.0.1:{server.port}/dxlink"
        assert body["data"]["level"] == "api"


async def test_setup_auth_channel_config_data_in_order() -> None:
    async with broker() as server, feed(server) as client:
        await client.socket.send_json(SETUP)
        setup = await client.next()
        assert (setup["keepaliveTimeout"], setup["acceptKeepaliveTimeout"]) == (60, 60)
        assert (await client.next())["state"] == "UNAUTHORIZED"
        await client.send("AUTH", token=client.token)
        assert (await client.next())["state"] == "AUTHORIZED"
        await client.open(7)
        fields = ["eventSymbol", "askPrice", "bidPrice", "mystery"]
        wishes = {"acceptAggregationPeriod": 0.5, "acceptDataFormat": "COMPACT", "acceptEventFields": {"Quote": fields}}
        await client.send("FEED_SETUP", 7, **wishes)
        config = await client.next()
        assert config["type"] == "FEED_CONFIG"
        assert config["aggregationPeriod"] == 0.5
        assert config["eventFields"] == {"Quote": fields[:3]}
        await client.send("FEED_SUBSCRIPTION", 7, add=[{"type": "Quote", "symbol": "QQQ"}])
        data = await client.next()
        assert data["type"] == "FEED_DATA"
        kind, (symbol, ask, bid) = data["data"]
        assert (kind, symbol) == ("Quote", "QQQ")
        assert ask > bid
        await client.send("CHANNEL_CANCEL", 7)
        assert (await client.next_of("CHANNEL_CLOSED"))["channel"] == 7


async def test_a_js_like_client_uses_one_channel_for_all_types() -> None:
    async with broker() as server, feed(server) as client:
        await client.socket.send_json(SETUP)
        await client.send("AUTH", token=client.token)
        await client.send("CHANNEL_REQUEST", 3, service="FEED", parameters={"contract": "AUTO"})
        assert [(await client.next())["type"] for _ in range(3)] == ["SETUP", "AUTH_STATE", "AUTH_STATE"]
        assert (await client.next())["type"] == "CHANNEL_OPENED"
        candle = {"type": "Candle", "symbol": "QQQ{=1d}", "fromTime": (MONDAY_TEN.timestamp() - 9 * 86_400) * 1000}
        await client.send(
            "FEED_SUBSCRIPTION",
            3,
            add=[{"type": "Quote", "symbol": "QQQ"}, {"type": "Trade", "symbol": "SPX"}, candle],
        )
        told: set[str] = set()
        got: set[str] = set()
        while got != {"Quote", "Trade", "Candle"}:
            message = await client.next()
            assert message["channel"] == 3
            if message["type"] == "FEED_CONFIG":
                told |= set(message["eventFields"])
            else:
                kind = message["data"][0]
                assert kind in told
                got.add(kind)


async def test_the_frames_of_the_brokers_javascript_client() -> None:
    """SETUP and AUTH unasked, keepalives in milliseconds where seconds are meant, one channel set up before it is
    opened, and `eventType` among the fields (tastytrade-api-js, market-data-streamer)."""
    async with broker() as server, feed(server) as client:
        setup = {"keepaliveTimeout": 30_000, "acceptKeepaliveTimeout": 30_000, "version": "0.1-js/1.0.0"}
        await client.send("SETUP", **setup)
        await client.send("AUTH", token=client.token)
        assert [(await client.next())["type"] for _ in range(3)] == ["SETUP", "AUTH_STATE", "AUTH_STATE"]
        fields = ["eventType", "eventSymbol", "bidPrice", "askPrice", "bidSize", "askSize"]
        wishes = {"acceptAggregationPeriod": 1, "acceptDataFormat": "COMPACT", "acceptEventFields": {"Quote": fields}}
        await client.send("CHANNEL_REQUEST", 1, service="FEED", parameters={"contract": "AUTO"})
        await client.send("FEED_SETUP", 1, **wishes)
        assert (await client.next())["type"] == "CHANNEL_OPENED"
        assert (await client.next())["eventFields"] == {"Quote": fields}
        kinds = ("Quote", "Trade", "Summary", "Profile", "Greeks", "Underlying")
        await client.send("FEED_SUBSCRIPTION", 1, add=[{"symbol": "QQQ", "type": kind} for kind in kinds])
        await client.send("KEEPALIVE")
        told: dict[str, list[str]] = {"Quote": fields}
        events: dict[str, dict[str, Any]] = {}
        while len(events) < 5:
            message = await client.next()
            if message["type"] == "FEED_CONFIG":
                told |= message["eventFields"]
            else:
                kind, values = message["data"]
                events[kind] = dict(zip(told[kind], values, strict=False))
        assert set(events) == set(kinds) - {"Greeks"}
        assert events["Quote"]["eventType"] == "Quote"
        assert {event["eventSymbol"] for event in events.values()} == {"QQQ"}
        assert events["Quote"]["bidPrice"] <= events["Quote"]["askPrice"]
        await client.send("FEED_SUBSCRIPTION", 1, reset=True)


async def test_an_index_quote_is_nan_on_the_wire() -> None:
    async with broker() as server, feed(server) as client:
        await client.log_in()
        await client.open()
        wishes = {"acceptDataFormat": "FULL", "acceptEventFields": {"Quote": ["eventSymbol", "bidPrice", "bidSize"]}}
        await client.send("FEED_SETUP", 1, **wishes)
        assert (await client.next())["dataFormat"] == "FULL"
        await client.send("FEED_SUBSCRIPTION", 1, add=[{"type": "Quote", "symbol": "SPX"}])
        (event,) = (await client.next())["data"]
        assert event == {"eventType": "Quote", "eventSymbol": "SPX", "bidPrice": "NaN", "bidSize": "NaN"}


@pytest.mark.parametrize(
    ("messages", "error"),
    [
        ([{"type": "AUTH", "channel": 0, "token": "x"}], "BAD_ACTION"),
        ([{**SETUP, "version": "9"}], "UNSUPPORTED_PROTOCOL"),
        ([SETUP, {"type": "CHANNEL_REQUEST", "channel": 1, "service": "FEED"}], "UNAUTHORIZED"),
        ([SETUP, {"type": 7}], "INVALID_MESSAGE"),
        ([SETUP, {"type": "KEEPALIVE", "channel": "x"}], "INVALID_MESSAGE"),
        ([[]], "INVALID_MESSAGE"),
    ],
)
async def test_errors_before_login(messages: list[Any], error: str) -> None:
    async with broker() as server, feed(server) as client:
        for message in messages:
            await client.socket.send_json(message)
        assert (await client.next_of("ERROR"))["error"] == error


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ({"type": "CHANNEL_REQUEST", "channel": 1, "service": "DOM"}, "BAD_ACTION"),
        ({"type": "CHANNEL_REQUEST", "channel": 0, "service": "FEED"}, "BAD_ACTION"),
        ({"type": "FEED_SUBSCRIPTION", "channel": 9, "add": []}, "BAD_ACTION"),
        ({"type": "DANCE", "channel": 5}, "INVALID_MESSAGE"),
        ({"type": "FEED_SETUP", "channel": 5, "acceptDataFormat": "XML"}, "INVALID_MESSAGE"),
        ({"type": "FEED_SETUP", "channel": 5, "acceptAggregationPeriod": "slow"}, "INVALID_MESSAGE"),
        ({"type": "FEED_SUBSCRIPTION", "channel": 5, "add": [{"type": "Quote"}]}, "INVALID_MESSAGE"),
        ({"type": "FEED_SUBSCRIPTION", "channel": 5, "add": "QQQ"}, "INVALID_MESSAGE"),
    ],
)
async def test_errors_after_login_leave_the_connection_usable(message: dict[str, Any], error: str) -> None:
    async with broker() as server, feed(server) as client:
        await client.log_in()
        await client.open(5)
        await client.socket.send_json(message)
        assert (await client.next_of("ERROR"))["error"] == error
        await client.send("FEED_SUBSCRIPTION", 5, add=[{"type": "Quote", "symbol": "QQQ"}])
        assert (await client.next_of("FEED_DATA"))["channel"] == 5


async def test_keepalives_both_ways_and_the_close_without_them() -> None:
    # One comes every second, and 2 s without one of ours close: a machine under load may be a second late.
    async with broker(keepalive_seconds=2.0) as server, feed(server) as client:
        await client.log_in()
        for _ in range(2):
            assert (await client.next(20.0))["type"] == "KEEPALIVE"
            await client.send("KEEPALIVE")
        assert (await client.next(20.0))["type"] == "KEEPALIVE", "the connection outlives 2 s by our answers"
        assert (await client.next_of("ERROR", 20.0))["error"] == "TIMEOUT"
        assert (await client.socket.receive(timeout=20)).type is aiohttp.WSMsgType.CLOSE


async def test_a_subscription_too_long_closes_with_1009() -> None:
    async with broker() as server, server.session() as session:

        async def subscribe_too_much() -> None:
            async with DXLinkStreamer(session) as streamer:
                await streamer.subscribe(Quote, [f".QQQ261127P{n}" for n in range(2500)])
                await wait_for_event(streamer, Quote)

        with pytest.raises(TastytradeError, match="too long"):
            await subscribe_too_much()


# Faults


async def wait_for_event(streamer: DXLinkStreamer, kind: type[Event], seconds: float = 5.0) -> Any:
    async with asyncio.timeout(seconds):
        return await streamer.get_event(kind)


async def stream_until_broken(server: SimulatedServer, session: Session, kind: FaultKind, **fault: Any) -> None:
    async with DXLinkStreamer(session) as streamer:
        await streamer.subscribe(Quote, ["QQQ"])
        await wait_for_event(streamer, Quote)
        server.arm(kind, **fault)
        async with asyncio.timeout(5):
            async for _ in streamer.listen(Quote):
                pass


async def test_the_feed_closes_with_the_code_asked_for() -> None:
    async with broker() as server, server.session() as session:
        with pytest.raises(ExceptionGroup) as raised:
            await stream_until_broken(server, session, FaultKind.DXLINK_CLOSE, code=1012)
        leaf: BaseException = raised.value
        while isinstance(leaf, BaseExceptionGroup):
            leaf = leaf.exceptions[0]
        assert isinstance(leaf, WebSocketDisconnect)
        assert leaf.code == 1012
        await until(lambda: server.simulator.feed.connections == 0)
        async with DXLinkStreamer(session) as streamer:
            await streamer.subscribe(Quote, ["QQQ"])
            assert await wait_for_event(streamer, Quote)


@pytest.mark.parametrize(
    ("kind", "text"),
    [(FaultKind.DXLINK_ERROR, "Fatal streamer error"), (FaultKind.DXLINK_BAD_ARITY, "not a multiple")],
)
async def test_error_frames_and_bad_arity_kill_the_sdk_s_streamer(kind: FaultKind, text: str) -> None:
    async with broker() as server, server.session() as session:
        with pytest.raises(ExceptionGroup) as raised:
            await stream_until_broken(server, session, kind)
        assert raised.group_contains(TastytradeError, match=text)


async def test_the_format_can_switch_to_full_in_mid_session() -> None:
    async with broker(speed=5.0) as server, feed(server) as client:
        await client.log_in()
        await client.open()
        await client.send("FEED_SUBSCRIPTION", 1, add=[{"type": "Quote", "symbol": "QQQ"}])
        assert isinstance((await client.next_of("FEED_DATA"))["data"][0], str)
        server.arm(FaultKind.DXLINK_FULL)
        while (await client.next_of("FEED_CONFIG"))["dataFormat"] != "FULL":
            pass
        assert (await client.next_of("FEED_DATA"))["data"][0]["eventType"] == "Quote"


async def test_the_sdk_survives_the_switch_to_full() -> None:
    async with broker(speed=5.0) as server, server.session() as session, DXLinkStreamer(session) as streamer:
        await streamer.subscribe(Quote, ["QQQ"])
        await wait_for_event(streamer, Quote)
        server.arm(FaultKind.DXLINK_FULL)
        await asyncio.sleep(0.4)
        while streamer.get_event_nowait(Quote) is not None:
            pass
        assert (await wait_for_event(streamer, Quote)).bid_price > 0


async def test_silence_ends_keepalives_too_and_may_pass() -> None:
    # A keepalive would come every second. The silence outlasts what is awaited in it by a second, for a loaded machine.
    async with broker(speed=5.0, keepalive_seconds=2.0) as server, feed(server) as client:
        await client.log_in()
        await client.open()
        await client.send("FEED_SUBSCRIPTION", 1, add=[{"type": "Quote", "symbol": "QQQ"}])
        await client.next_of("FEED_DATA")
        server.arm(FaultKind.DXLINK_SILENCE, seconds=3.0)
        await asyncio.sleep(0.3)
        while True:
            try:
                await client.next(0.05)
            except TimeoutError:
                break
        await client.send("KEEPALIVE")
        with pytest.raises(TimeoutError):
            await client.next(1.4)
        await client.send("KEEPALIVE")
        assert await client.next_of("FEED_DATA", 20.0)


async def test_half_open_neither_reads_nor_writes_while_tcp_stays() -> None:
    async with broker(keepalive_seconds=0.3) as server, feed(server) as client:
        await client.log_in()
        server.arm(FaultKind.DXLINK_HALF_OPEN, seconds=2.0)
        await asyncio.sleep(0.3)
        while True:
            try:
                await client.next(0.05)
            except TimeoutError:
                break
        # Unread keepalives would have ended the connection by now were it alive; the write still succeeds.
        await client.send("KEEPALIVE")
        with pytest.raises(TimeoutError):
            await client.socket.receive(timeout=0.3)
        message = await client.socket.receive(timeout=20)
        assert message.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR, aiohttp.WSMsgType.CLOSE)
        assert client.socket.close_code != 1000


async def test_a_server_with_a_half_open_client_stops() -> None:
    async with broker() as server, feed(server) as client:
        await client.log_in()
        server.arm(FaultKind.DXLINK_HALF_OPEN)
        await asyncio.sleep(0.3)
        async with asyncio.timeout(4):
            await server.simulator.stop()
        assert server.simulator.feed.connections == 0


async def test_a_refused_auth_loops_and_an_unanswered_one_hangs() -> None:
    async with broker() as server, server.session() as session:
        server.arm(FaultKind.DXLINK_AUTH_REFUSED, count=3)
        async with asyncio.timeout(5), DXLinkStreamer(session):  # the SDK tries again until it is let in
            pass
        server.arm(FaultKind.DXLINK_AUTH_UNANSWERED)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5), DXLinkStreamer(session):
                pass
        async with feed(server) as client:
            await client.socket.send_json(SETUP)
            await client.send("AUTH", token="nobody's")
            states = [await client.next_of("AUTH_STATE") for _ in range(2)]
            assert [state["state"] for state in states] == ["UNAUTHORIZED", "UNAUTHORIZED"]


async def test_a_reconnect_may_be_refused_a_token_or_the_upgrade() -> None:
    async with broker() as server, server.session() as session:
        server.arm(FaultKind.QUOTE_TOKEN_REFUSED)
        with pytest.raises(TastytradeError, match="token_invalid"):
            async with DXLinkStreamer(session):
                pass
        server.arm(FaultKind.DXLINK_UPGRADE_REFUSED)
        with pytest.raises(WebSocketUpgradeError):
            async with DXLinkStreamer(session):
                pass
        async with DXLinkStreamer(session):
            pass
        server.arm(FaultKind.QUOTE_TOKEN_DELAYED)
        _, body, _ = await server.get("/api-quote-tokens", await server.token())
        assert body["data"]["level"] == "delayed"
