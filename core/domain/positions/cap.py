"""The cap of a time exit: the highest debit that it may bid today (rules 15.3)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from core.domain.market.chain import TickTable
from core.domain.market.ticks import down, up
from core.domain.positions.close_shape import close_shape
from core.domain.positions.left import credit_left, most_worth
from core.domain.positions.timing import ExitDays
from core.domain.positions.tridents import ManagedTrident
from core.domain.positions.units import Unit

_BY_DTE = {7: Decimal(0), 6: Decimal("0.70"), 5: Decimal("0.80"), 4: Decimal("0.90")}
_CASH_SETTLED = Decimal("0.90")
_ALL = Decimal(1)
_NEAR_DTE = 3
_A_CENT = Decimal("0.01")


def part_of_loss(dte: int, *, last_day: bool, cash_settled: bool) -> Decimal:
    """f: how much of the loss that is still possible may be paid to be out, 0 to 1. `dte` is in calendar days.

    A cash-settled trident pays 0.90 of it at most: its settlement has the same worst loss, and still a chance.
    """
    part = _ALL if last_day or dte <= _NEAR_DTE else _BY_DTE.get(dte, Decimal(0))
    return min(part, _CASH_SETTLED) if cash_settled else part


def part_on(trident: ManagedTrident, days: ExitDays, day: date) -> Decimal:
    """f of a trident on this day."""
    return part_of_loss(days.dte(day), last_day=days.is_last_day(day), cash_settled=trident.cash_settled)


def most_debit(units: Sequence[Unit], width: Decimal, ticks: TickTable) -> Decimal | None:
    """M of these units, as the debit per share of the order that closes them, rounded down to the tick: no close may
    ever cost more. None for units that no order closes, and where the table has no tick."""
    shape = close_shape(units)
    return None if shape is None else down(most_worth(units, width) / shape.per, ticks)


def cap(credit: Decimal, most: Decimal, part: Decimal, per: int, ticks: TickTable) -> Decimal | None:
    """`min(M, E + f * (M - E))` divided by `per`, rounded down to the tick and at least one tick. None where the table
    has no tick.

    `credit` is E, `most` is M, both per share of a package; `per` is how many of the order's units one price is for.
    """
    price = down(min(most, credit + part * (most - credit)) / per, ticks)
    if price is None or price > 0:
        return price
    return up(_A_CENT, ticks)


def cap_of(units: Sequence[Unit], width: Decimal, part: Decimal, ticks: TickTable) -> Decimal | None:
    """The cap of the order that closes these units, per share of its price, where `part` of the loss may be paid. None
    for units that no order closes, where the table has no tick, and where a credit is not known, unless all of the loss
    may be paid."""
    shape, credit = close_shape(units), credit_left(units)
    if shape is None:
        return None
    if credit is None:
        return most_debit(units, width, ticks) if part == _ALL else None
    return cap(credit, most_worth(units, width), part, shape.per, ticks)
