"""The feed of quotes: subscribes symbols, waits for the quotes of legs, knows whether it is live (rules 2, 4.3, 14)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import InitVar, dataclass, field
from datetime import datetime

from core.broker.port import MarketData, StreamState, StreamStatus
from core.domain.market.quotes import DaySummary, Quote, Trade, TradingHalt
from core.domain.market.underlying import Underlying
from core.domain.operation.reasons import Reason, Refusal, refuse
from core.market.quote_store import QuoteStore
from core.market.underlying_price import UnderlyingPrice, underlying_price
from core.runtime.clock import Clock

SILENCE_S = 15.0
STABILIZATION_S = 3.0
GIVE_UP_S = 15.0
LOOK_EVERY_S = 0.05
NOT_STARTED = "not started"
_EPSILON_S = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class LegSubscription:
    """Option legs subscribed at the monotonic second `since`.

    `marks` has for each symbol how many quotes the store had counted then, so that later ones can be recognised.
    """

    symbols: tuple[str, ...]
    since: float
    marks: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class FeedHealth:
    """The state of the feed at a moment. `since` is the monotonic second at which the connection's state began.

    `events` counts the quotes and trades since the start. `age_s` is wall seconds since the newest event that was not a
    snapshot; None before the first on this connection.
    """

    state: StreamState
    live: bool
    detail: str
    connections: int
    since: float
    age_s: float | None
    symbols: int
    events: int = 0


@dataclass(eq=False, repr=False)
class Feed:
    """The market data of one login, written into the store. Implements `core.broker.port.MarketDataSink`.

    `market_hours` says whether the exchange is in session at a market instant. `on_lost` is called whenever a
    connection is lost or cannot be made.
    """

    market_data: MarketData
    store: QuoteStore
    clock: Clock
    underlyings: InitVar[Iterable[Underlying]]
    market_hours: Callable[[datetime], bool]
    on_lost: Callable[[], None] = lambda: None
    _underlyings: frozenset[str] = field(init=False)
    _status: StreamStatus = field(init=False)
    _holds: Counter[str] = field(init=False, default_factory=Counter)
    _open: set[LegSubscription] = field(init=False, default_factory=set)
    _shown: frozenset[str] = field(init=False, default_factory=frozenset)
    _events: int = field(init=False, default=0)

    def __post_init__(self, underlyings: Iterable[Underlying]) -> None:
        self._underlyings = frozenset(underlying.symbol for underlying in underlyings)
        self._status = StreamStatus(StreamState.WAITING, self.clock.monotonic(), NOT_STARTED)

    async def run(self) -> None:
        """Subscribes the underlyings and keeps the feed running until cancelled."""
        await self.market_data.subscribe(self._underlyings, frozenset())
        try:
            await self.market_data.run(self)
        finally:
            self.store.invalidate()
            self._status = StreamStatus(
                StreamState.WAITING, self.clock.monotonic(), "stopped", self._status.connections
            )

    async def subscribe_legs(self, symbols: Sequence[str]) -> LegSubscription:
        """Subscribes option legs (streamer symbols) anew, also those already subscribed. End it with `release`.

        The broker answers a new subscription with what it knows now, so the quotes that follow are current.
        """
        wanted = frozenset(symbols)
        await self.market_data.unsubscribe(wanted)
        self.store.expect_snapshot(wanted)
        return await self.hold_legs(symbols)

    async def hold_legs(self, symbols: Sequence[str]) -> LegSubscription:
        """Keeps option legs (streamer symbols) subscribed without subscribing them anew. End it with `release`.

        A leg that is subscribed already is left alone, so nobody who prices from it is disturbed.
        """
        legs = tuple(dict.fromkeys(symbols))
        subscription = LegSubscription(
            legs, self.clock.monotonic(), {symbol: self.store.mark(symbol) for symbol in legs}
        )
        self._holds.update(legs)
        self._open.add(subscription)
        await self.market_data.subscribe(frozenset(), frozenset(legs))
        return subscription

    async def release(self, subscription: LegSubscription) -> None:
        """Ends a subscription; does nothing the second time. Legs that another one holds stay subscribed."""
        if subscription not in self._open:
            return
        self._open.discard(subscription)
        self._holds.subtract(subscription.symbols)
        free = frozenset(symbol for symbol in subscription.symbols if self._holds[symbol] <= 0)
        for symbol in free:
            del self._holds[symbol]
        if free - self._shown:
            await self.market_data.unsubscribe(free - self._shown)

    async def show_legs(self, symbols: Iterable[str]) -> None:
        """Keeps exactly these option legs (streamer symbols) subscribed for display.

        Legs that a cycle has subscribed are left alone: only `subscribe_legs` subscribes anew.
        """
        shown = frozenset(symbols)
        new, gone = shown - self._shown - self._held(), self._shown - shown - self._held()
        self._shown = shown
        if gone:
            await self.market_data.unsubscribe(gone)
        if new:
            self.store.expect_snapshot(new)
            await self.market_data.subscribe(frozenset(), new)

    async def wait_ready(
        self,
        subscription: LegSubscription,
        underlying: Underlying,
        stabilization_s: float = STABILIZATION_S,
        give_up_s: float = GIVE_UP_S,
    ) -> Refusal | None:
        """Waits until the four legs and the underlying can be priced from (rules 4.3).

        That is when every leg has had a quote since the subscription, the underlying has had an event after its
        snapshot, and `stabilization_s` have passed. All waits are wall seconds from the subscription. Returns None when
        ready. After `give_up_s` returns FEED_DOWN, or QUOTES_NOT_ARRIVING with the symbols still missing.
        """
        ready_from, deadline = subscription.since + stabilization_s, subscription.since + give_up_s
        while True:
            now = self.clock.monotonic()
            missing = self._missing(subscription, underlying)
            if not missing and now + _EPSILON_S >= ready_from:
                return None
            if now + _EPSILON_S >= deadline:
                break
            await self.clock.sleep(min(LOOK_EVERY_S, deadline - now))
        if not self._connected:
            return refuse(Reason.FEED_DOWN, detail=self.why_not_live())
        # Nothing is missing when `stabilization_s` is longer than `give_up_s`.
        named = ", ".join(missing) or underlying.symbol
        return refuse(Reason.QUOTES_NOT_ARRIVING, limit_s=str(round(give_up_s)), missing=named)

    def is_live(self, now: float) -> bool:
        """Whether the feed is live at this monotonic second (rules 14).

        It must be connected. In market hours an event after the snapshots must have come too, less than 15 s ago.
        Outside market hours silence means nothing.
        """
        if not self._connected:
            return False
        if not self.market_hours(self.clock.now()):
            return True
        newest = self.store.last_event_at
        return newest is not None and now - newest < SILENCE_S

    def why_not_live(self) -> str:
        """Why the feed is not live, in words."""
        if not self._connected:
            return self._status.detail or self._status.state.value
        newest = self.store.last_event_at
        if newest is None:
            return "nothing has come after the first quotes"
        return f"nothing has come for {max(0.0, self.clock.monotonic() - newest):.0f} s"

    def health(self) -> FeedHealth:
        """The state of the feed now."""
        now = self.clock.monotonic()
        newest = self.store.last_event_at
        return FeedHealth(
            state=self._status.state,
            live=self.is_live(now),
            detail=self._status.detail,
            connections=self._status.connections,
            since=self._status.since,
            age_s=max(0.0, now - newest) if newest is not None else None,
            symbols=len(self._underlyings | self._held() | self._shown),
            events=self._events,
        )

    def underlying_price(self, underlying: Underlying, now: float) -> UnderlyingPrice | None:
        """The underlying's price from the store of this feed, by the rule of `core.market.underlying_price`."""
        return underlying_price(self.store, underlying, now)

    def on_quotes(self, quotes: Sequence[Quote]) -> None:
        self._events += len(quotes)
        self.store.put_quotes(quotes)

    def on_trades(self, trades: Sequence[Trade]) -> None:
        self._events += len(trades)
        self.store.put_trades(trades)

    def on_summaries(self, summaries: Sequence[DaySummary]) -> None:
        self.store.put_summaries(summaries)

    def on_halts(self, halts: Sequence[TradingHalt]) -> None:
        self.store.put_halts(halts)

    def on_market_data_status(self, status: StreamStatus) -> None:
        """Takes the state of the connection.

        In every state but connected, all stored quotes are stale at once (rules 14).
        """
        self._status = status
        if status.state is not StreamState.CONNECTED:
            self.store.invalidate()
        if status.state is StreamState.WAITING:
            self.on_lost()

    def slept(self) -> None:
        """Takes note that the machine slept, although the connection may stand: no quote of before is a price."""
        self.store.invalidate()

    @property
    def _connected(self) -> bool:
        return self._status.state is StreamState.CONNECTED

    def _held(self) -> AbstractSet[str]:
        """The symbols that a subscription holds."""
        return {symbol for symbol, count in self._holds.items() if count > 0}

    def _missing(self, subscription: LegSubscription, underlying: Underlying) -> list[str]:
        """The symbols that have not had the quote or event that `wait_ready` waits for."""
        missing = [
            symbol
            for symbol in subscription.symbols
            if self.store.quote(symbol) is None or self.store.events_since(symbol, subscription.marks[symbol]) < 1
        ]
        if not self.store.moved(underlying.symbol):
            missing.append(underlying.symbol)
        return missing
