"""Amounts per share as text: two decimal places, or three where a tenth of a cent matters."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

_CENT, _MILL = Decimal("0.01"), Decimal("0.001")


def per_share(value: Decimal) -> str:
    """The amount as text: 4.1 is `4.10`, 6.825 is `6.825`, 4.08333 is `4.083`. Thousands are separated.

    A value that is not a number is shown as it is.
    """
    if not value.is_finite():
        return str(value)
    to_the_mill = value.quantize(_MILL, ROUND_HALF_EVEN)
    to_the_cent = value.quantize(_CENT, ROUND_HALF_EVEN)
    return f"{to_the_cent if to_the_cent == to_the_mill else to_the_mill:,}"
