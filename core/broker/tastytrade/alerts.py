"""The account alerts of one login; the stream reconnects by itself (broker 4).

Nothing is replayed after a reconnect, so the engine must read the orders again at each CONNECTED status.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import AsyncExitStack

from tastytrade import AlertStreamer, Session

from core.broker.port import OrderAlertSink
from core.broker.tastytrade.connection import Connection
from core.broker.tastytrade.faults import unreadable_words
from core.broker.tastytrade.fields import JsonObject, Unreadable, json_object, shown_text
from core.broker.tastytrade.order_mapping import order_report
from core.broker.tastytrade.supervisor import Entered, SinkFailed, StreamLost, keep_alive

log = logging.getLogger(__name__)

ORDER = "Order"
QUEUED = 1_000
"""Alerts that wait for the sink. With more, nothing is read from the socket until there is room."""


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
                streamer = await stack.enter_async_context(RawAlerts(self._connection.session))
                await streamer.subscribe_accounts([self._connection.account(number) for number in accounts])
            entered()
            while True:
                data = await streamer.orders.get()
                try:
                    _deliver(data, sink)
                except Exception as error:
                    raise SinkFailed("the order alert sink failed") from error


class RawAlerts(AlertStreamer):
    """The SDK's stream with a reader of ours, which hands on the orders as the broker wrote them.

    The SDK's reader validates every alert, also those that nobody asked for, and ends the stream at the first that it
    cannot read. It also drops several alerts in one frame, and waits 10 s when a refusal carries no request id.
    """

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.orders: asyncio.Queue[object] = asyncio.Queue(QUEUED)

    async def _reader(self) -> None:
        while True:
            message = await self._websocket.receive_json()
            several = message.get("results") if isinstance(message, dict) else None
            for each in several if isinstance(several, list) else (message,):
                if isinstance(each, dict):
                    await self._take(each)
                else:
                    log.warning("account alerts: a message is no object")

    async def _take(self, message: JsonObject) -> None:
        if message.get("type") is not None:
            if message["type"] == ORDER:
                await self.orders.put(message.get("data"))
            return
        request_id = shown_text(message, "request-id")
        if message.get("status") == "error" and (request_id or self._subscription_state):
            raise StreamLost(f"refused by the broker: {shown_text(message, 'message') or 'it does not say why'}")
        waiting = self._subscription_state.pop(int(request_id), None) if request_id.isdecimal() else None
        if waiting is not None:
            waiting.set()


def _deliver(data: object, sink: OrderAlertSink) -> None:
    try:
        report = order_report(json_object(data, "data"))
    except Unreadable as error:
        log.warning("account alerts: an order is read from the broker instead: %s", unreadable_words(error))
        sink.on_order_unreadable()
    else:
        sink.on_order(report)
