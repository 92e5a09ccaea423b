"""Waiting for the quotes of legs, and when the feed counts as live, on a clock that moves only when told."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from core.broker.port import MarketDataSink, StreamState, StreamStatus
from core.domain.market.quotes import Candle, Quote, Trade
from core.domain.market.underlying import QQQ, SPX
from core.domain.operation.reasons import Reason
from core.market.feed import Feed
from core.market.quote_store import MemoryQuoteStore

LEGS = (".QQQ261224P622", ".QQQ261224P619", ".QQQ261224C622", ".QQQ261224C625")
NOON = datetime(2026, 11, 23, 17, tzinfo=UTC)


class ScriptedClock:
    """A clock that moves only when somebody sleeps; an action planned for a second runs when the clock reaches it."""

    speed = 1.0

    def __init__(self) -> None:
        self.second = 100.0
        self._plan: list[tuple[float, Callable[[], None]]] = []

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.second - 100.0)

    def monotonic(self) -> float:
        return self.second

    def boottime(self) -> float:
        return self.second

    async def sleep(self, seconds: float) -> None:
        self.advance(seconds)

    def after(self, seconds: float, happens: Callable[[], None]) -> None:
        self._plan.append((self.second + seconds, happens))

    def advance(self, seconds: float) -> None:
        self.second += seconds
        due = [happens for at, happens in self._plan if at <= self.second + 1e-9]
        self._plan = [(at, happens) for at, happens in self._plan if at > self.second + 1e-9]
        for happens in due:
            happens()


class RecordingMarketData:
    """A market data port that keeps what is asked of it."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, frozenset[str]]] = []

    async def run(self, sink: MarketDataSink) -> None:
        sink.on_market_data_status(StreamStatus(StreamState.CONNECTED, 1.0, "", 1))

    async def subscribe(self, underlyings: AbstractSet[str], options: AbstractSet[str]) -> None:
        self.asked.append(("add", frozenset(underlyings | options)))

    async def unsubscribe(self, options: AbstractSet[str]) -> None:
        self.asked.append(("drop", frozenset(options)))

    async def daily_candles(self, symbol: str, since: datetime) -> tuple[Candle, ...]:
        return ()


class Scene:
    def __init__(self) -> None:
        self.clock = ScriptedClock()
        self.store = MemoryQuoteStore()
        self.market_data = RecordingMarketData()
        self.open = True
        self.feed = Feed(self.market_data, self.store, self.clock, [QQQ, SPX], lambda _: self.open)
        self.status(StreamState.CONNECTED)

    def status(self, state: StreamState, detail: str = "") -> None:
        self.feed.on_market_data_status(StreamStatus(state, self.clock.monotonic(), detail, 1))

    def quotes(self, *symbols: str) -> None:
        now = self.clock.monotonic()
        self.feed.on_quotes([Quote(symbol, Decimal("4.1"), Decimal("4.2"), now, now) for symbol in symbols])

    def trade(self, price: str = "6000", age: float = 0.0) -> None:
        now = self.clock.monotonic()
        self.feed.on_trades([Trade("SPX", Decimal(price), now, now - age)])

    def move(self) -> None:
        """QQQ's snapshot and one event after it."""
        self.quotes("QQQ")
        self.quotes("QQQ")


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def test_legs_are_subscribed_afresh(scene: Scene) -> None:
    await scene.feed.subscribe_legs(LEGS)
    assert scene.market_data.asked == [("drop", frozenset(LEGS)), ("add", frozenset(LEGS))]


async def test_ready_waits_out_the_stabilization(scene: Scene) -> None:
    scene.move()
    subscription = await scene.feed.subscribe_legs(LEGS)
    scene.clock.after(0.5, lambda: scene.quotes(*LEGS))
    assert await scene.feed.wait_ready(subscription, QQQ) is None
    assert scene.clock.second == pytest.approx(103.0, abs=0.06)


async def test_ready_comes_with_the_last_leg(scene: Scene) -> None:
    scene.move()
    subscription = await scene.feed.subscribe_legs(LEGS)
    scene.clock.after(0.5, lambda: scene.quotes(*LEGS[:3]))
    scene.clock.after(7.0, lambda: scene.quotes(LEGS[3]))
    assert await scene.feed.wait_ready(subscription, QQQ) is None
    assert scene.clock.second == pytest.approx(107.0, abs=0.06)


