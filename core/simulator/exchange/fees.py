"""The broker's fees for trading options, in $ per contract. The rates are those of its published schedule."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal

from core.simulator.exchange.orders import FeeCalculation

COMMISSION_TO_OPEN = Decimal("1.00")
COMMISSION_CAP_PER_LEG = Decimal("10.00")
CLEARING = Decimal("0.10")
REGULATORY = Decimal("0.02")
REGULATORY_ON_SALES = Decimal("0.00329")
INDEX_FEES = {"SPX": Decimal("0.65")}
_CENT = Decimal("0.01")


def fees_for(underlying: str, legs: Iterable[tuple[str, int]]) -> FeeCalculation:
    """The fees of trading these legs, each an action and a number of contracts. Every kind is rounded to the cent.

    Opening costs a commission, at most 10 $ a leg; closing costs none.
    """
    commission = clearing = regulatory = index = Decimal(0)
    for action, quantity in legs:
        if action.endswith("Open"):
            commission += min(COMMISSION_TO_OPEN * quantity, COMMISSION_CAP_PER_LEG)
        clearing += CLEARING * quantity
        regulatory += REGULATORY * quantity
        if action.startswith("Sell"):
            regulatory += REGULATORY_ON_SALES * quantity
        index += INDEX_FEES.get(underlying, Decimal(0)) * quantity
    return FeeCalculation(
        regulatory_fees=regulatory.quantize(_CENT, ROUND_HALF_UP),
        clearing_fees=clearing.quantize(_CENT, ROUND_HALF_UP),
        commission=commission.quantize(_CENT, ROUND_HALF_UP),
        proprietary_index_option_fees=index.quantize(_CENT, ROUND_HALF_UP),
    )
