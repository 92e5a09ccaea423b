"""Tells that what delivers shares is still held shortly before its expiration, and what the operator can do (rules
15.10)."""

from __future__ import annotations

from datetime import datetime, timedelta

from core.domain.operation.accounts import shown_end
from core.domain.operation.reasons import Reason, refuse
from core.domain.orders.way_out import SHORT_ID
from core.domain.positions.actions import NOTHING_DUE, Action, Alert, Wait
from core.domain.positions.timing import last_hour
from core.domain.positions.trident_view import Moment, TridentView
from core.domain.positions.tridents import ExitMode, HandsOff, Phase
from core.domain.positions.units import left_of

RINGS_EVERY = timedelta(minutes=15)
"""How often it is told again, in the session of its expiration, that what delivers shares is still held."""
_OFF = refuse(Reason.EXITS_OFF).sentence()


def must_close_why(account: str, view: TridentView, moment: Moment, action: Action) -> str:
    """Why what delivers shares is still held in the last hour before the day of its expiration, or on that day; empty
    where nothing of the kind is. Where nothing is going to close it, it says what the operator can do."""
    trident = view.trident
    is_ours = trident.phase not in (Phase.SETTLING, Phase.ENDED) and trident.hands_off is not HandsOff.RELEASED
    if not is_ours or trident.cash_settled or not left_of(trident.units) or moment.today < moment.days.last_day.day:
        return ""
    session = moment.session
    is_late = moment.today > moment.days.last_day.day or (session is not None and moment.now >= last_hour(session))
    if not is_late and not (isinstance(action, Wait) and action.alert is Alert.MUST_CLOSE):
        return ""
    if not isinstance(action, Wait):
        return "its close is under way"
    return _nothing_closes_it(account, view, action) or action.why


def _nothing_closes_it(account: str, view: TridentView, action: Wait) -> str:
    """That no order is going to close it by its rules, and what the operator can do; empty where one is."""
    trident = view.trident
    if trident.hands_off is not HandsOff.NONE or action.alert is not None:
        return ""
    if trident.rules.mode is ExitMode.OFF or view.blocked == _OFF:
        switch = f"`senex accounts set {shown_end(account)} exits all` switches them on"
        return f"its exits are off, so that nothing closes it; {switch}, or close it at the broker"
    if view.blocked or view.asked is not None:
        return ""
    close = f"`senex close {trident.id[:SHORT_ID]} --unit all --walk` closes it in session"
    if trident.rules.mode is ExitMode.TARGETS:
        return f"no time exit closes it, because it was filled under targets alone; {close}"
    return f"no order of ours is due; {close}" if action.why == NOTHING_DUE else ""


def must_close_rings_at(view: TridentView, moment: Moment) -> datetime | None:
    """The newest quarter of an hour since the open, in the session of its expiration; None otherwise."""
    session = moment.session
    if moment.today != view.trident.expiration or session is None or not session.is_open(moment.now):
        return None
    return moment.now - (moment.now - session.open) % RINGS_EVERY
