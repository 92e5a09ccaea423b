"""Finds what to tell the operator in a toast or with the bell, by comparing each snapshot with the one before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.domain.operation.commands import CommandKind, CommandState
from core.snapshot import EngineState, Level, Watching

if TYPE_CHECKING:
    from textual.notifications import SeverityLevel

    from core.snapshot import CommandView, MessageView, Snapshot


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell. `about` is what a panel says of it, `ring` that it is critical."""

    text: str
    severity: SeverityLevel
    about: str
    ring: bool = False


class Attention:
    """Tells of commands sent from this console, new critical messages and the engine's failure.

    It does not tell of a preview: its page shows the answer.
    It tells nothing that was there before the console opened: the panels show that. A watcher's console opens to a
    trader when the first snapshot of it arrives, which may be long after its screen did.
    """

    def __init__(self) -> None:
        self._sent: dict[str, CommandKind] = {}
        self._attached = False
        self._newest: MessageView | None = None
        self._failure = ""

    @property
    def pending(self) -> tuple[CommandKind, ...]:
        """Commands the engine has not settled yet, oldest first."""
        return tuple(self._sent.values())

    def waits_for(self, command_id: str) -> bool:
        """Whether the engine has yet to settle this command."""
        return command_id in self._sent

    def sent(self, command_id: str, kind: CommandKind) -> None:
        """Follows a command from now on."""
        self._sent[command_id] = kind

    def notices(self, snapshot: Snapshot) -> list[Notice]:
        """What is new in this snapshot. Each thing is told once."""
        told = self._commands(snapshot)
        if self._attached or self._attach(snapshot):
            told += [*self._messages(snapshot), *self._failed(snapshot)]
        return told

    def _attach(self, snapshot: Snapshot) -> bool:
        """Takes what the first snapshot of the trader shows as known. False while a watcher has none of it yet."""
        status = snapshot.status
        if status.watching is not Watching.NONE:
            if status.now is None or status.engine is EngineState.UNSEEN:
                return False
            self._failure = status.failure
        self._newest = next(reversed(snapshot.messages), None)
        self._attached = True
        return True

    def _commands(self, snapshot: Snapshot) -> list[Notice]:
        settled = [c for c in snapshot.commands if c.state is not CommandState.PENDING and c.id in self._sent]
        for command in settled:
            del self._sent[command.id]
        return [_notice_of(command) for command in settled if command.kind is not CommandKind.PREVIEW]

    def _messages(self, snapshot: Snapshot) -> list[Notice]:
        before = self._before(snapshot)
        self._newest = next(reversed(snapshot.messages), self._newest)
        return [
            Notice(f"{message.source}: {message.text}", "error", message.text, ring=True)
            for message in snapshot.messages
            if message.number > before and message.level is Level.CRITICAL
        ]

    def _before(self, snapshot: Snapshot) -> int:
        """The number up to which messages are known. Another start of the engine, which a watcher may see, counts its
        own from 1."""
        if self._newest is None:
            return 0
        newest = max((message.number for message in snapshot.messages), default=self._newest.number)
        same = [message for message in snapshot.messages if message.number == self._newest.number]
        return 0 if newest < self._newest.number or same not in ([], [self._newest]) else self._newest.number

    def _failed(self, snapshot: Snapshot) -> list[Notice]:
        before = self._failure
        self._failure = snapshot.status.failure if snapshot.status.engine is EngineState.FAILED else ""
        if self._failure and self._failure != before:
            return [Notice(f"engine failed: {self._failure}", "error", self._failure, ring=True)]
        return []


class CommandsOnly(Attention):
    """For a replay: tells of commands alone. What was critical on that day is in the panels."""

    def _messages(self, snapshot: Snapshot) -> list[Notice]:
        return []

    def _failed(self, snapshot: Snapshot) -> list[Notice]:
        return []


def _notice_of(command: CommandView) -> Notice:
    if command.state is CommandState.DONE:
        return Notice(command.text or f"{command.kind.words}: done", "information", command.text)
    return Notice(f"{command.kind.words} {command.state.value}: {command.text}", "warning", command.text)
