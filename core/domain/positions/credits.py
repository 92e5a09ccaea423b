"""The unit credits of an entry: what each of its spreads brought (rules 15.1)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from core.domain.orders.fills import is_complete, is_overfilled
from core.domain.orders.orders import Fill, OrderRequest
from core.domain.trident.trident import CALL_SPREADS, PUT_SPREADS


@dataclass(frozen=True, slots=True)
class UnitCredits:
    """Credits per share of a put spread and of the call spread. `estimated`: divided by the entry's mids, because legs
    of a complex order are filled at odd prices."""

    put: Decimal
    call: Decimal
    estimated: bool = False


def unit_credits(
    request: OrderRequest, fills: Iterable[Fill], width: Decimal, mids: tuple[Decimal, Decimal] | None
) -> UnitCredits | None:
    """The credits of the spreads of one package of a trident: the short leg's average fill less the long leg's.

    `width` and the results are per share. Where one lies outside of 0 to the width, the package's credit is divided
    by `mids`, those of a put spread and of the call spread at the decision. None when fills are missing, or nothing
    divides them.
    """
    recorded = tuple(fills)
    if not is_complete(request, recorded) or is_overfilled(request, recorded):
        return None
    short_put, long_put, short_call, long_call = (_average(recorded, leg.symbol) for leg in request.legs)
    put, call = short_put - long_put, short_call - long_call
    if 0 < put < width and 0 < call < width:
        return UnitCredits(put, call)
    if mids is None or min(mids) <= 0:
        return None
    package = PUT_SPREADS * put + CALL_SPREADS * call
    whole = PUT_SPREADS * mids[0] + CALL_SPREADS * mids[1]
    return UnitCredits(package * mids[0] / whole, package * mids[1] / whole, estimated=True)


def _average(fills: Iterable[Fill], symbol: str) -> Decimal:
    of_leg = [fill for fill in fills if fill.symbol == symbol]
    quantity = sum((fill.quantity for fill in of_leg), Decimal(0))
    return sum((fill.quantity * fill.price for fill in of_leg), Decimal(0)) / quantity
