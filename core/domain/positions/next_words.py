"""What comes next for a trident, in one sentence for every place that tells it (rules 15.7)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from core.domain.operation.amounts import counted, price
from core.domain.operation.times import when
from core.domain.positions.actions import (
    NOTHING_DUE,
    WALK_GOES_ON,
    Action,
    Alert,
    Cancel,
    End,
    LeaveToDesk,
    MarkClosing,
    MarkSettling,
    MarkSplit,
    PlaceClose,
    PlaceTargets,
    Prove,
    Wait,
)
from core.domain.positions.due_targets import why_no_target
from core.domain.positions.exit_fate import exit_name
from core.domain.positions.exits import ExitKind
from core.domain.positions.plans import ExitPlan
from core.domain.positions.trident_view import TridentView
from core.domain.positions.tridents import ExitMode, Phase
from core.domain.positions.units import UnitName, left_of, names_of


def words(action: Action, view: TridentView, today: date | None = None) -> str:
    """The action in a sentence without a full stop. `today` is the exchange's date; None tells each day with its
    year."""
    match action:
        case Wait():
            return _waits(action, view, today)
        case Prove(ids):
            return f"{_orders(ids, view, 'the end of', 'the ends of')} being proved; nothing is sent before"
        case Cancel(ids, why):
            return f"{_orders(ids, view)} being cancelled: {why.value}"
        case PlaceTargets(plans):
            named = ", ".join(f"{names_of(plan.units)} at {price(plan.debit)}" for plan in plans)
            return f"targets go out now: {named}"
        case PlaceClose(plan):
            return f"a {exit_name(plan.kind, plan.units)} goes out now at {_priced(plan)}"
        case MarkClosing(why):
            return f"its time exit begins: {why}"
        case MarkSplit():
            return "its puts and its call are closed apart from now on"
        case LeaveToDesk():
            return "left to the broker's desk, which may close its legs now; no order of ours is sent today"
        case MarkSettling():
            return "it has expired; the broker's rows say how its units ended"
        case End():
            return "its last unit has ended"


def rests_words(view: TridentView) -> str:
    """The orders of it that work at the broker; empty for none."""
    targets = [one for one in view.resting if one.kind is ExitKind.TARGET]
    closes = [one for one in view.resting if one.kind is not ExitKind.TARGET]
    told = [f"the {exit_name(one.kind, one.units)} works at {price(one.debit)}" for one in closes]
    if targets:
        told.append(f"{counted(len(targets), 'target')} {'rests' if len(targets) == 1 else 'rest'}")
    return "; ".join(told)


def _waits(wait: Wait, view: TridentView, today: date | None) -> str:
    until = "" if wait.until is None else when(wait.until, today)
    rests = rests_words(view)
    if view.blocked and wait.why == view.blocked:
        return "; ".join(filter(None, (f"blocked: {wait.why}", rests)))
    if wait.why == WALK_GOES_ON:
        return "; ".join(filter(None, (rests, f"{wait.why} {until}")))
    if wait.why != NOTHING_DUE:
        again = "; the next session tries again" if wait.alert is Alert.REFUSED and not until else ""
        return "; ".join(filter(None, (rests, f"{wait.why}{f' until {until}' if until else ''}{again}")))
    return "; ".join(filter(None, (rests, _untargeted(view), _time_exit(view, until))))


def _untargeted(view: TridentView) -> str:
    """The units of an open trident that should have a target and have none, with why."""
    trident = view.trident
    if trident.phase is not Phase.OPEN or trident.rules.mode is ExitMode.OFF:
        return ""
    rules = trident.rules
    bare: dict[str, list[UnitName]] = {}
    for unit in left_of(trident.units):
        if rules.targets.get(unit.name) is not None and unit.name not in view.claimed:
            bare.setdefault(why_no_target(unit, view), []).append(unit.name)
    return "; ".join(f"no target works for {names_of(names)}{f': {why}' if why else ''}" for why, names in bare.items())


def _time_exit(view: TridentView, until: str) -> str:
    rules = view.trident.rules
    if until:
        return f"time exit {until}"
    if rules.mode is ExitMode.OFF:
        return "its exits are off"
    if rules.mode is ExitMode.TARGETS:
        return "no time exit: it was filled under targets alone"
    if view.trident.cash_settled and rules.let_index_expire:
        return "no time exit: it may expire"
    return NOTHING_DUE


def _orders(ids: Sequence[str], view: TridentView, one: str = "", several: str = "") -> str:
    """The exits with these ids as the subject of a sentence, with its verb."""
    found = [each for each in view.exits if each.id in ids]
    numbers = ", ".join(each.order_id for each in found if each.order_id)
    if len(found) == 1:
        order = f" (order {numbers})" if numbers else ""
        return f"{one} the {exit_name(found[0].kind, found[0].units)}{order} is".lstrip()
    return f"{several} {len(ids)} orders{f' ({numbers})' if numbers else ''} are".lstrip()


def _priced(plan: ExitPlan) -> str:
    return price(plan.debit) if plan.cap is None else f"{price(plan.debit)}, its cap {price(plan.cap)}"
