"""Slices of what asks for attention: breakers, alerts, messages and the answers to commands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.domain.operation.commands import CommandKind, CommandState


@dataclass(frozen=True, slots=True)
class BreakerView:
    """A breaker that stops entries now. `whom` is the account (masked) or the login it stops, empty when it stops all;
    `reset` says what ends it."""

    code: str
    whom: str
    why: str
    reset: str
    since: datetime


@dataclass(frozen=True, slots=True)
class AlertView:
    """An alert. `severity` is a word: critical or warning. `whom` is the account it is about (masked), empty when it is
    about all. `seen_by` is who acknowledged it, empty while nobody has. `closed` is None while it is open."""

    id: int
    code: str
    severity: str
    whom: str
    text: str
    since: datetime
    seen_by: str
    closed: datetime | None = None


class Level(StrEnum):
    """How urgent a message is."""

    INFO = "info"
    WARNING = "warn"
    CRITICAL = "crit"


@dataclass(frozen=True, slots=True)
class MessageView:
    """One line for the operator. `number` rises by one with each message, so a reader can tell which are new; those of
    before this start of the engine are numbered up to 0. `about` names what a newer message tells anew: the older one
    is gone then, unless it warned; empty for what is told once. `pinned`: a fill or a refusal, which stays in sight."""

    number: int
    at: datetime
    level: Level
    source: str
    text: str
    about: str = ""
    pinned: bool = False


@dataclass(frozen=True, slots=True)
class CommandView:
    """A command sent from this console, and what became of it; `text` is the answer."""

    id: str
    kind: CommandKind
    state: CommandState
    text: str
