"""The commands that an operator can give the engine, from any place (rules 10)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Flag, StrEnum, auto

from core.domain.operation.reasons import Reason

COMMAND_LIFETIME_S = 30.0
"""Wall seconds for which a command is carried out. A stop never expires."""
COMMAND, CYCLE = "command", "cycle"
"""Figures of the event of an answer: the command's id, and for a forced cycle its number."""
HALT = "halt"
"""The target of a reset that ends a halt."""
PREVIEW_DONE, PREVIEWS = "preview.done", "previews"
"""The event that has the result of a preview, and its figure with them as JSON: a list, one for each account."""


class CommandKind(StrEnum):
    """The kinds of commands. The records keep the value."""

    PAUSE = "pause"
    RESUME = "resume"
    FORCE = "force"
    HALT = "halt"
    RESET = "reset"
    CANCEL = "cancel"
    RECONCILE = "reconcile"
    ATTEST = "attest"
    ACKNOWLEDGE = "acknowledge"
    ALLOW_REENTRY = "allow-reentry"
    SET_ACCOUNT = "set_account"
    PREVIEW = "preview"
    CLOSE = "close"
    RETARGET = "retarget"
    RELEASE = "release"
    EXITS = "exits"

    @property
    def words(self) -> str:
        """The kind as a person reads it."""
        return self.value.replace("_", " ")


WATCHER_COMMANDS = frozenset({CommandKind.PAUSE, CommandKind.RESUME, CommandKind.FORCE, CommandKind.CANCEL})
"""The commands that a console elsewhere may send when it watches with the operator's role. Of exits it may send a hold,
and nothing else (`may_watcher_send`)."""


def may_watcher_send(kind: CommandKind, note: str = "") -> bool:
    """Whether a watcher with the operator's role may send this command."""
    return kind in WATCHER_COMMANDS or (kind is CommandKind.EXITS and holds_exits(note))


def holds_exits(note: str) -> bool:
    """Whether the note of an exits command asks for a hold."""
    return note.split()[:1] == ["hold"]


class CommandState(StrEnum):
    """The state of a command."""

    PENDING = "pending"
    DONE = "done"
    REFUSED = "refused"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Command:
    """One request of an operator. `at` is market time, UTC.

    `saw_cycle` is the number of the newest cycle that its sender was shown; the engine refuses a forced cycle when
    another has started since. `target` is what the command is about: the id of an entry or of its order for cancel,
    attest and allow-reentry; for reset a breaker's code, with a colon and its subject where it has one, or `halt`; the
    number of an alert for acknowledge; an account number, or its last characters, for set_account, and for force and
    preview, where it may be empty and then means every account that is enabled; for exits too, where empty means all;
    the id of a trident for close, retarget and release. `note` is what the operator adds: the reason for a halt, what
    was seen at the broker, the account's setting and value, like `width 5`, or the words of a close or of exits.
    """

    id: str
    kind: CommandKind
    who: str
    at: datetime
    saw_cycle: int | None = None
    target: str = ""
    note: str = ""


class Bars(Flag):
    """What a stop bars."""

    ENTRIES = auto()
    EXITS = auto()
    ALL = ENTRIES | EXITS


@dataclass(frozen=True, slots=True)
class Stop:
    """What a command forbids: the orders that `bars` says of one account, as it was typed, or of every account when
    empty."""

    reason: Reason
    account: str = ""
    bars: Bars = Bars.ENTRIES


_SWITCHED_OFF = {"skip today": Reason.SKIP_TODAY, "automation off": Reason.ACCOUNT_DISABLED}


def stops_account(note: str) -> Reason | None:
    """Why an account makes no entries once this setting is its own; None when the setting stops nothing."""
    return _SWITCHED_OFF.get(" ".join(note.split()))


def _account_stop(command: Command) -> Stop | None:
    reason = stops_account(command.note)
    return None if reason is None else Stop(reason, command.target)


def _exits_stop(command: Command) -> Stop | None:
    return Stop(Reason.EXITS_HELD, command.target, Bars.EXITS) if holds_exits(command.note) else None


STOPS: Mapping[CommandKind, Callable[[Command], Stop | None]] = {
    CommandKind.PAUSE: lambda _: Stop(Reason.PAUSED),
    CommandKind.HALT: lambda _: Stop(Reason.HALTED),
    CommandKind.SET_ACCOUNT: _account_stop,
    CommandKind.EXITS: _exits_stop,
}
"""The commands that can be stops. A stop bars from the moment it is asked, before it is recorded (rules 10)."""


def stop_of(command: Command) -> Stop | None:
    """What the command stops; None when it stops nothing."""
    found = STOPS.get(command.kind)
    return None if found is None else found(command)
