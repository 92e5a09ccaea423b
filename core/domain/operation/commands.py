"""What an operator can ask of the engine, from any place (SPEC 10)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

COMMAND_LIFETIME_S = 30.0


class CommandKind(StrEnum):
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


WATCHER_COMMANDS = frozenset({CommandKind.PAUSE, CommandKind.RESUME, CommandKind.FORCE, CommandKind.CANCEL})
"""What a console elsewhere may ask when it watches with the operator's role."""


class CommandState(StrEnum):
    PENDING = "pending"
    DONE = "done"
    REFUSED = "refused"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Command:
    """One request. `saw_cycle` is the newest cycle number its sender was shown; the engine refuses a forced
    cycle when another has started since. `at` is market time, UTC.

    `target` names what it is about: the entry's id (or its order's) for cancel, attest and allow-reentry, a breaker's
    code (and its subject after a colon), or `halt`, for reset, an alert's number for acknowledge, the number of an
    account, or its last characters, for set_account. `note` is what the operator says: why a halt, what was seen at
    the broker, or the account's setting and value, like `width 5`.
    """

    id: str
    kind: CommandKind
    who: str
    at: datetime
    saw_cycle: int | None = None
    target: str = ""
    note: str = ""
