"""The buying power that an order takes from its account: its margin, less its credit, plus its fees. All in $."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal

from core.simulator.exchange.fees import order_fees
from core.simulator.exchange.instruments import SHARES_PER_CONTRACT
from core.simulator.exchange.ledger import Ledger
from core.simulator.exchange.margin import SHARE_INITIAL, combined, margin_requirement, shares_in
from core.simulator.exchange.orders import BuyingPowerEffect, SimOrder
from core.simulator.market.market_data import ListedOption


def unfilled_contracts(order: SimOrder) -> dict[str, int]:
    """The contracts or shares that the unfilled part of an order would add, by symbol; negative when sold."""
    return {leg.symbol: -leg.remaining_quantity if leg.sells else leg.remaining_quantity for leg in order.legs}


def cash_if_filled(order: SimOrder, net: Decimal) -> Decimal:
    """The cash in $ that the unfilled part brings (negative: costs) when the whole order fills at the price `net`."""
    multipliers = [1 if leg.instrument_type == "Equity" else SHARES_PER_CONTRACT for leg in order.legs]
    received = sum(
        (
            (1 if leg.sells else -1) * fill.quantity * fill.fill_price * multiplier
            for leg, multiplier in zip(order.legs, multipliers, strict=True)
            for fill in leg.fills
        ),
        Decimal(0),
    )
    return net * order.size * max(multipliers) - received


Price = Callable[[str], Decimal]
"""The price of a contract, or of an underlying, in $ per share."""


def margin_change(order: SimOrder, ledger: Ledger, options: Mapping[str, ListedOption], price: Price) -> Decimal:
    """By how many $ the unfilled part of an order raises what the account's positions take of its buying power."""
    known = {**ledger.options(), **options}
    change, held = unfilled_contracts(order), ledger.held()
    # What the order does not touch is left out, for speed: other expirations, unless shares cover calls of several.
    underlying = order.underlying_symbol
    shares = bool(held.get(underlying) or change.get(underlying))
    days = {known[symbol].expiration for symbol in change if symbol in known}
    near = {s for s, o in known.items() if o.underlying == underlying and (shares or o.expiration in days)}
    held = {symbol: count for symbol, count in held.items() if symbol in near or symbol == underlying}
    return _taken(combined(held, change), known, price) - _taken(held, known, price)


def _taken(holdings: Mapping[str, int], options: Mapping[str, ListedOption], price: Price) -> Decimal:
    """The initial margin of holdings, less the value of their shares: those can be sold."""
    value = sum((n * price(symbol) for symbol, n in shares_in(holdings, options).items()), Decimal(0))
    return margin_requirement(holdings, options, price, SHARE_INITIAL) - value


def reserved(
    order: SimOrder, ledger: Ledger, options: Mapping[str, ListedOption], net: Decimal, price: Price
) -> Decimal:
    """The buying power in $ that a working order holds. An order that frees margin holds none.

    It depends on the order, on `net`, on the account's positions, and on the prices that it asks for, if any.
    """
    needed = margin_change(order, ledger, options, price) - cash_if_filled(order, net) + order_fees(order).total_fees
    return max(Decimal(0), needed)


def effect_of(
    order: SimOrder,
    ledger: Ledger,
    options: Mapping[str, ListedOption],
    net: Decimal,
    available: Decimal,
    at: datetime,
) -> BuyingPowerEffect:
    """How the order changes a buying power of `available` $. A reduction is negative; the wire calls it a debit."""
    margin = margin_change(order, ledger, options, lambda symbol: ledger.price(symbol, at))
    change = cash_if_filled(order, net) - margin - order_fees(order).total_fees
    alone = margin_requirement(unfilled_contracts(order), options, lambda symbol: ledger.price(symbol, at))
    return BuyingPowerEffect(
        change_in_margin_requirement=-margin,
        change_in_buying_power=change,
        current_buying_power=available,
        new_buying_power=available + change,
        isolated_order_margin_requirement=-alone,
        is_spread=len(order.legs) > 1,
        impact=abs(change),
        effect="Credit" if change > 0 else "Debit" if change < 0 else "None",
    )
