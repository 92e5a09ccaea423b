"""Which closes are due, each of units of its own: an operator's, that of a call before a dividend, the time exit's.

None of them waits for another (rules 15.7).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.domain.market.sessions import Session
from core.domain.market.ticks import down
from core.domain.positions.actions import Action, Alert, MarkClosing, MarkSplit, Wait
from core.domain.positions.cap import cap_of, most_debit, part_on
from core.domain.positions.close_steps import Close, close_step
from core.domain.positions.exits import Exit, ExitKind
from core.domain.positions.left import credit_left
from core.domain.positions.timing import STARTS_AT, at_time, last_hour, must_close_on, walk_begins
from core.domain.positions.trident_view import Moment, TridentView
from core.domain.positions.tridents import ExitMode, ManagedTrident, Phase
from core.domain.positions.units import Unit, UnitName
from core.domain.positions.walk import STEP_EVERY

_CALL_ALONE = (UnitName.CALL,)
_GRAVEST = (Alert.MUST_CLOSE, Alert.QUOTES_STALE, Alert.CREDIT_UNKNOWN)


@dataclass(frozen=True, slots=True)
class DueCloses:
    """`action` is the first thing that one of them has to do; a `Wait` where all of them wait, None where none is due.
    `units` are those that an operator or a dividend has closed: they get no target."""

    action: Action | None
    units: frozenset[UnitName]


def due_closes(view: TridentView, moment: Moment, session: Session) -> DueCloses:
    """The closes that are due in this session."""
    by_hand = _by_hand(view, moment, session)
    others = _without(view.closable, by_hand)
    dividend = _for_a_dividend(view, moment, session, others)
    apart = [one for one in (by_hand, dividend) if one is not None]
    taken = frozenset(unit.name for one in apart for unit in one.units)
    if _begins(view, moment):
        return DueCloses(MarkClosing(f"{moment.days.dte(moment.today)} days to its expiration"), taken)
    rest = _without(others, dividend)
    return DueCloses(_first(_actions(view, moment, session, apart, rest)), taken)


def is_called_for_a_dividend(view: TridentView, moment: Moment) -> bool:
    """Whether this is the session before an ex-date and its short call is in the money."""
    price = view.underlying_price
    return _is_before_an_ex_date(view, moment) and price is not None and price > view.trident.body


def _actions(
    view: TridentView, moment: Moment, session: Session, apart: Iterable[Close], rest: Sequence[Unit]
) -> Iterator[Action]:
    for one in apart:
        yield close_step(view, moment, session, one)
    yield from _time_exit(view, moment, session, rest)


def _first(actions: Iterable[Action]) -> Action | None:
    """The first that has to do something; where all wait, one `Wait` that tells of all."""
    waits = []
    for found in actions:
        if not isinstance(found, Wait):
            return found
        waits.append(found)
    if not waits:
        return None
    alerts = {one.alert for one in waits}
    until = min((one.until for one in waits if one.until is not None), default=None)
    why = "; ".join(dict.fromkeys(one.why for one in waits))
    return Wait(until, why, next((alert for alert in _GRAVEST if alert in alerts), None))


def _without(units: Sequence[Unit], close: Close | None) -> tuple[Unit, ...]:
    names = () if close is None else {unit.name for unit in close.units}
    return tuple(unit for unit in units if unit.name not in names)


# An operator's close


def _by_hand(view: TridentView, moment: Moment, session: Session) -> Close | None:
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
    return Close(ExitKind.MANUAL, units, most, hurries=True, limit=asked.limit, since=asked.asked_at)


def _is_at_the_deadline(trident: ManagedTrident, moment: Moment) -> bool:
    """Whether what is left must be closed now, at natural."""
    return must_close_on(trident, moment.days, moment.today) and moment.now >= moment.days.deadline


def _is_done(one: Exit, asked_at: datetime, units: Sequence[Unit]) -> bool:
    """Whether an order at the operator's limit was placed and has ended: it is not placed a second time."""
    is_of = one.kind is ExitKind.MANUAL and one.prepared_at >= asked_at and {u.name for u in units} & {*one.units}
    return bool(is_of) and one.sent_at is not None and not one.may_fill


# A call before a dividend


def _for_a_dividend(view: TridentView, moment: Moment, session: Session, units: Sequence[Unit]) -> Close | None:
    """The session before an ex-date, a short call in the money whose holder gains by an exercise is closed: apart from
    its puts, and for the rest of the session once an order of it alone was sent in the time exit. On the last day the
    time exit may pay all that it can be worth, for the whole of it."""
    calls = tuple(unit for unit in units if unit.name is UnitName.CALL)
    if not calls or not _is_before_an_ex_date(view, moment):
        return None
    if moment.now < at_time(session, STARTS_AT) or moment.days.is_last_day(moment.today):
        return None
    most = _worth_before_a_dividend(view, moment)
    if view.trident.phase is not Phase.CLOSING:
        return None if most is None else Close(ExitKind.TIME, calls, most, hurries=False)
    begun = next((one for one in view.sent_on(moment.today, [ExitKind.TIME]) if one.units == _CALL_ALONE), None)
    if most is None and begun is None:
        return None
    caps = [price for price in (most, _cap_today(view, moment, calls)) if price is not None]
    highest = max(caps) if caps else None if begun is None else begun.cap
    return None if highest is None else Close(ExitKind.TIME, calls, highest, hurries=False)


