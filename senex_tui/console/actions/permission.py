"""Decides from a snapshot which commands make sense now, and says why not. The engine decides again by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from core.domain.market.sessions import MARKET_OPEN
from core.domain.operation.commands import CommandKind
from core.snapshot import Automation, EngineState, ExitView, OrderView, Reentry, Snapshot, Watching
from widgets.base.key_names import key_for

ONE_KEY_BY_STATE: Mapping[Automation | None, str] = {
    Automation.PAUSED: "resume",
    Automation.HALTED: "end_halt",
}
"""What the key of the pause does in a state; in every other one it pauses."""
ONE_KEY = frozenset({"pause", *ONE_KEY_BY_STATE.values()})
WORKING, UNKNOWN = "working", "unknown"
READ_ONLY = "this console is read-only: it watches"
HELD_ELSEWHERE = "exits are held; that they go on is said at the trader's own machine"
"""Why a watcher that may hold exits cannot let them go on."""
_SAID = frozenset({READ_ONLY, HELD_ELSEWHERE})
"""Reasons that are said of a key that is otherwise hidden while there is nothing for it."""
_NOTHING_HELD = "no unit of a trident can be closed"
Pending = tuple[CommandKind, ...]
"""The commands that this console has sent and the engine has not settled yet."""


_RUNS = frozenset({EngineState.RUNNING})
_ALSO_BEFORE = _RUNS | {EngineState.STARTING, EngineState.UNSEEN}
"""The states of the engine in which a pause is taken."""


@dataclass(frozen=True, slots=True)
class Rule:
    """When a commanding action makes sense: in a state of the engine that takes it, and where `why_not` gives no reason
    against it.

    One that sends `sent`, with words for it, is not sent again before that is settled. An action that `needs_entry` is
    hidden while there is no such entry, instead of greyed out.
    """

    why_not: Callable[[Snapshot], str | None]
    needs_entry: bool = False
    sent: tuple[CommandKind, str] | None = None
    taken_in: frozenset[EngineState] = _RUNS


def why_not(action: str, snapshot: Snapshot, pending: Pending) -> str | None:
    """Why an action of the key table is not possible now; None when it is. One without a rule always is."""
    rule = RULES.get(action)
    if rule is None:
        return None
    if snapshot.status.engine not in rule.taken_in:
        return snapshot.status.engine.not_running
    reason = rule.why_not(snapshot)
    if reason is None and rule.sent is not None and rule.sent[0] in pending:
        return f"{rule.sent[1]} is on its way"
    return reason


def offered(action: str, automation: Automation | None, why: Callable[[str], str | None]) -> bool | None:
    """Whether a key is offered, as Textual asks it: True shows it, None greys it out, False hides it.

    Pause, resume and the end of a halt share one key: only the one that would change something is shown.
    """
    if action in ONE_KEY and action != ONE_KEY_BY_STATE.get(automation, "pause"):
        return False
    reason = why(action) if action in RULES else None
    if reason is None:
        return True
    return False if RULES[action].needs_entry and reason not in _SAID else None


def _not_paused(now: Snapshot) -> str | None:
    return None if now.status.automation is Automation.PAUSED else "automation is not paused"


def _not_halted(now: Snapshot) -> str | None:
    """Only a halt that is recorded ends by a word; another ends with its cause, which the banner names."""
    if now.status.automation is not Automation.HALTED:
        return "entries are not halted"
    return None if now.status.who else f"this halt ends with its cause: {now.status.automation_detail}"


def _none_works(now: Snapshot) -> str | None:
    works = in_state(now.orders, WORKING) or exits_in_state(now.exits, WORKING)
    return None if works else "no entry and no closing order is working"


def _none_unknown(now: Snapshot) -> str | None:
    is_unknown = in_state(now.orders, UNKNOWN) or exits_in_state(now.exits, UNKNOWN)
    return None if is_unknown else "no entry and no closing order is unknown"


def _none_closed_by_cancel(now: Snapshot) -> str | None:
    return None if closed_by_cancel(now.orders) else "no entry's day was closed by a cancel"


def closed_by_cancel(orders: tuple[OrderView, ...]) -> tuple[OrderView, ...]:
    """The entries whose day a person's cancel has closed and nobody has opened again."""
    return tuple(order for order in orders if order.reentry is Reentry.CLOSED)


def in_state(orders: tuple[OrderView, ...], state: str) -> tuple[OrderView, ...]:
    """The entries in this state, one of ours and not the broker's."""
    return tuple(order for order in orders if order.state == state)


def exits_in_state(exits: tuple[ExitView, ...], state: str) -> tuple[ExitView, ...]:
    """The closing orders of ours in this state."""
    return tuple(one for one in exits if one.state == state)


def may_cancel_exits(now: Snapshot) -> bool:
    """Whether closing orders work that this console may cancel all together: a watcher may not."""
    return now.status.watching is Watching.NONE and bool(exits_in_state(now.exits, WORKING))


def _not_forced(now: Snapshot) -> str | None:
    """A cycle cannot be forced while paused, halted or reconciling, in a running cycle or a closed market, nor for no
    account (rules 3)."""
    status, cycle = now.status, now.cycle
    if status.automation is not Automation.ACTIVE:
        return f"automation is {status.automation.value}"
    if cycle is not None and cycle.running:
        return f"cycle {cycle.number} is running"
    if status.market != MARKET_OPEN:
        return f"the market is {status.market}"
    if now.accounts and not any(account.automation for account in now.accounts):
        return f"automation is on for no account; press {key_for('accounts', 'A')} to switch one on"
    return None


def _none_closes(now: Snapshot) -> str | None:
    return None if any(view.exits is not None and view.exits.legs for view in now.positions.open) else _NOTHING_HELD


def _no_jump(now: Snapshot) -> str | None:
    """A demo jumps only from where nothing is under way: what comes then is lived without this screen."""
    if now.status.automation is Automation.RECONCILING:
        return f"automation is {now.status.automation.value}"
    if now.cycle is not None and now.cycle.running:
        return f"cycle {now.cycle.number} is running"
    return "the fate of an entry is unknown; decide on it first" if in_state(now.orders, UNKNOWN) else None


RULES: Mapping[str, Rule] = {
    "pause": Rule(lambda now: None, sent=(CommandKind.PAUSE, "a pause"), taken_in=_ALSO_BEFORE),
    "resume": Rule(_not_paused, sent=(CommandKind.RESUME, "a resume")),
    "end_halt": Rule(_not_halted, sent=(CommandKind.RESET, "the end of the halt")),
    "force": Rule(_not_forced, sent=(CommandKind.FORCE, "a forced cycle")),
    "reconcile": Rule(lambda now: None, sent=(CommandKind.RECONCILE, "a reconciliation")),
    "cancel": Rule(_none_works, needs_entry=True),
    "unknown": Rule(_none_unknown, needs_entry=True),
    "reentry": Rule(_none_closed_by_cancel, needs_entry=True),
    "exits": Rule(
        lambda now: "no trident is held" if now.status.exits is None else None,
        needs_entry=True,
        sent=(CommandKind.EXITS, "a command about exits"),
    ),
    "close_units": Rule(_none_closes, needs_entry=True),
    "jump": Rule(_no_jump),
}
"""The rule of each commanding action. Only these can be impossible: quitting and help never ask the engine."""
