"""The values of the simulated broker: order requests, orders, fills, refusals, notices, positions and balances.

A request has an absolute price and an effect (Credit or Debit), as on the wire. `SimOrder` has a signed price instead:
positive is a credit. Prices are $ per share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from math import gcd

TERMINAL_STATUSES = frozenset({"Filled", "Cancelled", "Expired", "Rejected", "Removed", "Partially Removed"})


@dataclass(frozen=True, slots=True)
class OrderLeg:
    """One leg of an order request. `symbol` is an OCC symbol."""

    instrument_type: str
    symbol: str
    action: str
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """The body of POST /orders (broker 2.3). `price` is absolute; `price_effect` says Credit or Debit."""

    time_in_force: str
    order_type: str
    legs: tuple[OrderLeg, ...]
    price: Decimal | None = None
    price_effect: str | None = None
    source: str | None = None
    external_identifier: str | None = None
    gtc_date: date | None = None
    stop_trigger: Decimal | None = None
    value: Decimal | None = None
    preflight_id: str | None = None
    strict: bool = False
    """Whether a leg may only close a position that the account holds (strict-position-effect-validation)."""


@dataclass(frozen=True, slots=True)
class OrderChanges:
    """The body of PUT /orders/{id}. It has no legs: only price, order type and time in force may change."""

    time_in_force: str
    order_type: str
    price: Decimal | None = None
    price_effect: str | None = None
    source: str | None = None
    external_identifier: str | None = None
    gtc_date: date | None = None


@dataclass(frozen=True, slots=True)
class OrderMessage:
    """A warning or an error of the preflight, the broker's check of an order before it accepts it."""

    code: str
    message: str


OrderError = OrderMessage


NOT_FOUND = "record_not_found"
"""The code of the refusal of an account or an order that does not exist (HTTP 404)."""


class OrderRefused(Exception):
    """The broker refuses a request. `code` is an error code of broker 5; `errors` holds those of the preflight."""

    def __init__(self, code: str, message: str, errors: tuple[OrderError, ...] = ()) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.errors = errors


def refusal(errors: Sequence[OrderError]) -> OrderRefused:
    """The refusal with these errors: a malformed request when all of them say so, else a failed preflight."""
    structural = all(error.code == "validation_error" for error in errors)
    code = "validation_error" if structural else "preflight_check_failure"
    message = "Request validation failed." if structural else "One or more preflight checks failed."
    return OrderRefused(code, message, tuple(errors))


@dataclass(frozen=True, slots=True)
class SimFill:
    """One fill of one leg. `fill_id` is unique at this broker; `fill_price` is $ per share."""

    fill_id: str
    quantity: int
    fill_price: Decimal
    filled_at: datetime
    destination_venue: str
    ext_group_fill_id: str
    ext_exec_id: str


@dataclass(frozen=True, slots=True)
class SimLeg:
    """One leg of an order, with its fills. `symbol` is an OCC symbol."""

    instrument_type: str
    symbol: str
    action: str
    quantity: int
    remaining_quantity: int
    fills: tuple[SimFill, ...] = ()

    @property
    def sells(self) -> bool:
        return self.action.startswith("Sell")

    @property
    def opens(self) -> bool:
        return self.action.endswith("Open")


@dataclass(frozen=True, slots=True)
class SimOrder:
    """The state of an order at one instant, with all fields of the order JSON (broker 2.3). Times are UTC.

    `price` is signed: positive a credit, negative a debit, None for an order without a price. `id` is 0 for a dry run.
    """

    id: int
    account_number: str
    time_in_force: str
    order_type: str
    size: int
    underlying_symbol: str
    underlying_instrument_type: str
    price: Decimal | None
    status: str
    legs: tuple[SimLeg, ...]
    received_at: datetime
    updated_at: datetime
    cancellable: bool = True
    editable: bool = True
    edited: bool = False
    contingent_status: str | None = None
    ext_exchange_order_number: str | None = None
    ext_client_order_id: str | None = None
    ext_global_order_number: int | None = None
    global_request_id: str | None = None
    in_flight_at: datetime | None = None
    live_at: datetime | None = None
    cancelled_at: datetime | None = None
    terminal_at: datetime | None = None
    reject_reason: str | None = None
    replaces_order_id: int | None = None
    replacing_order_id: int | None = None
    source: str | None = None
    external_identifier: str | None = None
    preflight_id: str | None = None
    gtc_date: date | None = None
    stop_trigger: Decimal | None = None
    value: Decimal | None = None
    warnings: tuple[OrderMessage, ...] = ()
    username: str | None = None
    """The login that placed it."""
    cancel_username: str | None = None
    """The login that asked to cancel it."""
    strict: bool = False
    """Whether its closing legs may only close positions that the account holds. No answer tells it."""
    complex_order_id: int | None = None
    complex_order_tag: str | None = None
    """The complex order that it belongs to, and its part in it."""
    relabelled: tuple[str, ...] = ()
    """The symbols whose legs asked to close a position and open one instead."""

    @property
    def terminal(self) -> bool:
        return self.status in TERMINAL_STATUSES

    @property
    def remaining(self) -> int:
        """Contracts not yet filled, summed over all legs."""
        return sum(leg.remaining_quantity for leg in self.legs)

    @property
    def partially_filled(self) -> bool:
        return self.remaining > 0 and any(leg.fills for leg in self.legs)


