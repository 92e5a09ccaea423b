"""The quote feed through the unmodified SDK: every event type, snapshots, updates, candles."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from tastytrade import DXLinkStreamer, Session
from tastytrade.dxfeed import (
    Candle,
    Event,
    Greeks,
    Profile,
    Quote,
    Summary,
    TheoPrice,
    TimeAndSale,
    Trade,
    Underlying,
)
from tastytrade.instruments import NestedOptionChain

from core.simulator.exchange.armed_faults import ArmedFaults
from core.simulator.exchange.faults import FaultKind, FaultMatch
from core.simulator.exchange.market_view import MarketView
from core.simulator.market.market import Market
from core.simulator.wire.feed_channel import MAX_FRAME, Channel
from core.simulator.wire.feed_events import FIELDS, FeedEvents, parse_candle_symbol
from tests.core.simulator.wire.simulated_server import MONDAY_TEN, SimulatedServer, broker, until


async def first(streamer: DXLinkStreamer, kind: type[Event], seconds: float = 5.0) -> Any:
    async with asyncio.timeout(seconds):
        return await streamer.get_event(kind)


async def option_symbols(session: Session, count: int) -> list[str]:
    chain = (await NestedOptionChain.get(session, "QQQ"))[0]
    strikes = [strike for expiration in chain.expirations[5:15] for strike in expiration.strikes]
    strikes.sort(key=lambda strike: abs(strike.strike_price - 620))
    return [strike.put_streamer_symbol for strike in strikes][:count]


def test_the_fields_are_the_sdk_s_own() -> None:
    for kind in (Quote, Trade, Greeks, Candle, Summary, Underlying, Profile, TheoPrice, TimeAndSale):
        assert FIELDS[kind.__name__] == tuple(kind.model_json_schema()["properties"])


async def test_every_event_type_reaches_the_sdk() -> None:
    async with broker() as server, server.session() as session:
        (option,) = await option_symbols(session, 1)
        async with DXLinkStreamer(session) as streamer:
            for kind in (Quote, Trade, Summary, Profile, TimeAndSale):
                await streamer.subscribe(kind, ["QQQ"])
            await streamer.subscribe(Underlying, ["QQQ"])
            await streamer.subscribe(Greeks, [option])
            await streamer.subscribe(TheoPrice, [option])
            quote = await first(streamer, Quote)
            assert quote.bid_price < quote.ask_price
            assert abs(quote.bid_time / 1000 - MONDAY_TEN.timestamp()) < 30
            trade = await first(streamer, Trade)
            assert trade.extended_trading_hours is False
            summary = await first(streamer, Summary)
            assert summary.prev_day_close_price is not None
            assert (await first(streamer, Profile)).trading_status == "ACTIVE"
            assert (await first(streamer, TimeAndSale)).valid_tick
            assert 0 < (await first(streamer, Underlying)).volatility < 3
            assert -1 < (await first(streamer, Greeks)).delta < 0
            assert (await first(streamer, TheoPrice)).underlying_price > 0


async def test_the_feed_tells_of_the_next_dividend() -> None:
    """In the profile of the fund, and as a part of its price for a contract that expires after the ex-date."""
    async with broker() as server, server.session() as session, DXLinkStreamer(session) as streamer:
        for symbol in ("QQQ", "SPX"):
            await streamer.subscribe(Profile, [symbol])
            told = await first(streamer, Profile)
            dividend = server.simulator.market.next_dividend(symbol, MONDAY_TEN.date())
            amount = dividend.amount if dividend is not None else None
            assert (told.ex_dividend_amount, told.dividend_frequency) == (amount, 4 if dividend is not None else None)
            day = date(1970, 1, 1) + timedelta(days=told.ex_dividend_day_id)
            assert day == (dividend.ex if dividend is not None else date(1970, 1, 1))
        for contract, paid in ((".QQQ261218P620", Decimal(0)), (".QQQ270108P620", Decimal("0.7941"))):
            await streamer.subscribe(TheoPrice, [contract])
            value = await first(streamer, TheoPrice)
            assert value.dividend * value.underlying_price == pytest.approx(paid, abs=Decimal("0.001"))


async def test_an_index_has_trades_and_no_quote() -> None:
    async with broker() as server, server.session() as session, DXLinkStreamer(session) as streamer:
        await streamer.subscribe(Quote, ["SPX"])
        await streamer.subscribe(Trade, ["SPX"])
        assert (await first(streamer, Trade)).price > 1000
        # The NaN quote arrived before the trade did; the SDK drops it.
        assert streamer.get_event_nowait(Quote) is None


async def test_quotes_are_sent_at_once_and_then_only_when_they_change() -> None:
    async with broker() as server, server.session() as session, DXLinkStreamer(session) as streamer:
        symbols = await option_symbols(session, 20)
        await streamer.subscribe(Quote, symbols)
        seen: dict[str, list[Quote]] = {symbol: [] for symbol in symbols}
        async with asyncio.timeout(1):
            while not all(seen.values()):
                quote = await streamer.get_event(Quote)
                seen[quote.event_symbol].append(quote)
        await streamer.subscribe(Quote, ["QQQ"])
        seen["QQQ"] = []
        async with asyncio.timeout(5):
            while len(seen["QQQ"]) < 5:
                quote = await streamer.get_event(Quote)
                seen[quote.event_symbol].append(quote)
        for quotes in seen.values():
            for before, after in pairwise(quotes):
                assert before != after


async def test_removed_and_cancelled_subscriptions_end() -> None:
    async with broker(speed=20.0) as server, server.session() as session, DXLinkStreamer(session) as streamer:
        await streamer.subscribe(Quote, ["QQQ"])
        await first(streamer, Quote)
        await streamer.unsubscribe(Quote, ["QQQ"])
        await asyncio.sleep(0.25)
        while streamer.get_event_nowait(Quote) is not None:
            pass
        await asyncio.sleep(0.25)
        assert streamer.get_event_nowait(Quote) is None
        await streamer.unsubscribe_all(Quote)
        await asyncio.sleep(0.1)
        await streamer.subscribe(Quote, ["QQQ"])
        assert (await first(streamer, Quote)).event_symbol == "QQQ"


async def test_a_new_subscription_gets_its_snapshot_again() -> None:
    async with broker() as server, server.session() as session, DXLinkStreamer(session) as streamer:
        server.arm(FaultKind.MARKET_FROZEN)
        for _ in range(2):
            await streamer.subscribe(Quote, ["QQQ"])
            await first(streamer, Quote)
            await asyncio.sleep(0.2)
            assert streamer.get_event_nowait(Quote) is None


async def test_candles_come_as_a_snapshot_from_the_time_asked_for() -> None:
    async with broker() as server, server.session() as session, DXLinkStreamer(session) as streamer:
        await streamer.subscribe_candle(["QQQ"], "1d", MONDAY_TEN - timedelta(days=380))
        candles: list[Candle] = []
        async with asyncio.timeout(5):
            while not candles or not candles[-1].snapshot_end:
                candles.append(await streamer.get_event(Candle))
        assert len(candles) >= 250
        assert candles[0].snapshot_begin
        assert candles[0].event_symbol == "QQQ{=1d,tho=true}"
        assert candles[0].time == datetime(2026, 11, 23, tzinfo=UTC).timestamp() * 1000
        times = [candle.time for candle in candles]
        assert times == sorted(times, reverse=True)
        assert all(candle.low <= min(candle.open, candle.close) for candle in candles)
        assert all(candle.imp_volatility is not None for candle in candles)
        forming = await first(streamer, Candle)
        assert forming.time == candles[0].time
        assert not forming.snapshot_begin


async def test_candles_nobody_has_are_an_empty_snapshot() -> None:
    async with broker() as server, server.session() as session, DXLinkStreamer(session) as streamer:
        await streamer.subscribe_candle(["ZZZ"], "1d", MONDAY_TEN - timedelta(days=5))
        candle = await first(streamer, Candle)
        assert candle.snapshot_begin
        assert candle.snapshot_end
        assert candle.remove


async def test_three_hundred_symbols_fit_in_frames_a_client_accepts() -> None:
    async with broker() as server, server.session() as session, DXLinkStreamer(session) as streamer:
        symbols = await option_symbols(session, 300)
        await streamer.subscribe(Quote, symbols)
        seen: set[str] = set()
        async with asyncio.timeout(5):
            while len(seen) < 300:
                seen.add((await streamer.get_event(Quote)).event_symbol)


def test_frames_stay_below_the_limit() -> None:
    market = Market(7, MONDAY_TEN)
    events = FeedEvents(MarketView(market, ArmedFaults(), _StillClock()))
    strikes = [
        strike for root in market.chain("SPX", MONDAY_TEN.date()) for e in root.expirations for strike in e.strikes
    ]
    channel = Channel(1, full=True)
    channel.subscribe({"add": [{"type": "Quote", "symbol": strike.put_streamer} for strike in strikes[:2000]]})
    frames = list(channel.frames(events, MONDAY_TEN, 0.0))
    assert len(frames) > 2
    assert max(len(frame) for frame in frames) < MAX_FRAME + 500
    assert json.loads(frames[0])["type"] == "FEED_CONFIG"
    assert not list(channel.frames(events, MONDAY_TEN, 10.0))


class _StillClock:
    speed = 1.0

    def now(self) -> datetime:
        return MONDAY_TEN

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


# Market faults, as the feed shows them


async def quote_under(server: SimulatedServer, session: Session, kind: FaultKind, symbol: str) -> Quote | None:
    server.arm(kind, match=FaultMatch(symbol=symbol))
    async with DXLinkStreamer(session) as streamer:
        await streamer.subscribe(Quote, [symbol])
        try:
            async with asyncio.timeout(0.5):
                return await streamer.get_event(Quote)
        except TimeoutError:
            return None


async def test_crossed_zero_and_missing_quotes() -> None:
    async with broker() as server, server.session() as session:
        crossed, zero, missing = (await option_symbols(session, 120))[::50]
        quote = await quote_under(server, session, FaultKind.MARKET_CROSSED, crossed)
        assert quote is not None
        assert quote.bid_price > quote.ask_price
        quote = await quote_under(server, session, FaultKind.MARKET_ZERO_BID, zero)
        assert quote is not None
        assert quote.bid_price == 0
        assert quote.ask_price > 0
        assert await quote_under(server, session, FaultKind.MARKET_NAN, missing) is None
        other = await quote_under(server, session, FaultKind.MARKET_NAN, "QQQ*")
        assert other is None  # a pattern is no symbol of the market


async def test_a_stale_snapshot_is_hours_old_and_nothing_follows() -> None:
    async with broker(at=MONDAY_TEN + timedelta(hours=3)) as server, server.session() as session:
        server.arm(FaultKind.MARKET_STALE_SNAPSHOT, match=FaultMatch(symbol="QQ*"))
        async with DXLinkStreamer(session) as streamer:
            await streamer.subscribe(Quote, ["QQQ"])
            quote = await first(streamer, Quote)
            age = MONDAY_TEN + timedelta(hours=3) - datetime.fromtimestamp(quote.bid_time / 1000, UTC)
            assert age > timedelta(hours=1, minutes=55)
            await asyncio.sleep(0.5)
            assert streamer.get_event_nowait(Quote) is None


async def test_a_frozen_market_sends_nothing_until_it_thaws() -> None:
    async with broker(speed=10.0) as server, server.session() as session, DXLinkStreamer(session) as streamer:
        await streamer.subscribe(Quote, ["QQQ"])
        await first(streamer, Quote)
        server.arm(FaultKind.MARKET_FROZEN, seconds=1.0)
        await asyncio.sleep(0.3)
        while streamer.get_event_nowait(Quote) is not None:
            pass
        await asyncio.sleep(0.3)
        assert streamer.get_event_nowait(Quote) is None
        assert await first(streamer, Quote)


async def test_a_halt_shows_in_profile_and_market_data() -> None:
    async with broker() as server, server.session() as session:
        server.arm(FaultKind.MARKET_HALTED, match=FaultMatch(symbol="QQQ"))
        async with DXLinkStreamer(session) as streamer:
            await streamer.subscribe(Profile, ["QQQ"])
            assert (await first(streamer, Profile)).trading_status == "HALTED"
        status, body, _ = await server.get("/market-data/by-type?equity=QQQ&index=SPX", await server.token())
        assert status == 200
        assert {row["symbol"]: row["trading-halted"] for row in body["data"]["items"]} == {"QQQ": True, "SPX": False}


async def test_the_feed_forgets_clients_that_leave() -> None:
    async with broker() as server, server.session() as session:
        async with DXLinkStreamer(session) as streamer:
            await streamer.subscribe(Quote, ["QQQ"])
            assert (await first(streamer, Quote)).bid_price > Decimal(1)
            assert server.simulator.feed.connections == 1
        await until(lambda: server.simulator.feed.connections == 0)


@pytest.mark.parametrize("text", ["QQQ{=1d,tho=true}", "QQQ{=d}", "QQQ"])
def test_daily_candle_symbols(text: str) -> None:
    parsed = parse_candle_symbol(text)
    assert parsed.symbol == "QQQ"
    assert parsed.daily
    assert not parse_candle_symbol("QQQ{=5m}").daily
