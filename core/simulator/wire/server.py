"""The simulated broker as one server: REST, account alerts and the quote feed on one port.

The market and the exchange read no clock and open no sockets. This module drives them by a clock and connects clients.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from aiohttp import web

from core.runtime.clock import Clock, ShiftedClock, SystemClock
from core.runtime.ids import Ids, RandomIds
from core.simulator.exchange.armed_faults import ArmedFaults
from core.simulator.exchange.broker_clock import BrokerClock
from core.simulator.exchange.client_accounts import ClientAccounts
from core.simulator.exchange.client_orders import ClientOrders
from core.simulator.exchange.exchange import Exchange
from core.simulator.exchange.fault_plan import PlannedFault
from core.simulator.exchange.lifecycle import FillPlan
from core.simulator.exchange.market_view import MarketView
from core.simulator.exchange.orders import Notice, OrderRefused, SimOrder
from core.simulator.exchange.posting_faults import PostingFaults
from core.simulator.exchange.saved import restored_market
from core.simulator.market.market import Market
from core.simulator.wire.acts import Acts
from core.simulator.wire.alerts import AlertServer
from core.simulator.wire.control import Control
from core.simulator.wire.dxlink import QuoteFeed
from core.simulator.wire.feed_events import FeedEvents
from core.simulator.wire.habits import HabitsControl
from core.simulator.wire.oauth import TokenIssuer
from core.simulator.wire.payloads_complex import complex_notice
from core.simulator.wire.rest import Gateway
from core.simulator.wire.rest_accounts import AccountAccess, AccountsApi
from core.simulator.wire.rest_complex import ComplexOrdersApi
from core.simulator.wire.rest_market import MarketApi
from core.simulator.wire.rest_orders import OrdersApi
from core.simulator.wire.rest_transactions import TransactionsApi
from core.simulator.wire.saving import Saving
from core.simulator.wire.settings import SimulatorSettings

STEP_SECONDS = 0.1
"""Wall seconds between two steps of the exchange."""

SHUTDOWN_SECONDS = 1.0
"""Wall seconds for open requests to end when the server stops."""


@dataclass(slots=True)
class _Running:
    """The parts of a running server that `stop` ends."""

    runner: web.AppRunner
    stepping: asyncio.Task[None]
    port: int


class Simulator:
    """A simulated market and broker, and the server that clients connect to. The clock gives market time."""

    def __init__(self, settings: SimulatorSettings, clock: Clock, ids: Ids | None = None) -> None:
        """The simulation begins at the clock's present instant."""
        self.settings = settings
        self.clock = clock
        self._began = clock.now()
        self._plan: list[PlannedFault] = sorted(settings.plan, key=lambda planned: planned.after)
        self._running: _Running | None = None
        ids = ids if ids is not None else RandomIds()
        self.market, self.exchange = _begun(settings, self._began)
        self.exchange.speed = clock.speed
        self.faults = ArmedFaults()
        self._broker_clock = BrokerClock(clock, self.faults)
        self.orders = ClientOrders(self.exchange, self.faults, clock)
        self.accounts = ClientAccounts(self.exchange, self.faults, clock)
        self.exchange.trouble(PostingFaults(self.exchange, self.faults, clock))
        self.tokens = TokenIssuer(settings.logins, settings.access_token_seconds, ids)
        self.view = MarketView(self.market, self.faults, clock)
        self.feed = QuoteFeed(
            FeedEvents(self.view), self.tokens, self.faults, self._broker_clock, settings.keepalive_seconds
        )
        logins = frozenset(login.name for login in settings.logins)
        owned = {login: frozenset(entry.number for entry in self.exchange.accounts_of(login)) for login in logins}
        self.alerts = AlertServer(self.tokens, owned, self.faults, clock, ids)
        self._logins = logins
        self._saving = Saving(self.exchange, self._broker_clock, settings.save_to)

    @property
    def port(self) -> int:
        """The bound port. Raises RuntimeError before `start`."""
        if self._running is None:
            raise RuntimeError("the simulator is not running")
        return self._running.port

    async def start(self) -> int:
        """Listens and returns the bound port. Raises OSError when the port is in use."""
        runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
        await runner.setup()
        try:
            site = web.TCPSite(runner, self.settings.host, self.settings.port)
            await site.start()
        except OSError:
            await runner.cleanup()
            raise
        port = int(runner.addresses[0][1])
        self._running = _Running(runner, asyncio.create_task(self._step(), name="simulator exchange"), port)
        return port

    async def stop(self) -> None:
        """Closes all connections and ends all tasks. Raises the error that ended the exchange, if there was one."""
        running, self._running = self._running, None
        if running is None:
            return
        running.stepping.cancel()
        try:
            with suppress(asyncio.CancelledError):
                await running.stepping
        finally:
            await asyncio.gather(self.feed.close(), self.alerts.close())
            await running.runner.cleanup()

    async def wait_for_failure(self) -> None:
        """Waits while the exchange runs. Raises the error that ends it."""
        if self._running is not None:
            await asyncio.shield(self._running.stepping)

    def advance(self) -> None:
        """Brings the exchange up to now and publishes its notices as alerts. One that was saved stays as it is."""
        if self._saving.done:
            return
        now = self._broker_clock.now()
        notices = self.exchange.advance(now)
        self.alerts.publish(notices)
        self._tell_complex(notices, now)

    def _tell_complex(self, notices: Sequence[Notice], now: datetime) -> None:
        """Publishes the complex orders of which single ones have changed, each once and as it is now."""
        orders = [notice.obj for notice in notices if isinstance(notice.obj, SimOrder)]
        changed = {(each.account_number, each.complex_order_id) for each in orders if each.complex_order_id is not None}
        for number, complex_id in sorted(changed):
            with suppress(OrderRefused):  # the broker has forgotten its orders
                self.alerts.tell(number, complex_notice(self.exchange.complex_orders.get(number, complex_id), now))

    async def _step(self) -> None:
        while True:
            self._arm_planned()
            self.advance()
            await self.alerts.apply_faults()
            self.alerts.flush()
            await self.clock.sleep(STEP_SECONDS)

    def _arm_planned(self) -> None:
        elapsed = self.clock.now() - self._began
        while self._plan and self._plan[0].after <= elapsed:
            self.faults.arm(self._plan.pop(0).fault, self.clock.now(), self.clock.monotonic())

    def _application(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/", self._root)
        app.router.add_get("/dxlink", self.feed.handle)
        control = Control(self.clock, self.settings.seed, self.faults, self.tokens, self._set_fill_plan)
        control.add_routes(app)
        self._saving.add_routes(app)
        Acts(self.exchange, self.market, self._broker_clock, self.advance).add_routes(app)
        HabitsControl(self.exchange).add_routes(app)
        access = AccountAccess(self.exchange, self._logins)
        market = MarketApi(self.view, self.tokens, self.faults, self.clock, self._feed_address)
        orders = OrdersApi(self.exchange, self.orders, access, self.advance)
        gateway = Gateway(self.tokens, self.faults, self._broker_clock)
        accounts = AccountsApi(self.exchange, self.accounts, access)
        transactions = TransactionsApi(self.accounts, access, self.advance)
        complex_orders = ComplexOrdersApi(self.exchange, access, self.advance)
        apis = (accounts, transactions, orders, complex_orders, market)
        gateway.add_routes(app, [route for api in apis for route in api.routes()])
        return app

    async def _root(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self.alerts.handle(request)
        return web.Response(status=404, text="<html>404</html>", content_type="text/html")

    def _set_fill_plan(self, plan: FillPlan, account: str | None) -> None:
        if account is None:
            self.exchange.fill_plan = plan.value
        else:
            self.exchange.set_fill_plan(account, plan.value)

    def _feed_address(self) -> str:
        return f"ws://127.0.0.1:{self.port}/dxlink"


def _begun(settings: SimulatorSettings, now: datetime) -> tuple[Market, Exchange]:
    """A market and an exchange at this instant: new ones, or those of the saved state, which have gone on since."""
    if settings.state is None:
        market = Market(settings.seed, now)
        return market, Exchange(market, settings.seed, settings.accounts)
    market = restored_market(settings.state.market)
    exchange = Exchange.restored(settings.state, market)
    exchange.advance(now)  # its notices are for clients that were connected then: there was none
    return market, exchange


def announce_on_stdout(port: int) -> None:
    """Prints `simulator ready port=<port>`, by which the parent process learns the port."""
    sys.stdout.write(f"simulator ready port={port}\n")
    sys.stdout.flush()


async def run(settings: SimulatorSettings, announce: Callable[[int], None] = announce_on_stdout) -> None:
    """Runs a simulated broker until SIGTERM, SIGINT or, with `ends_with_stdin`, the end of standard input.

    Calls `announce` with the port once the server listens. Raises OSError when the port is in use, and the error that
    ended the exchange if there was one.
    """
    start = settings.start if settings.start is not None else SystemClock().now()
    simulator = Simulator(settings, ShiftedClock(start.astimezone(UTC), settings.speed))
    port = await simulator.start()
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    watches: set[asyncio.Task[object]] = {
        asyncio.create_task(ended.wait()),
        asyncio.create_task(simulator.wait_for_failure()),
    }
    if settings.ends_with_stdin:
        watches.add(asyncio.create_task(_stdin_ended()))
    try:
        announce(port)
        done, _ = await asyncio.wait(watches, return_when=asyncio.FIRST_COMPLETED)
        for watch in done:
            watch.result()  # raises the error that ended the exchange, or one of standard input
    finally:
        for watch in watches:
            watch.cancel()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
        await asyncio.gather(*watches, return_exceptions=True)
        await simulator.stop()


async def _stdin_ended() -> None:
    """Returns at the end of standard input. What it holds is ignored."""
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    try:
        while await reader.read(4096):
            pass
    finally:
        transport.close()
