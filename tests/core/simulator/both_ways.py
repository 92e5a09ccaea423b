"""The two ways to use the simulator: over the wire through the adapter, and in process (`on_both`)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

import aiohttp
import pytest

from core.broker.port import AccountReads, Broker, BrokerError, OrderAlerts, StreamStatus
from core.broker.tastytrade import Login, TastytradeBroker
from core.broker.tastytrade.timings import Timings
from core.domain.orders.orders import OrderLeg, OrderReport, OrderRequest
from core.domain.orders.transactions import Transaction
from core.domain.trident.trident import Action
from core.runtime.clock import Clock
from core.runtime.ids import SeededIds
from core.runtime.virtual_time import VirtualClock, run_virtual
from core.simulator.exchange.armed_faults import ArmedFaults
from core.simulator.exchange.exchange import Exchange
from core.simulator.exchange.faults import Fault, FaultKind
from core.simulator.exchange.handling import Handling
from core.simulator.exchange.lifecycle import FillPlan
from core.simulator.exchange.orders import OrderChanges, closing_order
from core.simulator.in_process.broker import InProcessBroker
from core.simulator.market.market import Market
from core.simulator.wire.payloads_orders import order_request
from core.simulator.wire.server import Simulator
from core.simulator.wire.settings import DEFAULT_ACCOUNT, DEFAULT_LOGIN, SimulatorSettings
from tests.core.broker.simulated_streams import QUICK
from tests.core.simulator.wire.simulated_server import JumpingClock

T = TypeVar("T")

MONDAY_TEN = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
ACCOUNT = DEFAULT_ACCOUNT.number
DAY = MONDAY_TEN.date()
ASKED = Decimal("1.40")
SYMBOLS = tuple(f"QQQ   270108{side}00{strike}000" for side, strike in (("P", 622), ("P", 619), ("C", 622), ("C", 625)))
ACTIONS = (Action.SELL_TO_OPEN, Action.BUY_TO_OPEN, Action.SELL_TO_OPEN, Action.BUY_TO_OPEN)
NUMBERS = (2, 2, 1, 1)


@dataclass
class Side:
    """One of the two ways to use the simulator. `told` has the orders that the alerts told."""

    broker: Broker
    exchange: Exchange
    clock: Clock
    faults: ArmedFaults
    act: Callable[[dict[str, Any]], Awaitable[None]]
    """Does what POST /simulator/act does with this body."""
    go_to: Callable[[datetime], Awaitable[None]]
    """Lets market time go on to this instant."""
    another: Callable[[], AbstractAsyncContextManager[Side]]
    """A second client of the same login and broker, while the block runs."""
    told: list[OrderReport] = field(default_factory=list)

    def on_order(self, report: OrderReport) -> None:
        self.told.append(report)

    def on_alert_status(self, status: StreamStatus) -> None:
        """Is not looked at here."""

    def arm(self, kind: FaultKind, **fault: Any) -> None:
        self.faults.arm(Fault(kind, **fault), self.clock.now(), self.clock.monotonic())

    async def send(self, identifier: str = "senex-1") -> Any:
        legs = tuple(OrderLeg(*leg) for leg in zip(SYMBOLS, ACTIONS, NUMBERS, strict=True))
        return await self.broker.send(ACCOUNT, OrderRequest("QQQ", legs, ASKED, identifier), lambda: None)

    async def listed(self) -> tuple[OrderReport, ...]:
        return await self.broker.orders_since(ACCOUNT, DAY)

    async def shows(self, order_id: str, status: str) -> OrderReport:
        """The order, once a read by id shows this status."""
        async with asyncio.timeout(20):
            while (report := await self.broker.order(ACCOUNT, order_id)).status != status:
                await self.clock.sleep(0.05)
        return report

    async def holds(self, count: int) -> AccountReads:
        """The account, once it shows so many positions: they follow a fill by up to 3 s."""
        async with asyncio.timeout(20):
            while len((reads := await self.broker.account_reads(ACCOUNT)).positions) != count:
                await self.clock.sleep(0.05)
        return reads

    async def refusal(self, call: Awaitable[object]) -> str:
        with pytest.raises(BrokerError) as refused:
            await call
        return f"{refused.value.fault.value} {refused.value.code}".strip()


Script = Callable[[Side], Coroutine[Any, Any, T]]


def on_both(script: Script[T], at: datetime = MONDAY_TEN, timings: Timings = QUICK) -> T:
    """What the script found, the same on the wire and in process. Market time begins at `at`."""
    over_the_wire = asyncio.run(_over_the_wire(script, at, timings))
    assert run_virtual(lambda clock: _in_process(script, clock), at) == over_the_wire
    return over_the_wire


async def _over_the_wire(script: Script[T], at: datetime, timings: Timings) -> T:
    clock = JumpingClock(at)
    simulator = Simulator(SimulatorSettings(), clock, SeededIds(3))
    url = f"http://127.0.0.1:{await simulator.start()}"
    login = Login("main", DEFAULT_LOGIN.client_secret, DEFAULT_LOGIN.refresh_token)

    async def act(body: dict[str, Any]) -> None:
        async with aiohttp.ClientSession() as client, client.post(f"{url}/simulator/act", json=body) as answer:
            assert answer.status == 200, await answer.text()

    async def go_to(instant: datetime) -> None:
        clock.jump_to(instant)
        simulator.advance()

    @asynccontextmanager
    async def client(ids: int) -> AsyncIterator[Side]:
        broker = TastytradeBroker(login, clock, SeededIds(ids), base_url=url, timings=timings)
        try:
            await broker.connect()
            await broker.accounts()
            side = Side(broker, simulator.exchange, clock, simulator.faults, act, go_to, lambda: client(ids + 1))
            async with _following(side, broker.alerts):
                yield side
        finally:
            await broker.close()

    simulator.exchange.fill_plan = "never"
    try:
        async with client(1) as side:
            return await script(side)
    finally:
        await simulator.stop()


async def _in_process(script: Script[T], clock: VirtualClock) -> T:
    market, faults = Market(7, clock.now()), ArmedFaults()
    exchange = Exchange(market, 7, [DEFAULT_ACCOUNT])

    async def act(body: dict[str, Any]) -> None:
        _act(exchange, market, body, clock.now())

    async def go_to(instant: datetime) -> None:
        await clock.sleep((instant - clock.now()).total_seconds())

    @asynccontextmanager
    async def client() -> AsyncIterator[Side]:
        broker = InProcessBroker(exchange, market, clock, "main", faults)
        async with _following(Side(broker, exchange, clock, faults, act, go_to, client), broker.alerts) as side:
            yield side

    exchange.fill_plan = "never"
    async with client() as side:
        return await script(side)


@asynccontextmanager
async def _following(side: Side, alerts: OrderAlerts) -> AsyncIterator[Side]:
    following = asyncio.create_task(alerts.run([ACCOUNT], side))
    try:
        await side.clock.sleep(0.3)
        yield side
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following


def _act(exchange: Exchange, market: Market, body: dict[str, Any], now: datetime) -> None:
    number, by, order_id = body.get("account", ""), body.get("by", ""), body.get("id", 0)
    match body["act"]:
        case "place" if "seconds" in body:
            late = timedelta(seconds=body["seconds"])
            exchange.submit_late(number, order_request(body["order"]), now + late, by=by)
        case "place":
            plan = FillPlan(body["plan"]) if "plan" in body else None
            exchange.submit(number, order_request(body["order"]), now, by=by, handling=Handling(plan=plan))
        case "cancel":
            exchange.cancel(number, order_id, now, by=by)
        case "replace":
            changes = OrderChanges("Day", "Limit", Decimal(body["price"]), "Credit")
            keeps = body.get("keeps-identifier", True)
            exchange.replace(number, order_id, changes, now, by=by, keeps_identifier=keeps)
        case "close":
            order = closing_order(exchange.positions(number, now))
            exchange.submit(number, order, now, by=by, handling=Handling(plan=FillPlan.IMMEDIATE))
        case "fill":
            price = Decimal(body["price"]) if "price" in body else None
            exchange.back_office.fill(number, order_id, now, price, body.get("packages"))
        case "remove":
            exchange.back_office.remove(number, order_id, now)
        case "revive":
            exchange.back_office.revive(number, order_id, now)
        case "forget":
            exchange.back_office.forget(number, order_id, now)
        case "wipe":
            exchange.back_office.wipe(number, now)
        case "give":
            exchange.back_office.give(number, body["contracts"], now)
        case "assign":
            at_once = body.get("now", False)
            exchange.back_office.assign(number, body["symbol"], body["quantity"], now, at_once=at_once)
        case "desk":
            exchange.back_office.liquidate(number, now)
        case "halt":
            market.halt(body["symbol"], now, now + timedelta(seconds=body["seconds"]))
        case "split":
            on = date.fromisoformat(body["date"])
            exchange.back_office.split(body["symbol"], Decimal(body["ratio"]), on, now)
        case other:
            raise AssertionError(other)


def terms(report: OrderReport) -> tuple[object, ...]:
    """What an order trades."""
    return report.identifier, report.credit, tuple((leg.symbol, leg.action, leg.quantity) for leg in report.legs)


def asked(identifier: str = "senex-1", credit: Decimal = ASKED, times: int = 1, legs: int = 4) -> tuple[object, ...]:
    """What `Side.send` asks for."""
    wanted = zip(SYMBOLS, ACTIONS, NUMBERS, strict=True)
    return identifier, credit, tuple((s, a.value, Decimal(n * times)) for s, a, n in wanted)[:legs]


def other_order(identifier: str | None = None, price: str = "1.60") -> dict[str, Any]:
    """The body of the same package placed by somebody else."""
    legs = [
        {"instrument-type": "Equity Option", "symbol": s, "action": a.value, "quantity": n}
        for s, a, n in zip(SYMBOLS, ACTIONS, NUMBERS, strict=True)
    ]
    body = {"time-in-force": "Day", "order-type": "Limit", "price": price, "price-effect": "Credit", "legs": legs}
    return body if identifier is None else {**body, "external-identifier": identifier}


async def posted(side: Side, count: int, since: date = DAY) -> tuple[Transaction, ...]:
    """The transactions, once there are so many."""
    async with asyncio.timeout(20):
        while len(rows := await side.broker.transactions(ACCOUNT, since)) < count:
            await side.clock.sleep(0.05)
    return rows
