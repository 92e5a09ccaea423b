"""The broker's fees, in $. The rates are those of its published schedule: per contract, and per share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal

from core.simulator.exchange.habits import AssignmentFee
from core.simulator.exchange.orders import NO_FEES, FeeCalculation, SimOrder

COMMISSION_TO_OPEN = Decimal("1.00")
COMMISSION_CAP_PER_LEG = Decimal("10.00")
CLEARING = Decimal("0.10")
REGULATORY = Decimal("0.02")
REGULATORY_ON_SALES = Decimal("0.00329")
INDEX_FEES = {"SPX": Decimal("0.65")}
SHARE_CLEARING = Decimal("0.0008")
SHARE_REGULATORY_ON_SALES = Decimal("0.000195")
ASSIGNMENT = Decimal("5.00")
"""What the broker charges for an assignment or an exercise."""
_CENT = Decimal("0.01")
Traded = tuple[str, str, int]
"""A leg that traded: the broker's word for its kind, the action, and contracts or shares."""


def fees_for(underlying: str, legs: Iterable[tuple[str, int]]) -> FeeCalculation:
    """The fees of trading these option legs, each an action and a number of contracts. Every kind is rounded to the
    cent.

    Opening costs a commission, at most 10 $ a leg; closing costs none.
    """
    return _rounded(underlying, [("Equity Option", action, quantity) for action, quantity in legs])


def order_fees(order: SimOrder) -> FeeCalculation:
    """The fees of the unfilled part of an order: what the whole costs, less what its fills have cost."""
    underlying = order.underlying_symbol
    whole = [(leg.instrument_type, leg.action, leg.quantity) for leg in order.legs]
    done = [(leg.instrument_type, leg.action, leg.quantity - leg.remaining_quantity) for leg in order.legs]
    return _rounded(underlying, whole) - _rounded(underlying, done)


def fill_fees(order: SimOrder, filled: Sequence[tuple[int, int]]) -> list[FeeCalculation]:
    """The fees of each leg of a fill that the order has just had: (index of the leg, contracts).

    They are rounded over the order: what it has cost with this leg, less what it had cost before. So its fills add up
    to the fees of the whole order.
    """
    done = [leg.quantity - leg.remaining_quantity for leg in order.legs]
    for index, quantity in filled:
        done[index] -= quantity
    charged, before = [], _rounded(order.underlying_symbol, _traded(order, done))
    for index, quantity in filled:
        done[index] += quantity
        after = _rounded(order.underlying_symbol, _traded(order, done))
        charged.append(after - before)
        before = after
    return charged


def assignment_fees(contracts: int, habit: AssignmentFee) -> FeeCalculation:
    """The fees of an assignment or an exercise of one symbol."""
    fee = ASSIGNMENT * (contracts if habit is AssignmentFee.CONTRACT else 1)
    return FeeCalculation(NO_FEES.regulatory_fees, fee, NO_FEES.commission, NO_FEES.proprietary_index_option_fees)


def _traded(order: SimOrder, done: Sequence[int]) -> list[Traded]:
    return [(leg.instrument_type, leg.action, count) for leg, count in zip(order.legs, done, strict=True)]


def _rounded(underlying: str, legs: Iterable[Traded]) -> FeeCalculation:
    commission = clearing = regulatory = index = Decimal(0)
    for instrument_type, action, quantity in legs:
        sells = action.startswith("Sell")
        if instrument_type == "Equity":
            clearing += SHARE_CLEARING * quantity
            regulatory += SHARE_REGULATORY_ON_SALES * quantity if sells else 0
            continue
        if action.endswith("Open"):
            commission += min(COMMISSION_TO_OPEN * quantity, COMMISSION_CAP_PER_LEG)
        clearing += CLEARING * quantity
        regulatory += (REGULATORY + (REGULATORY_ON_SALES if sells else 0)) * quantity
        index += INDEX_FEES.get(underlying, Decimal(0)) * quantity
    return FeeCalculation(
        regulatory_fees=regulatory.quantize(_CENT, ROUND_HALF_UP),
        clearing_fees=clearing.quantize(_CENT, ROUND_HALF_UP),
        commission=commission.quantize(_CENT, ROUND_HALF_UP),
        proprietary_index_option_fees=index.quantize(_CENT, ROUND_HALF_UP),
    )
