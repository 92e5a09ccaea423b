"""What comes next for an account: whether it enters at the next slot, and if not, why, since when and how that ends.

One answer per account, the same in every place that tells it (rules 9). A countdown runs only to `enters_at`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from core.domain.market.sessions import Session
from core.domain.operation.accounts import shown_end
from core.domain.operation.breakers import Breaker, Scope
from core.domain.operation.times import clock, minute, when
from core.domain.orders.fate import Fate, FateKind, day_words, fate_words
from core.domain.orders.settling import Settling
from core.domain.orders.way_out import adopting, way_out


class Next(StrEnum):
    """What comes next, in a word."""

    FREE = "free"
    RUNNING = "running"
    DONE = "done"
    WORKING = "working"
    HELD = "held"
    FREEING = "freeing"
    OFF = "off"
    SKIPPED = "skipped"
    PAUSED = "paused"
    HALTED = "halted"
    BREAKER = "breaker"
    BARRED = "barred"
    RECONCILING = "reconciling"
    CLOSED = "closed"
    NO_CONSOLE = "no console"
    STARTING = "starting"
    VALIDATED = "validated"
    UNREAD = "unread"


_SWITCHED_OFF = "automation off for this account"
_N = Next
_SEVEREST_FIRST = (
    _N.NO_CONSOLE,
    _N.STARTING,
    _N.HALTED,
    _N.BREAKER,
    _N.BARRED,
    _N.HELD,
    _N.PAUSED,
    _N.RECONCILING,
    _N.RUNNING,
    _N.UNREAD,
    _N.FREEING,
    _N.WORKING,
    _N.SKIPPED,
    _N.DONE,
    _N.VALIDATED,
    _N.CLOSED,
    _N.FREE,
    _N.OFF,
)


@dataclass(frozen=True, slots=True)
class NextStep:
    """What comes next for one account. Instants are aware UTC.

    `enters_at` is the slot that will enter; without one no countdown runs anywhere. `misses_at` is the slot that will
    be missed as things stand. `next_day` is the first slot of the next session when this day enters nothing more: it is
    told with its date and never counted down to. `words` is the one sentence. `who`, `since` and `why` belong to what
    stops it; `ends` says how that ends. `settling` tells of the two reads that may free the day.
    """

    kind: Next
    words: str
    enters_at: datetime | None = None
    misses_at: datetime | None = None
    next_day: datetime | None = None
    who: str = ""
    since: datetime | None = None
    why: str = ""
    ends: str = ""
    settling: Settling | None = None


@dataclass(frozen=True, slots=True)
class TradingWords:
    """The trading state: active, paused or halted, with who, when and why. `at` is None before anybody said so."""

    state: str = "active"
    who: str = ""
    at: datetime | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """How one account stands. All that `next_step` asks. Instants are aware UTC.

    `today` is the exchange's date, `session` that day's session or None, `slot` its next slot or None, `next_open` and
    `next_day` the open and the first slot of the next session. `login_valid`: the broker accepts the token.
    `stopped_here` says why only this process stops entries, `kill_file` is the path of a file that halts them,
    `reconciling` what for; each is empty when it does not apply. `breakers` are all that are open. `running`: a cycle
    runs, or has ended and is not read yet. `unread` says why today's records are not known, empty when they are.
    `console`: a console of this mode runs; `starting`: it has not finished its start. `fate` is that of the
    account's entry of today, `reentry_allowed` whether an operator has allowed another after its cancel. `at_broker` is
    the id of an order of today that no record explains and that holds the day, empty without. `validated`: today's
    suggestion is validated. `barred` is what the gate of the running console says in the session against an entry now,
    empty when it lets one pass. `sends` is false in a dry run.
    """

    today: date
    session: Session | None
    slot: datetime | None
    next_open: datetime | None
    next_day: datetime | None
    number: str
    login: str
    enabled: bool = True
    is_closed: bool = False
    login_valid: bool = True
    skips_today: bool = False
    trading: TradingWords = TradingWords()
    stopped_here: str = ""
    kill_file: str = ""
    breakers: tuple[Breaker, ...] = ()
    reconciling: str = ""
    running: bool = False
    unread: str = ""
    console: bool = True
    starting: bool = False
    fate: Fate | None = None
    settling: Settling | None = None
    reentry_allowed: bool = False
    at_broker: str = ""
    validated: bool = False
    barred: str = ""
    sends: bool = True


def next_step(standing: Standing) -> NextStep:
    """What comes next for this account. Of several things that stop it, the one that has to end first is told.

    What stops everything is told before a day that is done, because it stops the next day too. It is told with it: no
    slot of a day that is done is missed.
    """
    held = _held(standing)
    if held is not None and held.kind is Next.DONE:
        done = replace(standing, slot=None)
        stopped = _without_console(done) or _stopped_for_all(done)
        if stopped is not None and stopped.kind is not Next.STARTING:
            return replace(stopped, words=f"{stopped.words}; {held.words}")
    return (
        _without_console(standing)
        or _stopped_for_all(standing)
        or _switched_off(standing)
        or held
        or _held_by_another(standing)
        or _barred(standing)
        or _at_a_slot(standing)
    )


_MAY_ENTER = frozenset({_N.FREE, _N.RUNNING, _N.FREEING, _N.RECONCILING, _N.STARTING, _N.UNREAD})
"""Steps with which a later slot of today may enter without anybody's doing, or nobody knows."""


