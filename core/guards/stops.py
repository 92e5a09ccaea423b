"""The stops that were asked and are not recorded yet. They bar entries, exits or both from the moment they are asked
(rules 10)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from core.domain.operation.accounts import may_mean
from core.domain.operation.commands import Bars, Command, CommandKind, Stop, stop_of
from core.domain.operation.reasons import Reason, Refusal
from core.guards.stop_files import KeptStop, StopFiles

_ALL_OF_EVERY_ACCOUNT = Stop(Reason.PAUSED, bars=Bars.ALL)
"""What is barred where nobody can tell what was asked, and at the end of the process."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A stop in the order in which this process learned of it; `at` is when it was asked, UTC."""

    number: int
    stop: Stop
    at: datetime
    words: str


class Stops:
    """Every method answers without waiting. Each stop is numbered, and ends by its own command's commit, after which
    the records bar, or by a resume of entries that was asked later. What cannot be read bars entries and exits.

    `files` are the stops that other processes keep; None where no other process shares the records.
    """

    def __init__(self, files: StopFiles | None = None) -> None:
        self.files = files
        self._ending = ""
        self._asked: dict[str, _Asked] = {}
        self._resumes: dict[str, int] = {}
        self._lifted: set[str] = set()
        self._numbers = 0
        self._kept: tuple[KeptStop, ...] | None = None

    @contextmanager
    def read_once(self) -> Iterator[None]:
        """Within it the files are read once, for a caller that asks many times and waits for nothing meanwhile. Whoever
        decides about an order asks outside of it."""
        self._kept = self._files()
        try:
            yield
        finally:
            self._kept = None

    def _files(self) -> tuple[KeptStop, ...]:
        return () if self.files is None else self.files.kept()

    def end_here(self, why: str) -> None:
        """Bars every entry and exit for the life of this process, because it ends. `why` is shown. Nothing lifts it."""
        self._ending = why

    def ask(self, command: Command, *, unreadable: bool = False) -> None:
        """Takes note of a command in its order, and bars what it stops. Asking again changes nothing. `unreadable`: it
        stands for one that cannot be read, which may have stopped either."""
        stop = stop_of(command)
        if stop is not None:
            stop = replace(stop, bars=Bars.ALL) if unreadable else stop
            self.close(command.id, stop, command.at, f"{_said(command)}, not recorded yet")
        elif command.kind in _LIFTS and command.id not in self._resumes:
            self._numbers += 1
            self._resumes[command.id] = self._numbers

    def close(self, command_id: str, stop: Stop, at: datetime, words: str) -> None:
        """Bars what this stop stops until it is settled or lifted."""
        if command_id not in self._asked and command_id not in self._lifted:
            self._numbers += 1
            self._asked[command_id] = _Asked(self._numbers, stop, at, words)

    def settle(self, command_id: str) -> None:
        """Ends the bar of one command: what it asked is recorded or refused."""
        self._asked.pop(command_id, None)
        self._resumes.pop(command_id, None)
        self._lifted.discard(command_id)
        self.drop_file(command_id)

    def drop_file(self, command_id: str) -> None:
        """Removes the command's file. What it stopped stays stopped in this process."""
        if self.files is not None:
            self.files.remove(command_id)

    def lift(self, resume: Command) -> None:
        """Ends the pauses that were asked before this resume and are not recorded yet; a command that switches exits on
        ends the holds of what it names. A halt needs its own way out, and what may have stopped either bars exits until
        it is settled."""
        number, reason = self._resumes.get(resume.id, 0), _LIFTS[resume.kind]
        for command_id, asked in tuple(self._asked.items()):
            same = reason is Reason.PAUSED or asked.stop.account.strip() == resume.target.strip()
            if asked.stop.reason is reason and same and asked.number < number and asked.at <= resume.at:
                self._lifted.add(command_id)
                if asked.stop.bars is not Bars.ALL:
                    del self._asked[command_id]

    def was_lifted(self, command_id: str) -> bool:
        """Whether a later resume has ended this stop before it was recorded."""
        return command_id in self._lifted

    def refusal(self, account: str = "", bars: Bars = Bars.ENTRIES) -> Refusal | None:
        """What bars this account's entries, or its exits; without an account those of every one. None when nothing
        does."""
        return next((Refusal(_reason(stop, bars)) for stop, _ in self._barring(account, bars)), None)

    def words(self, account: str = "", bars: Bars = Bars.ENTRIES) -> str:
        """Who stopped them and how, in a line; empty when nothing does."""
        return next((words for _, words in self._barring(account, bars)), "")

    def _barring(self, account: str, bars: Bars) -> Iterator[tuple[Stop, str]]:
        for command_id, stop, words in self._all():
            lifted = command_id in self._lifted and (bars is Bars.ENTRIES or stop.bars is not Bars.ALL)
            if bars in stop.bars and not lifted and _concerns(stop, account):
                yield stop, words

    def _all(self) -> Iterator[tuple[str, Stop, str]]:
        """Every stop that is not settled, with its command's id and its words."""
        if self._ending:
            yield "", _ALL_OF_EVERY_ACCOUNT, self._ending
        for command_id, asked in self._asked.items():
            yield command_id, asked.stop, asked.words
        for kept in self._files() if self._kept is None else self._kept:
            everything = _ALL_OF_EVERY_ACCOUNT
            stop = everything if kept.command is None else stop_of(kept.command) or everything
            said = "it cannot be read" if kept.command is None else _said(kept.command)
            yield kept.id, stop, f"the file {kept.path} stops {_WORDS[stop.bars]}: {said}"


_LIFTS = {CommandKind.RESUME: Reason.PAUSED, CommandKind.EXITS: Reason.EXITS_HELD}
"""The commands that end stops which are not recorded yet, and which."""
_WORDS = {Bars.ENTRIES: "entries", Bars.EXITS: "exits", Bars.ALL: "entries and exits"}


def _reason(stop: Stop, asked: Bars) -> Reason:
    """Why what was asked about is barred: a stop of both is told to exits as one of exits."""
    return Reason.EXITS_HELD if asked is Bars.EXITS else stop.reason


def _concerns(stop: Stop, account: str) -> bool:
    return not stop.account.strip() or (account != "" and may_mean(stop.account, account))


def _said(command: Command) -> str:
    what = command.note if command.kind is CommandKind.SET_ACCOUNT else command.kind.words
    return f"{what} by {command.who}"
