"""The account alerts of one login; the stream reconnects by itself (broker 4).

Nothing is replayed after a reconnect, and an order that the SDK cannot read ends the stream. So the engine must read
the orders again at each CONNECTED status.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack

import anyio
from tastytrade import AlertStreamer
from tastytrade.account import AccountBalance, CurrentPosition, TradingStatus
from tastytrade.order import PlacedComplexOrder, PlacedOrder
from tastytrade.streamer import AlertType

from core.broker.port import OrderAlertSink
from core.broker.tastytrade.connection import Connection
from core.broker.tastytrade.mapping import order_report
from core.broker.tastytrade.supervisor import Entered, SinkFailed, keep_alive

UNUSED: tuple[type[AlertType], ...] = (AccountBalance, CurrentPosition, TradingStatus, PlacedComplexOrder)
"""Kinds of alerts that come with the orders. They are dropped, because their queues in the SDK have no bound."""


class TastytradeOrderAlerts:
    """Implements `core.broker.port.OrderAlerts`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def run(self, accounts: Sequence[str], sink: OrderAlertSink) -> None:
        """Delivers the orders of these account numbers until cancelled. Raises only what the sink raised."""
        await keep_alive(
            "account alerts",
            self._connection,
            lambda entered: self._connect(accounts, sink, entered),
            sink.on_alert_status,
        )

    async def _connect(self, accounts: Sequence[str], sink: OrderAlertSink, entered: Entered) -> None:
        async with AsyncExitStack() as stack:
            async with asyncio.timeout(self._connection.timings.enter_stream):
                streamer = await stack.enter_async_context(AlertStreamer(self._connection.session))
                await streamer.subscribe_accounts([self._connection.account(number) for number in accounts])
            entered()
            async with anyio.create_task_group() as tasks:
                for kind in UNUSED:
                    tasks.start_soon(_drop, streamer, kind)
                async for order in streamer.listen(PlacedOrder):
                    report = order_report(order)
                    try:
                        sink.on_order(report)
                    except Exception as error:
                        raise SinkFailed("the order alert sink failed") from error


async def _drop(streamer: AlertStreamer, kind: type[AlertType]) -> None:
    async for _ in streamer.listen(kind):
        pass
