"""A broker that does nothing by itself: the test decides which requests arrive, what happens to each order, and which
reports are sent.

Orders are values of the simulator and are reported as the simulator reports them. Only the course of events, which the
simulator's exchange draws by chance, is left to the test.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

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
from core.runtime.clock import Clock, exchange_time
from core.simulator.exchange.orders import NOT_FOUND, SimFill, SimLeg, SimOrder
from core.simulator.in_process.values import order_report
from tests.support.oracle import DEAD

LOGIN = "main"
FIRST_ID = 1000
ROUTE = ("Received", "Routed", "In Flight", "Live")
ENDED = DEAD | {"Filled"}


@dataclass
class Post:
    """A POST on the wire. `answer` is None once the process that waited for it is gone."""

    account: str
    request: OrderRequest
    answer: asyncio.Future[SendOutcome] | None
    order_id: int | None = None
    accepted_as: OrderReport | None = None
    stopped: bool = False
    """Refused by the broker, or proved not to have been sent: it never becomes an order."""


@dataclass
class ScriptedBroker:
    """Implements `core.broker.port.Broker`. Its orders change only by the methods below those of the port."""

    clock: Clock
    accounts_open: Sequence[str]
    orders: dict[int, SimOrder] = field(default_factory=dict)
    posts: list[Post] = field(default_factory=list)
    alerts: list[OrderReport] = field(default_factory=list)
    """Alerts not delivered yet, oldest first."""
    listening: bool = False
    reachable: bool = True
    unlisted: set[int] = field(default_factory=set)
    shown: list[OrderReport] = field(default_factory=list)
    """Reports the process has received in answers and reads since the test last looked."""
    held: asyncio.Event | None = None
    """When set, reads wait for this event before they are answered."""
    ever: list[SimOrder] = field(default_factory=list)
    """Every order as it was after each change, also those that are forgotten or whose id was given again."""
    _next_id: int = FIRST_ID

    # The port

    @property
    def name(self) -> str:
        return LOGIN

    @property
    def time(self) -> BrokerTime | None:
        return None

    def remarks(self) -> tuple[str, ...]:
        return ()

    async def connect(self) -> None:
        await self._answered()

    async def close(self) -> None:
        """There is nothing to close."""

    async def accounts(self) -> tuple[BrokerAccount, ...]:
        await self._answered()
        return tuple(BrokerAccount(number, "", "Margin", False) for number in self.accounts_open)

    async def account_reads(self, number: str) -> AccountReads:
        """The positions are what the fills of the account's orders add up to."""
        positions = self._positions(number)
        await self._answered()
        return AccountReads(number, Decimal(20_000), Decimal(25_000), positions, None, "Defined Risk Spreads", "")

    async def positions(self, number: str) -> tuple[Position, ...]:
        positions = self._positions(number)
        await self._answered()
        return positions

    def _positions(self, number: str) -> tuple[Position, ...]:
        held: dict[str, int] = defaultdict(int)
        for order in self.orders.values():
            if order.account_number == number:
                for leg in order.legs:
                    held[leg.symbol] += (-1 if leg.sells else 1) * sum(fill.quantity for fill in leg.fills)
        return tuple(
            Position(symbol, "QQQ", Decimal(abs(count)), "Short" if count < 0 else "Long", None, None)
            for symbol, count in held.items()
            if count
        )

    async def market_state(self) -> MarketState:
        await self._answered()
        return MarketState(True, "Open", None, None)

    async def metrics(self, symbols: Sequence[str]) -> tuple[Metrics, ...]:
        raise NotImplementedError

    async def chain(self, symbol: str) -> OptionChain:
        raise NotImplementedError

    async def marks(self, symbols: Sequence[str]) -> dict[str, Decimal]:
        raise NotImplementedError

    async def option_quotes(self, symbols: Sequence[str]) -> dict[str, Quote]:
        raise NotImplementedError

    async def dry_run(self, number: str, request: OrderRequest) -> DryRunAnswer:
        raise NotImplementedError

    async def send(self, number: str, request: OrderRequest, guard: WireGuard) -> SendOutcome:
        refusal = guard()
        if refusal is not None:
            return SendOutcome(SendClass.NOT_SENT, refusal.sentence(), left=False, code=refusal.code)
        post = Post(number, request, asyncio.get_running_loop().create_future())
        self.posts.append(post)
        assert post.answer is not None
        outcome = await post.answer
        if outcome.report is not None:
            self.shown.append(outcome.report)
        return outcome

    async def cancel(self, number: str, order_id: str) -> None:
        await self._answered()
        order = self._known(number, order_id)
        if order.status in ENDED:
            raise BrokerError(BrokerFault.REFUSED, f"cancel: order {order_id} is {order.status}")
        self.change(order.id, status="Cancel Requested")

    async def order(self, number: str, order_id: str) -> OrderReport:
        report = order_report(self._known(number, order_id)) if self.reachable else None
        await self._answered()
        if report is None:
            raise BrokerError(BrokerFault.UNREACHABLE, "order: connection refused")
        self.shown.append(report)
        return report

    async def live_orders(self, number: str) -> tuple[OrderReport, ...]:
        return await self.orders_since(number, exchange_time(self.clock.now()).date())

    async def orders_since(self, number: str, first_day: date) -> tuple[OrderReport, ...]:
        listed = tuple(
            order_report(order)
            for order in self.orders.values()
            if order.account_number == number
            and exchange_time(order.received_at).date() >= first_day
            and order.id not in self.unlisted
        )
        await self._answered()
        self.shown.extend(listed)
        return listed

    async def transactions(self, number: str, since: date) -> tuple[Transaction, ...]:
        raise NotImplementedError

    def _known(self, number: str, order_id: str) -> SimOrder:
        order = self.orders.get(int(order_id))
        if order is None or order.account_number != number:
            raise BrokerError(BrokerFault.NOT_FOUND, f"order {order_id} was not found", NOT_FOUND)
        return order

    async def _answered(self) -> None:
        if not self.reachable:
            raise BrokerError(BrokerFault.UNREACHABLE, "connection refused")
        if self.held is not None:
            await self.held.wait()

    # What becomes of a POST

    def accept(self, post: Post) -> SimOrder:
        """The order reaches the broker; its sender has no answer yet."""
        order = self.place(post.account, post.request, post.request.identifier)
        post.order_id = order.id
        post.accepted_as = order_report(order)
        return order

    def place(self, account: str, request: OrderRequest, identifier: str | None, by: str = LOGIN) -> SimOrder:
        """A new order, of whoever has this login."""
        self._next_id += 1
        now = self.clock.now()
        legs = tuple(
            SimLeg("Equity Option", leg.symbol, leg.action.value, leg.quantity, leg.quantity) for leg in request.legs
        )
        order = SimOrder(
            id=self._next_id,
            account_number=account,
            time_in_force="Day",
            order_type="Limit",
            size=1,
            underlying_symbol=request.underlying,
            underlying_instrument_type="Equity",
            price=request.credit,
            status="Received",
            legs=legs,
            received_at=now,
            updated_at=now,
            external_identifier=identifier,
            username=by,
        )
        self._keep(order)
        return order

    def process_died(self) -> None:
        """Nobody waits for answers any more; what was sent is still on its way."""
        for post in self.posts:
            if post.answer is not None:
                post.answer.cancel()
                post.answer = None
        self.listening = False
        self.alerts.clear()

    # What becomes of an order

    def change(self, order_id: int, **changes: object) -> SimOrder:
        order = replace(self.orders[order_id], updated_at=self.clock.now(), **changes)  # type: ignore[arg-type]
        self._keep(order)
        return order

    def fill(self, order_id: int, parts: Sequence[int], status: str | None = None) -> SimOrder:
        """Fills so many contracts of each leg. The status becomes Filled when nothing is left, unless another one is
        given."""
        order = self.orders[order_id]
        legs = []
        for index, (leg, part) in enumerate(zip(order.legs, parts, strict=True)):
            if part:
                fill_id = f"24_{order_id}_{index}_{len(leg.fills)}"
                done = SimFill(fill_id, part, Decimal("3.10"), self.clock.now(), "SIM", fill_id, fill_id)
                leg = replace(leg, remaining_quantity=leg.remaining_quantity - part, fills=(*leg.fills, done))
            legs.append(leg)
        whole = all(leg.remaining_quantity == 0 for leg in legs)
        return self.change(order_id, legs=tuple(legs), status=status or ("Filled" if whole else order.status))

    def replaced_by(self, order_id: int) -> SimOrder:
        """Somebody replaces the order at the broker: a new order waits until the old one has ended (broker 8)."""
        self._next_id += 1
        old = self.orders[order_id]
        new = replace(old, id=self._next_id, status="Contingent", replaces_order_id=order_id, edited=True)
        self._keep(new)
        self.change(order_id, status="Replace Requested", replacing_order_id=new.id)
        return new

    def end(self, order_id: int, status: str) -> SimOrder:
        """Gives an order a terminal status. A replacement goes live after a cancel, and is removed after anything
        else."""
        order = self.change(order_id, status=status, terminal_at=self.clock.now())
        successor = order.replacing_order_id
        if successor is not None and self.orders[successor].status == "Contingent":
            self.change(successor, status="Received" if status == "Cancelled" else "Removed")
        return order

    # What a broker should not do

    def twin(self, order_id: int) -> SimOrder:
        """The order is there twice: another one has its identifier and its terms."""
        self._next_id += 1
        twin = replace(self.orders[order_id], id=self._next_id, received_at=self.clock.now())
        self._keep(twin)
        return twin

    def revive(self, order_id: int) -> SimOrder:
        """An order that has ended works again."""
        return self.change(order_id, status="Live", terminal_at=None, cancel_username=None)

    def forget(self, order_id: int) -> None:
        """The broker knows the order no longer, and nothing of what it traded."""
        del self.orders[order_id]

    def begin_ids_again(self) -> None:
        """From now on new orders have the ids of old ones, which the broker then no longer knows."""
        self._next_id = FIRST_ID

    def _keep(self, order: SimOrder) -> None:
        self.orders[order.id] = order
        self.ever.append(order)
        self._tell(order)

    def _tell(self, order: SimOrder) -> None:
        if self.listening:
            self.alerts.append(order_report(order))
