"""The in-process broker: calls the simulated market and exchange directly, for runs in virtual time.

Its faults are those of the wire (`core.simulator.exchange.faults`), at the same places and with the same results.
Faults of a socket are left out, and so are those that a client of the wire must not notice: odd fields, alerts in one
frame, and foreign accounts and positions.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal

from core.broker.port import (
    AccountReads,
    BrokerAccount,
    BrokerError,
    BrokerFault,
    BrokerTime,
    DryRunAnswer,
    MarketState,
    WireGuard,
)
from core.domain.market.chain import OptionChain
from core.domain.market.judgement import Metrics
from core.domain.orders.orders import OrderReport, OrderRequest, SendClass, SendOutcome
from core.runtime.clock import EXCHANGE_ZONE, Clock, exchange_time
from core.simulator.exchange.exchange import Exchange
from core.simulator.exchange.faults import ArmedFaults, Fault, FaultKind, FaultMatch
from core.simulator.exchange.market_view import MarketView
from core.simulator.exchange.orders import NOT_FOUND, OrderRefused, SimOrder
from core.simulator.in_process import values
from core.simulator.in_process.alerts import InProcessAlerts
from core.simulator.in_process.market_data import InProcessMarketData
from core.simulator.market.market import Market
from core.simulator.market.market_data import MarketQuote

LATENCY_S = 0.05
"""Seconds that every request takes."""
REQUEST_TIMEOUT_S = 10.0
LISTING_LAG_S = 5.0
UNREADABLE_ANSWERS = (
    FaultKind.REST_GARBAGE,
    FaultKind.REST_HTML,
    FaultKind.REST_JSON_LIST,
    FaultKind.REST_MISSING_FIELD,
)
STATUS_OF_CODE = {"validation_error": 400, "not_permitted": 403}
"""The HTTP status of a refusal by its code. Every other code has status 422 (broker 5)."""


@dataclass(frozen=True, slots=True)
class Posted:
    """An order that was sent. `shown` holds the last quote of each leg that the client had, by OCC symbol."""

    at: datetime
    account: str
    request: OrderRequest
    shown: Mapping[str, MarketQuote | None]


@dataclass(eq=False)
class InProcessBroker:
    """Implements `core.broker.port.Broker` for one login. Waits and ages follow the given clock.

    The fields from `unreachable` on are for tests to set and read.
    """

    exchange: Exchange
    market: Market
    clock: Clock
    login: str
    faults: ArmedFaults = field(default_factory=ArmedFaults, init=False)
    unreachable: bool = field(default=False, init=False)
    """Whether no request gets a connection."""
    no_connection: int = field(default=0, init=False)
    """How many of the next orders get no connection."""
    refuse_orders: int = field(default=0, init=False)
    """How many of the next orders are refused with 422."""
    fail_after_accept: int = field(default=0, init=False)
    """How many of the next orders are accepted and then answered with 502."""
    posted: list[Posted] = field(default_factory=list, init=False)
    """The orders that were sent, oldest first."""
    chains: dict[tuple[str, date], OptionChain] = field(default_factory=dict, init=False)
    """A cache by symbol and date, because chains are slow to build. Brokers of equal markets may share it."""
    _unlisted_until: dict[int, float] = field(default_factory=dict, init=False)
    """The orders missing from listings: id to the monotonic second until which they are."""

    def __post_init__(self) -> None:
        self._view = MarketView(self.market, self.faults, self.clock)
        self.market_data = InProcessMarketData(self._view, self.faults, self.clock, self._raise_armed_fault)
        self.alerts = InProcessAlerts(self.exchange, self.faults, self.clock)

    @property
    def name(self) -> str:
        return self.login

    @property
    def time(self) -> BrokerTime | None:
        """None: this broker uses the same clock as its client."""
        return None

    def remarks(self) -> tuple[str, ...]:
        """Nothing: its values never were JSON, so all of them can be read."""
        return ()

    def arm(
        self,
        kind: FaultKind,
        *,
        count: int | None = 1,
        seconds: float | None = None,
        method: str | None = None,
        path: str | None = None,
        symbol: str | None = None,
    ) -> None:
        """Arms a fault (`core.simulator.exchange.faults.Fault`). `path` is one of the REST API, such as /accounts."""
        match = FaultMatch(method=method, path=path, symbol=symbol)
        self.faults.arm(Fault(kind, count, seconds, match=match), self.clock.now(), self.clock.monotonic())

    async def connect(self) -> None:
        await self._request("/oauth/token")

    async def close(self) -> None:
        """Does nothing: there is no connection to close."""

    async def accounts(self) -> tuple[BrokerAccount, ...]:
        await self._request("/customers/me/accounts")
        return tuple(values.broker_account(account) for account in self.exchange.accounts_of(self.login))

    async def account_reads(self, number: str) -> AccountReads:
        await self._request(f"/accounts/{number}/balances")
        now = self.clock.now()
        return values.account_reads(
            self.exchange.balances(number, now),
            self.exchange.positions(number, now),
            self.exchange.trading_status(number),
        )

    async def market_state(self) -> MarketState:
        await self._request("/market-time/sessions/current")
        if self._view.session_unreadable():
            raise BrokerError(BrokerFault.UNREADABLE, "market session: the answer has no state")
        now = self.clock.now()
        session = self.market.session(exchange_time(now).date())
        if session is None:
            return MarketState(False, "Closed", None, None)
        is_open = session.open <= now < session.close and not self._view.session_closed()
        return MarketState(is_open, "Open" if is_open else "Closed", session.open, session.close)

    async def metrics(self, symbols: Sequence[str]) -> tuple[Metrics, ...]:
        await self._request("/market-metrics")
        now = self.clock.now()
        known = (symbol for symbol in symbols if symbol in self.market.symbols)
        return tuple(values.metrics(self._view.metrics(symbol, now), self.clock) for symbol in known)

    async def chain(self, symbol: str) -> OptionChain:
        await self._request("/option-chains")
        day = self.market.session_day(self.clock.now())
        if (symbol, day) not in self.chains:
            self.chains[symbol, day] = values.option_chain(symbol, self.market.chain(symbol, day))
        return self.chains[symbol, day]

    async def marks(self, symbols: Sequence[str]) -> dict[str, Decimal]:
        await self._request("/market-data")
        now = self.clock.now()
        trades = {symbol: self._view.trade(symbol, now) for symbol in symbols if symbol in self.market.symbols}
        return {symbol: trade.price for symbol, trade in trades.items() if trade is not None}

    async def dry_run(self, number: str, request: OrderRequest) -> DryRunAnswer:
        await self._request(f"/accounts/{number}/orders/dry-run", "POST")
        run = self.exchange.dry_run(number, values.order_body(request), self.clock.now())
        if run.errors:
            words = "; ".join(f"{error.code}: {error.message}" for error in run.errors)
            raise BrokerError(BrokerFault.REFUSED, f"dry run: {words}", run.errors[0].code)
        return values.dry_run_answer(run)

    async def send(self, number: str, request: OrderRequest, guard: WireGuard) -> SendOutcome:
        path, shown = f"/accounts/{number}/orders", self._shown(request)
        await self.clock.sleep(LATENCY_S)
        if self.unreachable or self.no_connection:
            self.no_connection = max(0, self.no_connection - 1)
            return SendOutcome(SendClass.NOT_SENT, "no connection: connection refused", left=False)
        refusal = guard()
        if refusal is not None:
            return SendOutcome(SendClass.NOT_SENT, refusal.sentence(), left=False, code=refusal.code)
        self.posted.append(Posted(self.clock.now(), number, request, shown))
        if self._fault_hits(FaultKind.REST_DROP_REQUEST, path, "POST"):
            return await self._no_answer()
        for kind, status in ((FaultKind.REST_5XX_HTML, 502), (FaultKind.REST_429, 429)):
            if self._fault_hits(kind, path, "POST"):
                return SendOutcome(SendClass.UNKNOWN, f"HTTP {status}", left=True, status=status)
        late = self._delay_s(FaultKind.REST_DELAY_BEFORE, path, "POST")
        if not late:
            return await self._answer(number, path, self._submit(number, request))
        # The order arrives even if its sender has been cancelled or has timed out by then.
        loop = asyncio.get_running_loop()
        arrived: asyncio.Future[SimOrder | SendOutcome] = loop.create_future()
        loop.call_later(late, self._arrive, number, request, arrived)
        if late > REQUEST_TIMEOUT_S:
            return await self._no_answer()
        return await self._answer(number, path, await arrived)

    def _arrive(self, number: str, request: OrderRequest, arrived: asyncio.Future[SimOrder | SendOutcome]) -> None:
        taken = self._submit(number, request)
        if not arrived.done():
            arrived.set_result(taken)

    def _submit(self, number: str, request: OrderRequest) -> SimOrder | SendOutcome:
        """The order as the exchange accepted it, or the outcome of its refusal."""
        if self.refuse_orders:
            self.refuse_orders -= 1
            return _rejected(OrderRefused("preflight_check_failure", "One or more preflight checks failed."))
        try:
            order = self.exchange.submit(number, values.order_body(request), self.clock.now())
        except OrderRefused as error:
            return _rejected(error)
        lag = self.faults.take(FaultKind.ORDERS_LISTING_LAG, self.clock.monotonic(), account=number)
        if lag is not None:
            self._unlisted_until[order.id] = self.clock.monotonic() + (lag.fault.seconds or LISTING_LAG_S)
        self.alerts.wake()
        return order

    async def _answer(self, number: str, path: str, order: SimOrder | SendOutcome) -> SendOutcome:
        if isinstance(order, SendOutcome):
            return order
        if self.fail_after_accept:
            self.fail_after_accept -= 1
            return SendOutcome(SendClass.UNKNOWN, "HTTP 502", left=True, status=502)
        if self._fault_hits(FaultKind.REST_DROP_RESPONSE, path, "POST"):
            return await self._no_answer()
        if any(self._fault_hits(kind, path, "POST") for kind in UNREADABLE_ANSWERS):
            return SendOutcome(SendClass.UNKNOWN, "order: the answer cannot be read", left=True, status=201)
        late = self._delay_s(FaultKind.REST_DELAY_AFTER, path, "POST")
        if late > REQUEST_TIMEOUT_S:
            return await self._no_answer()
        if late:
            await self.clock.sleep(late)
        report = values.order_report(order)
        return SendOutcome(SendClass.ACKNOWLEDGED, order.status, left=True, status=201, report=report)

    async def cancel(self, number: str, order_id: str) -> None:
        """Asks once to cancel an order. Raises BrokerError, REFUSED when the broker refuses."""
        await self._request(f"/accounts/{number}/orders/{order_id}", "DELETE")
        try:
            self.exchange.cancel(number, int(order_id), self.clock.now())
        except OrderRefused as error:
            raise BrokerError(_fault_of(error), f"cancel: {error.message}", error.code) from None
        self.alerts.wake()

    async def order(self, number: str, order_id: str) -> OrderReport:
        await self._request(f"/accounts/{number}/orders/{order_id}")
        self.exchange.live_orders(
            number, self.clock.now()
        )  # brings the exchange up to now, and leaves its notices to the alerts
        try:
            return values.order_report(self.exchange.order(number, int(order_id)))
        except OrderRefused as error:
            raise BrokerError(_fault_of(error), f"order: {error.message}", error.code) from None

    async def orders_since(self, number: str, first_day: date) -> tuple[OrderReport, ...]:
        path = f"/accounts/{number}/orders"
        await self._request(path)
        if self.faults.take(FaultKind.ORDERS_PARTIAL_PAGE, self.clock.monotonic(), account=number) is not None:
            raise BrokerError(BrokerFault.UNREADABLE, "orders: fewer orders on a page than it announces")
        start = datetime.combine(first_day, time(), EXCHANGE_ZONE).astimezone(UTC)
        found = {order.id: order for order in self.exchange.live_orders(number, self.clock.now())}
        found.update((order.id, order) for order in self.exchange.orders(number, start))
        listed = [found[i] for i in sorted(found) if self.is_listed(i)]
        foreign = self._fault_hits(FaultKind.REST_FOREIGN_ITEM, path, "GET")
        return tuple(values.order_report(order) for order in listed) + (values.foreign_order(number),) * foreign

    def is_listed(self, order_id: int) -> bool:
        """Whether the listings show this order now; a fault may keep a new one out for a while."""
        now = self.clock.monotonic()
        return self._unlisted_until.get(order_id, now) <= now

    # Internals

    def _shown(self, request: OrderRequest) -> Mapping[str, MarketQuote | None]:
        streamers = {leg.symbol: self.market.occ_to_streamer(leg.symbol) for leg in request.legs}
        return {
            occ: None if streamer is None else self.market_data.shown(streamer) for occ, streamer in streamers.items()
        }

    async def _request(self, path: str, method: str = "GET") -> None:
        """Waits as long as a request takes. Raises BrokerError when a fault makes it fail. `send` does not use this."""
        await self.clock.sleep(LATENCY_S)
        late = self._delay_s(FaultKind.REST_DELAY_BEFORE, path, method)
        if late:
            await self.clock.sleep(min(late, REQUEST_TIMEOUT_S))
        if late > REQUEST_TIMEOUT_S:
            raise BrokerError(BrokerFault.UNREACHABLE, f"{path}: no answer within {REQUEST_TIMEOUT_S:g} s")
        self._raise_armed_fault(path, method)

    def _raise_armed_fault(self, path: str, method: str = "GET") -> None:
        """Raises BrokerError when a fault is armed for this request."""
        if self.unreachable:
            raise BrokerError(BrokerFault.UNREACHABLE, f"{path}: connection refused")
        for kind, fault, words in (
            (FaultKind.REST_DROP_REQUEST, BrokerFault.UNREACHABLE, "the connection was closed"),
            (FaultKind.REST_DROP_RESPONSE, BrokerFault.UNREACHABLE, "the connection was closed"),
            (FaultKind.REST_5XX_HTML, BrokerFault.UNREACHABLE, "HTTP 502"),
            (FaultKind.REST_429, BrokerFault.RATE_LIMITED, "HTTP 429"),
            (FaultKind.REST_TOKEN_INVALID, BrokerFault.LOGIN_REFUSED, "token_invalid"),
            *((kind, BrokerFault.UNREADABLE, "the answer cannot be read") for kind in UNREADABLE_ANSWERS),
        ):
            if self._fault_hits(kind, path, method):
                raise BrokerError(fault, f"{path}: {words}")

    def _fault_hits(self, kind: FaultKind, path: str, method: str) -> bool:
        return self.faults.take(kind, self.clock.monotonic(), method=method, path=path) is not None

    def _delay_s(self, kind: FaultKind, path: str, method: str) -> float:
        armed = self.faults.take(kind, self.clock.monotonic(), method=method, path=path)
        return 0.0 if armed is None else armed.fault.seconds or REQUEST_TIMEOUT_S

    async def _no_answer(self) -> SendOutcome:
        await self.clock.sleep(REQUEST_TIMEOUT_S)
        return SendOutcome(SendClass.UNKNOWN, f"no answer within {REQUEST_TIMEOUT_S:g} s", left=True)


def _fault_of(error: OrderRefused) -> BrokerFault:
    return BrokerFault.NOT_FOUND if error.code == NOT_FOUND else BrokerFault.REFUSED


def _rejected(error: OrderRefused) -> SendOutcome:
    if error.code == NOT_FOUND:  # a 404 is no definite refusal (rules 9)
        return SendOutcome(SendClass.UNKNOWN, f"HTTP 404 {error.message}", left=True, status=404, code=error.code)
    words = "; ".join(f"{inner.code}: {inner.message}" for inner in error.errors) or error.message
    status = STATUS_OF_CODE.get(error.code, 422)
    return SendOutcome(SendClass.REJECTED, words, left=True, status=status, code=error.code)
