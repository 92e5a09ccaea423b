"""What would be sent at once for a trident if nothing kept its exits from being sent: its operator is shown it before
exits are switched on (rules 15.9)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from core.domain.market.chain import TickTable
from core.domain.operation.amounts import price
from core.domain.operation.times import when
from core.domain.positions.actions import MarkClosing, PlaceClose, PlaceTargets
from core.domain.positions.cap import cap_of, part_on
from core.domain.positions.close_shape import close_shape
from core.domain.positions.exit_fate import exit_name
from core.domain.positions.exits import ExitKind
from core.domain.positions.next_action import next_action
from core.domain.positions.next_words import words
from core.domain.positions.plans import ExitPlan
from core.domain.positions.timing import STARTS_AT, at_time
from core.domain.positions.trident_view import Moment, TridentView
from core.domain.positions.trident_words import order_legs_words
from core.domain.positions.tridents import ExitRules
from core.domain.positions.units import left_of

_NO_TICKS = TickTable((), None)
"""Those of a trident of an older version: its chain tells them once exits go on for it."""
_CENTS = TickTable((), Decimal("0.01"))


def would_send(view: TridentView, moment: Moment, rules: ExitRules) -> tuple[str, ...]:
    """Each order that these rules would send for it, in words with its price, its legs and how long it lives; what
    comes instead where that is none. While the market is closed it is what the next session sends first. The broker is
    taken to hold what the records say: that is read before anything is sent, and not at all while exits are off."""
    ticks = view.trident.ticks
    rounded = "" if ticks != _NO_TICKS else ", rounded down to a tick of its chain"
    trident = replace(view.trident, rules=rules, ticks=_CENTS if rounded else ticks)
    free = replace(view, trident=trident, blocked="", agrees=True)
    then = _in_session(moment)
    action = next_action(free, then)
    later = "" if then is moment or then.session is None else f"{when(then.session.open, moment.today)}: "
    match action:
        case PlaceTargets(plans):
            told = [_plan_words(plan) for plan in plans]
        case PlaceClose(plan):
            told = [_plan_words(plan)]
        case MarkClosing():
            told = [_time_exit_words(free, then)]
        case _:
            return (words(action, free, moment.today),)
    return tuple(f"{later}{one}{rounded}" for one in told)


def _in_session(moment: Moment) -> Moment:
    """This moment while its session is open; else one in the next session of the trident's days, if there is one."""
    session = moment.session
    if session is not None and session.is_open(moment.now):
        return moment
    ahead = next((one for one in moment.days.sessions if one.open > moment.now), None)
    return moment if ahead is None else Moment(at_time(ahead, STARTS_AT), ahead.day, ahead, moment.days)


def _plan_words(plan: ExitPlan) -> str:
    cap = "" if plan.cap is None else f", at most {price(plan.cap)}"
    name = exit_name(plan.kind, plan.units)
    return f"{name} at {price(plan.debit)} debit{cap}, {plan.time_in_force.value}: {order_legs_words(plan.legs)}"


def _time_exit_words(view: TridentView, moment: Moment) -> str:
    """The first order of a time exit, whose price is made of the quotes of its moment."""
    trident, units = view.trident, left_of(view.trident.units)
    part = part_on(trident, moment.days, moment.today)
    most, shape = cap_of(units, trident.width, part, trident.ticks), close_shape(units)
    name = exit_name(ExitKind.TIME, tuple(unit.name for unit in units))
    if most is None or shape is None:
        return f"{name}: no order, its credits or its ticks are not known"
    first = ", ".join(one.order_id for one in view.resting if one.order_id)
    before = f"; cancelled first: {first}" if first else ""
    return f"{name} at the mid, at most {price(most)} debit today, Day: {order_legs_words(shape.legs)}{before}"
