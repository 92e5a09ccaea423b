"""The next step of a close: what stands in its way is cancelled, then the walk goes on (rules 15.3, 15.7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from core.domain.market.sessions import Session
from core.domain.market.ticks import up
from core.domain.positions.actions import Action, Alert, Cancel, CancelWhy, PlaceClose, Wait
from core.domain.positions.close_shape import close_shape
from core.domain.positions.exits import Exit, ExitKind
from core.domain.positions.plans import close_plan
from core.domain.positions.timing import must_close_on, walk_ends
from core.domain.positions.trident_view import Moment, TridentView
from core.domain.positions.units import Unit
from core.domain.positions.walk import MAX_SENDS, STEP_EVERY, ClosePrices, NextPrice, Rest, Walked, next_price

_TENTH = Decimal("0.10")
_CLOSES = (ExitKind.TIME, ExitKind.MANUAL)


KEPT_FOR_THE_DEADLINE = 4
"""Orders of the last session that its walk leaves for the deadline: two for each side."""


@dataclass(frozen=True, slots=True)
class Close:
    """A close that is due. `cap` is per share of its order's price and on the tick. `hurries`: all steps of the walk
    are allowed. `limit`: it rests at this debit instead of walking. `since`: earlier exits are none of it. `deadline`:
    natural is bid at once, and without quotes what the underlying says."""

    kind: ExitKind
    units: tuple[Unit, ...]
    cap: Decimal
    hurries: bool
    limit: Decimal | None = None
    since: datetime | None = None
    deadline: bool = False


def close_step(view: TridentView, moment: Moment, session: Session, close: Close) -> Action:
    """What comes next for this close. One order of these units works at a time; a new price is a new order, once the
    end of the old one is proved."""
    names = {unit.name for unit in close.units}
    if any(names & {*one.units} for one in view.leaving):
        return Wait(None, "an order is being sent")
    own = [one for one in view.resting if names & {*one.units}]
    wrong = [one for one in own if not _is_of(one, view, close)]
    if wrong:
        return Cancel(tuple(one.id for one in reversed(wrong)), CancelWhy.CLOSING)
    works = own[-1] if own else None
    if close.limit is not None:
        if works is not None:
            return Wait(None, "it rests at the operator's limit")
        return PlaceClose(close_plan(close.kind, close.units, close.limit, close.cap, _prices(view, close)))
    if close.deadline:
        return _at_the_deadline(view, moment, session, close, works)
    return _walk(view, moment, session, close, works)


def _is_of(one: Exit, view: TridentView, close: Close) -> bool:
    """Whether an exit that works is of this close: all that it has not closed is what is to be closed."""
    is_older = close.since is not None and one.prepared_at < close.since
    return one.kind is close.kind and not is_older and {*view.rest_of(one)} == {unit.name for unit in close.units}


def _walk(view: TridentView, moment: Moment, session: Session, close: Close, works: Exit | None) -> Action:
    prices, ticks = _prices(view, close), view.trident.ticks
    if prices is None:
        return Wait(None, "no fresh quotes", Alert.QUOTES_STALE)
    walked = _walked(view, moment, close, works)
    found = next_price(walked, prices, close.cap, moment.now, session, last_day=close.hurries, ticks=ticks)
    if isinstance(found, Rest) and walked is not None and walked.works and works is None:
        # It was cancelled for a step that the quotes no longer ask for: the order that rested is sent again.
        walked = replace(walked, works=False)
        found = next_price(walked, prices, close.cap, moment.now, session, last_day=close.hurries, ticks=ticks)
    if isinstance(found, NextPrice):
        if works is not None and _is_kept_for_the_deadline(view, moment):
            return Wait(moment.days.deadline, f"{KEPT_FOR_THE_DEADLINE} orders are kept for the deadline")
        if works is not None:
            return Cancel((works.id,), CancelWhy.STEP)
        return PlaceClose(close_plan(close.kind, close.units, found.debit, close.cap, prices, found.step))
    return Wait(found.until, found.why)


def _is_kept_for_the_deadline(view: TridentView, moment: Moment) -> bool:
    """Whether what works rests, so that orders are left when what must be closed is bid for at natural."""
    must = must_close_on(view.trident, moment.days, moment.today) and moment.now < moment.days.deadline
    return must and len(view.sent_on(moment.today, _CLOSES)) >= MAX_SENDS - KEPT_FOR_THE_DEADLINE


def _walked(view: TridentView, moment: Moment, close: Close, works: Exit | None) -> Walked | None:
    """How far today's walk of these units has come, by its exits."""
    names = {unit.name for unit in close.units}
    sent = view.sent_on(moment.today, _CLOSES)
    of_close = [
        one
        for one in sent
        if one.kind is close.kind
        and names & {*one.units}
        and (not view.trident.split or {name.right for name in one.units} == {name.right for name in names})
        and (close.since is None or one.prepared_at >= close.since)
    ]
    if not of_close:
        return None
    newest = of_close[-1]
    return Walked(
        newest.step,
        newest.debit if {*newest.units} == names else None,
        newest.sent_at or newest.prepared_at,
        works=works is not None or newest.cancel_why == CancelWhy.STEP,
        sends=len(sent),
        made_room=newest.cancel_why == CancelWhy.CLOSING,
    )


def _at_the_deadline(view: TridentView, moment: Moment, session: Session, close: Close, works: Exit | None) -> Action:
    prices, ticks = _prices(view, close), view.trident.ticks
    price = prices.natural if prices is not None else _by_the_underlying(view, close.units)
    debit = None if price is None else up(price, ticks)
    if debit is None:
        return Wait(None, "no quote of its legs and no price of the underlying", Alert.MUST_CLOSE)
    debit = min(close.cap, max(debit, up(Decimal("0.01"), ticks) or debit))
    if works is not None:
        if works.debit >= debit:
            return Wait(None, "it rests at natural", Alert.MUST_CLOSE)
        due = (works.sent_at or works.prepared_at) + STEP_EVERY
        if moment.now < due:
            return Wait(due, "the next price is not due", Alert.MUST_CLOSE)
        if moment.now >= walk_ends(session):
            return Wait(None, "no price changes in the last 15 minutes", Alert.MUST_CLOSE)
    if len(view.sent_on(moment.today, _CLOSES)) >= MAX_SENDS:  # what rests stays: nothing could follow it
        return Wait(None, f"{MAX_SENDS} orders of this session are sent", Alert.MUST_CLOSE)
    if works is not None:
        return Cancel((works.id,), CancelWhy.STEP)
    return PlaceClose(close_plan(close.kind, close.units, debit, close.cap, prices))


def _by_the_underlying(view: TridentView, units: Sequence[Unit]) -> Decimal | None:
    """Per spread: what it is worth at the underlying's price, and a tenth of the width, at most the width."""
    if view.underlying_price is None:
        return None
    body, width = view.trident.body, view.trident.width
    inside = body - view.underlying_price if units[0].is_put else view.underlying_price - body
    return min(width, max(Decimal(0), min(inside, width)) + _TENTH * width)


def _prices(view: TridentView, close: Close) -> ClosePrices | None:
    shape = close_shape(close.units)
    return None if shape is None else view.prices_of(close.units, shape.per)
