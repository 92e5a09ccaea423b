"""Failures of the two streams, over real sockets. Which test shows which row of broker 5:

| event | quote feed | account alerts |
|---|---|---|
| server close, any code | here::closed_feed | here::closed_alerts; alerts |
| a frame beyond 64 KiB, close 1009 | here::feed_frame_at_the_limit | here::alert_at_the_limit |
| ERROR frame, wrong arity | market_data::a_lost_connection_is_told | - |
| empty data, unknown channel | here::frames_the_sdk_breaks_on | - |
| a bad or incomplete object | here::a_quote_that_is_none_is_skipped | here::an_unreadable_alert; alerts |
| auth refused (loop), never answered | here::a_loop_of_auth; market_data | alerts (refused) |
| authorized again in mid-stream | here::frames_the_sdk_breaks_on | - |
| upgrade refused | market_data::a_connection_that_does_not_come_about | here::a_refused_upgrade |
| half-open TCP | here::a_half_open_feed; market_data (simulated) | here::half_open_alerts |
| connection reset | here::a_reset_feed | here::reset_alerts |
| CHANNEL_OPENED missing | here::a_channel_that_never_opens (make proofs: the SDK waits 10 s) | - |
| a silent consumer, shared or re-entered streamers | a new streamer in one task each time: every test here | the same |
| quote token refused at a reconnect | here::a_quote_token_refused_at_a_reconnect | - |

`alerts` and `market_data` are test_alerts and test_market_data of tests/core/broker/tastytrade. The rows of requests
are in test_rest_trouble.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from core.broker.pace import Pace
from core.broker.port import StreamState
from core.broker.tastytrade import TastytradeBroker
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Entry, Intent
from core.guards.breakers import Breakers
from core.guards.foreign_tridents import ForeignTridents
from core.guards.refused_orders import RefusedOrders
from core.orders.account_look import AccountLook
from core.orders.kinds import product_kinds
from core.orders.polls import OrderPolls
from core.orders.strangers import Strangers
from core.orders.tracker import OrderTracker
from core.records.records import Records
from core.runtime.bus import Bus
from core.runtime.clock import SystemClock, exchange_time
from core.runtime.clock_jumps import JumpDetector
from tests.core.broker.raw_broker import (
    ACCOUNT,
    IDENTIFIER,
    ORDERS,
    RawBroker,
    json_answer,
    order_json,
    refusal,
    text_answer,
)
from tests.core.broker.simulated_streams import AlertReceiver, Receiver, running, until
from tests.proofs.wire_trouble.proxy import BadProxy
from tests.proofs.wire_trouble.raw_streams import (
    LIMIT,
    QUOTES,
    RawStreams,
    Then,
    closes,
    order_alert,
    quiet,
    quote_frame,
    says,
    sized,
)
from tests.support import record_samples
from tests.support.proofs import ALL

GOOD = says(quote_frame())


@pytest.fixture
def clock() -> SystemClock:
    """The real clock: the adapter's waits are short enough here."""
    return SystemClock()


async def fed(broker: TastytradeBroker, receiver: Receiver) -> None:
    await broker.market_data.subscribe(frozenset({"QQQ"}), frozenset())
    await broker.market_data.run(receiver)


async def quotes_again(broker: TastytradeBroker, receiver: Receiver, words: str) -> None:
    """The first connection is lost with these words, and a second one delivers."""
    async with running(fed(broker, receiver)):
        await until(lambda: receiver.connections >= 2 and "QQQ" in receiver.quotes, "quotes of a second connection")
    assert words in receiver.losses[0], receiver.losses


async def alerts_again(broker: TastytradeBroker, receiver: AlertReceiver, words: str) -> None:
    async with running(broker.alerts.run([ACCOUNT], receiver)):
        await until(lambda: receiver.connections >= 2 and receiver.reports, "alerts of a second connection")
    assert words in receiver.losses[0], receiver.losses


@pytest.mark.parametrize("code", [1000, 1011])
async def test_closed_feed(streams: RawStreams, broker: TastytradeBroker, code: int) -> None:
    streams.feed = [closes(code), GOOD]
    await quotes_again(broker, Receiver(), f"closed by the broker ({code})")


@pytest.mark.parametrize("code", [1000, 1011])
async def test_closed_alerts(streams: RawStreams, broker: TastytradeBroker, code: int) -> None:
    streams.alerts = [closes(code), says(order_alert())]
    await alerts_again(broker, AlertReceiver(), f"closed by the broker ({code})")


async def test_feed_frame_at_the_limit(streams: RawStreams, broker: TastytradeBroker) -> None:
    streams.feed = [says(sized(quote_frame(bid=1.0), LIMIT), sized(quote_frame(), LIMIT + 1)), GOOD]
    receiver = Receiver()
    seen: list[str] = []
    async with running(fed(broker, receiver)):
        await until(lambda: receiver.quote_count >= 1, "the quote in the largest frame allowed")
        await until(lambda: receiver.connections == 2 and receiver.quote_count >= 2, "a second connection")
        seen += receiver.losses
    assert "too long" in seen[0] or "1009" in seen[0], seen


