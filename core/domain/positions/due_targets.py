"""Which profit targets are due (rules 15.2, 15.7)."""

from __future__ import annotations

from datetime import timedelta

from core.domain.market.sessions import EXCHANGE_ZONE
from core.domain.orders.order_states import OrderState
from core.domain.positions.exits import Exit, ExitKind
from core.domain.positions.plans import ExitPlan, target_plan
from core.domain.positions.targets import target_price
from core.domain.positions.trident_view import Moment, TridentView
from core.domain.positions.tridents import ExitMode
from core.domain.positions.units import Unit, UnitName, left_of

AFTER_THE_FILL = timedelta(seconds=5)
MOST_ENDS = 2
"""After so many ends by somebody else no target of the unit is placed any more."""
_ENDED_AT_THE_BROKER = frozenset({OrderState.CANCELLED, OrderState.EXPIRED})


def due_targets(view: TridentView, moment: Moment) -> tuple[ExitPlan, ...]:
    """The targets to be placed now. None before the fills are 5 s old and a complete read shows all the legs, none once
    the days of the time exit have come, and none while an entry of ours works on one of its strikes."""
    trident = view.trident
    is_early = moment.now < trident.filled_at + AFTER_THE_FILL
    is_near = moment.days.dte(moment.today) <= trident.rules.exit_dte or moment.days.is_last_day(moment.today)
    is_late = is_near and not (trident.cash_settled and trident.rules.let_index_expire)
    if trident.rules.mode is ExitMode.OFF or is_early or is_late or not view.agrees or view.opposed:
        return ()
    return tuple(plan for unit in left_of(trident.units) if (plan := _due(unit, view, moment)) is not None)


def given_up(view: TridentView) -> tuple[UnitName, ...]:
    """The whole units of which an operator cancelled a target: none is placed again for them."""
    return tuple(unit.name for unit in left_of(view.trident.units) if _operator_cancelled(_targets_of(unit, view)))


def ended_by_others(one: Exit) -> bool:
    """Whether somebody else than this console and its operator ended a closing order before it was filled. One that the
    broker had and knows no longer was ended there too."""
    is_forgotten = one.state is OrderState.ABSENT and one.order_id is not None
    is_ours = one.cancel_asked_at is not None or bool(one.cancel_requested_by)
    return (one.state in _ENDED_AT_THE_BROKER or is_forgotten) and not is_ours


def returns_once(unit: Unit, view: TridentView) -> bool:
    """Whether a target of the unit that somebody else ended is placed once more: never after a second such end."""
    return sum(ended_by_others(one) for one in _targets_of(unit, view)) < MOST_ENDS


def why_no_target(unit: Unit, view: TridentView) -> str:
    """Why a whole unit of an open trident that should have a target has none, as a phrase; empty when it is due."""
    rules = view.trident.rules
    earlier = _targets_of(unit, view)
    if _operator_cancelled(earlier):
        return "an operator cancelled it"
    if any(ended_by_others(one) for one in earlier):
        return "it was ended at the broker"
    if unit.credit is None:
        return "its credit is not known"
    if view.trident.ticks.tick(unit.credit) is None:
        return "the ticks of its chain are not known"
    percent = rules.targets.get(unit.name)
    if percent is not None and target_price(unit.credit, percent, view.trident.ticks) is None:
        return "it would be under one tick"
    if rules.call_last and not unit.is_put and any(other.is_put for other in left_of(view.trident.units)):
        return "it waits for the puts"
    if view.opposed:
        return "an entry of ours works on its strikes"
    return "" if view.agrees else "the broker does not show all contracts yet"


def _due(unit: Unit, view: TridentView, moment: Moment) -> ExitPlan | None:
    rules = view.trident.rules
    percent = rules.targets.get(unit.name)
    if percent is None or unit.credit is None or unit.name in view.claimed:
        return None
    if rules.call_last and not unit.is_put and any(other.is_put for other in left_of(view.trident.units)):
        return None
    if not _may_return(unit, view, moment):
        return None
    price = target_price(unit.credit, percent, view.trident.ticks)
    return None if price is None else target_plan(unit, price)


def _may_return(unit: Unit, view: TridentView, moment: Moment) -> bool:
    """Whether a target that ended may be placed again: after an operator's cancel never, and after somebody else's end
    of it once, in a later session."""
    earlier = _targets_of(unit, view)
    if _operator_cancelled(earlier):
        return False
    ended = [one for one in earlier if ended_by_others(one)]
    return returns_once(unit, view) and all(_ended_before_today(one, moment) for one in ended)


def _targets_of(unit: Unit, view: TridentView) -> list[Exit]:
    return [one for one in view.exits if one.kind is ExitKind.TARGET and unit.name in one.units]


def _operator_cancelled(targets: list[Exit]) -> bool:
    return any(one.cancel_requested_by for one in targets)


def _ended_before_today(one: Exit, moment: Moment) -> bool:
    """Whether it ended before this session: an end of which nobody knows the time counts as one of today."""
    return one.terminal_at is not None and one.terminal_at.astimezone(EXCHANGE_ZONE).date() < moment.today
