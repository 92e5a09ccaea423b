"""Which commands make sense now, and why not; pure. The engine decides again when a command arrives."""

from __future__ import annotations

from core.domain.commands import CommandKind
from core.snapshot import Automation, CycleSlice, EngineState, StatusSlice

MARKET_OPEN = "open"


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
