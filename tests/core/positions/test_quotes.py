"""Quotes to close on: from the feed, else from market data, never stale or crossed; and the wait after a halt."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.broker.pace import Pace
from core.domain.market.quotes import Quote
from core.domain.market.underlying import SHIPPED
from core.domain.positions.close_prices import spread_prices, unusable
from core.domain.positions.units import Unit, UnitName, UnitState
from core.domain.positions.walk import ClosePrices
from core.market.feed import Feed
from core.market.quote_store import MemoryQuoteStore
from core.positions.quotes import LIVE_AFTER_HALT_S, CloseQuotes, LegQuotes
from core.runtime.virtual_time import VirtualClock, run_virtual
from core.simulator.exchange.exchange import Exchange
from core.simulator.exchange.faults import FaultKind
from core.simulator.in_process.broker import InProcessBroker
from core.simulator.market.market import Market
from core.simulator.wire.settings import DEFAULT_ACCOUNT

START = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
ACCOUNT = DEFAULT_ACCOUNT.number
SHORT, LONG = "QQQ   270108P00622000", "QQQ   270108P00619000"
LEGS = {SHORT: ".QQQ270108P622", LONG: ".QQQ270108P619"}
UNIT = Unit(UnitName.PUT_1, SHORT, LONG)
MARKET_DATA = "/market-data/by-type"


class Desk:
    """A feed and a broker of one simulated market."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.market = Market(7, clock.now())
        self.broker = InProcessBroker(Exchange(self.market, 7, [DEFAULT_ACCOUNT]), self.market, clock, "main")
        self.store = MemoryQuoteStore()
        self.feed = Feed(self.broker.market_data, self.store, clock, [SHIPPED["QQQ"]], lambda _: True)
        self.quotes = CloseQuotes(self.feed, self.store, self.broker, Pace(clock), clock, lambda _: "main")

    def fails(self) -> None:
        """Whatever asks for market data now fails."""
        self.broker.arm(FaultKind.REST_5XX_HTML, count=100, path=MARKET_DATA)

    async def of(self, legs: dict[str, str] = LEGS) -> LegQuotes:
        return await self.quotes.of(ACCOUNT, legs)


def on_desk(script: Callable[[Desk], Coroutine[Any, Any, None]]) -> None:
    async def run(clock: VirtualClock) -> None:
        desk = Desk(clock)
        feed = asyncio.create_task(desk.feed.run())
        await clock.sleep(1)
        try:
            await script(desk)
        finally:
            feed.cancel()
            await asyncio.wait({feed})

    run_virtual(run, START)


def test_a_fresh_quote_of_the_feed_is_taken_and_nothing_is_asked() -> None:
    async def script(desk: Desk) -> None:
        await desk.quotes.hold("t-1", LEGS.values())
        await desk.clock.sleep(5)
        desk.fails()
        found = await desk.of()
        assert (set(found.quotes), found.missing) == (set(LEGS), "")
        prices = found.spread(UNIT)
        short, long = found.quotes[SHORT], found.quotes[LONG]
        assert short.ask is not None and long.bid is not None and short.mid is not None and long.mid is not None  # noqa: PT018
        assert prices == ClosePrices(short.mid - long.mid, short.ask - long.bid)
        assert prices.mid < prices.natural

    on_desk(script)


def test_a_leg_that_the_feed_is_silent_about_is_read_from_market_data() -> None:
    async def script(desk: Desk) -> None:
        await desk.quotes.hold("t-1", [LEGS[SHORT]])
        await desk.clock.sleep(5)
        for streamers in (LEGS, {SHORT: LEGS[SHORT], LONG: ""}):  # one without a streamer symbol is never on the feed
            found = await desk.of(streamers)
            assert (set(found.quotes), found.missing) == (set(LEGS), "")
        assert found.spread(UNIT) is not None

    on_desk(script)


def test_quotes_that_are_old_in_both_places_are_missing_with_their_age() -> None:
    async def script(desk: Desk) -> None:
        await desk.quotes.hold("t-1", LEGS.values())
        await desk.clock.sleep(5)
        desk.broker.arm(FaultKind.MARKET_FROZEN, count=None, seconds=600.0, symbol=LEGS[LONG])
        await desk.clock.sleep(60)
        found = await desk.of()
        assert set(found.quotes) == {SHORT}
        assert found.missing.startswith(f"{LONG} is 6") and found.missing.endswith(" s old")  # noqa: PT018
        assert found.spread(UNIT) is None

    on_desk(script)


@pytest.mark.parametrize(
    ("kind", "words"),
    [(FaultKind.MARKET_CROSSED, f"{SHORT} is crossed"), (FaultKind.MARKET_NAN, f"{SHORT} has no quote")],
)
def test_a_quote_that_is_crossed_or_not_there_is_missing(kind: FaultKind, words: str) -> None:
    async def script(desk: Desk) -> None:
        desk.broker.arm(kind, count=None, seconds=600.0, symbol=LEGS[SHORT])
        await desk.quotes.hold("t-1", LEGS.values())
        await desk.clock.sleep(5)
        found = await desk.of()
        assert (set(found.quotes), found.missing, found.spread(UNIT)) == ({LONG}, words, None)

    on_desk(script)


