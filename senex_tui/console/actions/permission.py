"""Which commands make sense now, and why not; pure. The engine decides again when a command arrives."""

from __future__ import annotations

from collections.abc import Callable

from core.domain.operation.commands import CommandKind
from core.snapshot import Automation, CycleSlice, EngineState, OrderView, Reentry, Snapshot, StatusSlice

MARKET_OPEN = "open"
WORKING, UNKNOWN = "working", "unknown"
ABOUT_AN_ENTRY = ("cancel", "unknown", "reentry")
"""Actions that are not even shown without such an entry."""
READ_ONLY = "this console is read-only: it watches"
MAY_BE_BARRED = ("pause", "resume", "force", "reconcile", *ABOUT_AN_ENTRY)
"""Only these can be impossible: quitting and help never depend on the engine's answer."""


def why_not(action: str, snapshot: Snapshot, pending: tuple[CommandKind, ...]) -> str | None:
    """Why an action of the key table is not possible now; None when it is."""
    status, orders = snapshot.status, snapshot.orders
    match action:
        case "pause":
            return why_not_pause(status, pending)
        case "resume":
            return why_not_resume(status, pending)
        case "force":
            return why_not_force(status, snapshot.cycle, pending)
        case "reconcile":
            return why_not_reconcile(status, pending)
        case "cancel":
            return why_not_cancel(status, orders)
        case "unknown":
            return why_not_decide(status, orders)
        case "reentry":
            return why_not_reenter(status, orders)
    return None


def offered(action: str, paused: bool, why: Callable[[str], str | None]) -> bool | None:
    """Textual's answer for a key: None greys it out, False hides it. Pause and resume share one key, and what is about
    an entry needs one."""
    if action in ("pause", "resume") and paused is (action == "pause"):
        return False
    reason = why(action) if action in MAY_BE_BARRED else None
    if reason is None:
        return True
    return False if action in ABOUT_AN_ENTRY and reason != READ_ONLY else None


def why_not_pause(status: StatusSlice | None, pending: tuple[CommandKind, ...]) -> str | None:
    if status is None or status.engine not in (EngineState.RUNNING, EngineState.STARTING):
        return "the engine is not running"
    return "a pause is on its way" if CommandKind.PAUSE in pending else None


def why_not_resume(status: StatusSlice | None, pending: tuple[CommandKind, ...]) -> str | None:
    if status is None or status.engine is not EngineState.RUNNING:
        return "the engine is not running"
    if status.automation is not Automation.PAUSED:
        return "automation is not paused"
    return "a resume is on its way" if CommandKind.RESUME in pending else None


def why_not_reconcile(status: StatusSlice | None, pending: tuple[CommandKind, ...]) -> str | None:
    if status is None or status.engine is not EngineState.RUNNING:
        return "the engine is not running"
    return "a reconciliation is on its way" if CommandKind.RECONCILE in pending else None


def why_not_cancel(status: StatusSlice | None, orders: tuple[OrderView, ...]) -> str | None:
    if status is None or status.engine is not EngineState.RUNNING:
        return "the engine is not running"
    return None if in_state(orders, WORKING) else "no entry is working"


def why_not_decide(status: StatusSlice | None, orders: tuple[OrderView, ...]) -> str | None:
    if status is None or status.engine is not EngineState.RUNNING:
        return "the engine is not running"
    return None if in_state(orders, UNKNOWN) else "no entry is unknown"


def why_not_reenter(status: StatusSlice | None, orders: tuple[OrderView, ...]) -> str | None:
    if status is None or status.engine is not EngineState.RUNNING:
        return "the engine is not running"
    return None if closed_by_cancel(orders) else "no entry's day was closed by a cancel"


def closed_by_cancel(orders: tuple[OrderView, ...]) -> tuple[OrderView, ...]:
    """The entries whose day an operator's cancel closed, and nobody has opened since."""
    return tuple(order for order in orders if order.reentry is Reentry.CLOSED)


def in_state(orders: tuple[OrderView, ...], state: str) -> tuple[OrderView, ...]:
    """The entries in one of our states."""
    return tuple(order for order in orders if order.state == state)


def why_not_force(status: StatusSlice | None, cycle: CycleSlice | None, pending: tuple[CommandKind, ...]) -> str | None:
    """SPEC 3: refused while paused, halted or reconciling, while a cycle runs, and with the market closed."""
    if status is None or status.engine is not EngineState.RUNNING:
        return "the engine is not running"
    if status.automation is not Automation.ACTIVE:
        return f"automation is {status.automation.value}"
    if cycle is not None and cycle.running:
        return f"cycle {cycle.number} is running"
    if status.market != MARKET_OPEN:
        return f"the market is {status.market}"
    return "a forced cycle is on its way" if CommandKind.FORCE in pending else None
