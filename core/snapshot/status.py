"""The slice of the status bar: the engine, its parts and the market."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.domain.operation.mode import Mode
from core.snapshot.fates import StartStep
from core.snapshot.tridents import ExitsView


class EngineState(StrEnum):
    """Where the engine is in its life."""

    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"
    UNSEEN = "not seen"
    """No engine publishes to this watcher; what it shows is from the records."""

    @property
    def not_running(self) -> str:
        """Why nothing is asked of an engine that does not run, as a sentence without its stop."""
        return f"the engine is {'starting' if self is EngineState.STARTING else 'not running'}"

    @property
    def tells_day(self) -> bool:
        """Whether what is shown of the day, and of what comes next, is as it stands now."""
        return self in (EngineState.RUNNING, EngineState.UNSEEN)

    @property
    def is_over(self) -> bool:
        """Whether nothing of the engine goes on any more."""
        return self in (EngineState.STOPPED, EngineState.FAILED)


class Automation(StrEnum):
    """The trading state (rules 9). While reconciling, entries are refused too."""

    RECONCILING = "reconciling"
    ACTIVE = "active"
    PAUSED = "paused"
    HALTED = "halted"


class Health(StrEnum):
    """The health of one part in a word."""

    STARTING = "starting"
    OK = "ok"
    TROUBLE = "trouble"
    DOWN = "down"


NO_REASON = " by the operator"
"""How the records end the reason of a pause or a halt for which none was given."""


@dataclass(frozen=True, slots=True)
class PartHealth:
    """The health of one part; `detail` says what is wrong, or is empty."""

    health: Health
    detail: str = ""


class Watching(StrEnum):
    """Whose console this is: the trader's own, a watcher's that may only look, or a watcher's that may also command."""

    NONE = ""
    READ_ONLY = "watching"
    OPERATOR = "watching as operator"


@dataclass(frozen=True, slots=True)
class StatusSlice:
    """The status bar. `now` is market time; `speed` is market seconds per wall second.

    `market` is a word: open, closed, before the open or unreadable. `mail`, `phone` and `redis` are None when off.
    `failure` says why the engine failed, or is empty. `who`, `since` and `why` belong to a pause or a halt. `start` has
    the steps of the start, empty once it is over. `exits` is None while no trident is held and nobody holds them.
    """

    mode: Mode
    engine: EngineState
    now: datetime | None
    speed: float
    automation: Automation
    automation_detail: str
    feed: PartHealth
    feed_age_s: int | None
    broker: PartHealth
    records: PartHealth
    market: str
    accounts: str
    failure: str = ""
    open_alerts: int = 0
    mail: PartHealth | None = None
    redis: PartHealth | None = None
    watching: Watching = Watching.NONE
    who: str = ""
    since: datetime | None = None
    why: str = ""
    start: tuple[StartStep, ...] = ()
    exits: ExitsView | None = None
    phone: PartHealth | None = None