def test_market_data_that_cannot_be_read_are_missing_and_no_error() -> None:
    async def script(desk: Desk) -> None:
        await desk.quotes.hold("t-1", [LEGS[SHORT]])
        await desk.clock.sleep(5)
        desk.fails()
        found = await desk.of()
        assert set(found.quotes) == {SHORT}
        assert found.missing.startswith("market data of 1 leg could not be read: ")

    on_desk(script)


def test_what_the_feed_had_is_not_used_when_the_request_took_too_long() -> None:
    async def script(desk: Desk) -> None:
        await desk.quotes.hold("t-1", [LEGS[SHORT]])
        await desk.clock.sleep(5)
        desk.broker.arm(FaultKind.MARKET_FROZEN, count=None, seconds=600.0, symbol=LEGS[SHORT])
        await desk.clock.sleep(25)
        desk.broker.arm(FaultKind.REST_DELAY_AFTER, path=MARKET_DATA, seconds=9.0)
        found = await desk.of()
        assert SHORT not in found.quotes

    on_desk(script)


def test_legs_of_a_trident_are_subscribed_while_they_are_held_and_no_longer() -> None:
    async def script(desk: Desk) -> None:
        async def subscribed() -> int:
            return desk.feed.health().symbols - 1  # the underlying

        await desk.quotes.hold("t-1", LEGS.values())
        await desk.quotes.hold("t-2", [LEGS[SHORT]])
        assert await subscribed() == 2
        await desk.clock.sleep(5)
        before = desk.store.quote(LEGS[SHORT])
        await desk.quotes.hold("t-1", [LEGS[SHORT]])
        assert (await subscribed(), desk.store.quote(LEGS[SHORT])) == (1, before)
        await desk.quotes.release("t-1")
        assert await subscribed() == 1
        for _ in range(2):
            await desk.quotes.release("t-2")
        assert await subscribed() == 0

    on_desk(script)


@pytest.mark.parametrize("silence_s", [0.0, 100.0])
def test_after_a_halt_no_price_changes_for_five_live_minutes(silence_s: float) -> None:
    """A feed that is silent meanwhile begins them anew."""

    async def script(desk: Desk) -> None:
        said: list[str] = []
        live: list[bool] = []

        async def until(words: str) -> None:
            for _ in range(900):
                said.append(desk.quotes.halted("QQQ"))
                live.append(desk.feed.is_live(desk.clock.monotonic()))
                if said[-1].startswith(words) and (words or not said[-1]):
                    return
                await desk.clock.sleep(1)
            raise AssertionError(said[-1])

        await until("")
        desk.market.halt("QQQ", desk.clock.now(), desk.clock.now() + timedelta(seconds=200))
        await until("QQQ is halted")  # the feed tells of it within a minute
        await until("QQQ was halted; prices change again after")
        if silence_s:
            await desk.clock.sleep(100)
            desk.broker.arm(FaultKind.DXLINK_SILENCE, seconds=silence_s)
        await until("")
        barred_s = len(said) - 1 - max(at for at, words in enumerate(said) if "is halted" in words)
        live_s = live[::-1].index(False) if silence_s else barred_s
        assert LIVE_AFTER_HALT_S <= live_s <= LIVE_AFTER_HALT_S + 2
        assert all(live[-int(LIVE_AFTER_HALT_S) :])

    on_desk(script)


GOOD = Quote(SHORT, Decimal("1.20"), Decimal("1.30"), 100.0, 100.0)


@pytest.mark.parametrize(
    ("quote", "now", "words"),
    [
        (None, 100.0, "has no quote"),
        (GOOD, 100.0, ""),
        (GOOD, 130.0, ""),
        (GOOD, 130.6, "is 31 s old"),
        (replace(GOOD, bid=Decimal(0)), 100.0, ""),
        (replace(GOOD, bid=None), 100.0, "has no usable bid and ask"),
        (replace(GOOD, ask=None), 100.0, "has no usable bid and ask"),
        (replace(GOOD, bid=Decimal("-0.01")), 100.0, "has no usable bid and ask"),
        (replace(GOOD, bid=Decimal("1.31")), 100.0, "is crossed"),
        (replace(GOOD, bid=Decimal("1.30")), 100.0, ""),
        (replace(GOOD, as_of=103.0), 100.0, "is dated ahead of the broker's clock"),
    ],
)
def test_what_a_quote_must_have_to_be_closed_on(quote: Quote | None, now: float, words: str) -> None:
    assert unusable(quote, now) == words
    assert (spread_prices(quote, GOOD, now) is None) == (words != "")
    assert (spread_prices(GOOD, quote, now) is None) == (words != "" or unusable(GOOD, now) != "")


def test_the_prices_of_a_side_are_those_of_a_unit_that_is_left() -> None:
    quotes = {
        SHORT: GOOD,
        LONG: Quote(LONG, Decimal("0.40"), Decimal("0.50"), 100.0, 100.0),
    }
    found = LegQuotes(quotes, 100.0)
    gone = replace(UNIT, state=UnitState.CLOSED)
    assert found.side([gone, replace(UNIT, name=UnitName.PUT_2)], puts=True) == ClosePrices(
        Decimal("0.80"), Decimal("0.90")
    )
    assert found.side([gone], puts=True) is None
    assert found.side([UNIT], puts=False) is None
