"""Which alerts about exits should be open, by how each trident stands (rules 15.10)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

from core.domain.operation.amounts import counted, plain, price, signed_dollars
from core.domain.operation.times import weekday
from core.domain.orders.order_states import OrderState
from core.domain.positions.actions import Action, Alert, Wait
from core.domain.positions.blocks import FIRST_SET_WAITS, Barred, Block, BlockScope
from core.domain.positions.closing import closed_twice
from core.domain.positions.due_targets import ended_by_others, returns_once
from core.domain.positions.exit_fate import exit_fate
from core.domain.positions.exits import Exit, ExitKind
from core.domain.positions.refusals import refused_on
from core.domain.positions.timing import PROVED_WITHIN
from core.domain.positions.trident_view import Moment, TridentView
from core.domain.positions.trident_words import covered_order, legs_words
from core.domain.positions.tridents import ExitMode, HandsOff, Phase
from core.domain.positions.units import Ended, Unit, UnitState, left_of, names_of, names_with
from core.domain.reporting.alerts import AlertKind, DueAlert, subject_of, subject_words
from core.domain.reporting.must_close import must_close_rings_at, must_close_why

PROOF_S = PROVED_WITHIN.total_seconds()
STALE_S = 15 * 60.0
BLOCKED_DTE = 3
OFF_DTE = 7
GONE_SESSIONS = 3
EX_DATE_SESSIONS = 5
_ENDED_HOW = {OrderState.EXPIRED: "it expired", OrderState.ABSENT: "the broker knows it no longer"}
TARGETS_WITHIN = timedelta(minutes=5)
"""After its last fill a trident has its targets within this time, or it is told."""


@dataclass(frozen=True, slots=True)
class TridentFacts:
    """One trident with units left, or whose result is not settled.

    `proof_waits_s` and `quotes_stale_s` are wall seconds, None while there is nothing to prove, or while quotes are
    fresh or not needed. `gone_sessions` counts the sessions since a unit left that nothing explains. `results` are what
    it realized by our records and by the broker's rows, where they differ two sessions after its end. `warnings` are
    what the broker's dry run said of its orders today, with nothing that refuses them.
    """

    account: str
    view: TridentView
    moment: Moment
    action: Action
    blocks: tuple[Block, ...] = ()
    is_managed: bool = True
    proof_waits_s: float | None = None
    quotes_stale_s: float | None = None
    gone_sessions: int = 0
    results: tuple[Decimal, Decimal] | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """What is known of an account beside its tridents. `unknown_rows` are kinds of its history that nothing here
    knows."""

    account: str
    moment: Moment
    first_set_waits: bool = False
    unknown_rows: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ExitFacts:
    """All that the alerts about exits are worked out from."""

    tridents: tuple[TridentFacts, ...] = ()
    accounts: tuple[AccountFacts, ...] = field(default=())


def due_exit_alerts(facts: ExitFacts) -> tuple[DueAlert, ...]:
    """Every alert about exits that should be open, most severe first: one of a kind for a trident or an account."""
    due = [alert for trident in facts.tridents for alert in _of_trident(trident)]
    due += [alert for account in facts.accounts for alert in _of_account(account)]
    return tuple(sorted(due, key=lambda alert: _ORDER.index(alert.kind)))


_ORDER = (
    AlertKind.MUST_CLOSE,
    AlertKind.CLOSES_OVERLAP,
    AlertKind.EXIT_UNKNOWN,
    AlertKind.UNIT_BROKEN,
    AlertKind.ASSIGNED,
    AlertKind.EXIT_NO_PROOF,
    AlertKind.EXITS_BLOCKED,
    AlertKind.EXIT_REFUSED_3,
    AlertKind.GONE_UNEXPLAINED,
    AlertKind.EXITS_OFF,
    AlertKind.TARGETS_MISSING,
    AlertKind.EXIT_QUOTES_STALE,
    AlertKind.GTC_ENDED,
    AlertKind.EX_DATE_CALL,
    AlertKind.EXIT_WARNING,
    AlertKind.PNL_MISMATCH,
    AlertKind.FIRST_SET_WAITS,
    AlertKind.UNKNOWN_TRANSACTION,
)
EXIT_ALERTS = frozenset(_ORDER)
"""The kinds of alerts that are worked out here."""


def _of_trident(facts: TridentFacts) -> Iterator[DueAlert]:
    view = facts.view
    for kind, text in _found(facts):
        subject = subject_of(facts.account, view.trident.id)
        what = f"{subject_words(subject)}, {view.trident.underlying} of {weekday(view.trident.expiration)}"
        rings_at = must_close_rings_at(view, facts.moment) if kind is AlertKind.MUST_CLOSE else None
        yield DueAlert(kind, subject, f"{what}: {text}", rings_at)


def _found(facts: TridentFacts) -> Iterator[tuple[AlertKind, str]]:
    view, trident = facts.view, facts.view.trident
    twice = closed_twice(trident.units, view.exits)
    if twice:
        yield (
            AlertKind.CLOSES_OVERLAP,
            f"two orders have closed {names_of(twice)}: one of them opened a position; settle it at the broker",
        )
    if facts.results is not None:
        ours, brokers = facts.results
        told = f"realized {signed_dollars(ours)} by our records and {signed_dollars(brokers)} by the broker's rows"
        yield AlertKind.PNL_MISMATCH, told
    gone = [unit.name for unit in trident.units if unit.state is UnitState.GONE and unit.how is None]
    if gone and facts.gone_sessions >= GONE_SESSIONS:
        since = counted(facts.gone_sessions, "session")
        yield (
            AlertKind.GONE_UNEXPLAINED,
            f"{names_of(gone)} left {since} ago and nothing explains it; `senex attest gone` says for how much",
        )
    if trident.phase is Phase.ENDED:
        return
    yield from _of_orders(facts)
    yield from _of_units(trident.units, trident.underlying)
    if trident.phase is not Phase.SETTLING and left_of(trident.units) and trident.hands_off is not HandsOff.RELEASED:
        yield from _of_what_is_left(facts)


def _of_orders(facts: TridentFacts) -> Iterator[tuple[AlertKind, str]]:
    view = facts.view
    for one in view.exits:
        if one.state is OrderState.UNKNOWN and one.released_at is None:
            order = f"order {one.order_id}, " if one.order_id else ""
            yield (
                AlertKind.EXIT_UNKNOWN,
                f"whether the broker has the {exit_fate(one).name} is not known ({order}`senex reconcile` looks again)",
            )
            break
    if facts.proof_waits_s is not None and facts.proof_waits_s >= PROOF_S:
        waits = [one for one in view.exits if one.needs_proof or (one.cancel_asked_at is not None and one.holds_units)]
        ids = ", ".join(one.order_id for one in waits if one.order_id)
        orders = f" ({ids})" if ids else ""
        yield (
            AlertKind.EXIT_NO_PROOF,
            f"the end of {counted(len(waits), 'order')}{orders} is not proved after 2 minutes; nothing is sent for it",
        )
    if isinstance(facts.action, Wait) and facts.action.alert is Alert.REFUSED:
        refused = refused_on(view.exits, facts.moment.today)
        said = exit_fate(refused[-1]).why if refused else ""
        yield AlertKind.EXIT_REFUSED_3, f"{facts.action.why}{f': {said}' if said else ''}"
    if facts.warnings:
        yield AlertKind.EXIT_WARNING, f"the broker warned about an order of it: {'; '.join(facts.warnings)}"


def _of_units(units: tuple[Unit, ...], underlying: str) -> Iterator[tuple[AlertKind, str]]:
    broken = [unit for unit in units if unit.state is UnitState.BROKEN]
    assigned = [unit for unit in broken if unit.how is Ended.ASSIGNED]
    others = [unit for unit in broken if unit.how is not Ended.ASSIGNED]
    if others:
        legs = legs_words(symbol for unit in others for symbol in unit.held)
        names = names_with((unit.name for unit in others), "is", "are")
        yield AlertKind.UNIT_BROKEN, f"{names} broken, left: {legs}; settle it at the broker"
    for is_put in (True, False):
        side = [unit for unit in assigned if unit.is_put is is_put]
        if side:
            names = names_with((unit.name for unit in side), "was", "were")
            yield AlertKind.ASSIGNED, f"{names} assigned; to consider: {covered_order(side, underlying)}"
            break


def _of_what_is_left(facts: TridentFacts) -> Iterator[tuple[AlertKind, str]]:
    view, trident, moment = facts.view, facts.view.trident, facts.moment
    dte = moment.days.dte(moment.today)
    left = names_with((unit.name for unit in left_of(trident.units)), "is", "are")
    expires = _expires(dte)
    late = must_close_why(facts.account, view, moment, facts.action)
    if late:
        yield AlertKind.MUST_CLOSE, f"{left} not closed and {expires}: {late}"
    if not facts.is_managed or trident.rules.mode is ExitMode.OFF:
        if dte <= OFF_DTE:
            why = "its exits are off" if facts.is_managed else "the console does not manage it"
            yield AlertKind.EXITS_OFF, f"{why} and {expires}"
        return
    blocked = _blocked(facts)
    if blocked and (dte <= BLOCKED_DTE or moment.days.is_last_day(moment.today)):
        yield AlertKind.EXITS_BLOCKED, f"nothing can be sent and {expires}: {blocked}"
    if facts.quotes_stale_s is not None and facts.quotes_stale_s >= STALE_S:
        yield (
            AlertKind.EXIT_QUOTES_STALE,
            f"no fresh quotes of its legs for 15 minutes; what works stays; {expires}",
        )
    ended = [one for one in _newest_targets(view) if ended_by_others(one)]
    if trident.phase is Phase.OPEN and ended:
        named = names_of(name for one in ended for name in one.units)
        how = exit_fate(ended[-1]).cancel or _ENDED_HOW[ended[-1].state]
        gone = [unit.name for unit in left_of(trident.units) if not returns_once(unit, view)]
        comes = "it returns once" if not gone else f"none is placed again for {names_of(gone)}, where it ended twice"
        yield AlertKind.GTC_ENDED, f"the target of {named} was ended by somebody else ({how}); {comes}"
    missing = _without_target(facts)
    if missing and not _blocked(facts, also_passing=True):
        yield AlertKind.TARGETS_MISSING, f"no target works for {names_of(unit.name for unit in missing)}"
    yield from _before_a_dividend(facts)


def _expires(dte: int) -> str:
    near = ("today", "tomorrow")
    return f"it expires {near[dte]}" if 0 <= dte < len(near) else f"it expires in {counted(dte, 'day')}"


def _blocked(facts: TridentFacts, *, also_passing: bool = False) -> str:
    """Why nothing may be sent whatever is due. What ends by itself, as a console starts or the market opens, counts
    with `also_passing` alone: it is no news, and yet no target can be placed."""
    if isinstance(facts.action, Wait) and facts.action.alert is Alert.CREDIT_UNKNOWN:
        return facts.action.why
    told = (one for one in facts.blocks if also_passing or not one.is_passing)
    wide = (one for one in told if one.scope is not BlockScope.MOMENT and one.bars is Barred.EXITS)
    left = {unit.name for unit in left_of(facts.view.trident.units)}
    return next((one.why for one in wide if left <= {*one.units}), "")


def _newest_targets(view: TridentView) -> tuple[Exit, ...]:
    """The newest target of each unit that is left and that no exit works on."""
    newest = {}
    for one in view.exits:
        if one.kind is ExitKind.TARGET:
            newest.update(dict.fromkeys(one.units, one))
    left = (unit.name for unit in left_of(view.trident.units))
    return tuple(newest[name] for name in left if name in newest and name not in view.claimed)


def _without_target(facts: TridentFacts) -> tuple[Unit, ...]:
    """The units that should have a target by now and have none. An operator's cancel, and an end by somebody else,
    which has an alert of its own, are known already."""
    view, trident, moment = facts.view, facts.view.trident, facts.moment
    is_late = moment.days.dte(moment.today) <= trident.rules.exit_dte
    is_open = moment.session is not None and moment.session.is_open(moment.now)
    waits = isinstance(facts.action, Wait) and moment.now >= trident.filled_at + TARGETS_WITHIN
    if trident.phase is not Phase.OPEN or is_late or not is_open or not waits:
        return ()
    ended = [one for one in _newest_targets(view) if one.cancel_requested_by or ended_by_others(one)]
    known = {name for one in ended for name in one.units}
    puts_left = any(unit.is_put for unit in left_of(trident.units))
    return tuple(
        unit
        for unit in left_of(trident.units)
        if trident.rules.targets.get(unit.name) is not None
        and unit.name not in view.claimed | known
        and not (trident.rules.call_last and not unit.is_put and puts_left)
    )


def _before_a_dividend(facts: TridentFacts) -> Iterator[tuple[AlertKind, str]]:
    view, trident, moment = facts.view, facts.view.trident, facts.moment
    dividend, underlying = view.dividend, view.underlying_price
    if trident.cash_settled or dividend is None or underlying is None or underlying <= trident.body:
        return
    if all(unit.is_put for unit in left_of(trident.units)):
        return
    if not moment.today < dividend.ex_date <= trident.expiration:  # one after it is nobody's who is assigned
        return
    between = sum(moment.today < one.day <= dividend.ex_date for one in moment.days.sessions)
    if between <= EX_DATE_SESSIONS:
        amount = "an amount that is not known" if dividend.amount is None else price(dividend.amount)
        yield (
            AlertKind.EX_DATE_CALL,
            f"the short call at {plain(trident.body)} is in the money, and {trident.underlying} pays {amount} on "
            f"{weekday(dividend.ex_date)}: it may be assigned before",
        )


def _of_account(facts: AccountFacts) -> Iterator[DueAlert]:
    whom = subject_words(facts.account)
    if facts.first_set_waits:
        hour = facts.moment.now.replace(minute=0, second=0, microsecond=0)
        yield DueAlert(AlertKind.FIRST_SET_WAITS, subject_of(facts.account), f"{whom}: {FIRST_SET_WAITS}", hour)
    if facts.unknown_rows:
        rows = ", ".join(facts.unknown_rows)
        yield DueAlert(
            AlertKind.UNKNOWN_TRANSACTION,
            subject_of(facts.account),
            f"{whom}: its history has rows of a kind that is not known here: {rows}",
        )
