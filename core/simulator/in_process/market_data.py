"""The market data of the in-process broker: reads the market in steps and delivers what has changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil

from core.broker.port import MarketDataSink, StreamState, StreamStatus
from core.domain.market.quotes import Candle, TradingHalt
from core.runtime.clock import Clock
from core.runtime.virtual_time import quiet_s
from core.simulator.exchange.armed_faults import ArmedFaults
from core.simulator.exchange.faults import FaultKind
from core.simulator.exchange.market_view import MarketView
from core.simulator.in_process import values
from core.simulator.market.market_data import MarketQuote, MarketSummary, MarketTrade

SAMPLE_S = 0.5
"""Seconds between two reads of the market during a session."""
CLOSED_SAMPLE_S = 60.0
"""The same while the market is closed, at most."""
SUMMARY_PERIOD_S = 10.0
"""Seconds between two reads of summaries and halts."""
HEARTBEAT_S = 14.0
"""The longest step while no price is needed: short enough for the feed to count as live (rules 14)."""
ASSUME_WATCHED_S = 20.0
"""Seconds after a subscription in which prices are needed, whatever `unwatched_s` says."""
RECONNECT_S = 2.0
"""Seconds from a lost connection to the next one."""


@dataclass(eq=False)
class InProcessMarketData:
    """Implements `core.broker.port.MarketData` on a view of the market.

    The first event of a symbol after a subscription or a reconnect is its last one, however old. After it come only
    changes.
    """

    view: MarketView
    faults: ArmedFaults
    clock: Clock
    """The broker's."""
    check_request: Callable[[str], None]
    """Called with the path of a request. Raises BrokerError when the request fails."""
    idle_s: float = SAMPLE_S
    """Seconds between two reads of the market while no option is subscribed. More saves computing."""
    followed_s: float = SAMPLE_S
    """Likewise while options are subscribed, from `ASSUME_WATCHED_S` after the last subscription on."""
    unwatched_s: Callable[[], float] = lambda: 0.0
    """For how many seconds from now no price is needed. For so long only single quotes are sent, as a sign of life."""
    heartbeat_s: float = HEARTBEAT_S
    """The longest step meanwhile. More is for days in which nobody asks whether the feed is live then."""
    closed_s: float = CLOSED_SAMPLE_S
    """Seconds between two reads while the market is closed, at most. More saves computing; a fault armed meanwhile is
    seen after it."""
    newest_only: bool = False
    """Whether the sink keeps only the newest of each symbol. In virtual time, reads of the market that nothing can look
    at before the next one are then left out."""
    _underlyings: set[str] = field(default_factory=set, init=False)
    _options: set[str] = field(default_factory=set, init=False)
    _quotes: dict[str, MarketQuote] = field(default_factory=dict, init=False)
    """The values delivered last, by symbol; likewise the trades, summaries and halts."""
    _trades: dict[str, MarketTrade] = field(default_factory=dict, init=False)
    _summaries: dict[str, MarketSummary] = field(default_factory=dict, init=False)
    _halts: dict[str, bool] = field(default_factory=dict, init=False)
    _summaries_due: float = field(default=0.0, init=False)
    """Monotonic second of the next read of summaries and halts."""
    _assume_watched_until: float = field(default=0.0, init=False)
    """Monotonic second until which prices are needed, because of a recent subscription."""
    _waiter: asyncio.Future[None] | None = field(default=None, init=False)
    _timer: asyncio.TimerHandle | None = field(default=None, init=False)

    async def run(self, sink: MarketDataSink) -> None:
        connections = 0
        try:
            while True:
                connections += 1
                sink.on_market_data_status(
                    StreamStatus(StreamState.CONNECTED, self.clock.monotonic(), connections=connections)
                )
                await self._deliver_until_lost(sink)
                self._clear()
                lost = StreamStatus(
                    StreamState.WAITING, self.clock.monotonic(), "the feed closed the connection", connections
                )
                sink.on_market_data_status(lost)
                await self.clock.sleep(RECONNECT_S)
        finally:
            self._clear()

    async def subscribe(self, underlyings: AbstractSet[str], options: AbstractSet[str]) -> None:
        self._underlyings |= underlyings
        self._options |= options
        self._assume_watched_until = self.clock.monotonic() + ASSUME_WATCHED_S
        self._sample_now()

    async def unsubscribe(self, options: AbstractSet[str]) -> None:
        for symbol in options & self._options:
            self._options.discard(symbol)
            self._quotes.pop(symbol, None)

    async def daily_candles(self, symbol: str, since: datetime) -> tuple[Candle, ...]:
        self.check_request("/candles")
        return tuple(values.candle(c) for c in self.view.candles(symbol, since, self.clock.now()))

    def shown(self, symbol: str) -> MarketQuote | None:
        """The last quote of a subscribed symbol that was delivered, from which the client may have priced."""
        return self._quotes.get(symbol)

    async def _deliver_until_lost(self, sink: MarketDataSink) -> None:
        while self._take(FaultKind.DXLINK_CLOSE) is None:
            silence = self._take(FaultKind.DXLINK_SILENCE)
            if silence is not None:
                await self.clock.sleep(silence)
                continue
            unwatched = self._unwatched()
            if unwatched > 0:
                self._send_heartbeat(sink)
            else:
                self._deliver(sink)
            await self._wait_for_next_sample(sink, unwatched)

    def _unwatched(self) -> float:
        return 0.0 if self.clock.monotonic() < self._assume_watched_until else self.unwatched_s()

    async def _wait_for_next_sample(self, sink: MarketDataSink, unwatched: float) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        self._look_after(self._step(unwatched), sink)
        try:
            await self._waiter
        finally:
            if self._timer is not None:
                self._timer.cancel()

    def _step(self, unwatched: float) -> float:
        """Seconds to the next read of the market."""
        now = self.clock.now()
        _, running, following = self.view.market.options_around(now)
        if running is None:
            return min(self.closed_s, max(SAMPLE_S, (following.open - now).total_seconds()))
        left = (running.options_close - now).total_seconds()
        if unwatched > 0:
            return self._steps(max(SAMPLE_S, min(self.heartbeat_s, unwatched)), min(left, unwatched))
        assumed = self._assume_watched_until - self.clock.monotonic()
        if not self._options:
            return self._steps(self.idle_s, min(left, assumed) if assumed > 0 else left)
        return SAMPLE_S if assumed > 0 else self._steps(self.followed_s, left)

    def _steps(self, step: float, most: float) -> float:
        """Seconds to the next read, or to the last one, a step apart from each other, before anything else runs."""
        if not (self.newest_only and self.faults.is_empty):
            return step
        return step * max(1, ceil(min(most, quiet_s()) / step) - 1)

    def _look_after(self, seconds: float, sink: MarketDataSink) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._look, sink)

    def _look(self, sink: MarketDataSink) -> None:
        """Sends a further sign of life at once, without waking the task; everything else is the task's work."""
        unwatched = self._unwatched()
        if unwatched == 0 or not self.faults.is_empty:
            self._sample_now()
            return
        try:
            self._send_heartbeat(sink)
        except Exception as error:
            if self._waiter is not None and not self._waiter.done():
                self._waiter.set_exception(error)
        else:
            self._look_after(self._step(unwatched), sink)

    def _sample_now(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _send_heartbeat(self, sink: MarketDataSink) -> None:
        now = self.clock.now()
        for symbol in sorted(self._underlyings):
            quote = self.view.quote(symbol, now)
            if quote is not None and quote != self._quotes.get(symbol):
                self._quotes[symbol] = quote
                sink.on_quotes([values.quote(quote, self.clock)])
                return

    def _deliver(self, sink: MarketDataSink) -> None:
        now = self.clock.now()
        quotes = [q for s in self._wanted() if (q := self.view.quote(s, now)) != self._quotes.get(s) and q is not None]
        trades = [
            t
            for s in sorted(self._underlyings)
            if (t := self.view.trade(s, now)) != self._trades.get(s) and t is not None
        ]
        self._quotes.update((q.symbol, q) for q in quotes)
        self._trades.update((t.symbol, t) for t in trades)
        if quotes:
            sink.on_quotes([values.quote(q, self.clock) for q in quotes])
        if trades:
            sink.on_trades([values.trade(t, self.clock) for t in trades])
        if self.clock.monotonic() >= self._summaries_due or not self._underlyings <= self._halts.keys():
            self._summaries_due = self.clock.monotonic() + SUMMARY_PERIOD_S
            self._deliver_summaries(sink, now)

    def _deliver_summaries(self, sink: MarketDataSink, now: datetime) -> None:
        summaries = {s: self.view.summary(s, now) for s in sorted(self._underlyings)}
        halts = {s: self.view.halted(s, now) for s in sorted(self._underlyings)}
        sink.on_summaries(
            [values.day_summary(v, self.clock) for s, v in summaries.items() if v != self._summaries.get(s)]
        )
        received = self.clock.monotonic()
        sink.on_halts([TradingHalt(s, v, received) for s, v in halts.items() if v != self._halts.get(s)])
        self._summaries, self._halts = summaries, halts

    def _wanted(self) -> list[str]:
        return sorted(self._underlyings | self._options)

    def _clear(self) -> None:
        for kept in (self._quotes, self._trades, self._summaries, self._halts):
            kept.clear()

    def _take(self, kind: FaultKind) -> float | None:
        """The seconds of this fault if it is armed, 1 if it names none; None if it is not armed."""
        armed = self.faults.take(kind, self.clock.monotonic())
        return None if armed is None else armed.fault.seconds or 1.0
