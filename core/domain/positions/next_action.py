"""What comes next for a trident: the one order of decisions, from what is proved to what is due (rules 15.7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from core.domain.market.sessions import Session
from core.domain.market.ticks import down
from core.domain.positions.actions import (
    NOTHING_DUE,
    Action,
    Alert,
    Cancel,
    CancelWhy,
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
from core.domain.positions.cap import cap_of, most_debit, part_on
from core.domain.positions.close_steps import Close, close_step
from core.domain.positions.due_targets import due_targets
from core.domain.positions.exits import Exit, ExitKind
from core.domain.positions.left import credit_left
from core.domain.positions.timing import FIRST_WALK, STARTS_AT, at_time, last_hour, must_close_on
from core.domain.positions.trident_view import Moment, TridentView
from core.domain.positions.tridents import ExitMode, HandsOff, ManagedTrident, Phase
from core.domain.positions.units import Ended, Unit, UnitName, UnitState
from core.domain.positions.walk import STEP_EVERY

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
        opens = next((one.open for one in moment.days.sessions if one.open > moment.now), None)
        return Wait(opens, "the market is closed")
    if view.blocked:
        return Wait(None, view.blocked)
    return (
        _refused(view, moment)
        or _by_hand(view, moment, session)
        or _for_a_dividend(view, moment, session)
        or _time_exit(view, moment, session)
        or _targets(view, moment)
        or _rests(view, moment)
    )


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
    may_be_called = view.trident.phase is Phase.OPEN and _is_called_for_a_dividend(view, moment)
    return is_free and is_open and may_be_called and view.dividend is not None and view.dividend.amount is not None


_FOR_WANT_OF_PRICES = frozenset({Alert.QUOTES_STALE, Alert.MUST_CLOSE})


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
    if moment.now < last_hour(session):
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


def _by_hand(view: TridentView, moment: Moment, session: Session) -> Action | None:
    asked = view.asked
    if asked is None or asked.asked_at < session.open:
        return None
    if view.trident.rules.mode is ExitMode.ALL and _is_at_the_deadline(view.trident, moment):
        return None
    units = tuple(unit for unit in view.closable if unit.name in asked.units)
    most = most_debit(units, view.trident.width, view.trident.ticks)
    if most is None:
        return None
    if asked.limit is not None and any(_is_done(one, asked.asked_at, units) for one in view.exits):
        return None
    # A limit is per share of the order that was asked for: of other units it would be another price.
    same_price = {unit.name for unit in units} == {*asked.units} or UnitName.CALL not in asked.units
    if asked.limit is not None and not same_price:
        return None
    close = Close(ExitKind.MANUAL, units, most, hurries=True, limit=asked.limit, since=asked.asked_at)
    return close_step(view, moment, session, close)


def _is_at_the_deadline(trident: ManagedTrident, moment: Moment) -> bool:
    """Whether what is left must be closed now, at natural."""
    return must_close_on(trident, moment.days, moment.today) and moment.now >= moment.days.deadline


def _is_done(one: Exit, asked_at: datetime, units: Sequence[Unit]) -> bool:
    """Whether an order at the operator's limit was placed and has ended: it is not placed a second time."""
    is_of = one.kind is ExitKind.MANUAL and one.prepared_at >= asked_at and {u.name for u in units} & {*one.units}
    return bool(is_of) and one.sent_at is not None and not one.may_fill


def _for_a_dividend(view: TridentView, moment: Moment, session: Session) -> Action | None:
    """The session before an ex-date, a short call in the money whose holder gains by an exercise is closed."""
    trident, call = view.trident, view.call
    calls = tuple(unit for unit in view.closable if unit.name is UnitName.CALL)
    if trident.phase is not Phase.OPEN or not calls or not _is_called_for_a_dividend(view, moment):
        return None
    amount = None if view.dividend is None else view.dividend.amount
    if call is None or amount is None or view.short_put_mid is None or view.short_put_mid >= amount:
        return None
    most = down(min(trident.width, call.mid + amount - view.short_put_mid), trident.ticks)
    if most is None or moment.now < at_time(session, STARTS_AT):
        return None
    return close_step(view, moment, session, Close(ExitKind.TIME, calls, most, hurries=False))


def _is_called_for_a_dividend(view: TridentView, moment: Moment) -> bool:
    trident, dividend = view.trident, view.dividend
    if (
        trident.cash_settled
        or trident.rules.mode is not ExitMode.ALL
        or dividend is None
        or view.underlying_price is None
    ):
        return False
    following = next((one.day for one in moment.days.sessions if one.day > moment.today), None)
    is_before = moment.today < dividend.ex_date and following is not None and following >= dividend.ex_date
    return is_before and view.underlying_price > trident.body


