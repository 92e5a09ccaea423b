"""What an exit's order must be, looked at once more by the units as they are before it leaves (rules 15.4)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from core.domain.market.ticks import is_on_tick
from core.domain.operation.amounts import price
from core.domain.orders.orders import TimeInForce
from core.domain.positions.cap import cap_of, most_debit, part_on
from core.domain.positions.close_shape import close_shape
from core.domain.positions.exits import Exit, ExitKind
from core.domain.positions.targets import target_price
from core.domain.positions.timing import ExitDays
from core.domain.positions.trident_view import Dividend
from core.domain.positions.tridents import ManagedTrident, Phase
from core.domain.positions.units import Unit, UnitName, in_order

_CALL_ALONE = (UnitName.CALL,)


def against_the_rules(
    exit: Exit, trident: ManagedTrident, days: ExitDays, today: date, dividend: Dividend | None
) -> str:
    """Why this order must not leave, in words; empty when it may. `trident` is as it is now, `today` the exchange's
    date; `dividend` is the next one of its underlying, as far as it is known."""
    units = in_order(unit for unit in trident.units if unit.name in exit.units)
    wrong = _too_late(exit, trident) or _wrong_order(exit, units) or _wrong_debit(exit, units, trident)
    if wrong or exit.kind is not ExitKind.TIME or _is_for_a_dividend(exit, days, today, dividend):
        return wrong
    if trident.phase is not Phase.CLOSING:
        return "its time exit has not begun"
    today_most = cap_of(units, trident.width, part_on(trident, days, today), trident.ticks)
    is_within = today_most is not None and exit.debit <= today_most
    return "" if is_within else _above(exit.debit, today_most, "the cap of today")


def _too_late(exit: Exit, trident: ManagedTrident) -> str:
    if trident.phase in (Phase.SETTLING, Phase.ENDED):
        return "its trident has expired or ended"
    return "its time exit has begun" if exit.kind is ExitKind.TARGET and trident.phase is Phase.CLOSING else ""


def _wrong_order(exit: Exit, units: tuple[Unit, ...]) -> str:
    shape, request = close_shape(units), exit.request
    if shape is None:
        return "not all of its units are whole"
    if request.legs != shape.legs:
        return "its legs are not those of its units"
    if not request.closes or not request.strict:
        return "it could open a position"
    rests = TimeInForce.GTC if exit.kind is ExitKind.TARGET else TimeInForce.DAY
    return "" if request.time_in_force is rests else f"it works as {request.time_in_force.value}"


def _wrong_debit(exit: Exit, units: tuple[Unit, ...], trident: ManagedTrident) -> str:
    debit, most = exit.debit, most_debit(units, trident.width, trident.ticks)
    if debit <= 0 or not is_on_tick(debit, trident.ticks):
        return f"{price(debit)} is not on the tick"
    if most is None or debit > most:
        return _above(debit, most, "what the units can be worth")
    if exit.kind is ExitKind.TARGET:
        due = _target(units, trident)
        return "" if debit == due else f"the target is {'none' if due is None else price(due)}, not {price(debit)}"
    return _above(debit, exit.cap, "its cap") if exit.cap is None or debit > exit.cap else ""


def _is_for_a_dividend(exit: Exit, days: ExitDays, today: date, dividend: Dividend | None) -> bool:
    """Whether the call alone is closed in the session before an ex-date, for at most its mid and the dividend."""
    if exit.units != _CALL_ALONE or dividend is None or dividend.amount is None or exit.mid is None:
        return False
    return days.is_last_before(today, dividend.ex_date) and exit.debit <= exit.mid + dividend.amount


def _target(units: tuple[Unit, ...], trident: ManagedTrident) -> Decimal | None:
    if len(units) != 1 or units[0].credit is None:
        return None
    percent = trident.rules.targets.get(units[0].name)
    return None if percent is None else target_price(units[0].credit, percent, trident.ticks)


def _above(debit: Decimal, most: Decimal | None, what: str) -> str:
    return f"{price(debit)} is above {what}, {'which is not known' if most is None else price(most)}"
