"""The in-process broker: calls the simulated market and exchange directly, for runs in virtual time.

Its faults are those of the wire (`core.simulator.exchange.faults`); `requests.py` has how they meet a request. Faults
of a socket are left out, and so are those that a client of the wire must not notice: odd fields, alerts in one frame,
and foreign accounts and positions. An answer that drips is late here as a whole.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TypeVar

from core.broker.port import (
    AccountReads,
    BrokerAccount,
    BrokerError,
    BrokerFault,
    BrokerTime,
    DryRunAnswer,
    MarketState,
    Position,
    WireGuard,
)
from core.domain.market.chain import OptionChain
from core.domain.market.judgement import Metrics
from core.domain.market.quotes import Quote
from core.domain.orders.orders import OrderReport, OrderRequest, SendClass, SendOutcome
from core.domain.orders.transactions import Transaction
from core.runtime.clock import EXCHANGE_ZONE, Clock
from core.simulator.exchange.armed_faults import ArmedFaults
from core.simulator.exchange.broker_clock import BrokerClock
from core.simulator.exchange.client_accounts import ClientAccounts
from core.simulator.exchange.client_orders import ClientOrders
from core.simulator.exchange.exchange import Exchange
from core.simulator.exchange.faults import Fault, FaultKind, FaultMatch
from core.simulator.exchange.market_view import MarketView
from core.simulator.exchange.orders import OrderRefused, SimOrder
from core.simulator.exchange.posting_faults import PostingFaults
from core.simulator.exchange.transactions import SimTransaction, Wanted
from core.simulator.in_process import values
from core.simulator.in_process.alerts import InProcessAlerts
from core.simulator.in_process.answers import (
    REFUSED,
    UNREADABLE_ANSWERS,
    refusal_code,
    rejected,
)
from core.simulator.in_process.market_data import InProcessMarketData
from core.simulator.in_process.market_state import market_state
from core.simulator.in_process.requests import LATENCY_S, REQUEST_TIMEOUT_S, Requests
from core.simulator.market.market import Market
from core.simulator.market.market_data import MarketQuote

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Posted:
    """An order that was sent. `shown` holds the last quote of each leg that the client had, by OCC symbol."""

    at: datetime
    account: str
    request: OrderRequest
    shown: Mapping[str, MarketQuote | None]


@dataclass(eq=False)
class InProcessBroker:
    """Implements `core.broker.port.Broker` for one login. The clock is the true one.

    Two of them may share one exchange, as the consoles of two traders do. Ages are told by the broker's clock, as the
    adapter tells them. `unreachable` and the fields from `no_connection` on are for
    tests to set and read.
    """

    exchange: Exchange
    market: Market
    clock: Clock
    login: str
    faults: ArmedFaults = field(default_factory=ArmedFaults)
    """The armed faults. Brokers of one exchange may share them."""
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

    def __post_init__(self) -> None:
        self._theirs = BrokerClock(self.clock, self.faults)
        self._requests = Requests(self.clock, self._theirs, self.faults)
        self._orders = ClientOrders(self.exchange, self.faults, self.clock)
        self._accounts = ClientAccounts(self.exchange, self.faults, self.clock)
        self.exchange.trouble(PostingFaults(self.exchange, self.faults, self.clock))
        self._view = MarketView(self.market, self.faults, self.clock)
        self.market_data = InProcessMarketData(self._view, self.faults, self._theirs, self._requests.check)
        self.alerts = InProcessAlerts(self.exchange, self.faults, self._theirs)

    @property
    def name(self) -> str:
        return self.login

    @property
    def time(self) -> BrokerTime | None:
        """The broker's time at its last answer that told it; None before the first."""
        return self._requests.time

    @property
    def unreachable(self) -> bool:
        """Whether no request gets a connection."""
        return self._requests.unreachable

    @unreachable.setter
    def unreachable(self, yes: bool) -> None:
        self._requests.unreachable = yes

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
        account: str | None = None,
        named: str | None = None,
    ) -> None:
        """Arms a fault (`core.simulator.exchange.faults.Fault`). `path` is one of the REST API, such as /accounts.

        `named` is `match.field`: what the kind says.
        """
        match = FaultMatch(method=method, path=path, symbol=symbol, account=account, field=named)
        self.faults.arm(Fault(kind, count, seconds, match=match), self.clock.now(), self.clock.monotonic())

    async def connect(self) -> None:
        await self._call("/oauth/token", lambda now: None)

    async def close(self) -> None:
        """Does nothing: there is no connection to close."""

    async def accounts(self) -> tuple[BrokerAccount, ...]:
        found = await self._call("/customers/me/accounts", lambda now: self.exchange.accounts_of(self.login))
        return tuple(values.broker_account(account) for account in found)

    async def account_reads(self, number: str) -> AccountReads:
        return await self._call(
            f"/accounts/{number}/balances",
            lambda now: values.account_reads(
                self.exchange.balances(number, now),
                self._accounts.positions(number, now),
                self.exchange.trading_status(number),
            ),
        )

    async def positions(self, number: str) -> tuple[Position, ...]:
        path = f"/accounts/{number}/positions"
        return values.held(await self._call(path, lambda now: self._accounts.positions(number, now)))

    async def market_state(self) -> MarketState:
        return await self._call("/market-time/sessions/current", lambda now: market_state(self._view, now))

    async def metrics(self, symbols: Sequence[str]) -> tuple[Metrics, ...]:
        known = [symbol for symbol in symbols if symbol in self.market.symbols]
        rows = await self._call("/market-metrics", lambda now: [self._view.metrics(symbol, now) for symbol in known])
        return tuple(values.metrics(row, self._theirs) for row in rows)

    async def chain(self, symbol: str) -> OptionChain:
        day = await self._call("/option-chains", lambda now: self._view.chain_day(symbol, now))
        if (symbol, day) not in self.chains:
            self.chains[symbol, day] = values.option_chain(symbol, self.market.chain(symbol, day))
        return self.chains[symbol, day]

    async def marks(self, symbols: Sequence[str]) -> dict[str, Decimal]:
        known = [symbol for symbol in symbols if symbol in self.market.symbols]
        trades = await self._call("/market-data", lambda now: {s: self._view.trade(s, now) for s in known})
        return {symbol: trade.price for symbol, trade in trades.items() if trade is not None}

    async def option_quotes(self, symbols: Sequence[str]) -> dict[str, Quote]:
        def read(now: datetime) -> dict[str, Quote]:
            found = {}
            for symbol in symbols:
                streamer = self.market.occ_to_streamer(symbol)
                quote = None if streamer is None else self._view.quote(streamer, now)
                if streamer is not None and quote is not None and (quote.bid, quote.ask) != (None, None):
                    updated_at = self._view.updated_at(quote, self._view.trade(streamer, now), now)
                    found[symbol] = values.option_quote(symbol, quote, updated_at, self._theirs)
            return found

        return await self._call("/market-data/by-type", read)

    async def dry_run(self, number: str, request: OrderRequest) -> DryRunAnswer:
        path, body = f"/accounts/{number}/orders/dry-run", values.order_body(request)
        run = await self._call(path, lambda now: self.exchange.dry_run(number, body, now), "POST")
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
        if self._requests.armed(FaultKind.REST_DROP_REQUEST, path, "POST") is not None:
            return await self._no_answer()
        for kind, status in ((FaultKind.REST_5XX_HTML, 502), (FaultKind.REST_429, 429)):
            if self._requests.armed(kind, path, "POST") is not None:
                return SendOutcome(SendClass.UNKNOWN, f"HTTP {status}", left=True, status=status)
        late = self._requests.delay_s(FaultKind.REST_DELAY_BEFORE, path, "POST")
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
            return rejected(OrderRefused("preflight_check_failure", "One or more preflight checks failed."))
        try:
            order = self._orders.place(number, values.order_body(request), self._theirs.now(), by=self.login)
        except OrderRefused as error:
            return rejected(error)
        self.alerts.wake()
        return order

    async def _answer(self, number: str, path: str, order: SimOrder | SendOutcome) -> SendOutcome:
        if isinstance(order, SendOutcome):
            return order
        if self.fail_after_accept:
            self.fail_after_accept -= 1
            return SendOutcome(SendClass.UNKNOWN, "HTTP 502", left=True, status=502)
        if (refused := self._requests.armed(FaultKind.REST_REFUSED_AFTER, path, "POST")) is not None:
            return rejected(OrderRefused(refusal_code(refused), REFUSED), refused.fault.code)
        late = self._requests.late_answer_s(path, "POST")
        if late > REQUEST_TIMEOUT_S:
            return await self._no_answer()
        if late:
            await self.clock.sleep(late)
        if self._requests.armed(FaultKind.REST_DROP_RESPONSE, path, "POST") is not None:
            return await self._no_answer()
        if self._requests.armed(FaultKind.REST_5XX_AFTER, path, "POST") is not None:
            return SendOutcome(SendClass.UNKNOWN, "HTTP 502", left=True, status=502)
        if any(self._requests.armed(kind, path, "POST") is not None for kind in UNREADABLE_ANSWERS):
            return SendOutcome(SendClass.UNKNOWN, "order: the answer cannot be read", left=True, status=201)
        self._requests.note_time(path, "POST")
        report = values.order_report(order)
        return SendOutcome(SendClass.ACKNOWLEDGED, order.status, left=True, status=201, report=report)

    async def cancel(self, number: str, order_id: str) -> None:
        """Asks once to cancel an order. Raises BrokerError, REFUSED when the broker refuses."""

        def cancel(now: datetime) -> None:
            self._orders.cancel(number, int(order_id), now, by=self.login)
            self.alerts.wake()

        await self._call(f"/accounts/{number}/orders/{order_id}", cancel, "DELETE")

    async def order(self, number: str, order_id: str) -> OrderReport:
        def read(now: datetime) -> SimOrder:
            self.exchange.live_orders(number, now)  # brings the exchange up to now, and leaves its notices
            return self.exchange.order(number, int(order_id))

        return values.order_report(await self._call(f"/accounts/{number}/orders/{order_id}", read))

    async def live_orders(self, number: str) -> tuple[OrderReport, ...]:
        path = f"/accounts/{number}/orders/live"

        def read(now: datetime) -> list[SimOrder]:
            live = sorted(self._orders.listed(self.exchange.live_orders(number, now)), key=lambda order: -order.id)
            return live[: len(live) // 2] if self._orders.half_page(number) else live

        found = sorted(await self._call(path, read), key=lambda order: order.id)
        foreign = self._requests.armed(FaultKind.REST_FOREIGN_ITEM, path, "GET") is not None
        return tuple(values.order_report(order) for order in found) + (values.foreign_order(number),) * foreign

    async def orders_since(self, number: str, first_day: date) -> tuple[OrderReport, ...]:
        path = f"/accounts/{number}/orders"
        start = datetime.combine(first_day, time(), EXCHANGE_ZONE).astimezone(UTC)

        def read(now: datetime) -> list[SimOrder]:
            live = self._orders.listed(self.exchange.live_orders(number, now))
            history = self._orders.listed(self.exchange.orders(number, start))
            rows = self._orders.overlapping_rows(number)
            if self._orders.half_page(number) or (rows is not None and len(history) > rows):
                raise BrokerError(BrokerFault.UNREADABLE, "orders: fewer orders than the pages announce")
            return list({order.id: order for order in (*history, *live)}.values())

        found = sorted(await self._call(path, read), key=lambda order: order.id)
        foreign = self._requests.armed(FaultKind.REST_FOREIGN_ITEM, path, "GET") is not None
        return tuple(values.order_report(order) for order in found) + (values.foreign_order(number),) * foreign

    async def transactions(self, number: str, since: date) -> tuple[Transaction, ...]:
        wanted = Wanted(since=datetime.combine(since, time(), EXCHANGE_ZONE).astimezone(UTC))

        def read(now: datetime) -> list[SimTransaction]:
            rows = self._accounts.transactions(number, now, wanted)
            shown = self._accounts.overlapping_rows(number)
            if shown is not None and len(rows) > shown:
                raise BrokerError(BrokerFault.UNREADABLE, "transactions: fewer rows than the pages announce")
            return rows

        path = f"/accounts/{number}/transactions"
        found = [values.transaction(row) for row in await self._call(path, read)]
        if found and self._requests.armed(FaultKind.REST_FOREIGN_ITEM, path, "GET") is not None:
            found.append(values.foreign_transaction(found[-1]))
        return tuple(sorted(found, key=lambda row: int(row.id)))

    def is_listed(self, order_id: int) -> bool:
        """Whether the listings show this order now; a fault may keep a new one out for a while."""
        return self._orders.is_listed(order_id)

    # Internals

    async def _call(self, path: str, process: Callable[[datetime], T], method: str = "GET") -> T:
        """What a request is answered, but that of an order. Raises BrokerError."""
        return await self._requests.call(path, process, method)

    def _shown(self, request: OrderRequest) -> Mapping[str, MarketQuote | None]:
        streamers = {leg.symbol: self.market.occ_to_streamer(leg.symbol) for leg in request.legs}
        return {
            occ: None if streamer is None else self.market_data.shown(streamer) for occ, streamer in streamers.items()
        }

    async def _no_answer(self) -> SendOutcome:
        await self.clock.sleep(REQUEST_TIMEOUT_S)
        return SendOutcome(SendClass.UNKNOWN, f"no answer within {REQUEST_TIMEOUT_S:g} s", left=True)
