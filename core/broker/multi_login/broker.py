"""Reads and orders over several logins."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TypeVar

from core.broker.multi_login.alerts import LoginsAlerts
from core.broker.multi_login.market_data import LoginsMarketData
from core.broker.multi_login.routes import Routes
from core.broker.port import (
    AccountReads,
    Broker,
    BrokerAccount,
    BrokerError,
    BrokerFault,
    BrokerTime,
    DryRunAnswer,
    MarketData,
    MarketState,
    OrderAlerts,
    Position,
    WireGuard,
)
from core.domain.market.chain import OptionChain
from core.domain.market.judgement import Metrics
from core.domain.market.quotes import Quote
from core.domain.orders.orders import OrderReport, OrderRequest, SendClass, SendOutcome
from core.domain.orders.transactions import Transaction
from core.runtime.clock import Clock

T = TypeVar("T")
MOST_ASKED = 2
"""How many logins are asked for one read of the market. With the network down, asking more only takes time."""
PATIENCE_S = 10.0
"""Wall seconds without a connection before the next login's feed takes over.

The breaker for a silent feed waits longer.
"""


@dataclass(frozen=True, slots=True)
class LoginPorts:
    """One login at the broker, with its market data and its alerts."""

    broker: Broker
    market_data: MarketData
    alerts: OrderAlerts


class LoginAlone:
    """One of several logins: logs in and reads which accounts it reaches. Implements `port.LoginAtBroker`."""

    def __init__(self, broker: Broker, routes: Routes) -> None:
        self._broker = broker
        self._routes = routes

    @property
    def name(self) -> str:
        return self._broker.name

    async def connect(self) -> None:
        """Logs in. Raises BrokerError(LOGIN_REFUSED) when the broker refuses the credentials."""
        await asked(self._broker, self._routes, lambda broker: broker.connect())
        self._routes.accepted(self.name)

    async def accounts(self) -> tuple[BrokerAccount, ...]:
        """The accounts it reaches. From then on they are read and traded through it. Raises BrokerError."""
        found = await asked(self._broker, self._routes, lambda broker: broker.accounts())
        self._routes.found(self.name, (account.number for account in found))
        return found


class LoginsBroker:
    """Implements `port.Broker` over several logins.

    Reads and orders of an account go through the first login that reaches it and is not refused. An order is sent once,
    through one login. The market is read through the preferred login. When that fails, the next login is asked, and is
    the preferred one from then on.
    """

    def __init__(self, logins: Sequence[LoginPorts], clock: Clock, *, patience_s: float = PATIENCE_S) -> None:
        """The first login is the primary one until `prefer` names another.

        `patience_s` is how many wall seconds a feed may be without a connection before the next login's takes over.
        Raises ValueError without a login, and when two have the same name.
        """
        self.brokers = {login.broker.name: login.broker for login in logins}
        self._routes = Routes([login.broker.name for login in logins])
        self._reading = self._routes.names[0]
        self.each = tuple(LoginAlone(login.broker, self._routes) for login in logins)
        feeds = {login.broker.name: login.market_data for login in logins}
        self.market_data = LoginsMarketData(feeds, self._routes, clock, patience_s)
        self.alerts = LoginsAlerts({p.broker.name: p.alerts for p in logins}, self._routes)

    @property
    def name(self) -> str:
        """The name of the login that reads the market."""
        return self._reading

    @property
    def time(self) -> BrokerTime | None:
        """The broker's time as any of the logins was told it last."""
        told = [time for broker in self.brokers.values() if (time := broker.time) is not None]
        return max(told, key=lambda time: time.mono, default=None)

    def remarks(self) -> tuple[str, ...]:
        """The remarks of all logins, each sentence once."""
        return tuple(dict.fromkeys(remark for broker in self.brokers.values() for remark in broker.remarks()))

    @property
    def refused(self) -> frozenset[str]:
        """The names of the logins whose token the broker refused at their last request."""
        return frozenset(name for name in self._routes.names if self._routes.is_refused(name))

    def prefer(self, name: str) -> None:
        """Reads the market and takes its quotes through this login from now on.

        Does nothing when it is refused or unknown.
        """
        if name in self.brokers and not self._routes.is_refused(name):
            self._reading = name
            self.market_data.prefer(name)

    async def connect(self) -> None:
        """Logs in with every login. Raises BrokerError when the broker accepts none of them."""
        answers = await asyncio.gather(*(login.connect() for login in self.each), return_exceptions=True)
        failures = [answer for answer in answers if answer is not None]
        unforeseen = [failure for failure in failures if not isinstance(failure, BrokerError)]
        if unforeseen or len(failures) == len(self.each):
            raise (unforeseen or failures)[0]

    async def close(self) -> None:
        for broker in self.brokers.values():
            await broker.close()

    async def accounts(self) -> tuple[BrokerAccount, ...]:
        """The accounts that all logins reach, each once. Raises BrokerError when one login cannot be asked."""
        found: dict[str, BrokerAccount] = {}
        for login in self.each:
            for account in await login.accounts():
                found.setdefault(account.number, account)
        return tuple(found.values())

    # The market

    async def market_state(self) -> MarketState:
        return await self._market(lambda broker: broker.market_state())

    async def metrics(self, symbols: Sequence[str]) -> tuple[Metrics, ...]:
        return await self._market(lambda broker: broker.metrics(symbols))

    async def chain(self, symbol: str) -> OptionChain:
        return await self._market(lambda broker: broker.chain(symbol))

    async def marks(self, symbols: Sequence[str]) -> dict[str, Decimal]:
        return await self._market(lambda broker: broker.marks(symbols))

    async def option_quotes(self, symbols: Sequence[str]) -> dict[str, Quote]:
        return await self._market(lambda broker: broker.option_quotes(symbols))

    async def _market(self, work: Callable[[Broker], Awaitable[T]]) -> T:
        """Reads through the preferred login; when that fails, once through the next."""
        first, *others = self._routes.after(self._reading)[:MOST_ASKED]
        try:
            return await self._ask(first, work)
        except BrokerError:
            if not others:
                raise
            self._reading = others[0]
        return await self._ask(others[0], work)

    # An account

    async def account_reads(self, number: str) -> AccountReads:
        return await self._of(number, lambda broker: broker.account_reads(number))

    async def positions(self, number: str) -> tuple[Position, ...]:
        return await self._of(number, lambda broker: broker.positions(number))

    async def dry_run(self, number: str, request: OrderRequest) -> DryRunAnswer:
        return await self._of(number, lambda broker: broker.dry_run(number, request))

    async def order(self, number: str, order_id: str) -> OrderReport:
        return await self._of(number, lambda broker: broker.order(number, order_id))

    async def live_orders(self, number: str) -> tuple[OrderReport, ...]:
        return await self._of(number, lambda broker: broker.live_orders(number))

    async def orders_since(self, number: str, first_day: date) -> tuple[OrderReport, ...]:
        return await self._of(number, lambda broker: broker.orders_since(number, first_day))

    async def transactions(self, number: str, since: date) -> tuple[Transaction, ...]:
        return await self._of(number, lambda broker: broker.transactions(number, since))

    async def cancel(self, number: str, order_id: str) -> None:
        """Requests the cancel once, through one login."""
        await self._ask(self._reaching(number)[0], lambda broker: broker.cancel(number, order_id))

    async def send(self, number: str, request: OrderRequest, guard: WireGuard) -> SendOutcome:
        """Sends once, through one login. No other login is tried, whatever the outcome."""
        try:
            login = self._reaching(number)[0]
        except BrokerError as error:
            return SendOutcome(SendClass.NOT_SENT, error.detail, left=False)
        return await self.brokers[login].send(number, request, guard)

    async def _of(self, number: str, work: Callable[[Broker], Awaitable[T]]) -> T:
        """Reads through the login that reaches the account.

        When the broker refuses it, the next that reaches the account is tried.
        """
        *others, last = self._reaching(number)
        for login in others:
            try:
                return await self._ask(login, work)
            except BrokerError as error:
                if error.fault is not BrokerFault.LOGIN_REFUSED:
                    raise
        return await self._ask(last, work)

    def _reaching(self, number: str) -> tuple[str, ...]:
        """The logins that reach the account, refused ones last. Raises BrokerError when there is none."""
        logins = self._routes.logins_for(number)
        if not logins:
            raise BrokerError(BrokerFault.REFUSED, "no login reaches this account now")
        return logins

    async def _ask(self, login: str, work: Callable[[Broker], Awaitable[T]]) -> T:
        return await asked(self.brokers[login], self._routes, work)


async def asked(broker: Broker, routes: Routes, work: Callable[[Broker], Awaitable[T]]) -> T:
    """The answer of this login. Raises BrokerError; a refusal of the login's token is noted in `routes`."""
    try:
        return await work(broker)
    except BrokerError as error:
        if error.fault is BrokerFault.LOGIN_REFUSED:
            routes.refused(broker.name)
        raise
