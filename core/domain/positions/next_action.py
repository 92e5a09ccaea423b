"""What comes next for a trident: the one order of decisions, from what is proved to what is due (rules 15.7)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import timedelta

from core.domain.positions.actions import (
    NOTHING_DUE,
    WALK_GOES_ON,
    Action,
    Alert,
    Cancel,
    CancelWhy,
    End,
    LeaveToDesk,
    MarkSettling,
    PlaceClose,
    PlaceTargets,
    Prove,
    Wait,
)
from core.domain.positions.due_closes import due_closes, is_called_for_a_dividend
from core.domain.positions.due_targets import due_targets
from core.domain.positions.exits import Exit
from core.domain.positions.timing import desk_from, next_exit_at
from core.domain.positions.trident_view import Moment, TridentView
from core.domain.positions.tridents import ExitMode, HandsOff, Phase
from core.domain.positions.units import Ended, UnitName, UnitState

MAX_REFUSALS = 3
AFTER_A_REFUSAL = timedelta(seconds=60)
AGAIN_ON_THE_LAST_DAY = timedelta(minutes=15)
_NO_ORDERS = frozenset({HandsOff.ADJUSTED, HandsOff.RELEASED, HandsOff.DESK})
_CLOSED_OR_GONE = frozenset({UnitState.CLOSED, UnitState.GONE})


def next_action(view: TridentView, moment: Moment) -> Action:
    """The first of these that applies. What ends an order comes before what sends one, so that a block or an outage
    never keeps an order that has to go; nothing is sent while an end is not proved."""
    before = (
        _over(view, moment)
        or _proof(view)
        or _misfits(view)
        or _expired(view, moment)
        or (_to_the_desk(view, moment) if view.trident.hands_off is HandsOff.FOREIGN_CLOSE else None)
        or _left_alone(view)
        or _to_the_desk(view, moment)
    )
    if before is not None:
        return before
    session = moment.session
    if session is None or not session.is_open(moment.now):
        return _outside_sessions(view, moment)
    if view.blocked:
        return Wait(None, view.blocked)
    refused = _refused(view, moment)
    if refused is not None:
        return refused
    closes = due_closes(view, moment, session)
    if closes.action is not None and not (isinstance(closes.action, Wait) and closes.action.alert is None):
        return closes.action
    return _targets(view, moment, closes.units) or closes.action or _rests(view, moment)


def asks_prices(view: TridentView, moment: Moment) -> bool:
    """Whether what comes next depends on fresh prices of its legs. Those that the view has count for nothing."""
    bare = replace(view, put=None, call=None, short_put_mid=None)
    return asks_prices_after(next_action(bare, moment), bare, moment)


def asks_prices_after(action: Action, view: TridentView, moment: Moment) -> bool:
    """The same where it is known what comes next without prices, which the view has none of."""
    if isinstance(action, PlaceClose) or (isinstance(action, Wait) and action.alert in _FOR_WANT_OF_PRICES):
        return True
    is_free = isinstance(action, (Wait, PlaceTargets)) and not view.blocked and view.trident.hands_off is HandsOff.NONE
    is_open = moment.session is not None and moment.session.is_open(moment.now)
    may_be_called = view.trident.phase is Phase.OPEN and is_called_for_a_dividend(view, moment)
    return is_free and is_open and may_be_called and view.dividend is not None and view.dividend.amount is not None


_FOR_WANT_OF_PRICES = frozenset({Alert.QUOTES_STALE, Alert.MUST_CLOSE})


def _outside_sessions(view: TridentView, moment: Moment) -> Wait:
    """What comes next while the market is closed: what the next session only goes on with is told by its own hour."""
    trident = view.trident
    opens = next((one.open for one in moment.days.sessions if one.open > moment.now), None)
    closed = Wait(opens, "the market is closed")
    if trident.phase is Phase.CLOSING:
        begins = next_exit_at(trident, moment.days, moment.now) if view.closable else None
        return closed if begins is None or trident.rules.mode is not ExitMode.ALL else Wait(begins, WALK_GOES_ON)
    if due_targets(replace(view, agrees=True, opposed=False), moment):
        return closed
    rests = _rests(view, moment)
    return rests if rests.until is None or rests.until > moment.now else closed


def _over(view: TridentView, moment: Moment) -> Action | None:
    trident = view.trident
    if trident.phase is Phase.ENDED:
        return Wait(None, "it has ended")
    is_over = all(unit.state in _CLOSED_OR_GONE and unit.how is not None for unit in trident.units)
    # What a corporate action has made of its legs is not over before they would have expired.
    is_adjusted = trident.hands_off is HandsOff.ADJUSTED and moment.today <= trident.expiration
    return End() if is_over and not view.claimed and not is_adjusted else None


def _proof(view: TridentView) -> Action | None:
    """Exits that have ended, or were asked to, without a proof of it. An exit that closed all its units needs none."""
    ids = tuple(
        one.id for one in view.exits if one.needs_proof or (one.cancel_asked_at is not None and one in view.resting)
    )
    return Prove(ids) if ids else None


def _misfits(view: TridentView) -> Action | None:
    """Exits that would close what is not there any more, and those of a side of which a short was assigned since: what
    is left of it is counted again. The newest first."""
    whole = {unit.name for unit in view.trident.units if unit.state is UnitState.WHOLE}
    wrong = [one for one in view.resting if not {*view.rest_of(one)} <= whole or _is_before_an_assignment(one, view)]
    return _cancel(wrong, CancelWhy.NO_LONGER_FITS)


def _is_before_an_assignment(one: Exit, view: TridentView) -> bool:
    rights = {name.right for name in one.units} if view.gone else set()
    return any(
        left.cause is Ended.ASSIGNED and left.unit.right in rights and one.prepared_at < left.found_at
        for left in view.gone
    )


def _left_alone(view: TridentView) -> Action | None:
    off = view.trident.hands_off
    if off is HandsOff.NONE:
        return None
    if off in _NO_ORDERS and view.resting:
        return _cancel(view.resting, CancelWhy.LEFT_ALONE)
    return Wait(None, f"it is left alone: {off.value}")


def _expired(view: TridentView, moment: Moment) -> Action | None:
    if not _has_expired(view, moment):
        return None
    if view.trident.phase is not Phase.SETTLING:
        return MarkSettling()
    return Wait(None, "the broker's rows of its expiration are not here yet")


def _has_expired(view: TridentView, moment: Moment) -> bool:
    expiration = view.trident.expiration
    if moment.today != expiration:
        return moment.today > expiration
    return moment.session is not None and moment.now >= moment.session.close


def _to_the_desk(view: TridentView, moment: Moment) -> Action | None:
    """On the day of expiration the broker's desk may close what would be delivered: ours is gone by then."""
    session = moment.session
    if view.trident.cash_settled or moment.today != view.trident.expiration or session is None:
        return None
    if moment.now < desk_from(session):
        return None
    return _cancel(view.resting, CancelWhy.DESK) or LeaveToDesk()