def _time_exit(view: TridentView, moment: Moment, session: Session) -> Action | None:
    trident, rules = view.trident, view.trident.rules
    if rules.mode is not ExitMode.ALL:
        return None
    if trident.phase is Phase.OPEN:
        start = None if trident.cash_settled and rules.let_index_expire else moment.days.start(rules.exit_dte)
        if start is None or moment.now < start:
            return None
        return MarkClosing(f"{moment.days.dte(moment.today)} days to its expiration")
    units = view.closable
    if not units:
        return None
    if credit_left(units) is None and part_on(trident, moment.days, moment.today) < 1:
        return Wait(None, "its unit credits are not known", Alert.CREDIT_UNKNOWN)
    is_expiration = moment.today == trident.expiration
    begins = at_time(session, FIRST_WALK if is_expiration else STARTS_AT)
    if moment.now < begins:
        return Wait(begins, "its walk has not begun today")
    if _is_to_be_split(view, moment, session):
        return MarkSplit()
    if not trident.split:
        return _close(view, moment, session, units)
    return _by_side(view, moment, session, units)


def _is_to_be_split(view: TridentView, moment: Moment, session: Session) -> bool:
    """Whether its puts and its call are closed apart from here: what must be closed, in the last hour of the last
    session before the expiration."""
    trident = view.trident
    sides = {unit.is_put for unit in view.closable}
    must = must_close_on(trident, moment.days, moment.today)
    return must and not trident.split and len(sides) == 2 and moment.now >= last_hour(session)


def _by_side(view: TridentView, moment: Moment, session: Session, units: Sequence[Unit]) -> Action:
    """The side with the higher mid first, the other three minutes after it. The first that has to do something."""
    sides = [side for is_put in (True, False) if (side := tuple(u for u in units if u.is_put is is_put))]
    sent = {side: _first_sent(view, moment, side) for side in sides}
    # Once one of them is sent the order stays, whatever the quotes do.
    sides.sort(key=lambda side: (sent[side] is None, sent[side] or moment.now, -_mid(view, side)))
    waits = []
    for number, side in enumerate(sides):
        begun = sent[sides[0]]
        if number and sent[side] is None and begun is not None and moment.now < begun + STEP_EVERY:
            waits.append(Wait(begun + STEP_EVERY, "its other side is closed first"))
            continue
        found = _close(view, moment, session, side)
        if not isinstance(found, Wait):
            return found
        waits.append(found)
    alert = next((one.alert for one in waits if one.alert is not None), None)
    until = min((one.until for one in waits if one.until is not None), default=None)
    return Wait(until, "; ".join(dict.fromkeys(one.why for one in waits)), alert)


def _first_sent(view: TridentView, moment: Moment, side: Sequence[Unit]) -> datetime | None:
    """When the first order of this side alone was sent today."""
    right = side[0].name.right
    of_side = (o for o in view.sent_on(moment.today, [ExitKind.TIME]) if all(n.right is right for n in o.units))
    return next((one.sent_at for one in of_side), None)


def _mid(view: TridentView, side: Sequence[Unit]) -> Decimal:
    prices = view.prices_of(side, 1)
    return Decimal(0) if prices is None else prices.mid


def _close(view: TridentView, moment: Moment, session: Session, units: Sequence[Unit]) -> Action:
    trident, days = view.trident, moment.days
    most = cap_of(units, trident.width, part_on(trident, days, moment.today), trident.ticks)
    if most is None:
        return Wait(None, "the chain carries no tick for its cap")
    hurries, deadline = days.is_last_day(moment.today), _is_at_the_deadline(trident, moment)
    close = Close(ExitKind.TIME, tuple(units), most, hurries=hurries, deadline=deadline)
    return close_step(view, moment, session, close)


def _targets(view: TridentView, moment: Moment) -> Action | None:
    if view.trident.phase is not Phase.OPEN:
        return None
    plans = due_targets(view, moment)
    return PlaceTargets(plans) if plans else None


def _rests(view: TridentView, moment: Moment) -> Wait:
    """Nothing is due, and why the operator is told of it."""
    trident = view.trident
    if any(unit.state is UnitState.BROKEN for unit in trident.units):
        return Wait(None, "a unit is broken: the operator settles it", Alert.BROKEN)
    if _is_called_for_a_dividend(view, moment) and (view.dividend is None or view.dividend.amount is None):
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
