"""The simulator's second face: the engine's broker port straight on the market and the exchange, for virtual time.

The faults are those of the wire (`core.simulator.exchange.faults`), at the same places and with the same consequences;
those that only a socket can have are left out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from core.broker.port import (
    AccountReads,
    BrokerAccount,
    BrokerError,
    BrokerFault,
    DryRunAnswer,
    MarketState,
    WireGuard,
)
from core.domain.market.chain import OptionChain
from core.domain.market.judgement import Metrics
from core.domain.orders.orders import OrderReport, OrderRequest, SendClass, SendOutcome
from core.runtime.clock import EXCHANGE_ZONE, Clock, exchange_time
from core.simulator.exchange.exchange import Exchange
from core.simulator.exchange.faults import Fault, FaultBoard, FaultKind, FaultMatch
from core.simulator.exchange.market_view import MarketView
from core.simulator.exchange.orders import OrderRefused, SimOrder
from core.simulator.in_process import values
from core.simulator.in_process.alerts import InProcessAlerts
from core.simulator.in_process.market_data import InProcessMarketData
from core.simulator.market.market import Market
from core.simulator.market.market_data import MarketQuote

LATENCY_S = 0.05
REQUEST_TIMEOUT_S = 10.0
LISTING_LAG_S = 5.0
UNREADABLE = (FaultKind.REST_GARBAGE, FaultKind.REST_HTML, FaultKind.REST_JSON_LIST, FaultKind.REST_MISSING_FIELD)
DEFINITE = {"validation_error": 400, "not_permitted": 403}
"""HTTP status of a refusal by its code; every other refusal is 422 (reference 5)."""


@dataclass(frozen=True, slots=True)
class Posted:
    """An order that left, and the quotes (by OCC symbol) its sender had been shown when it was told to send."""

    at: datetime
    account: str
    request: OrderRequest
    shown: Mapping[str, MarketQuote | None]


class InProcessBroker:
    """Implements `core.broker.port.Broker` for one login. Waits and ages follow the clock it is given.

    Knobs, besides `faults`: `unreachable` (no connection can be made), and for the next so many orders
    `no_connection` (none can be made for them), `refuse_orders` (a 422), `fail_after_accept` (taken, and a 502).
    `chains` keeps what was listed, which takes a while to list; brokers of equal markets may share it.
    """

    def __init__(self, exchange: Exchange, market: Market, clock: Clock, login: str) -> None:
        self.faults = FaultBoard()
        self.unreachable = False
        self.no_connection = 0
        self.refuse_orders = 0
        self.fail_after_accept = 0
        self.posted: list[Posted] = []
        self._exchange = exchange
        self._clock = clock
        self._login = login
        self._view = MarketView(market, self.faults, clock)
        self.chains: dict[tuple[str, date], OptionChain] = {}
        self._unlisted_until: dict[int, float] = {}
        self.market_data = InProcessMarketData(self._view, self.faults, clock, self._failing)
        self.alerts = InProcessAlerts(exchange, self.faults, clock)

    @property
    def name(self) -> str:
        return self._login

    @property
    def date_offset(self) -> timedelta | None:
        """None: there is no second clock to differ from."""
        return None

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
        """Arms a fault now; see `core.simulator.exchange.faults.Fault`. `path` is the wire's, such as /accounts."""
        match = FaultMatch(method=method, path=path, symbol=symbol)
        self.faults.arm(Fault(kind, count, seconds, match=match), self._clock.now(), self._clock.monotonic())

    async def connect(self) -> None:
        await self._read("/oauth/token")

    async def close(self) -> None:
        """Nothing stays open."""

    async def accounts(self) -> tuple[BrokerAccount, ...]:
        await self._read("/customers/me/accounts")
        return tuple(values.broker_account(account) for account in self._exchange.accounts_of(self._login))

    async def account_reads(self, number: str) -> AccountReads:
        await self._read(f"/accounts/{number}/balances")
        now = self._clock.now()
        return values.account_reads(
            self._exchange.balances(number, now),
            self._exchange.positions(number, now),
            self._exchange.trading_status(number),
        )

    async def market_state(self) -> MarketState:
        await self._read("/market-time/sessions/current")
        if self._view.session_unreadable():
            raise BrokerError(BrokerFault.UNREADABLE, "market session: the answer has no state")
        now = self._clock.now()
        session = self._view.market.session(exchange_time(now).date())
        if session is None:
            return MarketState(False, "Closed", None, None)
        is_open = session.open <= now < session.close and not self._view.session_closed()
        return MarketState(is_open, "Open" if is_open else "Closed", session.open, session.close)

    async def metrics(self, symbols: Sequence[str]) -> tuple[Metrics, ...]:
        await self._read("/market-metrics")
        now = self._clock.now()
        known = (symbol for symbol in symbols if symbol in self._view.market.symbols)
        return tuple(values.metrics(self._view.metrics(symbol, now), self._clock) for symbol in known)

    async def chain(self, symbol: str) -> OptionChain:
        await self._read("/option-chains")
        day = self._view.market.session_day(self._clock.now())
        if (symbol, day) not in self.chains:
            self.chains[symbol, day] = values.option_chain(symbol, self._view.market.chain(symbol, day))
        return self.chains[symbol, day]

    async def marks(self, symbols: Sequence[str]) -> dict[str, Decimal]:
        await self._read("/market-data")
        now = self._clock.now()
        trades = {symbol: self._view.trade(symbol, now) for symbol in symbols if symbol in self._view.market.symbols}
        return {symbol: trade.price for symbol, trade in trades.items() if trade is not None}

    async def dry_run(self, number: str, request: OrderRequest) -> DryRunAnswer:
        await self._read(f"/accounts/{number}/orders/dry-run", "POST")
        run = self._exchange.dry_run(number, values.order_body(request), self._clock.now())
        if run.errors:
            words = "; ".join(f"{error.code}: {error.message}" for error in run.errors)
            raise BrokerError(BrokerFault.REFUSED, f"dry run: {words}", run.errors[0].code)
        return values.dry_run_answer(run)

    async def send(self, number: str, request: OrderRequest, guard: WireGuard) -> SendOutcome:
        path, shown = f"/accounts/{number}/orders", self._shown(request)
        await self._clock.sleep(LATENCY_S)
        if self.unreachable or self.no_connection:
            self.no_connection = max(0, self.no_connection - 1)
            return SendOutcome(SendClass.NOT_SENT, "no connection: connection refused", left=False)
        refusal = guard()
        if refusal is not None:
            return SendOutcome(SendClass.NOT_SENT, refusal.sentence(), left=False, code=refusal.code)
        self.posted.append(Posted(self._clock.now(), number, request, shown))
        if self._hit(FaultKind.REST_DROP_REQUEST, path, "POST"):
            return await self._unanswered()
        for kind, status in ((FaultKind.REST_5XX_HTML, 502), (FaultKind.REST_429, 429)):
            if self._hit(kind, path, "POST"):
                return SendOutcome(SendClass.UNKNOWN, f"HTTP {status}", left=True, status=status)
        late = self._armed_delay(FaultKind.REST_DELAY_BEFORE, path, "POST")
        if not late:
            return await self._answer(number, path, self._take(number, request))
        # On its way whatever becomes of the sender, who may be gone or out of patience when it arrives.
        loop = asyncio.get_running_loop()
        arrived: asyncio.Future[SimOrder | SendOutcome] = loop.create_future()
        loop.call_later(late, self._arrive, number, request, arrived)
        if late > REQUEST_TIMEOUT_S:
            return await self._unanswered()
        return await self._answer(number, path, await arrived)

    def _arrive(self, number: str, request: OrderRequest, arrived: asyncio.Future[SimOrder | SendOutcome]) -> None:
        taken = self._take(number, request)
        if not arrived.done():
            arrived.set_result(taken)

    def _take(self, number: str, request: OrderRequest) -> SimOrder | SendOutcome:
        """The exchange takes the order or refuses it."""
        if self.refuse_orders:
            self.refuse_orders -= 1
            return _rejected(OrderRefused("preflight_check_failure", "One or more preflight checks failed."))
        try:
            order = self._exchange.submit(number, values.order_body(request), self._clock.now())
        except OrderRefused as error:
            return _rejected(error)
        lag = self.faults.take(FaultKind.ORDERS_LISTING_LAG, self._clock.monotonic(), account=number)
        if lag is not None:
            self._unlisted_until[order.id] = self._clock.monotonic() + (lag.fault.seconds or LISTING_LAG_S)
        self.alerts.stir()
        return order

    async def _answer(self, number: str, path: str, order: SimOrder | SendOutcome) -> SendOutcome:
        if isinstance(order, SendOutcome):
            return order
        if self.fail_after_accept:
            self.fail_after_accept -= 1
            return SendOutcome(SendClass.UNKNOWN, "HTTP 502", left=True, status=502)
        if self._hit(FaultKind.REST_DROP_RESPONSE, path, "POST"):
            return await self._unanswered()
        if any(self._hit(kind, path, "POST") for kind in UNREADABLE):
            return SendOutcome(SendClass.UNKNOWN, "order: the answer cannot be read", left=True, status=201)
        late = self._armed_delay(FaultKind.REST_DELAY_AFTER, path, "POST")
        if late > REQUEST_TIMEOUT_S:
            return await self._unanswered()
        if late:
            await self._clock.sleep(late)
        report = values.order_report(order)
        return SendOutcome(SendClass.ACKNOWLEDGED, order.status, left=True, status=201, report=report)

    async def cancel(self, number: str, order_id: str) -> None:
        """Asks once for a cancel. Raises BrokerError; REFUSED when the broker says no."""
        await self._read(f"/accounts/{number}/orders/{order_id}", "DELETE")
        try:
            self._exchange.cancel(number, int(order_id), self._clock.now())
        except OrderRefused as error:
            raise BrokerError(BrokerFault.REFUSED, f"cancel: {error.message}", error.code) from None
        self.alerts.stir()

    async def order(self, number: str, order_id: str) -> OrderReport:
        await self._read(f"/accounts/{number}/orders/{order_id}")
        self._exchange.live_orders(number, self._clock.now())  # brings the exchange to now; its notices stay
        try:
            return values.order_report(self._exchange.order(number, int(order_id)))
        except OrderRefused as error:
            raise BrokerError(BrokerFault.REFUSED, f"order: {error.message}", error.code) from None

    async def orders_of_day(self, number: str, day: date) -> tuple[OrderReport, ...]:
        path = f"/accounts/{number}/orders"
        await self._read(path)
        if self.faults.take(FaultKind.ORDERS_PARTIAL_PAGE, self._clock.monotonic(), account=number) is not None:
            raise BrokerError(BrokerFault.UNREADABLE, "orders: fewer orders on a page than it announces")
        start = datetime.combine(day, time(), EXCHANGE_ZONE).astimezone(UTC)
        found = {order.id: order for order in self._exchange.live_orders(number, self._clock.now())}
        found.update((order.id, order) for order in self._exchange.orders(number, start, start + timedelta(days=2)))
        listed = [found[i] for i in sorted(found) if self.is_listed(i)]
        return tuple(values.order_report(order) for order in listed)

    def is_listed(self, order_id: int) -> bool:
        """Whether the listings show this order now; a fault may keep a new one out for a while."""
        now = self._clock.monotonic()
        return self._unlisted_until.get(order_id, now) <= now

    # Inside

    def _shown(self, request: OrderRequest) -> Mapping[str, MarketQuote | None]:
        streamers = {leg.symbol: self._view.market.occ_to_streamer(leg.symbol) for leg in request.legs}
        return {
            occ: None if streamer is None else self.market_data.shown(streamer) for occ, streamer in streamers.items()
        }

    async def _read(self, path: str, method: str = "GET") -> None:
        """The way of a request that is not an order: takes its time, and may fail."""
        await self._clock.sleep(LATENCY_S)
        late = self._armed_delay(FaultKind.REST_DELAY_BEFORE, path, method)
        if late:
            await self._clock.sleep(min(late, REQUEST_TIMEOUT_S))
        if late > REQUEST_TIMEOUT_S:
            raise BrokerError(BrokerFault.UNREACHABLE, f"{path}: no answer within {REQUEST_TIMEOUT_S:g} s")
        self._failing(path, method)

    def _failing(self, path: str, method: str = "GET") -> None:
        """Raises BrokerError when a fault is armed for this request."""
        if self.unreachable:
            raise BrokerError(BrokerFault.UNREACHABLE, f"{path}: connection refused")
        for kind, fault, words in (
            (FaultKind.REST_DROP_REQUEST, BrokerFault.UNREACHABLE, "the connection was closed"),
            (FaultKind.REST_DROP_RESPONSE, BrokerFault.UNREACHABLE, "the connection was closed"),
            (FaultKind.REST_5XX_HTML, BrokerFault.UNREACHABLE, "HTTP 502"),
            (FaultKind.REST_429, BrokerFault.RATE_LIMITED, "HTTP 429"),
            (FaultKind.REST_TOKEN_INVALID, BrokerFault.LOGIN_REFUSED, "token_invalid"),
            *((kind, BrokerFault.UNREADABLE, "the answer cannot be read") for kind in UNREADABLE),
        ):
            if self._hit(kind, path, method):
                raise BrokerError(fault, f"{path}: {words}")

    def _hit(self, kind: FaultKind, path: str, method: str) -> bool:
        return self.faults.take(kind, self._clock.monotonic(), method=method, path=path) is not None

    def _armed_delay(self, kind: FaultKind, path: str, method: str) -> float:
        armed = self.faults.take(kind, self._clock.monotonic(), method=method, path=path)
        return 0.0 if armed is None else armed.fault.seconds or REQUEST_TIMEOUT_S

    async def _unanswered(self) -> SendOutcome:
        await self._clock.sleep(REQUEST_TIMEOUT_S)
        return SendOutcome(SendClass.UNKNOWN, f"no answer within {REQUEST_TIMEOUT_S:g} s", left=True)


def _rejected(error: OrderRefused) -> SendOutcome:
    if error.code == "record_not_found":  # a 404 is no definite refusal (SPEC 9)
        return SendOutcome(SendClass.UNKNOWN, f"HTTP 404 {error.message}", left=True, status=404, code=error.code)
    words = "; ".join(f"{inner.code}: {inner.message}" for inner in error.errors) or error.message
    status = DEFINITE.get(error.code, 422)
    return SendOutcome(SendClass.REJECTED, words, left=True, status=status, code=error.code)
