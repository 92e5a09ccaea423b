"""The fees of an option order, as the broker's schedule tells them before its transactions do (rules 15.6)."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal

from core.domain.orders.orders import OrderLeg
from core.domain.trident.trident import Action

ASSIGNMENT_FEE = Decimal("5.00")
"""In $, for each assignment or exercise of a leg, cash-settled ones too."""
_COMMISSION = Decimal("1.00")
_CLEARING = Decimal("0.10")
_EXCHANGE = Decimal("0.02")
_INDEX = Decimal("0.65")
_SALE = Decimal("0.00329")
_SALES = (Action.SELL_TO_OPEN, Action.SELL_TO_CLOSE)


def estimated_fees(legs: Iterable[OrderLeg], *, cash_settled: bool) -> Decimal:
    """The fees in $ of an order with these legs, rounded to the cent over the whole order.

    `cash_settled`: options on an index, whose exchange charges its own fee.
    """
    total = Decimal(0)
    for leg in legs:
        per_contract = _CLEARING + _EXCHANGE
        per_contract += _COMMISSION if leg.action.opens else Decimal(0)
        per_contract += _INDEX if cash_settled else Decimal(0)
        per_contract += _SALE if leg.action in _SALES else Decimal(0)
        total += leg.quantity * per_contract
    return total.quantize(Decimal("0.01"), ROUND_HALF_UP)
