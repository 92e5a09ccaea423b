"""What the trader was shown and what it asked, noted at the broker's face.

The checks at the moment an order is sent use it instead of the engine's own quotes and its own gate.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date

from core.broker.port import AccountReads, MarketDataSink, OrderAlertSink, StreamState, StreamStatus
from core.domain.market.quotes import DaySummary, Quote, Trade, TradingHalt
from core.domain.orders.orders import OrderReport
from core.simulator.in_process.broker import InProcessBroker


@dataclass(eq=False)
class BrokerSide:
    """Notes what passes between a broker and the trader. `newest_event` is the number of the newest recorded event.

    `delivered` has the monotonic second of each streamer symbol's last quote, since the feed's connection began.
    `barred_since` is the newest event when the process began, or when its alerts connected: nothing may be sent before
    a comparison that began later (rules 9). `compared` has of each account the newest event when the last complete
    comparison began: a read of its positions, then one of its orders.
    """

    newest_event: Callable[[], int]
    delivered: dict[str, float] = field(default_factory=dict)
    barred_since: int = 0
    compared: dict[str, int] = field(default_factory=dict)
    cancels: list[tuple[str, str]] = field(default_factory=list)
    """The account and the order's id of each cancel that the trader asked for."""
    _reading: dict[str, int] = field(default_factory=dict)
    """Accounts whose positions were read, and the newest event when that began."""

    def watch(self, broker: InProcessBroker) -> None:
        """Notes from now on what passes through this broker."""
        feed, alerts = broker.market_data, broker.alerts
        run_feed, run_alerts = feed.run, alerts.run
        read_account, read_orders, cancel = broker.account_reads, broker.orders_since, broker.cancel

        async def watched_feed(sink: MarketDataSink) -> None:
            await run_feed(_Feed(sink, self.delivered))

        async def watched_alerts(accounts: Sequence[str], sink: OrderAlertSink) -> None:
            await run_alerts(accounts, _Alerts(sink, self.bar))

        async def watched_account(number: str) -> AccountReads:
            began = self.newest_event()
            reads = await read_account(number)
            self._reading[number] = began
            return reads

        async def watched_orders(number: str, first_day: date) -> tuple[OrderReport, ...]:
            began = self._reading.get(number)
            listed = await read_orders(number, first_day)
            if began is not None:
                self.compared[number] = max(began, self.compared.get(number, 0))
            return listed

        async def watched_cancel(number: str, order_id: str) -> None:
            self.cancels.append((number, order_id))
            await cancel(number, order_id)

        # Methods of these instances.
        setattr(feed, "run", watched_feed)  # noqa: B010
        setattr(alerts, "run", watched_alerts)  # noqa: B010
        setattr(broker, "account_reads", watched_account)  # noqa: B010
        setattr(broker, "orders_since", watched_orders)  # noqa: B010
        setattr(broker, "cancel", watched_cancel)  # noqa: B010

    def bar(self) -> None:
        """From now on nothing may be sent before a new comparison."""
        self.barred_since = self.newest_event()
        self._reading.clear()


@dataclass(frozen=True, eq=False)
class _Feed:
    sink: MarketDataSink
    delivered: dict[str, float]

    def on_quotes(self, quotes: Sequence[Quote]) -> None:
        self.delivered.update(dict.fromkeys((q.symbol for q in quotes), asyncio.get_running_loop().time()))
        self.sink.on_quotes(quotes)

    def on_trades(self, trades: Sequence[Trade]) -> None:
        self.sink.on_trades(trades)

    def on_summaries(self, summaries: Sequence[DaySummary]) -> None:
        self.sink.on_summaries(summaries)

    def on_halts(self, halts: Sequence[TradingHalt]) -> None:
        self.sink.on_halts(halts)

    def on_market_data_status(self, status: StreamStatus) -> None:
        if status.state is not StreamState.CONNECTED:
            self.delivered.clear()
        self.sink.on_market_data_status(status)


@dataclass(frozen=True, eq=False)
class _Alerts:
    sink: OrderAlertSink
    connected: Callable[[], None]

    def on_order(self, report: OrderReport) -> None:
        self.sink.on_order(report)

    def on_order_unreadable(self) -> None:
        self.sink.on_order_unreadable()

    def on_alert_status(self, status: StreamStatus) -> None:
        if status.state is StreamState.CONNECTED:
            self.connected()
        self.sink.on_alert_status(status)