async def test_a_quote_from_before_the_subscription_does_not_count(scene: Scene) -> None:
    scene.move()
    scene.quotes(*LEGS)
    subscription = await scene.feed.subscribe_legs(LEGS)
    scene.clock.after(1.0, lambda: scene.quotes(*LEGS[1:]))
    refusal = await scene.feed.wait_ready(subscription, QQQ)
    assert refusal is not None
    assert refusal.reason is Reason.QUOTES_NOT_ARRIVING
    assert LEGS[0] in refusal.sentence()
    assert LEGS[1] not in refusal.sentence()
    assert "15 s" in refusal.sentence()
    assert scene.clock.second == pytest.approx(115.0, abs=0.06)


async def test_an_underlying_with_only_its_snapshot_is_missing(scene: Scene) -> None:
    scene.quotes("QQQ")
    subscription = await scene.feed.subscribe_legs(LEGS)
    scene.clock.after(0.1, lambda: scene.quotes(*LEGS))
    refusal = await scene.feed.wait_ready(subscription, QQQ, give_up_s=4.0)
    assert refusal is not None
    assert dict(refusal.figures)["missing"] == "QQQ"


async def test_an_index_moves_by_its_trades(scene: Scene) -> None:
    scene.trade()
    subscription = await scene.feed.subscribe_legs(LEGS)
    scene.clock.after(0.1, lambda: scene.quotes(*LEGS))
    scene.clock.after(4.0, scene.trade)
    assert await scene.feed.wait_ready(subscription, SPX) is None
    assert scene.clock.second == pytest.approx(104.0, abs=0.06)


async def test_a_loss_while_waiting_asks_for_new_quotes(scene: Scene) -> None:
    scene.move()
    subscription = await scene.feed.subscribe_legs(LEGS)
    scene.clock.after(0.5, lambda: scene.quotes(*LEGS))
    scene.clock.after(1.0, lambda: scene.status(StreamState.WAITING, "closed"))
    scene.clock.after(2.0, lambda: scene.status(StreamState.CONNECTED))
    scene.clock.after(6.0, scene.move)
    scene.clock.after(6.0, lambda: scene.quotes(*LEGS))
    assert await scene.feed.wait_ready(subscription, QQQ) is None
    assert scene.clock.second == pytest.approx(106.0, abs=0.06)


async def test_a_loss_that_lasts_is_a_feed_that_is_down(scene: Scene) -> None:
    scene.move()
    subscription = await scene.feed.subscribe_legs(LEGS)
    scene.status(StreamState.WAITING, "closed")
    refusal = await scene.feed.wait_ready(subscription, QQQ)
    assert refusal is not None
    assert refusal.reason is Reason.FEED_DOWN


async def test_a_stabilization_of_zero_is_allowed(scene: Scene) -> None:
    scene.move()
    subscription = await scene.feed.subscribe_legs(LEGS)
    scene.quotes(*LEGS)
    assert await scene.feed.wait_ready(subscription, QQQ, stabilization_s=0) is None
    assert scene.clock.second == 100.0


async def test_release_drops_what_nobody_else_holds_and_only_once(scene: Scene) -> None:
    one = await scene.feed.subscribe_legs(LEGS[:2])
    two = await scene.feed.subscribe_legs(LEGS[1:])
    scene.market_data.asked.clear()
    await scene.feed.release(one)
    await scene.feed.release(one)
    assert scene.market_data.asked == [("drop", frozenset(LEGS[:1]))]
    await scene.feed.release(two)
    assert scene.market_data.asked[-1] == ("drop", frozenset(LEGS[1:]))


def test_live_needs_an_event_after_the_snapshots_at_most_15_s_ago(scene: Scene) -> None:
    feed, clock = scene.feed, scene.clock
    assert not feed.is_live(clock.second)
    scene.quotes("QQQ")
    assert not feed.is_live(clock.second)
    scene.quotes("QQQ")
    assert feed.is_live(clock.second)
    assert feed.is_live(clock.second + 14.9)
    assert not feed.is_live(clock.second + 15.0)
    clock.advance(15.0)
    scene.quotes(LEGS[0])
    assert not feed.is_live(clock.second)  # a snapshot of another symbol
    scene.quotes(LEGS[0])
    assert feed.is_live(clock.second)  # any symbol will do


