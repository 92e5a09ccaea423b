"""Decides from a snapshot which commands make sense now, and says why not. The engine decides again by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from core.domain.market.sessions import MARKET_OPEN
from core.domain.operation.commands import CommandKind
from core.snapshot import (
    AccountView,
    Automation,
    CycleSlice,
    EngineState,
    ExitView,
    OrderView,
    Reentry,
    Snapshot,
    StatusSlice,
    Watching,
)
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


@dataclass(frozen=True, slots=True)
class Rule:
    """When a commanding action makes sense.

    `why_not` gives the reason why it does not now, or None. An action that `needs_entry` is hidden while there is no
    such entry, instead of greyed out.
    """

    why_not: Callable[[Snapshot, Pending], str | None]
    needs_entry: bool = False


def why_not(action: str, snapshot: Snapshot, pending: Pending) -> str | None:
    """Why an action of the key table is not possible now; None when it is. One without a rule always is."""
    return RULES[action].why_not(snapshot, pending) if action in RULES else None


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


def _not_running(status: StatusSlice | None) -> str:
    return (EngineState.STOPPED if status is None else status.engine).not_running


def why_not_pause(status: StatusSlice | None, pending: Pending) -> str | None:
    if status is None or status.engine not in (EngineState.RUNNING, EngineState.STARTING, EngineState.UNSEEN):
        return _not_running(status)
    return "a pause is on its way" if CommandKind.PAUSE in pending else None


def why_not_resume(status: StatusSlice | None, pending: Pending) -> str | None:
    if status is None or status.engine is not EngineState.RUNNING:
        return _not_running(status)
    if status.automation is not Automation.PAUSED:
        return "automation is not paused"
    return "a resume is on its way" if CommandKind.RESUME in pending else None


def why_not_end_halt(status: StatusSlice | None, pending: Pending) -> str | None:
    """Only a halt that is recorded ends by a word; another ends with its cause, which the banner names."""
    if status is None or status.engine is not EngineState.RUNNING:
        return _not_running(status)
    if status.automation is not Automation.HALTED:
        return "entries are not halted"
    if not status.who:
        return f"this halt ends with its cause: {status.automation_detail}"
    return "the end of the halt is on its way" if CommandKind.RESET in pending else None


def why_not_reconcile(status: StatusSlice | None, pending: Pending) -> str | None:
    if status is None or status.engine is not EngineState.RUNNING:
        return _not_running(status)
    return "a reconciliation is on its way" if CommandKind.RECONCILE in pending else None


def why_not_cancel(now: Snapshot) -> str | None:
    if now.status is None or now.status.engine is not EngineState.RUNNING:
        return _not_running(now.status)
    works = in_state(now.orders, WORKING) or exits_in_state(now.exits, WORKING)
    return None if works else "no entry and no closing order is working"


def why_not_decide(now: Snapshot) -> str | None:
    if now.status is None or now.status.engine is not EngineState.RUNNING:
        return _not_running(now.status)
    is_unknown = in_state(now.orders, UNKNOWN) or exits_in_state(now.exits, UNKNOWN)
    return None if is_unknown else "no entry and no closing order is unknown"


def why_not_reenter(status: StatusSlice | None, orders: tuple[OrderView, ...]) -> str | None:
    if status is None or status.engine is not EngineState.RUNNING:
        return _not_running(status)
    return None if closed_by_cancel(orders) else "no entry's day was closed by a cancel"


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


def why_not_force(
    status: StatusSlice | None, cycle: CycleSlice | None, accounts: tuple[AccountView, ...], pending: Pending
) -> str | None:
    """A cycle cannot be forced while paused, halted or reconciling, in a running cycle or a closed market, nor for no
    account (rules 3)."""
    if status is None or status.engine is not EngineState.RUNNING:
        return _not_running(status)
    if status.automation is not Automation.ACTIVE:
        return f"automation is {status.automation.value}"
    if cycle is not None and cycle.running:
        return f"cycle {cycle.number} is running"
    if status.market != MARKET_OPEN:
        return f"the market is {status.market}"
    if accounts and not any(account.automation for account in accounts):
        return f"automation is on for no account; press {key_for('accounts', 'A')} to switch one on"
    return "a forced cycle is on its way" if CommandKind.FORCE in pending else None


def why_not_exits(status: StatusSlice | None, pending: Pending) -> str | None:
    if status is None or status.engine is not EngineState.RUNNING:
        return _not_running(status)
    if status.exits is None:
        return "no trident is held"
    return "a command about exits is on its way" if CommandKind.EXITS in pending else None


def why_not_close(now: Snapshot) -> str | None:
    if now.status is None or now.status.engine is not EngineState.RUNNING:
        return _not_running(now.status)
    return None if any(view.exits is not None and view.exits.legs for view in now.positions.open) else _NOTHING_HELD


def why_not_jump(status: StatusSlice | None, cycle: CycleSlice | None, orders: tuple[OrderView, ...]) -> str | None:
    """A demo jumps only from where nothing is under way: what comes then is lived without this screen."""
    if status is None or status.engine is not EngineState.RUNNING:
        return _not_running(status)
    if status.automation is Automation.RECONCILING:
        return f"automation is {status.automation.value}"
    if cycle is not None and cycle.running:
        return f"cycle {cycle.number} is running"
    return "the fate of an entry is unknown; decide on it first" if in_state(orders, UNKNOWN) else None


RULES: Mapping[str, Rule] = {
    "pause": Rule(lambda now, pending: why_not_pause(now.status, pending)),
    "resume": Rule(lambda now, pending: why_not_resume(now.status, pending)),
    "end_halt": Rule(lambda now, pending: why_not_end_halt(now.status, pending)),
    "force": Rule(lambda now, pending: why_not_force(now.status, now.cycle, now.accounts, pending)),
    "reconcile": Rule(lambda now, pending: why_not_reconcile(now.status, pending)),
    "cancel": Rule(lambda now, pending: why_not_cancel(now), needs_entry=True),
    "unknown": Rule(lambda now, pending: why_not_decide(now), needs_entry=True),
    "reentry": Rule(lambda now, pending: why_not_reenter(now.status, now.orders), needs_entry=True),
    "exits": Rule(lambda now, pending: why_not_exits(now.status, pending), needs_entry=True),
    "close_units": Rule(lambda now, pending: why_not_close(now), needs_entry=True),
    "jump": Rule(lambda now, pending: why_not_jump(now.status, now.cycle, now.orders)),
}
"""The rule of each commanding action. Only these can be impossible: quitting and help never ask the engine."""
