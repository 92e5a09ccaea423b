"""The interfaces through which the engine uses a broker. Instants are aware UTC; money is Decimal dollars."""

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
from core.domain.orders.transactions import Transaction
from core.runtime.clock import Clock


class BrokerFault(Enum):
    """Why a call failed, as far as the caller needs to know."""

    LOGIN_REFUSED = "login refused"
    UNREACHABLE = "unreachable"
    RATE_LIMITED = "rate limited"
    REFUSED = "refused"
    NOT_FOUND = "not found"  # the broker itself says that it knows no such thing
    UNREADABLE = "unreadable"


class BrokerError(Exception):
    """A call that gave no usable answer.

    `detail` is one sentence without secrets; `code` is the broker's own, or empty.
    """

    def __init__(self, fault: BrokerFault, detail: str, code: str = "") -> None:
        super().__init__(f"{fault.value}: {detail}")
        self.fault = fault
        self.detail = detail
        self.code = code


@dataclass(frozen=True, slots=True)
class BrokerAccount:
    """An account as the broker lists it."""

    number: str
    nickname: str
    kind: str  # the broker's word: margin or cash
    is_closed: bool


@dataclass(frozen=True, slots=True)
class AccountReads:
    """Balances in $, positions and trading status of one account, read together."""

    number: str
    derivative_buying_power: Decimal
    net_liquidating_value: Decimal
    positions: tuple[Position, ...]
    restriction: str | None  # why the broker bars entries, like "closing only"; None when it does not
    options_level: str
    exits_barred: str  # why the broker bars closing too: "closed" or "frozen"; empty when it does not


@dataclass(frozen=True, slots=True)
class Position:
    """A position of an account. Prices are per share, `realized_today` is in $.

    `symbol` is the OCC symbol for options; `direction` is the broker's word, Long or Short, and `instrument_type` its
    word for the kind, such as Equity Option or Equity (shares). What the broker does not say is None or empty.
    """

    symbol: str
    underlying: str
    quantity: Decimal
    direction: str
    average_open_price: Decimal | None
    mark: Decimal | None
    instrument_type: str = ""
    realized_today: Decimal | None = None


@dataclass(frozen=True, slots=True)
class MarketState:
    """Whether the market is open, as the broker says (rules 3).

    `word` is the broker's own word for it, and Closed where it says Open outside of its own times.
    """

    is_open: bool
    word: str
    open_at: datetime | None
    close_at: datetime | None


@dataclass(frozen=True, slots=True)
class DryRunAnswer:
    """The broker's answer to the dry run of an order. Amounts are in $; a negative change lowers the buying power."""

    buying_power_change: Decimal
    new_buying_power: Decimal
    fees: Decimal | None
    warnings: tuple[tuple[str, str], ...]  # (code, message)


@dataclass(frozen=True, slots=True)
class BrokerTime:
    """The broker's time at one moment of this process's monotonic counter (rules 14).

    It lay between `earliest` and `latest`, aware UTC, when the counter showed the second `mono`: the broker tells whole
    seconds, and its answer was on the way for a while. `booted` is the same moment on the counter that goes on while
    the machine sleeps; None where it never does.
    """

    earliest: datetime
    latest: datetime
    mono: float
    booted: float | None = None

    def age_s(self, clock: Clock) -> float:
        """Wall seconds since then, those included that the machine slept."""
        return clock.monotonic() - self.mono if self.booted is None else clock.boottime() - self.booted

    def offset(self, clock: Clock) -> tuple[timedelta, timedelta]:
        """The broker's clock minus this one, at least and at most. The counter carries the broker's time to this
        moment, so that a step of the machine's clock shows at once and a sleep of the machine is none."""
        ahead = self.earliest - clock.now() + timedelta(seconds=self.age_s(clock) * clock.speed)
        return ahead, ahead + (self.latest - self.earliest)

    def second_of(self, instant: datetime, clock: Clock) -> float:
        """The monotonic second at which it was this instant by the broker's clock, at the earliest. It does not depend
        on what the machine's clock shows."""
        return self.mono + (instant - self.latest).total_seconds() / clock.speed


WireGuard = Callable[[], Refusal | None]
"""Called in the request hook, just before the order leaves.

When it returns a refusal, the order is stopped (rules 9).
"""


class LoginAtBroker(Protocol):
    """A login at the broker: logs in and says which accounts it reaches."""

    @property
    def name(self) -> str:
        """The login's name, for people."""
        ...

    async def connect(self) -> None:
        """Logs in. Raises BrokerError(LOGIN_REFUSED) when the broker refuses the credentials."""
        ...

    async def accounts(self) -> tuple[BrokerAccount, ...]:
        """The accounts it reaches. Raises BrokerError."""
        ...