@dataclass(frozen=True, slots=True)
class Notice:
    """One account alert: an order, a balance or a position as it was at `at`, in market time."""

    account_number: str
    type: str  # "Order", "AccountBalance" or "CurrentPosition"
    obj: SimOrder | SimBalances | SimPosition
    at: datetime


@dataclass(frozen=True, slots=True)
class SimPosition:
    """One position. `quantity` is absolute, `quantity_direction` is Long, Short or Zero. Prices are $ per share.

    `realized_today` is what its closing trades earned against its opening price on the exchange date `realized_on`, in
    $; `realized_day_gain` counts from the previous close instead, for what was not opened on that date.
    `average_yearly_close` is the opening price, and the last close of the previous year for what is older. Shares do
    not expire. `deliverable_type` is told of adjusted contracts only.
    """

    account_number: str
    symbol: str
    streamer_symbol: str
    instrument_type: str
    underlying_symbol: str
    quantity: int
    quantity_direction: str
    close_price: Decimal
    average_open_price: Decimal
    average_yearly_close: Decimal
    multiplier: int
    cost_effect: str
    mark_price: Decimal
    realized_day_gain: Decimal
    realized_today: Decimal
    realized_on: date
    expires_at: datetime | None
    deliverable_type: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class SimBalances:
    """The balances of an account in $. The values of what is short are positive."""

    account_number: str
    cash_balance: Decimal
    long_equity_value: Decimal
    short_equity_value: Decimal
    long_derivative_value: Decimal
    short_derivative_value: Decimal
    margin_equity: Decimal
    equity_buying_power: Decimal
    derivative_buying_power: Decimal
    day_trading_buying_power: Decimal
    available_trading_funds: Decimal
    maintenance_requirement: Decimal
    maintenance_excess: Decimal
    reg_t_margin_requirement: Decimal
    net_liquidating_value: Decimal
    cash_available_to_withdraw: Decimal
    used_derivative_buying_power: Decimal
    snapshot_date: date
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class BuyingPowerEffect:
    """How an order changes the buying power, in $. A negative amount is a debit on the wire."""

    change_in_margin_requirement: Decimal
    change_in_buying_power: Decimal
    current_buying_power: Decimal
    new_buying_power: Decimal
    isolated_order_margin_requirement: Decimal
    is_spread: bool
    impact: Decimal
    effect: str


@dataclass(frozen=True, slots=True)
class FeeCalculation:
    """The fees of an order in $. A cost is positive."""

    regulatory_fees: Decimal
    clearing_fees: Decimal
    commission: Decimal
    proprietary_index_option_fees: Decimal

    @property
    def total_fees(self) -> Decimal:
        return self.regulatory_fees + self.clearing_fees + self.commission + self.proprietary_index_option_fees

    def __sub__(self, other: FeeCalculation) -> FeeCalculation:
        return FeeCalculation(
            self.regulatory_fees - other.regulatory_fees,
            self.clearing_fees - other.clearing_fees,
            self.commission - other.commission,
            self.proprietary_index_option_fees - other.proprietary_index_option_fees,
        )


NO_FEES = FeeCalculation(Decimal(0), Decimal(0), Decimal(0), Decimal(0))


@dataclass(frozen=True, slots=True)
class DryRun:
    """The result of a dry run. `order` has id 0. With any `errors` the broker would refuse the order."""

    order: SimOrder | None
    buying_power_effect: BuyingPowerEffect
    fees: FeeCalculation
    warnings: tuple[OrderMessage, ...]
    errors: tuple[OrderError, ...]


def closing_order(positions: Sequence[SimPosition]) -> OrderRequest:
    """A market order that closes these positions."""
    legs = tuple(
        OrderLeg(
            held.instrument_type,
            held.symbol,
            "Sell to Close" if held.quantity_direction == "Long" else "Buy to Close",
            Decimal(held.quantity),
        )
        for held in positions
    )
    return OrderRequest("Day", "Market", legs)


def package_size(quantities: tuple[int, ...]) -> int:
    """The greatest common divisor of the legs' quantities: 1 for 2:2:1:1, 3 for 6:6:3:3. The broker calls it size."""
    return gcd(*quantities)
