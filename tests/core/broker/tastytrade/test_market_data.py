"""The quote feed against the simulated broker: it survives the failures of broker 5 and subscribes again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.broker.port import BrokerError, StreamState
from core.broker.tastytrade.supervisor import SinkFailed, leaves_of
from core.domain.market.quotes import Quote
from core.runtime.clock import exchange_time
from core.simulator.exchange.faults import FaultKind, FaultMatch
from core.simulator.wire.settings import DEFAULT_LOGIN
from tests.core.broker.simulated_streams import MONDAY_TEN, QUICK, Receiver, SimulatedStreams, running, simulated, until

UNDERLYINGS = frozenset({"QQQ", "SPX"})


async def near_options(streams: SimulatedStreams, count: int) -> list[str]:
    chain = await streams.broker.chain("QQQ")
    found = [
        symbols.streamer
        for expiration in chain.expirations
        for strike in expiration.strikes.values()
        for symbols in (strike.put, strike.call)
        if 590 < strike.strike < 650
    ]
    assert len(found) >= count
    return found[:count]


async def test_underlyings_come_with_quote_trade_summary_and_halt() -> None:
    async with simulated() as streams:
        receiver = Receiver()
        await streams.broker.market_data.subscribe(UNDERLYINGS, frozenset())
        async with running(streams.broker.market_data.run(receiver)):
            await until(lambda: "QQQ" in receiver.quotes, "a quote of QQQ")
            await until(lambda: set(receiver.trades) >= UNDERLYINGS, "trades")
            await until(lambda: set(receiver.summaries) >= UNDERLYINGS, "summaries")
            await until(lambda: "QQQ" in receiver.halts, "a profile")
        quote = receiver.quotes.get("QQQ")
        assert quote is not None
        assert quote.bid is not None
        assert quote.ask is not None
        assert quote.bid < quote.ask
        assert quote.as_of <= quote.received
        assert "SPX" not in receiver.quotes  # an index has no usable quote
        assert receiver.summaries["SPX"].previous_close is not None
        assert not receiver.halts["QQQ"].halted


async def test_a_halt_is_reported() -> None:
    async with simulated() as streams:
        streams.arm(FaultKind.MARKET_HALTED)
        receiver = Receiver()
        await streams.broker.market_data.subscribe(frozenset({"QQQ"}), frozenset())
        async with running(streams.broker.market_data.run(receiver)):
            await until(lambda: "QQQ" in receiver.halts, "a profile")
        assert receiver.halts["QQQ"].halted


async def test_symbols_may_be_added_and_dropped_while_it_runs() -> None:
    async with simulated() as streams:
        first, second = await near_options(streams, 2)
        receiver = Receiver()
        feed = streams.broker.market_data
        async with running(feed.run(receiver)):
            await until(lambda: receiver.connections == 1, "a connection")
            await feed.subscribe(frozenset(), frozenset({first, second}))
            await until(lambda: {first, second} <= set(receiver.quotes), "both options")
            await feed.unsubscribe(frozenset({first}))
            await asyncio.sleep(0.3)
            receiver.quotes.clear()
            await until(lambda: second in receiver.quotes, "the option that stayed")
            await asyncio.sleep(0.3)
            assert first not in receiver.quotes
            await feed.subscribe(frozenset(), frozenset({first}))
            await until(lambda: first in receiver.quotes, "the option subscribed afresh")


LOSSES = {
    FaultKind.DXLINK_CLOSE: "closed by the broker (1001)",
    FaultKind.DXLINK_ERROR: "Fatal streamer error",
    FaultKind.DXLINK_BAD_ARITY: "not a multiple",
    FaultKind.DXLINK_SILENCE: "the connection broke",
    FaultKind.DXLINK_HALF_OPEN: "the connection broke",
}


@pytest.mark.parametrize("kind", LOSSES)
async def test_a_lost_connection_is_told_and_everything_comes_back(kind: FaultKind) -> None:
    async with simulated() as streams:
        option = (await near_options(streams, 1))[0]
        receiver = Receiver()
        feed = streams.broker.market_data
        await feed.subscribe(UNDERLYINGS, frozenset({option}))
        async with running(feed.run(receiver)):
            await until(lambda: {"QQQ", option} <= set(receiver.quotes), "quotes")
            streams.arm(kind)
            await until(lambda: receiver.losses, "the loss")
            assert LOSSES[kind] in receiver.losses[0]
            await until(lambda: receiver.connections == 2, "a second connection")
            await until(lambda: {"QQQ", option} <= set(receiver.quotes), "quotes again")
            before = receiver.quote_count
            await until(lambda: receiver.quote_count > before + 3, "quotes that move")
        states = [status.state for status in receiver.statuses]
        assert states[:5] == [
            StreamState.CONNECTING,
            StreamState.CONNECTED,
            StreamState.WAITING,
            StreamState.CONNECTING,
            StreamState.CONNECTED,
        ]


@pytest.mark.parametrize(
    ("kind", "fault", "words"),
    [
        (FaultKind.DXLINK_AUTH_REFUSED, {"count": None, "seconds": 0.7}, "no answer in time"),
        (FaultKind.DXLINK_AUTH_UNANSWERED, {}, "no answer in time"),
        (FaultKind.DXLINK_UPGRADE_REFUSED, {"code": 503}, "refused by the broker (HTTP 503)"),
        (FaultKind.QUOTE_TOKEN_REFUSED, {}, "token_invalid"),
        (FaultKind.QUOTE_TOKEN_DELAYED, {}, "only delayed quotes"),
    ],
)
async def test_a_connection_that_does_not_come_about_is_tried_again(
    kind: FaultKind, fault: dict[str, float | None], words: str
) -> None:
    async with simulated() as streams:
        streams.arm(kind, **fault)
        receiver = Receiver()
        await streams.broker.market_data.subscribe(UNDERLYINGS, frozenset())
        async with running(streams.broker.market_data.run(receiver)):
            await until(lambda: "QQQ" in receiver.quotes, "quotes in the end")
        assert words in receiver.losses[0]


async def test_delayed_quotes_are_never_delivered() -> None:
    async with simulated() as streams:
        streams.arm(FaultKind.QUOTE_TOKEN_DELAYED, count=None)
        receiver = Receiver()
        await streams.broker.market_data.subscribe(UNDERLYINGS, frozenset())
        async with running(streams.broker.market_data.run(receiver)):
            await until(lambda: len(receiver.losses) >= 3, "refusals")
        assert receiver.quote_count == 0
        assert receiver.connections == 0


async def test_a_switch_to_the_full_format_is_read_on() -> None:
    async with simulated() as streams:
        receiver = Receiver()
        await streams.broker.market_data.subscribe(UNDERLYINGS, frozenset())
        async with running(streams.broker.market_data.run(receiver)):
            await until(lambda: "QQQ" in receiver.quotes, "quotes")
            streams.arm(FaultKind.DXLINK_FULL)
            await asyncio.sleep(0.3)
            before = receiver.quote_count
            await until(lambda: receiver.quote_count > before + 3, "quotes that move")
        assert receiver.connections == 1


async def test_more_symbols_than_one_message_may_carry() -> None:
    async with simulated() as streams:
        options = frozenset(await near_options(streams, 450))
        receiver = Receiver()
        feed = streams.broker.market_data
        async with running(feed.run(receiver)):
            await feed.subscribe(frozenset(), options)
            await until(lambda: options <= set(receiver.quotes), "every option")
            assert receiver.batches < receiver.quote_count / 4  # delivered together, not one by one
            streams.arm(FaultKind.DXLINK_CLOSE)
            await until(lambda: receiver.connections == 2, "a second connection")
            await until(lambda: options <= set(receiver.quotes), "every option again")


async def test_the_connection_is_renewed_before_its_token_ends() -> None:
    async with simulated(replace(QUICK, token_life=0.4)) as streams:
        receiver = Receiver()
        await streams.broker.market_data.subscribe(UNDERLYINGS, frozenset())
        async with running(streams.broker.market_data.run(receiver)):
            await until(lambda: receiver.connections >= 2, "a renewal")
        assert receiver.losses[0] == "renewed on purpose"


@pytest.mark.parametrize(("start", "lost"), [(MONDAY_TEN, True), (datetime(2026, 11, 21, 15, tzinfo=UTC), False)])
async def test_a_feed_that_only_keeps_itself_alive_is_renewed_in_regular_hours(start: datetime, lost: bool) -> None:
    async with simulated(replace(QUICK, data_silence=0.4, socket_silence=30.0), start) as streams:
        streams.arm(FaultKind.MARKET_FROZEN)
        receiver = Receiver()
        await streams.broker.market_data.subscribe(UNDERLYINGS, frozenset())
        async with running(streams.broker.market_data.run(receiver)):
            await until(lambda: receiver.connections == 1, "a connection")
            await asyncio.sleep(1.0)
        assert bool([words for words in receiver.losses if "no market data" in words]) is lost


async def test_cancelling_ends_it_at_once() -> None:
    async with simulated() as streams:
        receiver = Receiver()
        task = asyncio.create_task(streams.broker.market_data.run(receiver))
        await until(lambda: receiver.connections == 1, "a connection")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 1.0)


async def test_a_receiver_that_fails_is_not_a_lost_connection() -> None:
    class Failing(Receiver):
        def on_quotes(self, quotes: Sequence[Quote]) -> None:
            raise ValueError("a bug")

    async with simulated() as streams:
        await streams.broker.market_data.subscribe(UNDERLYINGS, frozenset())
        with pytest.raises(BaseExceptionGroup) as caught:
            await asyncio.wait_for(streams.broker.market_data.run(Failing()), 5.0)
        assert [type(leaf) for leaf in leaves_of(caught.value)] == [SinkFailed]


async def test_daily_candles_are_one_a_session_oldest_first() -> None:
    async with simulated() as streams:
        async with running(streams.broker.market_data.run(Receiver())):
            candles = await streams.broker.market_data.daily_candles("QQQ", streams.clock.now() - timedelta(days=365))
            again = await streams.broker.market_data.daily_candles("SPX", streams.clock.now() - timedelta(days=30))
        days = [candle.day for candle in candles]
        assert len(days) >= 245
        assert days == sorted(set(days))
        assert all(day.weekday() < 5 for day in days)
        assert days[-1] == exchange_time(streams.clock.now()).date()  # the session that is forming
        assert all(c.low <= min(c.open, c.close) <= max(c.open, c.close) <= c.high for c in candles)
        assert again[-1].close > 10 * candles[-1].close - 1000  # not the other symbol's


@pytest.mark.parametrize(("field", "count"), [(None, 10), ("2026-11-02..2026-11-06", 5)])
async def test_sessions_without_candles_are_left_out(field: str | None, count: int) -> None:
    """As on the other face of the simulator (test_daily_candles), so that the study refuses what lacks them."""
    async with simulated() as streams:
        async with running(streams.broker.market_data.run(Receiver())):
            whole = await streams.broker.market_data.daily_candles("QQQ", streams.clock.now() - timedelta(days=60))
            streams.arm(FaultKind.MARKET_CANDLES_MISSING, match=FaultMatch(symbol="QQQ", field=field))
            left = await streams.broker.market_data.daily_candles("QQQ", streams.clock.now() - timedelta(days=60))
        missing = sorted({c.day for c in whole} - {c.day for c in left})
        assert len(missing) == count
        assert left[-1].day == whole[-1].day, "the session that is forming"
        if field is None:
            assert missing == [c.day for c in whole[-11:-1]]


async def test_candles_asked_for_before_the_connection_come_with_it_and_without_one_never() -> None:
    async with simulated(replace(QUICK, candles=0.3)) as streams:
        with pytest.raises(BrokerError, match="candles of QQQ: no answer in time"):
            await streams.broker.market_data.daily_candles("QQQ", streams.clock.now() - timedelta(days=30))
    async with simulated() as streams:
        asked = asyncio.create_task(
            streams.broker.market_data.daily_candles("QQQ", streams.clock.now() - timedelta(days=30))
        )
        async with running(streams.broker.market_data.run(Receiver())):
            assert len(await asked) >= 18


async def test_candles_survive_the_loss_of_the_connection() -> None:
    async with simulated() as streams:
        receiver = Receiver()
        async with running(streams.broker.market_data.run(receiver)):
            await until(lambda: receiver.connections == 1, "a connection")
            streams.arm(FaultKind.DXLINK_CLOSE)
            assert await streams.broker.market_data.daily_candles("QQQ", streams.clock.now() - timedelta(days=30))


async def test_no_token_is_logged_while_streaming(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with simulated() as streams:
        receiver = Receiver()
        await streams.broker.market_data.subscribe(UNDERLYINGS, frozenset())
        async with running(streams.broker.market_data.run(receiver)):
            await until(lambda: "QQQ" in receiver.quotes, "quotes")
            streams.arm(FaultKind.DXLINK_CLOSE)
            await until(lambda: receiver.connections == 2, "a second connection")
        token = streams.broker.connection.session.session_token
    assert "market data of main lost" in caplog.text
    for secret in (DEFAULT_LOGIN.client_secret, DEFAULT_LOGIN.refresh_token, token, '"token"'):
        assert secret not in caplog.text