def test_outside_market_hours_silence_says_nothing_but_a_loss_does(scene: Scene) -> None:
    scene.open = False
    assert scene.feed.is_live(scene.clock.second + 3600)
    scene.status(StreamState.CONNECTING)
    assert not scene.feed.is_live(scene.clock.second)


def test_a_loss_is_not_live_at_once_and_takes_the_prices(scene: Scene) -> None:
    scene.move()
    scene.status(StreamState.WAITING, "closed by the broker (1001)")
    assert not scene.feed.is_live(scene.clock.second)
    assert scene.feed.underlying_price(QQQ, scene.clock.second) is None
    assert scene.store.last_known_quote("QQQ") is not None
    health = scene.feed.health()
    assert (health.live, health.detail, health.age_s) == (False, "closed by the broker (1001)", None)


def test_health_tells_the_age_and_what_is_subscribed(scene: Scene) -> None:
    scene.move()
    scene.clock.advance(2.0)
    health = scene.feed.health()
    assert (health.live, health.age_s, health.symbols, health.connections) == (True, 2.0, 2, 1)


def test_an_etf_is_priced_at_its_uncrossed_midpoint(scene: Scene) -> None:
    def put(bid: str | None, ask: str | None) -> None:
        sides = [Decimal(side) if side is not None else None for side in (bid, ask)]
        scene.feed.on_quotes([Quote("QQQ", sides[0], sides[1], 100.0, 97.0)])

    assert scene.feed.underlying_price(QQQ, 100.0) is None
    put("621.00", "621.10")
    assert scene.feed.underlying_price(QQQ, 100.0) == (Decimal("621.05"), 3.0, "midpoint")
    for bid, ask in (("621.20", "621.10"), (None, "621.10"), ("621.00", None), ("0", "621.10")):
        put(bid, ask)
        assert scene.feed.underlying_price(QQQ, 100.0) is None


def test_an_index_is_priced_at_its_last_trade_and_never_from_a_quote(scene: Scene) -> None:
    scene.quotes("SPX")
    assert scene.feed.underlying_price(SPX, 100.0) is None
    scene.trade("6012.5", age=4.0)
    assert scene.feed.underlying_price(SPX, 100.0) == (Decimal("6012.5"), 4.0, "last")
    scene.trade("0")
    assert scene.feed.underlying_price(SPX, 100.0) is None


async def test_running_subscribes_the_underlyings_and_ends_not_live(scene: Scene) -> None:
    scene.move()
    await scene.feed.run()
    assert scene.market_data.asked == [("add", frozenset({"QQQ", "SPX"}))]
    assert not scene.feed.is_live(scene.clock.second)
    assert scene.store.quote("QQQ") is None


async def test_legs_shown_are_asked_for_once_and_only_while_nobody_else_has_them(scene: Scene) -> None:
    cycle = await scene.feed.subscribe_legs(LEGS[:1])
    scene.market_data.asked.clear()
    await scene.feed.show_legs(LEGS[:2])
    await scene.feed.show_legs(LEGS[:2])
    assert scene.market_data.asked == [("add", frozenset(LEGS[1:2]))], "the cycle's own leg is left as it is"
    await scene.feed.release(cycle)
    assert len(scene.market_data.asked) == 1, "it is still shown"
    await scene.feed.show_legs(())
    assert scene.market_data.asked[1:] == [("drop", frozenset(LEGS[:2]))]


async def test_a_cycle_asks_afresh_for_legs_that_are_shown(scene: Scene) -> None:
    await scene.feed.show_legs(LEGS)
    scene.quotes(*LEGS)
    scene.market_data.asked.clear()
    scene.move()
    cycle = await scene.feed.subscribe_legs(LEGS)
    assert scene.market_data.asked == [("drop", frozenset(LEGS)), ("add", frozenset(LEGS))]
    refusal = await scene.feed.wait_ready(cycle, QQQ, stabilization_s=0.1, give_up_s=0.5)
    assert refusal is not None, "a quote from before does not count"
    await scene.feed.show_legs(())
    assert scene.market_data.asked[2:] == [], "the cycle still needs them"


async def test_why_the_feed_is_not_live(scene: Scene) -> None:
    assert scene.feed.why_not_live() == "nothing has come after the first quotes"
    scene.move()
    scene.clock.advance(16)
    assert scene.feed.why_not_live() == "nothing has come for 16 s"
    scene.status(StreamState.WAITING, "the broker grants only delayed quotes (level delayed)")
    assert "only delayed quotes" in scene.feed.why_not_live()