def _refused(view: TridentView, moment: Moment) -> Action | None:
    if not view.refused_at:
        return None
    newest = max(view.refused_at)
    if len(view.refused_at) < MAX_REFUSALS:
        again = newest + AFTER_A_REFUSAL
        return Wait(again, "the broker refused an order") if moment.now < again else None
    if not moment.days.is_last_day(moment.today):
        return Wait(None, f"the broker refused {MAX_REFUSALS} orders of this session", Alert.REFUSED)
    again = newest + AGAIN_ON_THE_LAST_DAY
    return Wait(again, "the broker refuses its orders", Alert.REFUSED) if moment.now < again else None


def _targets(view: TridentView, moment: Moment, closed: Collection[UnitName]) -> Action | None:
    """The targets that are due, but for units that are `closed` otherwise."""
    if view.trident.phase is not Phase.OPEN:
        return None
    plans = tuple(plan for plan in due_targets(view, moment) if not {*plan.units} & {*closed})
    return PlaceTargets(plans) if plans else None


def _rests(view: TridentView, moment: Moment) -> Wait:
    """Nothing is due, and why the operator is told of it."""
    trident = view.trident
    if any(unit.state is UnitState.BROKEN for unit in trident.units):
        return Wait(None, "a unit is broken: the operator settles it", Alert.BROKEN)
    if is_called_for_a_dividend(view, moment) and (view.dividend is None or view.dividend.amount is None):
        return Wait(None, "the amount of the dividend is not known", Alert.DIVIDEND_UNKNOWN)
    if view.stuck:
        return Wait(None, "nobody knows what an order of it does")
    if trident.phase is Phase.OPEN and trident.rules.mode is ExitMode.ALL:
        let = trident.cash_settled and trident.rules.let_index_expire
        return Wait(None if let else moment.days.start(trident.rules.exit_dte), NOTHING_DUE)
    return Wait(None, NOTHING_DUE)


def _cancel(exits: Sequence[Exit], why: CancelWhy) -> Cancel | None:
    """These exits, the newest first; None for none."""
    return Cancel(tuple(one.id for one in reversed(exits)), why) if exits else None