class Broker(Protocol):
    """One login at the broker, or several as one. Every read raises BrokerError. Sending an order is never retried."""

    @property
    def name(self) -> str:
        """The login's name, for people."""
        ...

    @property
    def time(self) -> BrokerTime | None:
        """The broker's time at its last answer that told it; None before the first."""
        ...

    def remarks(self) -> tuple[str, ...]:
        """What was left out of answers since this was last asked, because it could not be read: a sentence each."""
        ...

    async def connect(self) -> None:
        """Logs in. Raises BrokerError(LOGIN_REFUSED) when the broker refuses the credentials."""
        ...

    async def close(self) -> None: ...

    async def accounts(self) -> tuple[BrokerAccount, ...]:
        """Every account that is reached, closed ones included."""
        ...

    async def account_reads(self, number: str) -> AccountReads:
        """Balances, positions and trading status of an account: all of them, or BrokerError.

        The positions may follow the fills by some seconds (broker 8).
        """
        ...

    async def positions(self, number: str) -> tuple[Position, ...]:
        """The positions of an account: those in options and shares all, or BrokerError.

        They may follow the fills by some seconds (broker 8).
        """
        ...

    async def market_state(self) -> MarketState:
        """Whether the broker says that the market is open."""
        ...

    async def metrics(self, symbols: Sequence[str]) -> tuple[Metrics, ...]:
        """Metrics in the units that `core.domain.market.judgement.Metrics` names: IV rank 0..100, 30-day IV a
        fraction.
        """
        ...

    async def chain(self, symbol: str) -> OptionChain:
        """The option chain with the broker's own symbols and ticks. It is slow: call it once a day."""
        ...

    async def marks(self, symbols: Sequence[str]) -> dict[str, Decimal]:
        """The broker's marks of indices or equities in $, by symbol; symbols without one are left out."""
        ...

    async def option_quotes(self, symbols: Sequence[str]) -> dict[str, Quote]:
        """Bid and ask of options by OCC symbol, as the broker has them now; symbols without any are left out.

        They are dated by the broker, also where an option has had no event on the feed for long (broker 2.8).
        """
        ...

    async def dry_run(self, number: str, request: OrderRequest) -> DryRunAnswer:
        """Has the broker check the order without placing it.

        Raises BrokerError(REFUSED) with its code and words when it refuses.
        """
        ...

    async def send(self, number: str, request: OrderRequest, guard: WireGuard) -> SendOutcome:
        """Sends the order once, and classifies the outcome by evidence (rules 9). Never raises for an outcome."""
        ...

    async def cancel(self, number: str, order_id: str) -> None:
        """Requests once that a working order is cancelled.

        Without a clear refusal it counts as working until it is read again.
        """
        ...

    async def order(self, number: str, order_id: str) -> OrderReport:
        """The account's order with this broker id."""
        ...

    async def live_orders(self, number: str) -> tuple[OrderReport, ...]:
        """The orders that still work, whenever they were received, and those that changed today, by id.

        What it shows of an order counts. That an order is missing proves nothing: a part of this listing cannot be told
        from the whole (broker 2.2).
        """
        ...

    async def orders_since(self, number: str, first_day: date) -> tuple[OrderReport, ...]:
        """The live orders and those received from this exchange date on in any status: all pages, merged by id.

        An older order that still works, such as a GTC one, is among the live ones. Any other is read by its id.
        """
        ...

    async def transactions(self, number: str, since: date) -> tuple[Transaction, ...]:
        """The account's transactions executed from this exchange date on: all pages, each once, ascending by id.

        Raises BrokerError; UNREADABLE when the listing is incomplete or a row cannot be read.
        """
        ...


class StreamState(Enum):
    """The state of a stream's connection."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    WAITING = "waiting to reconnect"


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """The state of a stream.

    `since` is the monotonic second at which it began; `detail` says why a connection was lost.

    `connections` counts the connections made so far.
    """

    state: StreamState
    since: float
    detail: str = ""
    connections: int = 0


class MarketDataSink(Protocol):
    """Receives market data. It is called on the engine's loop and must return at once."""

    def on_quotes(self, quotes: Sequence[Quote]) -> None: ...

    def on_trades(self, trades: Sequence[Trade]) -> None: ...

    def on_summaries(self, summaries: Sequence[DaySummary]) -> None: ...

    def on_halts(self, halts: Sequence[TradingHalt]) -> None: ...

    def on_market_data_status(self, status: StreamStatus) -> None: ...


class MarketData(Protocol):
    """The quote feed of one login. It reconnects by itself while `run` is running."""

    async def run(self, sink: MarketDataSink) -> None:
        """Connects, subscribes, delivers to the sink and reconnects, until cancelled."""
        ...

    async def subscribe(self, underlyings: AbstractSet[str], options: AbstractSet[str]) -> None:
        """Adds symbols: underlyings with quotes, trades, summaries and halts; options with quotes only."""
        ...

    async def unsubscribe(self, options: AbstractSet[str]) -> None:
        """Removes options; a symbol that is also a subscribed underlying keeps its quotes."""
        ...

    async def daily_candles(self, symbol: str, since: datetime) -> tuple[Candle, ...]:
        """The daily sessions since an instant, completed and forming, oldest first. Raises BrokerError."""
        ...


class OrderAlertSink(Protocol):
    """Receives order reports and the state of the alerts' connection."""

    def on_order(self, report: OrderReport) -> None: ...

    def on_order_unreadable(self) -> None:
        """An alert about an order came and could not be read: the orders have to be read another way."""
        ...

    def on_alert_status(self, status: StreamStatus) -> None: ...


class OrderAlerts(Protocol):
    """The account alerts of one login. Nothing is replayed after a reconnect (broker 4)."""

    async def run(self, accounts: Sequence[str], sink: OrderAlertSink) -> None:
        """Delivers the orders of these account numbers to the sink, until cancelled."""
        ...
