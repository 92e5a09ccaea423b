"""The buying power that an order takes from its account: its margin, less its credit, plus its fees. All in $."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from core.simulator.exchange.accounts import Ledger
from core.simulator.exchange.fees import fees_for
from core.simulator.exchange.instruments import SHARES_PER_CONTRACT
from core.simulator.exchange.margin import combined, margin_requirement
from core.simulator.exchange.orders import BuyingPowerEffect, FeeCalculation, SimOrder
from core.simulator.market.market_data import ListedOption


def unfilled_contracts(order: SimOrder) -> dict[str, int]:
    """The contracts that the unfilled part of an order would add, by OCC symbol; negative when sold."""
    return {leg.symbol: -leg.remaining_quantity if leg.sells else leg.remaining_quantity for leg in order.legs}


def order_fees(order: SimOrder) -> FeeCalculation:
    """The fees of the unfilled part of an order."""
    return fees_for(order.underlying_symbol, [(leg.action, leg.remaining_quantity) for leg in order.legs])


def cash_if_filled(order: SimOrder, net: Decimal) -> Decimal:
    """The cash in $ that the unfilled part brings (negative: costs) when the whole order fills at the price `net`."""
    received = sum(
        ((1 if leg.sells else -1) * fill.quantity * fill.fill_price for leg in order.legs for fill in leg.fills),
        Decimal(0),
    )
    return (net * order.size - received) * SHARES_PER_CONTRACT


def margin_change(order: SimOrder, ledger: Ledger, options: Mapping[str, ListedOption]) -> Decimal:
    """By how many $ the unfilled part of an order raises the margin of the account's positions."""
    known = {**ledger.options(), **options}
    held = ledger.held()
    return margin_requirement(combined(held, unfilled_contracts(order)), known) - margin_requirement(held, known)


def reserved(order: SimOrder, ledger: Ledger, options: Mapping[str, ListedOption], net: Decimal) -> Decimal:
    """The buying power in $ that a working order holds. An order that frees margin holds none."""
    needed = margin_change(order, ledger, options) - cash_if_filled(order, net) + order_fees(order).total_fees
    return max(Decimal(0), needed)


def effect_of(
    order: SimOrder, ledger: Ledger, options: Mapping[str, ListedOption], net: Decimal, available: Decimal
) -> BuyingPowerEffect:
    """How the order changes a buying power of `available` $. A reduction is negative; the wire calls it a debit."""
    margin = margin_change(order, ledger, options)
    change = cash_if_filled(order, net) - margin - order_fees(order).total_fees
    return BuyingPowerEffect(
        change_in_margin_requirement=-margin,
        change_in_buying_power=change,
        current_buying_power=available,
        new_buying_power=available + change,
        isolated_order_margin_requirement=-margin_requirement(unfilled_contracts(order), options),
        is_spread=len(order.legs) > 1,
        impact=abs(change),
        effect="Credit" if change > 0 else "Debit" if change < 0 else "None",
    )
