"""The engine, its parts and the market, in the words of the status bar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Mode(StrEnum):
    """SPEC 9; a replay is none of its modes, and trades nothing."""

    DEMO = "demo"
    DRY_RUN = "dry-run"
    SANDBOX = "sandbox"
    LIVE = "live"
    REPLAY = "replay"


class EngineState(StrEnum):
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


class Automation(StrEnum):
    """The trading state (SPEC 9); reconciling refuses entries too."""

    RECONCILING = "reconciling"
    ACTIVE = "active"
    PAUSED = "paused"
    HALTED = "halted"


class Health(StrEnum):
    """One part's health, in a word."""

    STARTING = "starting"
    OK = "ok"
    TROUBLE = "trouble"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class PartHealth:
    """`detail` says what is wrong, or is empty."""

    health: Health
    detail: str = ""


class Watching(StrEnum):
    """Whose console this is: the trader's own, or a watcher's, which may only look, or also command."""

    NONE = ""
    READ_ONLY = "watching"
    OPERATOR = "watching as operator"


@dataclass(frozen=True, slots=True)
class StatusSlice:
    """The status bar. `now` is market time; `market` is a word: open, closed, before the open, unreadable.

    `mail` and `redis` are None when they are off. `watching` says what a console without the engine may do: a word of
    `Watching`; it is that of the trader itself otherwise.
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
    next_slot: datetime | None
    accounts: str
    failure: str = ""
    open_alerts: int = 0
    mail: PartHealth | None = None
    redis: PartHealth | None = None
    watching: Watching = Watching.NONE
