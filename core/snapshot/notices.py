"""What asks for attention: breakers, alerts, messages, and what became of commands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.domain.operation.commands import CommandKind, CommandState


@dataclass(frozen=True, slots=True)
class BreakerView:
    """What stops entries now: `whom` is an account (masked), a login, or empty for all; `reset` says what ends it."""

    code: str
    whom: str
    why: str
    reset: str
    since: datetime


@dataclass(frozen=True, slots=True)
class AlertView:
    """An alert. `severity` is a word: critical or warning; `whom` is the account it is about (masked), or empty for
    all; `seen_by` who acknowledged it, empty while nobody did; `closed` is None while it is open."""

    id: int
    code: str
    severity: str
    whom: str
    text: str
    since: datetime
    seen_by: str
    closed: datetime | None = None


class Level(StrEnum):
    INFO = "info"
    WARNING = "warn"
    CRITICAL = "crit"


@dataclass(frozen=True, slots=True)
class MessageView:
    """One line for the operator. `number` rises by one per message, so a watcher can tell what is new."""

    number: int
    at: datetime
    level: Level
    source: str
    text: str


@dataclass(frozen=True, slots=True)
class CommandView:
    """A command sent from this console and what became of it."""

    id: str
    kind: CommandKind
    state: CommandState
    text: str
