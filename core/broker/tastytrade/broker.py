"""One login at tastytrade, behind the interfaces that the engine calls."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from core.broker.port import (
    AccountReads,
    BrokerAccount,
    BrokerTime,
    DryRunAnswer,
    MarketState,
    Position,
    WireGuard,
)
from core.broker.tastytrade.alerts import TastytradeOrderAlerts
from core.broker.tastytrade.connection import Connection
from core.broker.tastytrade.login import Login
from core.broker.tastytrade.market_data import DXLinkMarketData
from core.broker.tastytrade.orders import Orders
from core.broker.tastytrade.reads import Reads
from core.broker.tastytrade.simulator_clock import read_simulator_clock
from core.broker.tastytrade.timings import Timings
from core.domain.market.chain import OptionChain
from core.domain.market.judgement import Metrics
from core.domain.market.quotes import Quote
from core.domain.orders.orders import OrderReport, OrderRequest, SendOutcome
from core.domain.orders.transactions import Transaction
from core.runtime.clock import Clock
from core.runtime.ids import Ids


class TastytradeBroker:
    """Implements `core.broker.port.Broker` with one login. Build and use it on one event loop."""

    def __init__(
        self,
        login: Login,
        clock: Clock,
        ids: Ids,
        *,
        base_url: str | None = None,
        is_test: bool = False,
        timings: Timings | None = None,
    ) -> None:
        """`base_url` sends everything to a server on this machine; `is_test` uses the certification environment.

        Raises ValueError for a `base_url` that is not plain http on the loopback interface.
        """
        self.connection = Connection(
            login, clock, ids, base_url=base_url, is_test=is_test, timings=timings or Timings()
        )
        self._reads = Reads(self.connection)
        self._orders = Orders(self.connection)
        self._market_data = DXLinkMarketData(self.connection)
        self._alerts = TastytradeOrderAlerts(self.connection)

    @property
    def name(self) -> str:
        return self.connection.login.name

    @property
    def market_data(self) -> DXLinkMarketData:
        return self._market_data

    @property
    def alerts(self) -> TastytradeOrderAlerts:
        return self._alerts

    @property
    def time(self) -> BrokerTime | None:
        """The broker's time at its last answer that told it; None before the first (rules 14)."""
        return self.connection.dates.time

    def remarks(self) -> tuple[str, ...]:
        return self.connection.remarks()

    async def connect(self) -> None:
        """Logs in. Raises BrokerError(LOGIN_REFUSED).

        Only this call tries credentials again that the broker has refused.
        """
        await self.connection.open()

    async def close(self) -> None:
        await self.connection.close()

    async def accounts(self) -> tuple[BrokerAccount, ...]:
        return await self._reads.accounts()

    async def account_reads(self, number: str) -> AccountReads:
        return await self._reads.account_reads(number)

    async def positions(self, number: str) -> tuple[Position, ...]:
        return await self._reads.positions(number)

    async def market_state(self) -> MarketState:
        return await self._reads.market_state()

    async def metrics(self, symbols: Sequence[str]) -> tuple[Metrics, ...]:
        return await self._reads.metrics(symbols)

    async def chain(self, symbol: str) -> OptionChain:
        return await self._reads.chain(symbol)

    async def marks(self, symbols: Sequence[str]) -> dict[str, Decimal]:
        """The broker's marks in $ by symbol, none older than 10 s (rules 2)."""
        return await self._reads.marks(symbols)

    async def option_quotes(self, symbols: Sequence[str]) -> dict[str, Quote]:
        """Bid and ask of options by OCC symbol, of whatever age; see `Reads.option_quotes`."""
        return await self._reads.option_quotes(symbols)

    async def dry_run(self, number: str, request: OrderRequest) -> DryRunAnswer:
        return await self._orders.dry_run(number, request)

    async def send(self, number: str, request: OrderRequest, guard: WireGuard) -> SendOutcome:
        """Sends once; see `Orders.send`. `guard` may be called twice and must change nothing."""
        return await self._orders.send(number, request, guard)

    async def cancel(self, number: str, order_id: str) -> None:
        """Requests the cancel once; see `Orders.cancel`."""
        await self._orders.cancel(number, order_id)

    async def order(self, number: str, order_id: str) -> OrderReport:
        return await self._orders.order(number, order_id)

    async def live_orders(self, number: str) -> tuple[OrderReport, ...]:
        return await self._orders.live_orders(number)

    async def orders_since(self, number: str, first_day: date) -> tuple[OrderReport, ...]:
        return await self._orders.orders_since(number, first_day)

    async def transactions(self, number: str, since: date) -> tuple[Transaction, ...]:
        return await self._reads.transactions(number, since)

    async def server_clock(self) -> tuple[datetime, float] | None:
        """The simulator's market time (UTC) and speed; None at the real broker and where the server offers none.

        Raises BrokerError(UNREACHABLE) when the server does not answer.
        """
        local = self.connection.local
        return None if local is None else await read_simulator_clock(local, self.connection.timings.read)