async def test_alert_at_the_limit(streams: RawStreams, broker: TastytradeBroker) -> None:
    streams.alerts = [
        says(sized(order_alert(), LIMIT), sized(order_alert(status="Live"), LIMIT + 1)),
        says(order_alert(status="Routed")),
    ]
    receiver = AlertReceiver()
    async with running(broker.alerts.run([ACCOUNT], receiver)):
        await until(lambda: receiver.words() == ["Received", "Routed"], "the largest alert, and those after a renewal")
    assert "1009" in receiver.losses[0], receiver.losses
    assert receiver.connections == 2  # a new connection, after which the engine reads the orders again


BREAKING: dict[str, Then] = {
    "empty data": says({"type": "FEED_DATA", "channel": QUOTES, "data": []}),
    "an unknown channel": says({"type": "FEED_DATA", "channel": 99, "data": ["Quote", ["QQQ"]]}),
    "authorized again": says(
        {"type": "AUTH_STATE", "channel": 0, "state": "UNAUTHORIZED"},
        {"type": "AUTH_STATE", "channel": 0, "state": "AUTHORIZED", "userId": "u"},
    ),
    "not JSON": says("<html>"),
    "a JSON list": says("[]"),
    "no type": says({}),
}


@pytest.mark.parametrize("frames", BREAKING)
async def test_frames_the_sdk_breaks_on(streams: RawStreams, broker: TastytradeBroker, frames: str) -> None:
    streams.feed = [BREAKING[frames], GOOD]
    await quotes_again(broker, Receiver(), "")


async def test_a_quote_that_is_none_is_skipped(streams: RawStreams, broker: TastytradeBroker) -> None:
    bad: dict[str, Any] = quote_frame("SPX")
    bad["data"][1][8] = "NaN"
    streams.feed = [says(bad, quote_frame())]
    receiver = Receiver()
    async with running(fed(broker, receiver)):
        await until(lambda: "QQQ" in receiver.quotes, "the quote after it")
    assert receiver.connections == 1


async def test_a_loop_of_auth(streams: RawStreams, broker: TastytradeBroker) -> None:
    streams.authorizes = False
    streams.feed = [GOOD]
    receiver = Receiver()
    async with running(fed(broker, receiver)):
        await until(lambda: len(receiver.losses) >= 2, "two attempts given up")
        asked = streams.auths
        streams.authorizes = True
        await until(lambda: "QQQ" in receiver.quotes, "quotes once it is authorized")
    assert asked > 2  # the SDK does ask without end; only the time for entering ends it
    assert receiver.losses[0] == "no answer in time"


@pytest.mark.parametrize("status", [401, 502, 503])
async def test_a_refused_upgrade(server: RawBroker, streams: RawStreams, broker: TastytradeBroker, status: int) -> None:
    streams.alerts = [says(order_alert())]
    server.on("GET", "/", text_answer("<html>", status), streams.serve_alerts)
    receiver = AlertReceiver()
    async with running(broker.alerts.run([ACCOUNT], receiver)):
        await until(lambda: receiver.reports, "alerts in the end")
    assert f"HTTP {status}" in receiver.losses[0]
    assert server.tokens == (2 if status == 401 else 1)


async def test_a_half_open_feed(streams: RawStreams, broker: TastytradeBroker, proxy: BadProxy) -> None:
    streams.feed = [GOOD]
    receiver = Receiver()
    async with running(fed(broker, receiver)):
        await until(lambda: "QQQ" in receiver.quotes, "quotes")
        proxy.blackhole()
        await until(lambda: receiver.losses, "the loss, noticed by its silence")
        assert receiver.statuses[-1].state is not StreamState.CONNECTED
        assert not receiver.quotes
        proxy.heal()
        await until(lambda: receiver.connections >= 2 and "QQQ" in receiver.quotes, "quotes again")


async def test_half_open_alerts(streams: RawStreams, broker: TastytradeBroker, proxy: BadProxy) -> None:
    streams.alerts = [says(order_alert())]
    receiver = AlertReceiver()
    async with running(broker.alerts.run([ACCOUNT], receiver)):
        await until(lambda: receiver.reports, "an alert")
        proxy.blackhole()
        await until(lambda: receiver.losses, "the loss, noticed by its silence")
        proxy.heal()
        await until(lambda: receiver.connections >= 2, "a second connection")


async def test_a_reset_feed(streams: RawStreams, broker: TastytradeBroker, proxy: BadProxy) -> None:
    streams.feed = [GOOD]
    receiver = Receiver()
    async with running(fed(broker, receiver)):
        await until(lambda: "QQQ" in receiver.quotes, "quotes")
        proxy.reset_all()
        await until(lambda: receiver.connections >= 2 and "QQQ" in receiver.quotes, "quotes again")


