"""The account alerts of the in-process broker. They also bring the exchange up to the present instant."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from core.broker.port import OrderAlertSink, StreamState, StreamStatus
from core.domain.orders.orders import OrderReport
from core.runtime.clock import Clock
from core.simulator.exchange.armed_faults import ArmedFaults
from core.simulator.exchange.exchange import Exchange
from core.simulator.exchange.faults import FaultKind
from core.simulator.exchange.orders import Notice, SimOrder
from core.simulator.in_process import values

MAX_WAIT_S = 60.0
MIN_WAIT_S = 0.001
"""Bounds of the wait for the exchange's next event, in seconds of the event loop; the first is what `max_wait_s` is at
first."""
RECONNECT_S = 2.0
"""Seconds from a lost connection to the next one."""


class InProcessAlerts:
    """Implements `core.broker.port.OrderAlerts`. What happens while `run` is not running is not reported later."""

    def __init__(self, exchange: Exchange, faults: ArmedFaults, clock: Clock) -> None:
        self._exchange = exchange
        self._faults = faults
        self._clock = clock
        self.max_wait_s = MAX_WAIT_S
        """The longest wait for the exchange's next event; a fault armed meanwhile is seen after it."""
        self._woken = asyncio.Event()
        self._untold: deque[Notice] = deque()
        """The notices since the last delivery. Another client of the exchange may have brought them about."""
        self._delayed: OrderReport | None = None
        """An alert that waits for its successor, to be delivered after it. It is lost with the connection."""

    async def run(self, accounts: Sequence[str], sink: OrderAlertSink) -> None:
        ended = self._exchange.notices.listen(self._hear), self._exchange.notices.watch(self.wake)
        try:
            await self._run(accounts, sink)
        finally:
            for end in ended:
                end()

    async def _run(self, accounts: Sequence[str], sink: OrderAlertSink) -> None:
        connections = 0
        while True:
            connections += 1
            self._exchange.advance(self._clock.now())
            self._untold.clear()
            sink.on_alert_status(StreamStatus(StreamState.CONNECTED, self._clock.monotonic(), connections=connections))
            self._delayed = None
            await self._deliver_until_lost(frozenset(accounts), sink)
            lost = StreamStatus(StreamState.WAITING, self._clock.monotonic(), "the connection was closed", connections)
            sink.on_alert_status(lost)
            await self._clock.sleep(RECONNECT_S)

    def wake(self) -> None:
        """Checks the exchange at once: after each order of this broker, and when its next event may come sooner."""
        self._woken.set()

    def _hear(self, notice: Notice) -> None:
        self._untold.append(notice)
        self._woken.set()

    async def _deliver_until_lost(self, accounts: frozenset[str], sink: OrderAlertSink) -> None:
        while self._faults.take(FaultKind.ALERTS_CLOSE, self._clock.monotonic()) is None:
            self._exchange.advance(self._clock.now())
            while self._untold:
                notice = self._untold.popleft()
                if notice.account_number in accounts:
                    self._deliver(notice, sink)
            await self._until_next_event()

    def _deliver(self, notice: Notice, sink: OrderAlertSink) -> None:
        if not isinstance(notice.obj, SimOrder):
            return
        now, account = self._clock.monotonic(), notice.account_number
        if self._faults.take(FaultKind.ALERTS_LOST, now, account=account) is not None:
            return
        report = values.order_report(notice.obj)
        if self._faults.take(FaultKind.ALERTS_UNKNOWN_STATUS, now, account=account) is not None:
            report = replace(report, status="Dead")
        if self._delayed is None and self._faults.take(FaultKind.ALERTS_REORDERED, now, account=account) is not None:
            self._delayed = report
            return
        sink.on_order(report)
        if self._delayed is not None:
            held, self._delayed = self._delayed, None
            sink.on_order(held)
        if self._faults.take(FaultKind.ALERTS_DUPLICATED, now, account=account) is not None:
            sink.on_order(report)

    async def _until_next_event(self) -> None:
        upcoming = self._exchange.next_event_at()
        wait = self.max_wait_s
        if upcoming is not None:
            wait = (upcoming - self._clock.now()).total_seconds() / self._clock.speed
        if self._untold:  # told while the others were delivered
            return
        self._woken.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(min(self.max_wait_s, max(MIN_WAIT_S, wait))):
                await self._woken.wait()
