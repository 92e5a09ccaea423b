"""The contract of both quote stores, the trader's in memory and a watcher's in Redis: which quotes may still be used as
a price."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Protocol

import pytest

from core.domain.market.quotes import DaySummary, Quote, Trade, TradingHalt
from core.domain.operation.reasons import Reason
from core.domain.trident.pricing import Pricing, PricingRefusal, price_trident
from core.market.quote_store import MemoryQuoteStore, QuoteReads
from core.remote.keys import RedisKeys
from core.remote.link import RedisLink
from core.remote.published_store import PublishedQuoteStore
from core.remote.quote_hashes import QuoteReader, QuotesUnreadable, QuoteWriter
from core.runtime.clock import Clock
from tests.core.remote.clocks import SetClock
from tests.support.domain_builders import quotes_for, trident
from tests.support.valkey import Valkey

KEYS = RedisKeys("senex", "demo")
NEAR_S = 0.5
"""Seconds; one exchange with Redis on a busy machine takes less."""


class StoreAndReader(Protocol):
    """A store, seen by its writer and its reader; `clock` is the writer's."""

    store: MemoryQuoteStore
    clock: SetClock

    async def read(self, *symbols: str) -> QuoteReads: ...

    def age(self, event: Quote | Trade) -> float:
        """The quote's age for the reader, now."""
        ...


@dataclass
class InMemory:
    store: MemoryQuoteStore
    clock: SetClock

    async def read(self, *symbols: str) -> QuoteReads:
        return self.store

    def age(self, event: Quote | Trade) -> float:
        return event.age(self.clock.seconds)


class InRedis:
    def __init__(self, url: str) -> None:
        self.store = PublishedQuoteStore()
        self.clock = SetClock(1000.0)
        self.elsewhere: Clock = SetClock(7_654_321.0)
        self.link = RedisLink(url, step_s=5)
        self.writer = QuoteWriter(self.store, KEYS, "1@then", self.clock)
        self.reader = QuoteReader(self.link, KEYS, self.elsewhere)

    async def read(self, *symbols: str) -> QuoteReads:
        await self.link.exchange(lambda pipeline: self.writer.queue(pipeline, {}))
        return await self.reader.read(symbols)

    def age(self, event: Quote | Trade) -> float:
        return event.age(self.elsewhere.monotonic())


@pytest.fixture(params=["memory", "redis"])
async def pair(request: pytest.FixtureRequest) -> AsyncIterator[StoreAndReader]:
    if request.param == "memory":
        yield InMemory(MemoryQuoteStore(), SetClock(1000.0))
        return
    in_redis = InRedis(request.getfixturevalue("valkey").url)
    yield in_redis
    await in_redis.link.close()


def quote(symbol: str = "QQQ", at: float = 1000.0, bid: str = "10") -> Quote:
    return Quote(symbol, Decimal(bid), Decimal(bid) + 1, at, at - 0.25, Decimal(3), None)


def trade(symbol: str = "SPX", at: float = 1000.0) -> Trade:
    return Trade(symbol, Decimal("6000.10"), at, at, Decimal(12))


def same(pair: StoreAndReader, found: Quote | Trade | None, put: Quote | Trade) -> bool:
    """Equal values of equal age; the two clocks differ."""
    if found is None or abs(pair.age(found) - put.age(pair.clock.seconds)) > NEAR_S:
        return False
    assert found.received - found.as_of == pytest.approx(put.received - put.as_of)
    return replace(found, received=put.received, as_of=put.as_of) == put


async def test_the_newest_of_each_symbol_is_kept(pair: StoreAndReader) -> None:
    pair.store.put_quotes([quote(bid="10"), quote("IWM")])
    pair.store.put_quotes([quote(bid="11.50", at=1002.0)])
    pair.store.put_trades([trade()])
    pair.clock.seconds = 1003.0
    seen = await pair.read("QQQ", "IWM", "DIA", "SPX")
    assert same(pair, seen.quote("QQQ"), quote(bid="11.50", at=1002.0))
    assert str(seen.quotes(["QQQ"])["QQQ"].bid) == "11.50"
    assert set(seen.quotes(["QQQ", "IWM", "DIA"])) == {"QQQ", "IWM"}
    assert same(pair, seen.trade("SPX"), trade())
    assert seen.quote("DIA") is None
    assert seen.trade("QQQ") is None


async def test_a_side_that_is_missing_stays_missing(pair: StoreAndReader) -> None:
    pair.store.put_quotes([quote()])
    await pair.read("QQQ")
    pair.store.put_quotes([replace(quote(), bid=None, bid_size=None)])
    found = (await pair.read("QQQ")).quote("QQQ")
    assert found is not None
    assert (found.bid, found.ask, found.bid_size, found.ask_size) == (None, Decimal(11), None, None)


