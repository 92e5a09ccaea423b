"""The single checks of the preflight: what the broker refuses (broker 5, 9). Ticks are not checked here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from core.simulator.exchange.accounts import AccountSetup
from core.simulator.exchange.buying_power import unfilled_contracts
from core.simulator.exchange.ledger import Ledger
from core.simulator.exchange.margin import combined, payoff_bounds, uncovered_calls
from core.simulator.exchange.orders import OrderError, OrderRequest, SimOrder
from core.simulator.exchange.trading_hours import sessions_around
from core.simulator.market.market import Market
from core.simulator.market.market_data import ListedOption

MAX_LEGS = 4
SHARES = frozenset({"QQQ"})
"""The symbols whose shares can be traded."""
ACTIONS = frozenset({"Buy to Open", "Buy to Close", "Sell to Open", "Sell to Close"})
SPREAD_LEVELS = frozenset({"No Restrictions", "Defined Risk Spreads"})
NEXT_SESSION = OrderError("tif_next_valid_sesssion", "Your order will begin working during next valid session.")


def _invalid(message: str) -> OrderError:
    return OrderError("validation_error", message)


def read_legs(request: OrderRequest, market: Market, now: datetime) -> tuple[dict[str, ListedOption], list[OrderError]]:
    """The contracts of the legs by OCC symbol, none for shares, and the errors of the legs."""
    errors: list[OrderError] = []
    if not request.legs:
        errors.append(_invalid("legs: an order needs at least one leg"))
    if len(request.legs) > MAX_LEGS:
        errors.append(_invalid(f"legs: {len(request.legs)} legs; at most {MAX_LEGS}"))
    symbols = [leg.symbol for leg in request.legs]
    if len(set(symbols)) != len(symbols):
        errors.append(_invalid("legs: every leg needs a symbol of its own"))
    found: dict[str, ListedOption] = {}
    _, current, following = sessions_around(market, request.legs, now)
    day = (current or following).day
    shares = [leg for leg in request.legs if leg.instrument_type == "Equity"]
    if shares and len(request.legs) > 1:
        errors.append(_invalid("legs: shares are traded alone"))
    for leg in request.legs:
        if leg.action not in ACTIONS:
            errors.append(_invalid(f"action {leg.action} is not valid for {leg.symbol}"))
        if leg.quantity != int(leg.quantity) or leg.quantity < 1:
            errors.append(_invalid(f"quantity {leg.quantity} of {leg.symbol} must be a positive whole number"))
        if leg.instrument_type == "Equity":
            if leg.symbol not in SHARES:
                errors.append(_invalid(f"symbol {leg.symbol} does not exist"))
            continue
        option = market.option(leg.symbol)
        if leg.instrument_type != "Equity Option":
            errors.append(_invalid(f"instrument-type {leg.instrument_type} is not supported for {leg.symbol}"))
        elif option is None or option.occ != leg.symbol:
            errors.append(_invalid(f"symbol {leg.symbol} does not exist"))
        elif option.stops_trading_at <= now:
            errors.append(_invalid(f"symbol {leg.symbol} has expired"))
        elif not market.is_listed(option, day):
            errors.append(_invalid(f"symbol {leg.symbol} is not listed"))
        else:
            found[leg.symbol] = option
    if len({option.underlying for option in found.values()}) > 1:
        errors.append(_invalid("legs: all legs must have the same underlying"))
    return found, errors


def check_terms(order_type: str, time_in_force: str, price: Decimal | None, effect: str | None) -> list[OrderError]:
    """The errors of order type, time in force and price."""
    errors: list[OrderError] = []
    if order_type not in ("Limit", "Market", "Marketable Limit"):
        errors.append(_invalid(f"order-type {order_type} is not supported"))
    if time_in_force not in ("Day", "GTC", "GTD"):
        errors.append(_invalid(f"time-in-force {time_in_force} is not supported"))
    if order_type == "Limit":
        if price is None:
            errors.append(_invalid("price is missing"))
        elif price < 0:
            errors.append(_invalid("price must not be negative"))
        elif price > 0 and effect not in ("Credit", "Debit"):
            errors.append(_invalid("price-effect is missing"))
    elif price is not None and not errors:
        errors.append(OrderError("order_must_omit_price", f"A {order_type} order must not have a price."))
    if order_type == "Market" and time_in_force != "Day":
        errors.append(OrderError("gtc_market_orders_not_supported", "Market orders must be day orders."))
    return errors


def check_sign(order: SimOrder, options: Mapping[str, ListedOption]) -> list[OrderError]:
    """The error of a price with the wrong sign, such as a credit for legs that can only gain at expiration.

    Orders for shares are checked, and those that open positions of one expiration.
    """
    if order.price and not options and order.legs[0].sells is not (order.price > 0):
        code = "cant_sell_for_debit" if order.legs[0].sells else "cant_buy_for_credit"
        return [OrderError(code, "The price has the wrong effect.")]
    if not options or not order.price or not all(leg.opens for leg in order.legs):
        return []
    held = unfilled_contracts(order)
    if len({options[symbol].expiration for symbol in held}) > 1:
        return []
    bounds = payoff_bounds((options[symbol], count) for symbol, count in held.items())
    if order.price > 0 and bounds.worst >= 0 and not bounds.unbounded:
        return [OrderError("cant_buy_for_credit", "You cannot buy this package for a credit.")]
    if order.price < 0 and bounds.best is not None and bounds.best <= 0:
        return [OrderError("cant_sell_for_debit", "You cannot sell this package for a debit.")]
    return []


def check_account(setup: AccountSetup, order: SimOrder) -> list[OrderError]:
    """The error of an order that the restrictions of its account forbid."""
    opens = any(leg.opens for leg in order.legs)
    if setup.is_closed:
        return [OrderError("not_permitted", "This account is closed.")]
    if setup.is_frozen:
        return [OrderError("not_permitted", "This account is frozen.")]
    if opens and (setup.is_closing_only or setup.is_in_margin_call):
        return [OrderError("not_permitted", "This account may only close positions.")]
    sells_to_open = any(leg.opens and leg.sells for leg in order.legs)
    if sells_to_open and setup.options_level not in SPREAD_LEVELS:
        return [OrderError("not_permitted", f"Options level {setup.options_level} does not allow this order.")]
    return []


def check_cover(order: SimOrder, ledger: Ledger, options: Mapping[str, ListedOption]) -> list[OrderError]:
    """The error of short calls without long ones or shares that cover them."""
    held, known = ledger.held(), {**ledger.options(), **options}
    if uncovered_calls(combined(held, unfilled_contracts(order)), known) - uncovered_calls(held, known):
        return [OrderError("margin_check_failed", "Uncovered short calls are not supported by this account.")]
    return []
