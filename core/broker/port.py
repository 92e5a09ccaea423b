"""What the engine asks of a broker. Instants are aware UTC; money is Decimal dollars."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Protocol

from core.domain.market.chain import OptionChain
from core.domain.market.judgement import Metrics
from core.domain.market.quotes import Candle, DaySummary, Quote, Trade, TradingHalt
from core.domain.operation.reasons import Refusal
from core.domain.orders.orders import OrderReport, OrderRequest, SendOutcome


class BrokerFault(Enum):
    """Why a read failed, as far as the caller needs to know."""

    LOGIN_REFUSED = "login refused"
    UNREACHABLE = "unreachable"
    RATE_LIMITED = "rate limited"
    REFUSED = "refused"
    UNREADABLE = "unreadable"


class BrokerError(Exception):
    """A call that gave no usable answer. `detail` is one sentence without secrets."""

    def __init__(self, fault: BrokerFault, detail: str, code: str = "") -> None:
        super().__init__(f"{fault.value}: {detail}")
        self.fault = fault
        self.detail = detail
        self.code = code


@dataclass(frozen=True, slots=True)
class BrokerAccount:
    number: str
    nickname: str
    kind: str  # margin or cash, the broker's word
    is_closed: bool


@dataclass(frozen=True, slots=True)
class AccountReads:
    """Balances, positions and trading status of one account, read together."""

    number: str
    derivative_buying_power: Decimal
    net_liquidating_value: Decimal
    positions: tuple[Position, ...]
    restriction: str | None  # a word or two when entries are barred: closed, frozen, closing only, margin call
    options_level: str


@dataclass(frozen=True, slots=True)
class Position:
    """`symbol` is the OCC symbol for options; `direction` the broker's Long or Short."""

    symbol: str
    underlying: str
    quantity: Decimal
    direction: str
    average_open_price: Decimal
    mark: Decimal | None


@dataclass(frozen=True, slots=True)
class MarketState:
    """The broker's own market session answer (SPEC 3)."""

    is_open: bool
    word: str
    open_at: datetime | None
    close_at: datetime | None


@dataclass(frozen=True, slots=True)
class DryRunAnswer:
    """The broker's preflight of an order. Amounts in $, negative lowers the buying power."""

    buying_power_change: Decimal
    new_buying_power: Decimal
    fees: Decimal | None
    warnings: tuple[tuple[str, str], ...]  # (code, message)


WireGuard = Callable[[], Refusal | None]
"""Asked in the request hook, with the order about to leave: a refusal stops it there (SPEC 9)."""


class LoginAtBroker(Protocol):
    """What logging in needs of a login at the broker."""

    @property
    def name(self) -> str:
        """The login's name, for people."""
        ...

    async def connect(self) -> None:
        """Logs in. Raises BrokerError(LOGIN_REFUSED) when the broker refuses the credentials."""
        ...

    async def accounts(self) -> tuple[BrokerAccount, ...]:
        """What it reaches. Raises BrokerError."""
        ...


class Broker(Protocol):
    """One login at the broker, or several as one. Every read raises BrokerError; none retries an order."""

    @property
    def name(self) -> str:
        """The login's name, for people."""
        ...

    @property
    def date_offset(self) -> timedelta | None:
        """The broker's clock less ours at its last answer, to the second; None before the first."""
        ...

    async def connect(self) -> None:
        """Logs in. Raises BrokerError(LOGIN_REFUSED) when the broker refuses the credentials."""
        ...

    async def close(self) -> None: ...

    async def accounts(self) -> tuple[BrokerAccount, ...]: ...

    async def account_reads(self, number: str) -> AccountReads: ...

    async def market_state(self) -> MarketState: ...

    async def metrics(self, symbols: Sequence[str]) -> tuple[Metrics, ...]:
        """Metrics normalized as `core.domain.market.judgement.Metrics` says: rank 0..100, IV a fraction."""
        ...

    async def chain(self, symbol: str) -> OptionChain:
        """The chain with the broker's own symbols and ticks; may take a while, call it once a day."""
        ...

    async def marks(self, symbols: Sequence[str]) -> dict[str, Decimal]:
        """The broker's marks of indices or equities by symbol, where it has one."""
        ...

    async def dry_run(self, number: str, request: OrderRequest) -> DryRunAnswer:
        """The broker's preflight; raises BrokerError(REFUSED) with its code and words when it refuses."""
        ...

    async def send(self, number: str, request: OrderRequest, guard: WireGuard) -> SendOutcome:
        """Sends the order once and classifies the outcome by evidence (SPEC 9). Never raises for an outcome."""
        ...

    async def cancel(self, number: str, order_id: str) -> None:
        """Asks once for a working order to be cancelled; anything but a clear refusal leaves it working."""
        ...

    async def order(self, number: str, order_id: str) -> OrderReport: ...

    async def orders_of_day(self, number: str, day: date) -> tuple[OrderReport, ...]:
        """Live and today's orders in any status, all pages, merged by id."""
        ...


class StreamState(Enum):
    CONNECTING = "connecting"
    CONNECTED = "connected"
    WAITING = "waiting to reconnect"


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """`since` is the monotonic second the state began; `detail` says why a connection was lost."""

    state: StreamState
    since: float
    detail: str = ""
    connections: int = 0


class MarketDataSink(Protocol):
    """Where market data goes. Called on the engine's loop; must return at once."""

    def on_quotes(self, quotes: Sequence[Quote]) -> None: ...

    def on_trades(self, trades: Sequence[Trade]) -> None: ...

    def on_summaries(self, summaries: Sequence[DaySummary]) -> None: ...

    def on_halts(self, halts: Sequence[TradingHalt]) -> None: ...

    def on_market_data_status(self, status: StreamStatus) -> None: ...


class MarketData(Protocol):
    """The quote feed of one login; reconnects by itself for as long as `run` lives."""

    async def run(self, sink: MarketDataSink) -> None:
        """Connects, subscribes what is wanted, delivers, reconnects; until cancelled."""
        ...

    async def subscribe(self, underlyings: AbstractSet[str], options: AbstractSet[str]) -> None:
        """Adds symbols: underlyings with quotes, trades, summaries and halts; options with quotes."""
        ...

    async def unsubscribe(self, options: AbstractSet[str]) -> None: ...

    async def daily_candles(self, symbol: str, since: datetime) -> tuple[Candle, ...]:
        """Completed and forming daily sessions since an instant, oldest first. Raises BrokerError."""
        ...


class OrderAlertSink(Protocol):
    def on_order(self, report: OrderReport) -> None: ...

    def on_alert_status(self, status: StreamStatus) -> None: ...


class OrderAlerts(Protocol):
    """The account alerts of one login; nothing is replayed after a reconnect (reference 4)."""

    async def run(self, accounts: Sequence[str], sink: OrderAlertSink) -> None: ...