async def test_reset_alerts(streams: RawStreams, broker: TastytradeBroker, proxy: BadProxy) -> None:
    streams.alerts = [quiet, says(order_alert())]
    receiver = AlertReceiver()
    async with running(broker.alerts.run([ACCOUNT], receiver)):
        await until(lambda: receiver.connections == 1, "a connection")
        proxy.reset_all()
        await until(lambda: receiver.reports, "alerts of a second connection")


@pytest.mark.proof
@pytest.mark.skipif(not ALL, reason="the SDK waits 10 s for the channel")
async def test_a_channel_that_never_opens(streams: RawStreams, broker: TastytradeBroker) -> None:
    streams.opens_channels = False
    streams.feed = [GOOD]
    receiver = Receiver()
    async with running(fed(broker, receiver)):
        await asyncio.sleep(10.5)
        await until(lambda: receiver.losses, "the attempt given up")
        streams.opens_channels = True
        await asyncio.sleep(3.0)
        await until(lambda: "QQQ" in receiver.quotes, "quotes in the end")


async def test_a_quote_token_refused_at_a_reconnect(
    server: RawBroker, streams: RawStreams, broker: TastytradeBroker, proxy: BadProxy
) -> None:
    streams.feed = [GOOD]
    receiver = Receiver()
    async with running(fed(broker, receiver)):
        await until(lambda: "QQQ" in receiver.quotes, "quotes")
        good = server.answers[("GET", "/api-quote-tokens")][0]
        server.on("GET", "/api-quote-tokens", refusal("token_invalid", 401), good)
        proxy.reset_all()
        await until(lambda: receiver.connections >= 2 and "QQQ" in receiver.quotes, "quotes again")
    assert any("token_invalid" in words for words in receiver.losses), receiver.losses
    assert server.tokens == 2  # a new access token before the next try


@pytest.fixture
async def records(tmp_path: Path) -> AsyncIterator[Records]:
    opened = await Records.open(record_samples.url_of(tmp_path / "records.sqlite3"))
    yield opened
    await opened.close()


@pytest.mark.parametrize("changes", [{"status": 5}, {"id": None}, {"legs": "none"}], ids=["status", "missing", "legs"])
async def test_an_unreadable_alert_is_answered_by_a_poll_and_the_order_is_found(
    server: RawBroker, streams: RawStreams, broker: TastytradeBroker, records: Records, changes: dict[str, Any]
) -> None:
    clock = SystemClock()
    bus = Bus(records.journal.append, clock)
    wanted: list[str] = []

    async def nothing(_: Intent) -> None:
        """These tests follow no quotes of legs."""

    async def incident(_: Intent, detail: str) -> None:
        raise AssertionError(detail)

    refused = RefusedOrders(clock, lambda at: 0.0)
    tracker = OrderTracker(
        records=records,
        kinds=product_kinds(
            records=records,
            bus=bus,
            clock=clock,
            sessions_back=lambda day, sessions: day,
            on_closed=nothing,
            on_incident=incident,
        ),
        clock=clock,
        refused=refused,
        on_alerts_connected=lambda: wanted.append("reconcile"),
    )
    strangers = Strangers(records, Breakers(records, bus, clock), bus, ForeignTridents(lambda: record_samples.DAY))
    look = AccountLook(broker, records, tracker, strangers, clock, lambda day: record_samples.DAY, lambda at: 0.0)
    age_s = JumpDetector(clock, 60.0).age_s
    polls = OrderPolls(
        look, tracker, records, clock, Pace(clock), lambda _: "main", lambda: exchange_time(clock.now()).date(), age_s
    )
    entry = await _entry_without_an_answer(records)
    at = datetime.now(UTC).isoformat()
    legs = [
        {"symbol": leg.symbol, "action": leg.action.value, "quantity": leg.quantity, "fills": []}
        for leg in entry.request.legs
    ]
    listed = {"data": {"items": [order_json(legs=legs, **{"received-at": at})]}}
    server.on("GET", f"{ORDERS}/live", json_answer(listed))
    server.on("GET", ORDERS, json_answer(listed))
    streams.alerts = [says(order_alert(**changes))]
    async with running(broker.alerts.run([ACCOUNT], tracker)), running(polls.run()):
        async for found in _states(records, entry.id):
            if found.state is OrderState.WORKING:
                break
        assert tracker.alerts.connections == 1
    assert found.order_id == "1010"
    assert wanted == ["reconcile"]


async def _entry_without_an_answer(records: Records) -> Entry:
    name = IDENTIFIER.removeprefix("senex-")
    await records.entries.prepare(record_samples.entry(name, account=ACCOUNT))
    await records.entries.mark_sent(name, record_samples.AT, epoch=records.epoch, closes=record_samples.CLOSES)
    return await records.entries.become(name, OrderState.UNKNOWN, at=record_samples.AT)


async def _states(records: Records, entry_id: str) -> AsyncIterator[Entry]:
    """The entry as it is recorded, again and again for 10 s."""
    async with asyncio.timeout(10):
        while True:
            yield await records.entries.get(entry_id)
            await asyncio.sleep(0.02)