async def test_after_a_disconnect_nothing_is_a_price_until_a_new_event(pair: StoreAndReader) -> None:
    pair.store.put_quotes([quote(), quote("IWM")])
    pair.store.put_trades([trade("QQQ")])
    await pair.read("QQQ")
    pair.store.invalidate()
    seen = await pair.read("QQQ", "IWM")
    assert seen.quote("QQQ") is None
    assert seen.trade("QQQ") is None
    assert seen.quotes(["QQQ", "IWM"]) == {}
    assert same(pair, seen.last_known_quote("QQQ"), quote())
    assert same(pair, seen.last_known_trade("QQQ"), trade("QQQ"))
    pair.store.put_quotes([quote(at=1000.0, bid="12")])
    seen = await pair.read("QQQ", "IWM")
    assert same(pair, seen.quote("QQQ"), quote(bid="12"))
    assert seen.quote("IWM") is None
    assert seen.trade("QQQ") is None  # a quote does not revive a trade


async def test_a_snapshot_proves_no_life(pair: StoreAndReader) -> None:
    pair.store.put_quotes([quote(at=999.0), quote("IWM", at=999.5)])
    pair.store.put_trades([trade("QQQ", at=999.6)])
    seen = await pair.read("QQQ")
    assert seen.last_event_at is None
    assert not seen.moved("QQQ")
    pair.store.put_quotes([quote(at=1000.0)])
    seen = await pair.read("QQQ", "IWM")
    assert seen.last_event_at is not None
    assert pair.age(replace(quote(), received=seen.last_event_at, as_of=seen.last_event_at)) < NEAR_S
    assert seen.moved("QQQ")
    assert not seen.moved("IWM")
    pair.store.invalidate()
    seen = await pair.read("QQQ")
    assert seen.last_event_at is None
    assert not seen.moved("QQQ")
    pair.store.put_quotes([quote()])
    assert (await pair.read("QQQ")).last_event_at is None


async def test_a_symbol_subscribed_afresh_begins_with_a_snapshot_again(pair: StoreAndReader) -> None:
    pair.store.put_quotes([quote(at=990.0)])
    pair.store.put_quotes([quote(at=991.0)])
    before = (await pair.read("QQQ")).last_event_at
    pair.store.expect_snapshot(["QQQ"])
    assert not (await pair.read("QQQ")).moved("QQQ")
    pair.store.put_quotes([quote(at=999.0)])
    seen = await pair.read("QQQ")
    assert before is not None
    assert seen.last_event_at == pytest.approx(before, abs=NEAR_S)
    assert not seen.moved("QQQ")


async def test_day_figures_and_halts_are_no_events(pair: StoreAndReader) -> None:
    figures = DaySummary("QQQ", Decimal(600), None, Decimal("611.5"), None, 1000.0, date(2026, 3, 2))
    for _ in range(2):
        pair.store.put_summaries([figures])
        pair.store.put_halts([TradingHalt("QQQ", True, 1000.0)])
    seen = await pair.read("QQQ", "SPX")
    assert seen.last_event_at is None
    found = seen.summary("QQQ")
    assert found is not None
    assert replace(found, received=1000.0) == figures
    assert seen.summary("SPX") is None


async def test_a_halt_outlives_a_disconnect_and_ends_by_report(pair: StoreAndReader) -> None:
    assert not (await pair.read("QQQ")).halted("QQQ")
    pair.store.put_halts([TradingHalt("QQQ", True, 1000.0)])
    pair.store.invalidate()
    assert (await pair.read("QQQ")).halted("QQQ")
    pair.store.put_halts([TradingHalt("QQQ", False, 1000.0)])
    assert not (await pair.read("QQQ")).halted("QQQ")


async def test_events_are_counted_from_a_mark(pair: StoreAndReader) -> None:
    seen = await pair.read("QQQ")
    assert seen.events_since("QQQ", seen.mark("QQQ")) == 0
    pair.store.put_quotes([quote()])
    mark = (await pair.read("QQQ")).mark("QQQ")
    pair.store.invalidate()
    assert (await pair.read("QQQ")).events_since("QQQ", mark) == 0
    pair.store.put_quotes([quote(), quote()])
    assert (await pair.read("QQQ")).events_since("QQQ", mark) == 2


SAID_NO: dict[str, tuple[Callable[[StoreAndReader], None], Reason | None]] = {
    "all there": (lambda pair: None, None),
    "none since the connection was lost": (lambda pair: pair.store.invalidate(), Reason.LEG_MISSING),
    "30.9 s old": (lambda pair: _pass(pair, 30.9), Reason.LEG_STALE),
    "29 s old": (lambda pair: _pass(pair, 29.0), None),
    "a crossed leg": (lambda pair: _put(pair, bid="9", ask="8"), Reason.LEG_CROSSED),
    "a leg without a bid": (lambda pair: _put(pair, bid=None, ask="8"), Reason.LEG_UNUSABLE),
    "a bid that is no number": (lambda pair: _put(pair, bid="NaN", ask="8"), Reason.LEG_UNUSABLE),
}


def _pass(pair: StoreAndReader, seconds: float) -> None:
    pair.clock.seconds += seconds


