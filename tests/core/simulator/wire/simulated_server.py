"""A running simulated broker, and the unmodified SDK pointed at it (broker 1)."""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

import aiohttp
import httpx2
from tastytrade import Account, Session
from tastytrade.instruments import NestedOptionChain
from tastytrade.order import InstrumentType, Leg, LimitOrder, OrderAction, OrderStatus, OrderTimeInForce, PlacedOrder

from core.runtime.clock import ShiftedClock
from core.simulator.exchange.faults import Fault, FaultKind, FaultMatch
from core.simulator.wire.server import Simulator
from core.simulator.wire.settings import DEFAULT_LOGIN, Login, SimulatorSettings

T = TypeVar("T")

MONDAY_TEN = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
"""10:00 at the exchange on a full session."""

ACCOUNT = "5WT00001"
TLS = ssl.create_default_context()
logging.getLogger("tastytrade").setLevel(logging.WARNING)


class JumpingClock(ShiftedClock):
    """Market time that a test moves on, so that it need not wait for a night."""

    def __init__(self, anchor: datetime, speed: float = 1.0) -> None:
        super().__init__(anchor, speed)
        self._ahead = timedelta()

    def now(self) -> datetime:
        return super().now() + self._ahead

    def jump_to(self, instant: datetime) -> None:
        """Makes it this instant now. Raises ValueError for one that has passed."""
        ahead = instant - self.now()
        if ahead < timedelta():
            raise ValueError(f"{instant} has passed")
        self._ahead += ahead


@dataclass(frozen=True)
class SimulatedServer:
    simulator: Simulator
    port: int
    clock: JumpingClock

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def session(self, login: Login = DEFAULT_LOGIN, **client: Any) -> Session:
        """An SDK session whose every request goes to this simulator."""

        async def redirect(request: httpx2.Request) -> None:
            url = request.url
            if url.host.endswith("tastyworks.com"):
                scheme = "ws" if url.scheme in ("ws", "wss") else "http"
                request.url = url.copy_with(scheme=scheme, host="127.0.0.1", port=self.port)

        hooks = {"request": [redirect]}
        return Session(
            login.client_secret, login.refresh_token, event_hooks=hooks, verify=TLS, trust_env=False, **client
        )

    def arm(self, kind: FaultKind, *, match: FaultMatch | None = None, **fault: Any) -> None:
        """Arms a fault as of now."""
        clock = self.simulator.clock
        armed = Fault(kind, match=match if match is not None else FaultMatch(), **fault)
        self.simulator.faults.arm(armed, clock.now(), clock.monotonic())

    async def token(self, login: Login = DEFAULT_LOGIN) -> str:
        """An access token, as a raw client gets it."""
        body = {
            "grant_type": "refresh_token",
            "client_secret": login.client_secret,
            "refresh_token": login.refresh_token,
        }
        async with aiohttp.ClientSession() as client, client.post(f"{self.url}/oauth/token", json=body) as response:
            return str((await response.json())["access_token"])

    async def get(self, path: str, token: str | None = None, **headers: str) -> tuple[int, Any, dict[str, str]]:
        """Status, JSON (or text) and headers of a raw GET."""
        sent = {"User-Agent": "test/1.0", **headers}
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        async with aiohttp.ClientSession() as client, client.get(f"{self.url}{path}", headers=sent) as response:
            text = await response.text()
            return response.status, _maybe_json(text), {str(name): value for name, value in response.headers.items()}

    async def post(self, path: str, body: Any, method: str = "POST", **headers: str) -> tuple[int, Any]:
        """Status and JSON of a raw request to the control endpoint, which needs no token."""
        sent = {"Content-Type": "application/json", **headers}
        data = None if body is None else json.dumps(body)
        async with (
            aiohttp.ClientSession() as client,
            client.request(method, f"{self.url}{path}", data=data, headers=sent) as response,
        ):
            return response.status, _maybe_json(await response.text())


@asynccontextmanager
async def broker(*, at: datetime = MONDAY_TEN, **settings: Any) -> AsyncIterator[SimulatedServer]:
    """Runs a simulator on a free port; its market time begins at `at`."""
    chosen = replace(SimulatorSettings(start=at), **settings)
    clock = JumpingClock(at, chosen.speed)
    simulator = Simulator(chosen, clock)
    port = await simulator.start()
    try:
        yield SimulatedServer(simulator, port, clock)
    finally:
        await simulator.stop()


