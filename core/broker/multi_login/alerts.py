"""The account alerts of every login in one: each login tells of the accounts it reaches (SPEC 4)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from core.broker.multi_login.routes import Routes
from core.broker.port import OrderAlerts, OrderAlertSink, StreamState, StreamStatus
from core.domain.orders.orders import OrderReport


class LoginsAlerts:
    """Implements `port.OrderAlerts`. An account two logins reach is told of twice; what is told is folded once."""

    def __init__(self, alerts: Mapping[str, OrderAlerts], routes: Routes) -> None:
        self._alerts = alerts
        self._routes = routes

    async def run(self, accounts: Sequence[str], sink: OrderAlertSink) -> None:
        """Delivers until cancelled: of these accounts, and of those a login is found to reach later."""
        together = _Together(sink)
        async with asyncio.TaskGroup() as group:
            for name in self._alerts:
                group.create_task(self._follow(name, together), name=f"alerts of {name}")

    async def _follow(self, name: str, together: _Together) -> None:
        while True:
            numbers = self._routes.accounts_of(name)
            if not numbers or self._routes.is_refused(name):
                await self._routes.until_changed()
                continue
            async with asyncio.TaskGroup() as group:
                running = group.create_task(self._alerts[name].run(numbers, _OfLogin(name, together)))
                while self._routes.accounts_of(name) == numbers and not self._routes.is_refused(name):
                    await self._routes.until_changed()
                running.cancel()
            together.left(name)


class _Together:
    """One status for all streams: connected only while every one of them is.

    Each connection is told as one, whatever the others do: nothing is replayed, so the engine must read again.
    """

    def __init__(self, sink: OrderAlertSink) -> None:
        self._sink = sink
        self._now: dict[str, StreamStatus] = {}
        self._ended = 0

    def order(self, report: OrderReport) -> None:
        self._sink.on_order(report)

    def status(self, name: str, status: StreamStatus) -> None:
        self._now[name] = status
        if status.state is StreamState.CONNECTED:
            self._tell(status)
        trouble = self._trouble()
        if trouble is not None:
            self._tell(trouble)

    def left(self, name: str) -> None:
        """This login is followed no longer: it is refused, or begins anew with other accounts."""
        gone = self._now.pop(name, None)
        self._ended += 0 if gone is None else gone.connections
        others = tuple(self._now.values())
        if others and self._trouble() is None:
            self._tell(others[0])

    def _trouble(self) -> StreamStatus | None:
        for name, status in self._now.items():
            if status.state is not StreamState.CONNECTED:
                return replace(status, detail=f"{name}: {status.detail}" if status.detail else name)
        return None

    def _tell(self, status: StreamStatus) -> None:
        connections = self._ended + sum(each.connections for each in self._now.values())
        self._sink.on_alert_status(replace(status, connections=connections))


class _OfLogin:
    """What one login's stream calls."""

    def __init__(self, name: str, together: _Together) -> None:
        self._name = name
        self._together = together

    def on_order(self, report: OrderReport) -> None:
        self._together.order(report)

    def on_alert_status(self, status: StreamStatus) -> None:
        self._together.status(self._name, status)
