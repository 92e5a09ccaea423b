"""The accounts of the simulated broker: their cash, positions, margin and balances. Amounts are in $."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from core.simulator.exchange.instruments import SHARES_PER_CONTRACT
from core.simulator.exchange.margin import margin_requirement
from core.simulator.exchange.orders import SimBalances, SimPosition
from core.simulator.market.market import Market
from core.simulator.market.market_data import ListedOption


@dataclass(frozen=True, slots=True)
class AccountSetup:
    """An account at the start. `login` is the login that owns it, `also` names others that reach it; `cash` is in $."""

    number: str
    nickname: str
    login: str
    cash: Decimal
    options_level: str = "No Restrictions"
    margin_or_cash: str = "Margin"
    is_closed: bool = False
    is_frozen: bool = False
    is_closing_only: bool = False
    is_in_margin_call: bool = False
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SimAccount:
    """An account as the broker lists it. `opened_at` is in UTC."""

    number: str
    nickname: str
    login: str
    margin_or_cash: str
    is_closed: bool
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class SimTradingStatus:
    """What an account may trade, as the broker reports it."""

    account_number: str
    options_level: str
    is_closed: bool
    is_frozen: bool
    is_closing_only: bool
    is_in_margin_call: bool
    updated_at: datetime


@dataclass(slots=True)
class Holding:
    """The position of an account in one option. `quantity` is negative when short; prices are $ per share.

    `realized` is what closing trades earned on the session date `realized_on`, in $.
    """

    option: ListedOption
    quantity: int
    average_open_price: Decimal
    created_at: datetime
    updated_at: datetime
    realized: Decimal = Decimal(0)
    realized_on: date | None = None


class Ledger:
    """The cash and the positions of one account. Fills, fees and settlements at expiration change them."""

    def __init__(self, setup: AccountSetup) -> None:
        self.setup = setup
        self.cash = setup.cash
        self.fees_paid = Decimal(0)
        self.holdings: dict[str, Holding] = {}
        """By OCC symbol; one that was closed stays, with a quantity of 0."""

    def held(self) -> dict[str, int]:
        """The open positions: OCC symbol to contracts, negative when short."""
        return {symbol: h.quantity for symbol, h in self.holdings.items() if h.quantity}

    def options(self) -> dict[str, ListedOption]:
        """Every contract the account has ever held, by OCC symbol."""
        return {symbol: h.option for symbol, h in self.holdings.items()}

    def trade(self, option: ListedOption, change: int, price: Decimal, at: datetime, day: date) -> None:
        """Adds contracts (negative: sold) at a price per share, on the session date `day`.

        The gain or loss on contracts that this closes is realized.
        """
        self.cash -= change * price * SHARES_PER_CONTRACT
        holding = self.holdings.get(option.occ)
        if holding is None or holding.quantity == 0:
            realized, on = (holding.realized, holding.realized_on) if holding is not None else (Decimal(0), None)
            self.holdings[option.occ] = Holding(option, change, price, at, at, realized, on)
            return
        if holding.realized_on != day:
            holding.realized, holding.realized_on = Decimal(0), day
        same_side = (holding.quantity > 0) == (change > 0)
        if same_side:
            total = holding.quantity + change
            cost = holding.average_open_price * holding.quantity + price * change
            holding.average_open_price = cost / total
        else:
            closed = min(abs(change), abs(holding.quantity)) * (1 if holding.quantity > 0 else -1)
            holding.realized += closed * SHARES_PER_CONTRACT * (price - holding.average_open_price)
            if abs(change) > abs(holding.quantity):
                holding.average_open_price = price
        holding.quantity += change
        holding.updated_at = at

    def move_in(self, option: ListedOption, change: int, price: Decimal, at: datetime, day: date) -> None:
        """Adds contracts like `trade`, without paying for them: a transfer."""
        cash = self.cash
        self.trade(option, change, price, at, day)
        self.cash = cash

    def charge(self, fees: Decimal) -> None:
        """Takes fees from the cash."""
        self.cash -= fees
        self.fees_paid += fees

    def next_expiry(self) -> datetime | None:
        """When the next of the held contracts settles; None without positions."""
        return min((h.option.expires_at for h in self.holdings.values() if h.quantity), default=None)

    def settle(self, market: Market, at: datetime) -> list[ListedOption]:
        """Settles what has expired at the instant, in cash, and returns those contracts.

        Options of an ETF settle in cash too: this broker delivers no shares.
        """
        expired = [h for h in self.holdings.values() if h.quantity and h.option.expires_at <= at]
        for holding in expired:
            price = market.settlement_price(holding.option)
            strike = holding.option.strike
            worth = max(Decimal(0), price - strike if holding.option.right == "C" else strike - price)
            self.trade(holding.option, -holding.quantity, worth, at, holding.option.expiration)
        return [holding.option for holding in expired]

    def margin_requirement(self) -> Decimal:
        """The margin of the positions in $."""
        return margin_requirement(self.held(), self.options())

    def position(self, occ: str, market: Market, now: datetime) -> SimPosition:
        """One position as the broker shows it, with direction Zero once it is closed.

        Raises KeyError for a contract the account has never held.
        """
        holding = self.holdings[occ]
        option = holding.option
        quote = market.quote(option.streamer, now)
        summary = market.summary(option.streamer, now)
        mark = (quote.bid + quote.ask) / 2 if quote and quote.bid is not None and quote.ask is not None else Decimal(0)
        realized = holding.realized if holding.realized_on == market.session_day(now) else Decimal(0)
        count = holding.quantity
        return SimPosition(
            account_number=self.setup.number,
            symbol=occ,
            instrument_type="Equity Option",
            underlying_symbol=option.underlying,
            quantity=abs(count),
            quantity_direction="Long" if count > 0 else "Short" if count < 0 else "Zero",
            close_price=summary.previous_close or mark,
            average_open_price=holding.average_open_price.quantize(Decimal("0.0001")),
            multiplier=SHARES_PER_CONTRACT,
            cost_effect="Credit" if count > 0 else "Debit" if count < 0 else "None",
            mark_price=mark,
            realized_day_gain=realized,
            realized_today=realized,
            expires_at=option.expires_at,
            created_at=holding.created_at,
            updated_at=holding.updated_at,
        )

    def balances(self, market: Market, now: datetime, reserved: Decimal) -> SimBalances:
        """The balances of the account. `reserved` is the buying power in $ that working orders hold."""
        long_value = short_value = Decimal(0)
        for symbol, count in self.held().items():
            value = abs(count) * SHARES_PER_CONTRACT * self.position(symbol, market, now).mark_price
            if count > 0:
                long_value += value
            else:
                short_value += value
        margin = self.margin_requirement()
        buying_power = max(Decimal(0), self.cash - margin - reserved)
        leverage = 2 if self.setup.margin_or_cash == "Margin" else 1
        net = self.cash + long_value - short_value
        return SimBalances(
            account_number=self.setup.number,
            cash_balance=self.cash,
            long_derivative_value=long_value,
            short_derivative_value=short_value,
            margin_equity=net,
            equity_buying_power=buying_power * leverage,
            derivative_buying_power=buying_power,
            day_trading_buying_power=buying_power * leverage,
            available_trading_funds=buying_power,
            maintenance_requirement=margin,
            maintenance_excess=max(Decimal(0), net - margin),
            reg_t_margin_requirement=margin,
            net_liquidating_value=net,
            cash_available_to_withdraw=buying_power,
            used_derivative_buying_power=margin + reserved,
            snapshot_date=market.session_day(now),
            updated_at=now,
        )
