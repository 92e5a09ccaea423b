"""A simulated broker with the adapter logged in, and receivers that keep everything they receive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from core.broker.port import StreamState, StreamStatus
from core.broker.tastytrade import Login, TastytradeBroker
from core.broker.tastytrade.timings import Timings
from core.domain.market.quotes import DaySummary, Quote, Trade, TradingHalt
from core.domain.orders.orders import OrderReport
from core.runtime.clock import ShiftedClock
from core.runtime.ids import SeededIds
from core.simulator.exchange.faults import Fault, FaultKind
from core.simulator.wire.server import Simulator
from core.simulator.wire.settings import DEFAULT_LOGIN, SimulatorSettings

MONDAY_TEN = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
ACCOUNT = "5WT00001"
QUICK = Timings(
    connect=1.0,
    read=1.0,
    order=1.0,
    cancel=1.0,
    enter_stream=0.5,
    socket_silence=0.8,
    drain=0.01,
    quote_aggregation=0.1,
    slow_aggregation=0.1,
    candle_quiet=0.3,
    candles=2.0,
)
PATIENCE_S = 8.0


class SimulatedStreams:
    def __init__(self, simulator: Simulator, broker: TastytradeBroker, clock: ShiftedClock) -> None:
        self.simulator = simulator
        self.broker = broker
        self.clock = clock

    def arm(self, kind: FaultKind, **fault: Any) -> None:
        self.simulator.faults.arm(Fault(kind, **fault), self.clock.now(), self.clock.monotonic())


@asynccontextmanager
async def simulated(timings: Timings = QUICK, start: datetime = MONDAY_TEN) -> AsyncIterator[SimulatedStreams]:
    clock = ShiftedClock(start)
    simulator = Simulator(SimulatorSettings(), clock, SeededIds(3))
    port = await simulator.start()
    login = Login("main", DEFAULT_LOGIN.client_secret, DEFAULT_LOGIN.refresh_token)
    broker = TastytradeBroker(login, clock, SeededIds(1), base_url=f"http://127.0.0.1:{port}", timings=timings)
    try:
        await broker.connect()
        yield SimulatedStreams(simulator, broker, clock)
    finally:
        await broker.close()
        await simulator.stop()


@asynccontextmanager
async def running(work: Any) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(holds: Callable[[], object], what: str) -> None:
    """Waits until `holds` is true; fails with `what` did not happen."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not holds():  # noqa: ASYNC110 - what is waited for has no event of its own
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"did not happen: {what}") from None


class Receiver:
    """A MarketDataSink that keeps everything it receives."""

    def __init__(self) -> None:
        self.quotes: dict[str, Quote] = {}
        self.trades: dict[str, Trade] = {}
        self.summaries: dict[str, DaySummary] = {}
        self.halts: dict[str, TradingHalt] = {}
        self.statuses: list[StreamStatus] = []
        self.quote_count = 0
        self.batches = 0

    def on_quotes(self, quotes: Sequence[Quote]) -> None:
        self.quotes.update((quote.symbol, quote) for quote in quotes)
        self.quote_count += len(quotes)
        self.batches += 1

    def on_trades(self, trades: Sequence[Trade]) -> None:
        self.trades.update((trade.symbol, trade) for trade in trades)

    def on_summaries(self, summaries: Sequence[DaySummary]) -> None:
        self.summaries.update((summary.symbol, summary) for summary in summaries)

    def on_halts(self, halts: Sequence[TradingHalt]) -> None:
        self.halts.update((halt.symbol, halt) for halt in halts)

    def on_market_data_status(self, status: StreamStatus) -> None:
        self.statuses.append(status)
        if status.state is not StreamState.CONNECTED:
            self.quotes.clear()

    @property
    def connections(self) -> int:
        return self.statuses[-1].connections if self.statuses else 0

    @property
    def losses(self) -> list[str]:
        return [status.detail for status in self.statuses if status.state is StreamState.WAITING]


class AlertReceiver:
    """An OrderAlertSink that keeps everything it receives."""

    def __init__(self) -> None:
        self.reports: list[OrderReport] = []
        self.unreadable = 0
        self.statuses: list[StreamStatus] = []

    def on_order(self, report: OrderReport) -> None:
        self.reports.append(report)

    def on_order_unreadable(self) -> None:
        self.unreadable += 1

    def on_alert_status(self, status: StreamStatus) -> None:
        self.statuses.append(status)

    @property
    def connections(self) -> int:
        return self.statuses[-1].connections if self.statuses else 0

    @property
    def losses(self) -> list[str]:
        return [status.detail for status in self.statuses if status.state is StreamState.WAITING]

    def words(self) -> list[str]:
        return [report.status for report in self.reports]