def _put(pair: StoreAndReader, bid: str | None, ask: str | None) -> None:
    leg = trident().short_put.symbols.streamer
    sides = (None if side is None else Decimal(side) for side in (bid, ask))
    pair.store.put_quotes([Quote(leg, *sides, pair.clock.seconds, pair.clock.seconds)])


@pytest.mark.parametrize("what", SAID_NO)
async def test_a_trident_is_priced_or_refused_alike(pair: StoreAndReader, what: str) -> None:
    change, reason = SAID_NO[what]
    on = trident()
    legs = [leg.symbols.streamer for leg in on.legs]
    pair.store.put_quotes(list(quotes_for(on, now=pair.clock.seconds).values()))
    await pair.read(*legs)
    change(pair)
    found = (await pair.read(*legs)).quotes(legs)
    now = pair.elsewhere.monotonic() if isinstance(pair, InRedis) else pair.clock.seconds
    priced = price_trident(on, found, now)
    if reason is None:
        assert isinstance(priced, Pricing)
        assert (priced.natural, priced.mid) == (Decimal("3.86"), Decimal("4.10"))
    else:
        assert isinstance(priced, PricingRefusal)
        assert priced.refusal.reason is reason


# Only in Redis


async def test_four_legs_are_one_round_trip(valkey: Valkey) -> None:
    pair = InRedis(valkey.url)
    on = trident()
    pair.store.put_quotes(list(quotes_for(on, now=pair.clock.seconds).values()))
    legs = [leg.symbols.streamer for leg in on.legs]
    await pair.read(*legs)
    exchanges = []
    exchange = pair.link.exchange

    async def counted(queue: Callable[[object], None]) -> list[object]:
        exchanges.append(queue)
        return await exchange(queue)

    pair.link.exchange = counted  # type: ignore[method-assign]
    assert len((await pair.reader.read(legs)).quotes(legs)) == 4
    assert len(exchanges) == 1
    await pair.link.close()


async def test_only_what_changed_is_written_and_all_of_it_lives_for_a_while(valkey: Valkey) -> None:
    pair = InRedis(valkey.url)
    pair.store.put_quotes([quote(), quote("IWM")])
    await pair.read("QQQ")
    valkey.client.delete(KEYS.quote("IWM"))
    for _ in range(50):
        pair.store.put_quotes([quote()])
    seen = await pair.read("QQQ", "IWM")
    assert seen.mark("QQQ") == 51
    assert seen.last_known_quote("IWM") is None
    assert 100_000 < int(valkey.client.pttl(KEYS.quote("QQQ"))) <= 120_000  # type: ignore[arg-type]
    pair.clock.seconds += 31  # and everything is written again now and then, so that it lives on
    assert (await pair.read("IWM")).quote("IWM") is not None
    await pair.link.close()


async def test_a_trader_gone_leaves_no_price(valkey: Valkey) -> None:
    pair = InRedis(valkey.url)
    pair.store.put_quotes([quote()])
    await pair.read("QQQ")
    valkey.client.delete(KEYS.trader)
    seen = await pair.reader.read(["QQQ"])
    assert seen.trader is None
    assert seen.quote("QQQ") is None
    assert seen.last_known_quote("QQQ") is not None
    await pair.link.close()


async def test_quotes_of_the_trader_before_are_no_prices_of_this_one(valkey: Valkey) -> None:
    before = InRedis(valkey.url)
    before.store.put_quotes([quote(), quote("IWM")])
    await before.read("QQQ")
    pair = InRedis(valkey.url)
    pair.writer = QuoteWriter(pair.store, KEYS, "2@later", pair.clock)
    pair.store.put_quotes([quote()])
    seen = await pair.read("QQQ", "IWM")
    assert set(seen.quotes(["QQQ", "IWM"])) == {"QQQ"}
    for each in (before, pair):
        await each.link.close()


async def test_the_age_counts_on_while_the_trader_is_silent(valkey: Valkey) -> None:
    """The age is measured by the clock of the server, not by that of either machine."""
    pair = InRedis(valkey.url)
    pair.store.put_quotes([quote()])
    await pair.read("QQQ")
    valkey.client.pexpire(KEYS.trader, 30_000 - 12_000)  # as it would be 12 s later
    seen = await pair.reader.read(["QQQ"])
    found = seen.quote("QQQ")
    assert found is not None
    assert seen.trader is not None
    assert seen.trader.unseen_s == pytest.approx(12, abs=NEAR_S)
    assert pair.age(found) == pytest.approx(12.25, abs=NEAR_S)
    await pair.link.close()


@pytest.mark.parametrize(("field", "value"), [("bid", "ten"), ("received", "then"), ("count", "")])
async def test_fields_of_another_program_are_not_read_as_a_price(valkey: Valkey, field: str, value: str) -> None:
    pair = InRedis(valkey.url)
    pair.store.put_quotes([quote()])
    await pair.read("QQQ")
    valkey.client.hset(KEYS.quote("QQQ"), field, value)
    with pytest.raises(QuotesUnreadable):
        await pair.reader.read(["QQQ"])
    await pair.link.close()