def rest_words(kind: Next, *, ends_today: bool) -> str:
    """What is said of the slots after the next one when, by what comes next, none enters; empty where one may.

    `ends_today`: what stops them may end before the day does, because the step names no first slot of a next day.
    """
    if kind in _MAY_ENTER:
        return ""
    return "none enters, as things stand" if ends_today and kind is not Next.OFF else "none enters"


def overall(steps: Sequence[NextStep]) -> NextStep:
    """What comes next for the console: the account that enters first; without one, the most severe of them. A day that
    two reads may free goes before an order that works: its account may enter sooner."""
    if not steps:
        return NextStep(Next.OFF, "no account is known")
    free = [step for step in steps if step.enters_at is not None]
    if free:
        return min(free, key=lambda step: (step.enters_at, _SEVEREST_FIRST.index(step.kind)))
    # Of two alike the one that misses a slot goes before one whose day is done.
    worst = min(steps, key=lambda step: (_SEVEREST_FIRST.index(step.kind), step.misses_at is None))
    if worst.kind is Next.OFF and len(steps) > 1:
        whys = list(dict.fromkeys(step.words for step in steps))
        why = "automation is off for all" if whys == [_SWITCHED_OFF] else "; ".join(whys)
        return replace(worst, words=f"no account may enter: {why}")
    return worst


def _without_console(s: Standing) -> NextStep | None:
    if not s.console:
        return _missing(s, Next.NO_CONSOLE, "no console is running", ends="start one: `senex`")
    if s.starting:
        return NextStep(Next.STARTING, "the console is starting", ends="by itself")
    return None


def _stopped_for_all(s: Standing) -> NextStep | None:
    if s.kill_file:
        ends = "remove the file to go on"
        return _missing(s, Next.HALTED, f"halted by the file {s.kill_file}; {ends}", why=s.kill_file, ends=ends)
    if s.trading.state == "halted":
        return _by_operator(s, Next.HALTED, "HALTED", "`senex reset halt`")
    broken = next((breaker for breaker in s.breakers if breaker.kind.scope is Scope.GLOBAL), None)
    if broken is not None:
        return _broken(s, broken)
    if s.stopped_here:
        words = f"PAUSED: {s.stopped_here}"
        return _missing(s, Next.PAUSED, words, why=s.stopped_here, ends="`senex resume`")
    return None


def _switched_off(s: Standing) -> NextStep | None:
    if s.is_closed:
        return NextStep(Next.OFF, "the account is closed at the broker")
    if not s.enabled:
        return NextStep(Next.OFF, _SWITCHED_OFF, ends=f"`senex accounts enable {shown_end(s.number)}`")
    if not s.login_valid:
        return NextStep(
            Next.OFF, f"the broker refuses the login {s.login}", ends=f"`senex login {s.login}`, then a restart"
        )
    return None


def _held(s: Standing) -> NextStep | None:
    """What the day's entry makes of it."""
    fate = s.fate
    if fate is None or not fate.holds_day:
        return None
    told = _uncapped(fate)
    over = {breaker.kind for breaker in s.breakers if breaker.stops(s.number, s.login)}
    ends = way_out(fate, over, reentry_allowed=s.reentry_allowed)
    match fate.kind:
        case FateKind.UNKNOWN:
            words = f"held by an unknown entry{_reads(s)}"
            return NextStep(Next.HELD, words, why=fate.why, ends=ends, settling=s.settling)
        case FateKind.INCIDENT:
            return NextStep(Next.HELD, f"held by an {told}; {ends}", next_day=s.next_day, why=fate.why, ends=ends)
        case FateKind.SENDING:
            return NextStep(Next.WORKING, "an order is being sent")
        case FateKind.WORKING | FateKind.PARTLY:
            return NextStep(Next.WORKING, f"an order works: {told}")
        case FateKind.CANCELLED | FateKind.EXPIRED if not fate.traded:
            if fate.needs_word and not s.reentry_allowed:
                words = f"{told}; {day_words(fate, today=s.today)}"
                return NextStep(Next.HELD, words, ends=ends, settling=s.settling)
            return NextStep(Next.FREEING, f"{told}; the day is not free yet{_reads(s)}", settling=s.settling)
        case FateKind.ABSENT:
            words = f"held by an entry that is {told}"
            return NextStep(Next.HELD, words, next_day=s.next_day, why=fate.why, ends=ends)
    return NextStep(Next.DONE, f"done today ({told})", next_day=s.next_day)


