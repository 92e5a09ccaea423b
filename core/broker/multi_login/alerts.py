"""The account alerts of all logins as one stream; each login reports the accounts it reaches (rules 4)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from core.broker.multi_login.routes import Routes
from core.broker.port import OrderAlerts, OrderAlertSink, StreamState, StreamStatus
from core.domain.orders.orders import OrderReport


class LoginsAlerts:
    """Implements `port.OrderAlerts` over several logins.

    Alerts of an account that two logins reach come twice, so the receiver must accept repeated reports.
    """

    def __init__(self, alerts: Mapping[str, OrderAlerts], routes: Routes) -> None:
        self._alerts = alerts
        self._routes = routes

    async def run(self, accounts: Sequence[str], sink: OrderAlertSink) -> None:
        """Delivers until cancelled, also for accounts that a login is found to reach later.

        `accounts` is not used: the routes say which accounts each login reaches.
        """
        joined = _JoinedStatus(sink)
        async with asyncio.TaskGroup() as group:
            for name in self._alerts:
                group.create_task(self._follow(name, joined), name=f"alerts of {name}")

    async def _follow(self, name: str, joined: _JoinedStatus) -> None:
        """Runs the stream of one login, anew whenever its accounts change, and not while the broker refuses it."""
        while True:
            numbers = self._routes.accounts_of(name)
            if not numbers or self._routes.is_refused(name):
                await self._routes.until_changed()
                continue
            async with asyncio.TaskGroup() as group:
                running = group.create_task(self._alerts[name].run(numbers, _LoginSink(name, joined)))
                while self._routes.accounts_of(name) == numbers and not self._routes.is_refused(name):
                    await self._routes.until_changed()
                running.cancel()
            joined.left(name)


class _JoinedStatus:
    """Makes one status of the streams of all logins: connected only while every one of them is.

    Each new connection is reported, whatever the state of the others: nothing is replayed after one, so the engine must
    read the orders again.
    """

    def __init__(self, sink: OrderAlertSink) -> None:
        self._sink = sink
        self._now: dict[str, StreamStatus] = {}
        self._ended = 0

    def order(self, report: OrderReport) -> None:
        self._sink.on_order(report)

    def order_unreadable(self) -> None:
        self._sink.on_order_unreadable()

    def status(self, name: str, status: StreamStatus) -> None:
        self._now[name] = status
        if status.state is StreamState.CONNECTED:
            self._tell(status)
        trouble = self._trouble()
        if trouble is not None:
            self._tell(trouble)

    def left(self, name: str) -> None:
        """Removes a login: it is refused, or its stream starts again with other accounts."""
        gone = self._now.pop(name, None)
        self._ended += 0 if gone is None else gone.connections
        others = tuple(self._now.values())
        if others and self._trouble() is None:
            self._tell(others[0])

    def _trouble(self) -> StreamStatus | None:
        """The status of the first login that is not connected, with its name; None when all are."""
        for name, status in self._now.items():
            if status.state is not StreamState.CONNECTED:
                return replace(status, detail=f"{name}: {status.detail}" if status.detail else name)
        return None

    def _tell(self, status: StreamStatus) -> None:
        connections = self._ended + sum(each.connections for each in self._now.values())
        self._sink.on_alert_status(replace(status, connections=connections))


class _LoginSink:
    """Receives the alerts of one login."""

    def __init__(self, name: str, joined: _JoinedStatus) -> None:
        self._name = name
        self._joined = joined

    def on_order(self, report: OrderReport) -> None:
        self._joined.order(report)

    def on_order_unreadable(self) -> None:
        self._joined.order_unreadable()

    def on_alert_status(self, status: StreamStatus) -> None:
        self._joined.status(self._name, status)