SETUP = {
    "type": "SETUP",
    "channel": 0,
    "keepaliveTimeout": 60,
    "acceptKeepaliveTimeout": 60,
    "version": "0.1-DXF-JS/0.3.0",
}


class Feed:
    """A client of the quote feed that speaks the raw protocol."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, token: str) -> None:
        self.socket = socket
        self.token = token

    async def send(self, kind: str, channel: int = 0, **more: Any) -> None:
        await self.socket.send_json({"type": kind, "channel": channel, **more})

    async def next(self, seconds: float = 5.0) -> Any:
        return await self.socket.receive_json(timeout=seconds)

    async def next_of(self, kind: str, seconds: float = 5.0) -> Any:
        """The next message of this type; skips others."""
        async with asyncio.timeout(seconds):
            while (message := await self.next(seconds))["type"] != kind:
                pass
            return message

    async def log_in(self) -> None:
        await self.socket.send_json(SETUP)
        await self.send("AUTH", token=self.token)
        for wanted in ("SETUP", "AUTH_STATE", "AUTH_STATE"):
            assert (message := await self.next())["type"] == wanted
        assert message["state"] == "AUTHORIZED"

    async def open(self, channel: int = 1) -> None:
        await self.send("CHANNEL_REQUEST", channel, service="FEED", parameters={"contract": "AUTO"})
        assert (await self.next_of("CHANNEL_OPENED"))["channel"] == channel


@asynccontextmanager
async def feed(server: SimulatedServer) -> AsyncIterator[Feed]:
    _, body, _ = await server.get("/api-quote-tokens", await server.token())
    async with aiohttp.ClientSession() as client, client.ws_connect(body["data"]["dxlink-url"]) as socket:
        yield Feed(socket, body["data"]["token"])


async def only_account(session: Session) -> Account:
    accounts = await Account.get(session)
    assert len(accounts) == 1
    return accounts[0]


async def until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Waits until the condition holds; fails the test when it does not in time."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for is in the server, which offers no event
            await asyncio.sleep(0.01)


async def read_until(read: Callable[[], Awaitable[T]], holds: Callable[[T], bool], seconds: float = 10.0) -> T:
    """What is read once it holds; fails the test when it does not in time."""
    async with asyncio.timeout(seconds):
        while True:
            found = await read()
            if holds(found):
                return found
            await asyncio.sleep(0.02)


TERMINAL = {OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.REJECTED}


async def status_of(account: Account, session: Session, order_id: int, wanted: OrderStatus) -> PlacedOrder:
    """Waits until the order has this status, and returns it."""
    async with asyncio.timeout(10):
        while True:
            order = await account.get_order(session, order_id)
            if order.status is wanted:
                return order
            assert order.status not in TERMINAL, order
            await asyncio.sleep(0.02)


def spread(
    chain: NestedOptionChain, day: date, price: Decimal, short: Decimal, identifier: str | None = None
) -> LimitOrder:
    """A put credit spread five points wide, one lot."""
    strikes = next(entry.strikes for entry in chain.expirations if entry.expiration_date == day)
    by_price = {strike.strike_price: strike for strike in strikes}
    legs = [
        Leg(instrument_type=InstrumentType.EQUITY_OPTION, symbol=symbol, action=action, quantity=1)
        for symbol, action in (
            (by_price[short].put, OrderAction.SELL_TO_OPEN),
            (by_price[short - 5].put, OrderAction.BUY_TO_OPEN),
        )
    ]
    return LimitOrder(time_in_force=OrderTimeInForce.DAY, legs=legs, price=price, external_identifier=identifier)


async def qqq_spread(session: Session, price: str, identifier: str | None = None) -> LimitOrder:
    """A put credit spread near the money, in the expiration nearest to 45 days."""
    (chain,) = await NestedOptionChain.get(session, "QQQ")
    target = MONDAY_TEN.date() + timedelta(days=45)
    day = min((entry.expiration_date for entry in chain.expirations), key=lambda each: abs(each - target))
    return spread(chain, day, Decimal(price), Decimal(615), identifier)


def _maybe_json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