def _held_by_another(s: Standing) -> NextStep | None:
    """A trident at the broker that no record here explains."""
    if not s.at_broker:
        return None
    words = f"held by order {s.at_broker} at the broker, a trident that is not of this console"
    ends = f"by itself when that order ends without a fill; {adopting(s.at_broker)}"
    return NextStep(Next.HELD, words, next_day=s.next_day, ends=ends)


def _barred(s: Standing) -> NextStep | None:
    """What stops this account at its next slot, in the order in which it is asked."""
    if s.skips_today:
        ends = f"by itself tomorrow, or `senex accounts skip {shown_end(s.number)} --undo`"
        return NextStep(Next.SKIPPED, "this account is skipped today", next_day=s.next_day, ends=ends)
    if s.trading.state == "paused":
        return _by_operator(s, Next.PAUSED, "PAUSED", "`senex resume`")
    broken = next((breaker for breaker in s.breakers if breaker.stops(s.number, s.login)), None)
    if broken is not None:
        return _broken(s, broken)
    if s.reconciling:
        return NextStep(Next.RECONCILING, f"reconciling with the broker: {s.reconciling}", why=s.reconciling)
    if s.validated:
        words = "done today: the suggestion is validated, and a dry run sends no order"
        return NextStep(Next.VALIDATED, words, next_day=s.next_day)
    return None


def _at_a_slot(s: Standing) -> NextStep:
    if s.running:
        return NextStep(Next.RUNNING, "a cycle is running")
    if s.session is None or s.slot is None:
        return _closed(s)
    if s.unread:
        return NextStep(Next.UNREAD, f"whether it enters next is not known: {s.unread}", why=s.unread, ends="by itself")
    if s.barred:
        return _missing(s, Next.BARRED, f"no entry now: {s.barred}", why=s.barred)
    words = f"free to enter at {minute(s.slot)}" if s.sends else f"free to validate at {minute(s.slot)} (dry run)"
    return NextStep(Next.FREE, words, enters_at=s.slot)


def _closed(s: Standing) -> NextStep:
    until = "" if s.next_open is None else f" until {when(s.next_open, s.today)}"
    first = "" if s.next_day is None else f", first slot {minute(s.next_day)}"
    if s.session is None:
        return NextStep(Next.CLOSED, f"market closed{until}{first}", next_day=s.next_day)
    following = "" if s.next_day is None else f"; the next is {when(s.next_day, s.today)}"
    return NextStep(Next.CLOSED, f"no slot is left today{following}", next_day=s.next_day)


def _by_operator(s: Standing, kind: Next, word: str, ends: str) -> NextStep:
    """Entries are paused or halted, by whom since when and why."""
    trading = s.trading
    by = f" by {trading.who}" if trading.who else ""
    since = "" if trading.at is None else f" since {when(trading.at, s.today)}"
    why = f": {trading.why}" if trading.why else ""
    return replace(
        _missing(s, kind, f"{word}{by}{since}{why}", why=trading.why, ends=ends), who=trading.who, since=trading.at
    )


def _broken(s: Standing, breaker: Breaker) -> NextStep:
    words = f"stopped by a breaker: {breaker.why}; {breaker.kind.reset}"
    step = _missing(s, Next.BREAKER, words, why=breaker.why, ends=breaker.kind.reset)
    return replace(step, since=breaker.opened_at)


def _missing(s: Standing, kind: Next, words: str, *, why: str = "", ends: str = "") -> NextStep:
    """A step that misses the next slot as long as it stands."""
    missed = "" if s.slot is None else f"; the {minute(s.slot)} slot will be missed"
    next_day = s.next_day if s.slot is None else None
    return NextStep(kind, f"{words}{missed}", misses_at=s.slot, next_day=next_day, why=why, ends=ends)


def _reads(s: Standing) -> str:
    """When the next read at the broker counts, by the clock; a countdown is the reader's own to run."""
    proof = s.settling
    if proof is None:
        return ""
    if proof.blocked:
        return f"; {proof.blocked}"
    if proof.second_due is not None:
        return f"; second read due {clock(proof.second_due)}"
    return "" if proof.first_due is None else f"; first read due {clock(proof.first_due)}"


def _uncapped(fate: Fate) -> str:
    """The fate's words inside a sentence: `filled 6.73`."""
    return fate.kind.value + fate_words(fate)[len(fate.kind.value) :]