def _worth_before_a_dividend(view: TridentView, moment: Moment) -> Decimal | None:
    """What closing the call may cost so that its holder gains no dividend, on the tick. None where an exercise gains
    nothing, and where nobody knows."""
    call, amount = view.call, None if view.dividend is None else view.dividend.amount
    if call is None or amount is None or view.short_put_mid is None or view.short_put_mid >= amount:
        return None
    if not is_called_for_a_dividend(view, moment):
        return None
    return down(min(view.trident.width, call.mid + amount - view.short_put_mid), view.trident.ticks)


def _is_before_an_ex_date(view: TridentView, moment: Moment) -> bool:
    trident, dividend = view.trident, view.dividend
    if trident.cash_settled or trident.rules.mode is not ExitMode.ALL or dividend is None:
        return False
    return moment.days.is_last_before(moment.today, dividend.ex_date)


# The time exit


def _begins(view: TridentView, moment: Moment) -> bool:
    """Whether the time exit is due, and not marked yet."""
    trident, rules = view.trident, view.trident.rules
    is_let = trident.cash_settled and rules.let_index_expire
    if rules.mode is not ExitMode.ALL or trident.phase is not Phase.OPEN or is_let:
        return False
    start = moment.days.start(rules.exit_dte)
    return start is not None and moment.now >= start


def _time_exit(view: TridentView, moment: Moment, session: Session, units: Sequence[Unit]) -> Iterator[Action]:
    trident = view.trident
    if trident.rules.mode is not ExitMode.ALL or trident.phase is not Phase.CLOSING or not units:
        return
    begins = walk_begins(session, trident.expiration)
    if credit_left(units) is None and part_on(trident, moment.days, moment.today) < 1:
        yield Wait(None, "its unit credits are not known", Alert.CREDIT_UNKNOWN)
    elif moment.now < begins:
        yield Wait(begins, "its walk has not begun today")
    elif _is_to_be_split(view, moment, session, units):
        yield MarkSplit()
    elif trident.split:
        yield from _by_side(view, moment, session, units)
    else:
        yield _close(view, moment, session, units)


def _is_to_be_split(view: TridentView, moment: Moment, session: Session, units: Sequence[Unit]) -> bool:
    """Whether its puts and its call are closed apart from here: what must be closed, in the last hour of the last
    session before the expiration."""
    trident = view.trident
    must = must_close_on(trident, moment.days, moment.today)
    return must and not trident.split and len({u.is_put for u in units}) == 2 and moment.now >= last_hour(session)


def _by_side(view: TridentView, moment: Moment, session: Session, units: Sequence[Unit]) -> Iterator[Action]:
    """The side with the higher mid first, the other three minutes after it."""
    sides = [side for is_put in (True, False) if (side := tuple(u for u in units if u.is_put is is_put))]
    sent = {side: _first_sent(view, moment, side) for side in sides}
    # Once one of them is sent the order stays, whatever the quotes do.
    sides.sort(key=lambda side: (sent[side] is None, sent[side] or moment.now, -_mid(view, side)))
    for number, side in enumerate(sides):
        begun = sent[sides[0]]
        if number and sent[side] is None and begun is not None and moment.now < begun + STEP_EVERY:
            yield Wait(begun + STEP_EVERY, "its other side is closed first")
        else:
            yield _close(view, moment, session, side)


def _first_sent(view: TridentView, moment: Moment, side: Sequence[Unit]) -> datetime | None:
    """When the first order of this side alone was sent today."""
    right = side[0].name.right
    of_side = (o for o in view.sent_on(moment.today, [ExitKind.TIME]) if all(n.right is right for n in o.units))
    return next((one.sent_at for one in of_side), None)


def _mid(view: TridentView, side: Sequence[Unit]) -> Decimal:
    prices = view.prices_of(side, 1)
    return Decimal(0) if prices is None else prices.mid


def _close(view: TridentView, moment: Moment, session: Session, units: Sequence[Unit]) -> Action:
    most = _cap_today(view, moment, units)
    if most is None:
        return Wait(None, "the chain carries no tick for its cap")
    hurries, deadline = moment.days.is_last_day(moment.today), _is_at_the_deadline(view.trident, moment)
    close = Close(ExitKind.TIME, tuple(units), most, hurries=hurries, deadline=deadline)
    return close_step(view, moment, session, close)


def _cap_today(view: TridentView, moment: Moment, units: Sequence[Unit]) -> Decimal | None:
    trident = view.trident
    return cap_of(units, trident.width, part_on(trident, moment.days, moment.today), trident.ticks)
